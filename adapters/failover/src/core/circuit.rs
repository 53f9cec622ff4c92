//! A circuit opens after failures in a row, and lets one attempt through after a pause that grows.

use super::Policy;
use std::time::{Duration, Instant};

/// Is an attempt worth it?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Yes; so many attempts in a row have failed.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// Not before the pause is over.
    Open {
        /// When it is over.
        until: Instant,
        /// How long it is.
        pause: Duration,
    },
    /// One attempt is under way; its result decides.
    HalfOpen {
        /// The pause that came before.
        pause: Duration,
        /// From when on it counts as given up: who made it may be gone without a word.
        until: Instant,
    },
}

/// How long the one attempt of a half-open circuit may take before another one is let through.
const ATTEMPT: Duration = Duration::from_secs(60);

impl Circuit {
    /// A circuit of which nothing bad is known.
    pub fn new() -> Self {
        Self::Closed { failures: 0 }
    }

    /// May an attempt be made now?
    pub fn permits(&self, now: Instant) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::Open { until, .. } | Self::HalfOpen { until, .. } => now >= *until,
        }
    }

    /// An attempt begins. After a pause it is the only one until its result is known.
    pub fn attempt(&mut self, now: Instant) {
        if let Self::Open { until, pause } | Self::HalfOpen { pause, until } = *self
            && now >= until
        {
            let until = now + ATTEMPT;
            *self = Self::HalfOpen { pause, until };
        }
    }

    /// An attempt succeeded.
    pub fn succeeded(&mut self) {
        *self = Self::new();
    }

    /// An attempt failed.
    pub fn failed(&mut self, now: Instant, policy: &Policy) {
        *self = match *self {
            Self::Closed { failures } if failures + 1 < policy.failures => Self::Closed { failures: failures + 1 },
            Self::Closed { .. } => open(now, policy.first_pause),
            Self::HalfOpen { pause, .. } | Self::Open { pause, .. } => open(now, (pause * 2).min(policy.longest_pause)),
        };
    }
}

impl Default for Circuit {
    fn default() -> Self {
        Self::new()
    }
}

fn open(now: Instant, pause: Duration) -> Circuit {
    Circuit::Open {
        until: now + pause,
        pause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_the_pause_grows_to_a_bound() {
        let policy = Policy::default();
        let mut now = tokio::time::Instant::now().into_std();
        let mut circuit = Circuit::new();
        for _ in 1..policy.failures {
            circuit.failed(now, &policy);
            assert!(circuit.permits(now));
        }
        circuit.failed(now, &policy);
        let mut expected = policy.first_pause;
        for _ in 0..12 {
            assert!(!circuit.permits(now + expected - Duration::from_millis(1)));
            now += expected;
            assert!(circuit.permits(now));
            circuit.attempt(now);
            assert!(!circuit.permits(now), "one attempt at a time");
            circuit.failed(now, &policy);
            expected = (expected * 2).min(policy.longest_pause);
        }
        now += expected;
        circuit.attempt(now);
        // Nobody says what became of it: it does not stay shut for good.
        assert!(!circuit.permits(now + ATTEMPT - Duration::from_millis(1)));
        now += ATTEMPT;
        assert!(circuit.permits(now));
        circuit.attempt(now);
        assert!(!circuit.permits(now), "one attempt at a time");
        circuit.succeeded();
        assert_eq!(circuit, Circuit::new());
    }
}
