//! The end of every wait, on the monotonic clock of the one who waits.

use std::time::{Duration, Instant};

/// A point in monotonic time after which nobody waits any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline at a known instant.
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// The deadline `wait` after `now`; a wait too long for the clock ends in about thirty years.
    pub fn after(now: Instant, wait: Duration) -> Self {
        const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        Self(now.checked_add(wait).unwrap_or_else(|| now + FAR))
    }

    /// The instant itself, for the timer of a runtime.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// What is left at `now`; zero when it has passed.
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// The earlier of two deadlines: a part never outlives the whole.
    pub fn earlier(self, other: Self) -> Self {
        self.min(other)
    }
}
