//! How much one stream may hold, and how long it may be silent.

use std::time::Duration;

/// How many devices one agent may speak for.
const DEVICES: usize = 4_096;

/// The bounds of one stream.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Numbered messages that the other side has not taken in yet.
    pub queue: usize,
    /// Messages that may be lost (progress, samples) waiting to be sent.
    pub passing: usize,
    /// The largest message taken, in bytes.
    pub largest_message: usize,
    /// How often a sign of life is sent; three times that without one ends the stream.
    pub heartbeat: Duration,
    /// How long the door waits for a hello, and an agent for its welcome.
    pub hello_within: Duration,
    /// How many devices one agent may speak for.
    pub devices: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // One for each device that an agent may speak for: all of them are asked in one breath.
            queue: DEVICES,
            passing: 64,
            largest_message: 4 << 20,
            heartbeat: Duration::from_secs(5),
            hello_within: Duration::from_secs(10),
            devices: DEVICES,
        }
    }
}

impl Limits {
    /// How long a stream may be silent before it is given up.
    pub fn silence(&self) -> Duration {
        self.heartbeat * 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_implementers_says_these_numbers() {
        let (page, limits) = (include_str!("../../../docs/wire.md"), Limits::default());
        for said in [
            format!("At most {} messages may be unacknowledged", limits.queue),
            format!("after every {} messages", limits.queue / 4),
            "`heartbeat_milliseconds` (5,000)".to_owned(),
        ] {
            assert!(page.contains(&said), "docs/wire.md does not say: {said}");
        }
        assert_eq!(limits.heartbeat, Duration::from_millis(5_000));
    }
}
