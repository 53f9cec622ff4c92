//! What coordinator and participants say to each other. Every request carries transaction, epoch and step.

use crate::{Demand, DeviceId, Epoch, Guarantee, Lease, TransactionId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A coordinator's word to one participant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request<C> {
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// The leader who speaks.
    pub epoch: Epoch,
    /// The device it is about.
    pub device: DeviceId,
    /// What is to be done.
    pub order: Order<C>,
}

/// What a participant is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order<C> {
    /// Lock, reread, edit, validate; then vote.
    Stage {
        /// The change, with what it was made from.
        change: C,
        /// What the caller insists on; checked against what the session can really give.
        demand: Demand,
        /// The participant's share of the terms.
        lease: Lease,
        /// Who asked, for the device's own commit comment.
        comment: String,
        /// Earlier transactions whose debts an operator took on himself: the participant lets go of them.
        waived: Vec<TransactionId>,
        /// Nothing changes: it is looked whether all stands that has to, now and once more at the apply.
        looks_on: bool,
    },
    /// Make the staged change take effect, with a way back armed.
    Apply,
    /// Keep the applied change alive for another lease.
    Renew {
        /// Counts up for each participant, so that a late answer is not taken for a fresh one.
        round: u32,
    },
    /// The decision is on record: keep the change.
    Confirm {
        /// The change, sent along where the participant may have lost its own record.
        change: Option<C>,
    },
    /// The decision is on record, or presumed: be as if nothing had been.
    Revert {
        /// The change, sent along where the participant may have lost its own record.
        change: Option<C>,
    },
    /// Say where the device stands.
    Inquire,
}

impl<C> Order<C> {
    /// The step that this order asks for.
    pub fn step(&self) -> Step {
        match self {
            Self::Stage { .. } => Step::Stage,
            Self::Apply => Step::Apply,
            Self::Renew { round } => Step::Renew { round: *round },
            Self::Confirm { .. } => Step::Confirm,
            Self::Revert { .. } => Step::Revert,
            Self::Inquire => Step::Inquire,
        }
    }
}

/// The name of a step: what a reply says it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Step {
    /// See [`Order::Stage`].
    Stage,
    /// See [`Order::Apply`].
    Apply,
    /// See [`Order::Renew`].
    Renew {
        /// Which renewal.
        round: u32,
    },
    /// See [`Order::Confirm`].
    Confirm,
    /// See [`Order::Revert`].
    Revert,
    /// See [`Order::Inquire`].
    Inquire,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage => f.write_str("stage"),
            Self::Apply => f.write_str("apply"),
            Self::Renew { round } => write!(f, "renew {round}"),
            Self::Confirm => f.write_str("confirm"),
            Self::Revert => f.write_str("revert"),
            Self::Inquire => f.write_str("inquire"),
        }
    }
}

/// A participant's answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reply {
    /// The transaction of the request.
    pub transaction: TransactionId,
    /// The epoch of the request.
    pub epoch: Epoch,
    /// Who answers.
    pub device: DeviceId,
    /// Which step is answered.
    pub step: Step,
    /// The answer.
    pub answer: Answer,
}

/// What a participant can answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// Yes: the change is staged under lock and valid.
    Staged {
        /// What this session really gives.
        guarantee: Guarantee,
        /// Whether the device's timer may be renewed.
        renews: bool,
    },
    /// No, in the device's words.
    Refused {
        /// Why.
        reason: String,
    },
    /// No: the device is no longer what the plan was made from.
    Stale {
        /// What moved.
        what: String,
    },
    /// No: somebody else holds the device.
    Busy {
        /// Who.
        holder: String,
    },
    /// The change is in effect, with a way back armed.
    Applied,
    /// The apply did not succeed; what is there now is brought back by the revert that follows.
    Failed {
        /// Why.
        reason: String,
    },
    /// The change will live for another lease.
    Renewed,
    /// The change is no longer in effect: the device or the agent took it back.
    Lapsed,
    /// The change is there to stay. Final.
    Confirmed,
    /// The device is as it was before. Final.
    Reverted,
    /// Not yet; to be asked again.
    Deferred {
        /// What stands in the way.
        reason: String,
    },
    /// On the change's paths stands something that is neither before nor after: a person must look.
    Foreign {
        /// What was found.
        what: String,
    },
    /// This transaction is not known here.
    Unknown,
    /// A higher epoch has spoken.
    Superseded {
        /// It.
        by: Epoch,
    },
    /// Where the device stands: the answer to [`Order::Inquire`].
    Stands {
        /// There.
        standing: Standing,
    },
}

/// A participant's question about a transaction whose outcome it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inquiry {
    /// The transaction asked about.
    pub transaction: TransactionId,
    /// The highest epoch the participant has heard.
    pub epoch: Epoch,
    /// Who asks.
    pub device: DeviceId,
    /// Where it stands.
    pub standing: Standing,
}

impl Inquiry {
    /// The answer of a leader whose journal does not know the transaction: presumed abort. It carries the leader's
    /// own epoch. Only who holds the lease may presume: one who was fenced and has dropped its coordinators knows
    /// nothing, and says nothing.
    pub fn presumed<C>(&self, epoch: Epoch) -> Request<C> {
        Request {
            transaction: self.transaction,
            epoch,
            device: self.device,
            order: Order::Revert { change: None },
        }
    }
}

/// Where a device stands in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// As before.
    Untouched,
    /// Staged under lock, nothing in effect.
    Staged,
    /// In effect, not confirmed.
    Applied,
    /// There to stay.
    Confirmed,
    /// Neither before nor after.
    Unknown,
}
