//! How long each wait of a transaction may last.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The deadlines of one transaction. All are spans: what counts is the driver's monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Every participant has voted by then, or the transaction aborts.
    pub prepare_within: Duration,
    /// Each wave has applied by then.
    pub apply_within: Duration,
    /// The health gate has answered by then.
    pub gate_within: Duration,
    /// Once the gate has passed, fresh leases are in by then.
    pub decide_within: Duration,
    /// How long a device keeps an unconfirmed change: T. Renewed every third of it.
    pub lease: Duration,
    /// How long an agent that lost its coordinator keeps the change alive.
    pub in_doubt: Duration,
    /// An unanswered request is sent again after this.
    pub resend: Duration,
    /// One wave of reverts waits so long for its acknowledgements before the next begins.
    pub revert_within: Duration,
    /// A participant that does not come to the decided state by then is owed it, and the transaction ends torn.
    pub repair_within: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            prepare_within: Duration::from_secs(60),
            apply_within: Duration::from_secs(60),
            gate_within: Duration::from_secs(300),
            decide_within: Duration::from_secs(30),
            lease: Duration::from_secs(120),
            in_doubt: Duration::from_secs(60),
            resend: Duration::from_secs(3),
            revert_within: Duration::from_secs(30),
            repair_within: Duration::from_secs(3600),
        }
    }
}

/// Terms under which no transaction can work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// A span of nothing.
    #[error("check the terms: {name} is zero")]
    Zero {
        /// Which.
        name: &'static str,
    },
    /// A span that nobody means: numbers of this size no longer add up.
    #[error("check the terms: {name} is longer than a year")]
    TooLong {
        /// Which.
        name: &'static str,
    },
    /// A third of it is no time in which anybody could renew it.
    #[error("check the terms: lease must be at least {} ms", SHORTEST_LEASE.as_millis())]
    LeaseTooShort,
    /// An agent would give up between two renewals.
    #[error("check the terms: in_doubt must be longer than a third of the lease")]
    DoubtTooShort,
    /// The doubt would outlast what a device keeps.
    #[error("check the terms: repair_within must be longer than lease and in_doubt together")]
    RepairTooShort,
}

/// A lease is renewed every third of it, and that takes a message there and back.
const SHORTEST_LEASE: Duration = Duration::from_millis(300);
/// The longest that anything may last.
const A_YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

impl Terms {
    /// Whether these spans can work together.
    pub fn check(&self) -> Result<(), TermsError> {
        let spans = [
            ("prepare_within", self.prepare_within),
            ("apply_within", self.apply_within),
            ("gate_within", self.gate_within),
            ("decide_within", self.decide_within),
            ("lease", self.lease),
            ("in_doubt", self.in_doubt),
            ("resend", self.resend),
            ("revert_within", self.revert_within),
            ("repair_within", self.repair_within),
        ];
        if let Some((name, _)) = spans.into_iter().find(|(_, span)| span.is_zero()) {
            return Err(TermsError::Zero { name });
        }
        if let Some((name, _)) = spans.into_iter().find(|(_, span)| *span > A_YEAR) {
            return Err(TermsError::TooLong { name });
        }
        if self.lease < SHORTEST_LEASE {
            return Err(TermsError::LeaseTooShort);
        }
        if self.in_doubt <= self.renew_every() {
            return Err(TermsError::DoubtTooShort);
        }
        if self.repair_within <= self.lease + self.in_doubt {
            return Err(TermsError::RepairTooShort);
        }
        Ok(())
    }

    /// How often a lease is renewed, and how old an acknowledged renewal may be when Confirm is written.
    pub fn renew_every(&self) -> Duration {
        self.lease / 3
    }

    /// What a participant is told about time when it stages. Where leases are not renewed, the device's timer has to
    /// cover everything that may lie between its apply and the decision.
    pub fn lease(&self, waves: u32, gates: u32) -> Lease {
        let open = self.apply_within * waves.max(1) + self.gate_within * gates + self.decide_within;
        Lease {
            renewed: self.lease,
            whole: open + self.lease,
            in_doubt: self.in_doubt,
            ask_every: self.resend * 4,
        }
    }
}

/// A participant's share of the terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// T, where the platform's renewals are trusted.
    pub renewed: Duration,
    /// The device's timer where they are not.
    pub whole: Duration,
    /// How long to hold on without hearing from the coordinator.
    pub in_doubt: Duration,
    /// How often to ask the coordinator while nothing is heard.
    pub ask_every: Duration,
}

impl Lease {
    /// The span to arm the device's timer with.
    pub fn span(&self, renews: bool) -> Duration {
        if renews { self.renewed } else { self.whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work() {
        assert_eq!(Terms::default().check(), Ok(()));
    }

    #[test]
    fn spans_that_defeat_each_other_are_refused() {
        let doubt = Terms {
            in_doubt: Duration::from_secs(40),
            ..Terms::default()
        };
        assert_eq!(doubt.check(), Err(TermsError::DoubtTooShort));
        let repair = Terms {
            repair_within: Duration::from_secs(180),
            ..Terms::default()
        };
        assert_eq!(repair.check(), Err(TermsError::RepairTooShort));
        let short = Terms {
            lease: Duration::from_millis(2),
            ..Terms::default()
        };
        assert_eq!(short.check(), Err(TermsError::LeaseTooShort));
        type Change = fn(&mut Terms, Duration);
        let spans: [(&str, Change); 9] = [
            ("prepare_within", |it, span| it.prepare_within = span),
            ("apply_within", |it, span| it.apply_within = span),
            ("gate_within", |it, span| it.gate_within = span),
            ("decide_within", |it, span| it.decide_within = span),
            ("lease", |it, span| it.lease = span),
            ("in_doubt", |it, span| it.in_doubt = span),
            ("resend", |it, span| it.resend = span),
            ("revert_within", |it, span| it.revert_within = span),
            ("repair_within", |it, span| it.repair_within = span),
        ];
        for (name, change) in spans {
            let mut terms = Terms::default();
            change(&mut terms, Duration::ZERO);
            assert_eq!(terms.check(), Err(TermsError::Zero { name }));
            change(&mut terms, Duration::MAX);
            assert_eq!(terms.check(), Err(TermsError::TooLong { name }));
        }
    }
}
