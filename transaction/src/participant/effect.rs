//! What goes into a participant and what comes out.

use crate::{Guarantee, Inquiry, ParticipantRecord, Reply, Request, Standing};
use std::time::Duration;

/// What a participant can be told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input<C> {
    /// The coordinator speaks.
    Request(Request<C>),
    /// An operation on the device is over.
    Done {
        /// Which one.
        operation: u64,
        /// How it went.
        outcome: Outcome,
    },
    /// A timer fired.
    Fired(Timer),
}

/// The names of a participant's timers. Arming one that is armed starts it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Time to renew the device's lease, asked or not.
    Renew,
    /// Time to ask the coordinator.
    Ask,
    /// Nothing has been heard for so long that the change is let go.
    InDoubt,
    /// The device should have taken the change back.
    Lapse,
}

/// What a participant asks its driver to do, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect<C> {
    /// Make durable; no later effect of this step before it is.
    Record(ParticipantRecord<C>),
    /// Work on the device; answer with [`Input::Done`]. At most one is under way, and the driver gives each a
    /// deadline: an operation that does not end is answered `Unknown`, and its session closed.
    Device {
        /// To be said in the answer.
        operation: u64,
        /// What to do.
        work: Operation<C>,
    },
    /// Answer the coordinator.
    Reply(Reply),
    /// Ask the coordinator.
    Inquire(Inquiry),
    /// Arm a timer.
    Arm {
        /// Which.
        timer: Timer,
        /// To fire after this.
        after: Duration,
    },
    /// Disarm a timer, if it is armed.
    Disarm(Timer),
}

/// What is to be done with a device. Each leaves no lock behind when it fails, unless a change is applied; one that is
/// answered [`Outcome::Foreign`] leaves none in any case: a person has to get at the device, so the session is closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation<C> {
    /// Lock and await it; reread what the change touches; edit; validate.
    Stage {
        /// The change.
        change: C,
        /// Who asked.
        comment: String,
    },
    /// Stage once more what has been decided: each touched path may stand before or after the change.
    Restage {
        /// The change.
        change: C,
    },
    /// Make it take effect, with the device's timer armed where it has one.
    Apply {
        /// The change.
        change: C,
        /// What staging brought.
        evidence: String,
        /// For the device's timer.
        lease: Duration,
    },
    /// Arm the device's timer anew; never with a dirty candidate.
    Renew {
        /// The change.
        change: C,
        /// What staging brought.
        evidence: String,
        /// For the device's timer.
        lease: Duration,
    },
    /// Make it permanent, save, unlock, close; never with a dirty candidate. If it is permanent already: only save.
    Confirm {
        /// The change.
        change: C,
        /// What staging brought.
        evidence: String,
    },
    /// Bring the touched paths back to what they were, under lock; unlock, close. From every standing. What a stranger
    /// wrote there is left and answered as `Foreign`, with no lock left.
    Revert {
        /// The change.
        change: C,
        /// What staging brought; none if staging never ended.
        evidence: Option<String>,
    },
    /// Read where the device stands. Changes nothing.
    Read {
        /// The change.
        change: C,
        /// What staging brought.
        evidence: String,
    },
}

impl<C> Operation<C> {
    /// The change that it is about.
    pub fn change(&self) -> &C {
        match self {
            Self::Stage { change, .. }
            | Self::Restage { change }
            | Self::Apply { change, .. }
            | Self::Renew { change, .. }
            | Self::Confirm { change, .. }
            | Self::Revert { change, .. }
            | Self::Read { change, .. } => change,
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Stage, restage: done.
    Staged {
        /// Whatever the adapter needs to come back to it.
        evidence: String,
        /// What this session gives.
        guarantee: Guarantee,
        /// Whether the platform's renewals are trusted.
        renews: bool,
    },
    /// Apply: done and read back.
    Applied,
    /// Renew: done.
    Renewed,
    /// Confirm: done.
    Confirmed {
        /// Whether it will survive the device's restart.
        saved: bool,
    },
    /// Revert: the touched paths are as they were.
    Reverted,
    /// Read: the device stands here.
    Stands {
        /// There. `Unknown` is by-lines work of our own that is half done.
        standing: Standing,
    },
    /// The device said no.
    Refused {
        /// In its words.
        reason: String,
    },
    /// Stage: the device is not what the plan was made from. Restage: neither before nor after.
    Stale {
        /// What moved.
        what: String,
    },
    /// Somebody else holds the device; nothing was sent after the refused lock.
    Busy {
        /// Who.
        holder: String,
    },
    /// A stranger's work is in the way: in the candidate, or on the touched paths. Nothing was done to it.
    Foreign {
        /// What.
        what: String,
    },
    /// The device could not be reached; nothing was done.
    Unreachable {
        /// Why.
        reason: String,
    },
    /// Whether it was done is not known: read back.
    Unknown {
        /// Why.
        reason: String,
    },
}
