//! What a permutation of the participants leaves as it is: the kinds of phases, records and endings, without the names in
//! them.

use super::Tables;
use crate::local::MINE;
use transaction::coordinator::{self, Phase};
use transaction::{CoordinatorRecord, Decision, DeviceId, Ending};

/// A phase without the reasons in it: these name participants, and decide nothing.
pub fn kind(phase: &Phase) -> (std::mem::Discriminant<Phase>, u16) {
    use std::mem::discriminant;
    let more = match phase {
        Phase::Settled { ending } => ending_kind(ending),
        Phase::Applying { wave } | Phase::Gating { wave } => *wave,
        Phase::New
        | Phase::Repaying
        | Phase::Preparing
        | Phase::Deciding
        | Phase::Confirming
        | Phase::Reverting { .. }
        | Phase::Fenced => 0,
    };
    (discriminant(phase), more)
}

fn ending_kind(ending: &Ending) -> u16 {
    match ending {
        Ending::Committed => 1,
        Ending::RolledBack { .. } => 2,
        Ending::Torn {
            decision: Decision::Confirm,
            ..
        } => 3,
        Ending::Torn {
            decision: Decision::Revert { .. },
            ..
        } => 4,
    }
}

/// A record, an ending or a phase as a permutation leaves it: what kind it is, and for which reason, by number.
pub type Kind = (u16, u32);

impl Tables {
    pub(super) fn record_kind(&mut self, record: &CoordinatorRecord<u8>) -> Kind {
        match record {
            CoordinatorRecord::Began { .. } => (10, 0),
            CoordinatorRecord::Decided { decision, .. } => (11, self.reason_number(decision)),
            CoordinatorRecord::Settled { ending, .. } => self.told_kind(ending),
            CoordinatorRecord::Cleared { .. } => (12, 0),
        }
    }

    pub(super) fn told_kind(&mut self, ending: &Ending) -> Kind {
        let reason = match ending {
            Ending::Committed => 0,
            Ending::RolledBack { reason } => self.reason_number(&Decision::Revert { reason: reason.clone() }),
            Ending::Torn { decision, .. } => self.reason_number(decision),
        };
        (ending_kind(ending), reason)
    }

    /// The reason in a phase, by number.
    pub(super) fn phase_reason(&mut self, phase: &Phase) -> u32 {
        match phase {
            Phase::Reverting { reason } => self.reason_number(&Decision::Revert { reason: reason.clone() }),
            Phase::Settled { ending } => self.told_kind(ending).1,
            Phase::New
            | Phase::Repaying
            | Phase::Preparing
            | Phase::Applying { .. }
            | Phase::Gating { .. }
            | Phase::Deciding
            | Phase::Confirming
            | Phase::Fenced => 0,
        }
    }
}

/// Whom a timer is about.
pub fn whose(timer: &coordinator::Timer) -> Option<DeviceId> {
    match timer {
        coordinator::Timer::Resend(device) | coordinator::Timer::Fresh { device, .. } => Some(*device),
        coordinator::Timer::Prepare
        | coordinator::Timer::Apply
        | coordinator::Timer::Renew
        | coordinator::Timer::Gate
        | coordinator::Timer::Decide
        | coordinator::Timer::Revert
        | coordinator::Timer::Repair => None,
    }
}

pub fn unnamed(mut timer: coordinator::Timer) -> coordinator::Timer {
    if let coordinator::Timer::Resend(device) | coordinator::Timer::Fresh { device, .. } = &mut timer {
        *device = MINE;
    }
    timer
}
