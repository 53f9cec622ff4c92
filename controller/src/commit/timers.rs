//! Timers by name on the runtime's clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Timers of one machine: arming one that is armed starts it anew.
#[derive(Debug)]
pub struct Timers<T> {
    armed: BTreeMap<T, Instant>,
}

impl<T: Ord + Copy> Timers<T> {
    /// No timer is armed.
    pub fn new() -> Self {
        Self { armed: BTreeMap::new() }
    }

    /// Arms a timer.
    pub fn arm(&mut self, timer: T, after: Duration) {
        self.armed.insert(timer, Instant::now() + after);
    }

    /// Disarms a timer, if it is armed.
    pub fn disarm(&mut self, timer: T) {
        self.armed.remove(&timer);
    }

    /// Waits for the next timer; for ever where none is armed.
    pub async fn next(&mut self) -> T {
        let Some((timer, at)) = self
            .armed
            .iter()
            .map(|(timer, at)| (*timer, *at))
            .min_by_key(|(_, at)| *at)
        else {
            return std::future::pending().await;
        };
        sleep_until(at).await;
        self.armed.remove(&timer);
        timer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_nearest_comes_first_and_a_disarmed_one_never() {
        let mut timers = Timers::new();
        timers.arm('b', Duration::from_millis(20));
        timers.arm('a', Duration::from_millis(30));
        timers.arm('c', Duration::from_millis(10));
        timers.disarm('c');
        timers.arm('b', Duration::from_millis(40));
        assert_eq!((timers.next().await, timers.next().await), ('a', 'b'));
    }
}
