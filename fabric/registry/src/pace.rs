//! How often an agent may change what is kept of it: each change is written to the disk.

use std::time::Duration;

/// How many changes in one window.
pub const MOST_CHANGES: u32 = 30;
/// How long a window is.
pub const WINDOW: Duration = Duration::from_secs(60);

/// One agent's changes in the window of now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    since: Duration,
    count: u32,
}

impl Pace {
    /// Counts a change, if there may be one more.
    pub(crate) fn takes(&mut self, now: Duration) -> bool {
        if now >= self.since + WINDOW {
            (self.since, self.count) = (now, 0);
        }
        let takes = self.count < MOST_CHANGES;
        self.count += u32::from(takes);
        takes
    }
}
