//! What was measured of one protocol of one device.

use super::{Circuit, Policy};
use std::time::{Duration, Instant};

/// Measured, not guessed. A slow device is not an unwell one: times are shown, and only failures count.
#[derive(Clone, Debug)]
pub struct Health {
    /// Is an attempt worth it?
    pub circuit: Circuit,
    /// How long it takes to get a session, smoothed.
    pub connect: Option<Duration>,
    /// How long a request takes, smoothed.
    pub request: Option<Duration>,
    /// Attempts that failed since the beginning.
    pub failures: u64,
    /// Attempts that succeeded since the beginning.
    pub successes: u64,
    /// Since when everything has succeeded.
    pub well_since: Option<Instant>,
    /// Until when it is not probed, since it did not let us in: a login that is refused again and again locks the user out.
    pub denied_until: Option<Instant>,
}

impl Health {
    /// Of a protocol that nobody has tried yet.
    pub fn new() -> Self {
        Self {
            circuit: Circuit::new(),
            connect: None,
            request: None,
            failures: 0,
            successes: 0,
            well_since: None,
            denied_until: None,
        }
    }

    /// A session was opened.
    pub fn connected(&mut self, now: Instant, took: Duration) {
        self.connect = Some(smooth(self.connect, took));
        self.well(now);
    }

    /// A request was answered, whatever the answer.
    pub fn answered(&mut self, now: Instant, took: Duration) {
        self.request = Some(smooth(self.request, took));
        self.well(now);
    }

    /// It answers, and does not let us in. That is no reason to leave it, and none to come back to it.
    pub fn denied(&mut self, now: Instant, policy: &Policy) {
        self.circuit.succeeded();
        self.well_since = None;
        self.denied_until = Some(now + policy.longest_pause);
    }

    /// Nobody answered.
    pub fn failed(&mut self, now: Instant, policy: &Policy) {
        self.failures += 1;
        self.well_since = None;
        self.circuit.failed(now, policy);
    }

    fn well(&mut self, now: Instant) {
        self.successes += 1;
        self.circuit.succeeded();
        self.denied_until = None;
        self.well_since.get_or_insert(now);
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

fn smooth(old: Option<Duration>, new: Duration) -> Duration {
    old.map_or(new, |old| (old * 7 + new) / 8)
}
