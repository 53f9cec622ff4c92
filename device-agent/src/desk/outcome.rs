//! What a session's error means to a participant.

use std::error::Error;

use adapters_port::{Keeper, Place, Protocol, Saved, SessionError, Step};
use transaction::participant::{Operation, Outcome};
use transaction::{Demand, Guarantee};

use crate::part::Part;

/// The device's step that a piece of work is.
pub(super) fn step(work: &Operation<Part>) -> Step {
    match work {
        Operation::Stage { .. } | Operation::Restage { .. } => Step::Stage,
        Operation::Apply { .. } => Step::Apply,
        Operation::Renew { .. } => Step::Renew,
        Operation::Confirm { .. } => Step::Confirm,
        Operation::Revert { .. } => Step::Revert,
        Operation::Read { .. } => Step::Resume,
    }
}

/// The participant's name for it, with the reason in words.
pub(super) fn of(step: Step, error: &SessionError, reason: String) -> Outcome {
    match error {
        SessionError::Unreachable { .. } => Outcome::Unreachable { reason },
        SessionError::Refused { .. } | SessionError::Unsupported { .. } => Outcome::Refused { reason },
        SessionError::Unknown { .. } => Outcome::Unknown { reason },
        SessionError::Stale { .. } => Outcome::Stale { what: reason },
        SessionError::Busy { .. } => Outcome::Busy { holder: reason },
        SessionError::Foreign { .. } => Outcome::Foreign { what: reason },
        // nobody was let in, so nothing was done; before the apply that is a no, later it has to be tried again
        SessionError::Denied { .. } if step == Step::Stage => Outcome::Refused { reason },
        SessionError::Denied { .. } => Outcome::Unreachable { reason },
        SessionError::Malformed { .. } if matches!(step, Step::Stage | Step::Resume) => Outcome::Unreachable { reason },
        SessionError::Malformed { .. } => Outcome::Unknown { reason },
    }
}

/// Whether the session is of no more use. A refusal leaves it, and its locks, for the revert that follows.
pub(super) fn ends_session(step: Step, error: &SessionError) -> bool {
    match error {
        SessionError::Refused { .. } | SessionError::Unsupported { .. } => step == Step::Stage,
        SessionError::Foreign { .. }
        | SessionError::Unreachable { .. }
        | SessionError::Unknown { .. }
        | SessionError::Stale { .. }
        | SessionError::Busy { .. }
        | SessionError::Denied { .. }
        | SessionError::Malformed { .. } => true,
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// The same class under the name of the other crate.
pub(crate) fn guarantee(guarantee: adapters_port::Guarantee) -> Guarantee {
    match guarantee {
        adapters_port::Guarantee::Confirmed => Guarantee::Confirmed,
        adapters_port::Guarantee::Session => Guarantee::Session,
        adapters_port::Guarantee::Timed => Guarantee::Timed,
        adapters_port::Guarantee::Whole => Guarantee::Whole,
        adapters_port::Guarantee::Plain => Guarantee::Plain,
    }
}

/// Whether the change survives the device's restart; that it does not is said aloud.
pub(super) fn saved(device: &str, saved: &Saved) -> bool {
    match saved {
        Saved::Itself | Saved::Yes => true,
        Saved::NotYet(words) => {
            tracing::warn!(device, words, "confirmed, but not saved");
            false
        }
    }
}

/// The same demand in the words of the other crate; none where everything will do.
pub(super) fn demand(demand: Demand) -> Option<adapters_port::Demand> {
    let class = |class: Guarantee| match class {
        Guarantee::Confirmed => adapters_port::Guarantee::Confirmed,
        Guarantee::Session => adapters_port::Guarantee::Session,
        Guarantee::Timed => adapters_port::Guarantee::Timed,
        Guarantee::Whole => adapters_port::Guarantee::Whole,
        Guarantee::Plain => adapters_port::Guarantee::Plain,
    };
    match demand {
        Demand::Any => None,
        Demand::Class(named) => Some(adapters_port::Demand::Class(class(named))),
        Demand::Whole => Some(adapters_port::Demand::Whole),
        Demand::TakenBackByDevice => Some(adapters_port::Demand::TakenBackBy(Keeper::Session)),
    }
}

/// What was kept of the staging cannot be read: nothing was asked of the device.
pub(super) fn unreadable(device: &str, error: serde_json::Error) -> SessionError {
    SessionError::Unknown {
        place: place(device, Protocol::Netconf, Step::Resume),
        source: error.into(),
    }
}

fn place(device: &str, protocol: Protocol, step: Step) -> Place {
    Place {
        device: device.to_owned(),
        protocol,
        step,
    }
}
