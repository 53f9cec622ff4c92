//! What is durable: the coordinator's records and the participant's.

use crate::{Charge, Decision, Demand, DeviceId, Ending, Epoch, Guarantee, Lease, Moment, Standing, TransactionId};
use serde::{Deserialize, Serialize};

/// What a coordinator writes down. The records of one transaction, in order, are all that a recovery needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CoordinatorRecord<C> {
    /// Before the first request leaves.
    Began {
        /// All of the plan.
        charge: Charge<C>,
        /// When.
        at: Moment,
    },
    /// Before anybody hears of it. There is at most one in a transaction.
    Decided {
        /// Which transaction.
        transaction: TransactionId,
        /// What.
        decision: Decision,
        /// When.
        at: Moment,
    },
    /// Everybody is where it was decided, or owed. After this the transaction may be forgotten if nobody is owed.
    Settled {
        /// Which transaction.
        transaction: TransactionId,
        /// How.
        ending: Ending,
        /// When.
        at: Moment,
    },
    /// An owed device has been repaired or waived.
    Cleared {
        /// The transaction in which it was owed.
        transaction: TransactionId,
        /// Which device.
        device: DeviceId,
        /// How.
        how: Cleared,
        /// When.
        at: Moment,
    },
}

/// How a debt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cleared {
    /// The device was brought to the decided state.
    Repaired,
    /// An operator took it on himself.
    Waived,
}

impl<C> CoordinatorRecord<C> {
    /// The same record, read from a program of before anybody only looked on: it does not say who does, and the change
    /// does.
    pub fn with_onlookers(mut self, changes: impl Fn(&C) -> bool) -> Self {
        if let Self::Began { charge, .. } = &mut self {
            for member in &mut charge.members {
                member.looks_on |= !changes(&member.change);
            }
        }
        self
    }

    /// The transaction that it belongs to.
    pub fn transaction(&self) -> TransactionId {
        match self {
            Self::Began { charge, .. } => charge.transaction,
            Self::Decided { transaction, .. }
            | Self::Settled { transaction, .. }
            | Self::Cleared { transaction, .. } => *transaction,
        }
    }
}

/// What a participant writes down. The records of one device, in order, are all that a recovery needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ParticipantRecord<C> {
    /// Before the first byte of an apply: the change with its inverse, and how to get back to it.
    Pending {
        /// Which device.
        device: DeviceId,
        /// Which transaction.
        transaction: TransactionId,
        /// Under whom.
        epoch: Epoch,
        /// What changes, from what to what.
        change: C,
        /// What staging brought: persist id, baseline, whatever the adapter needs to come back. Opaque here.
        evidence: String,
        /// What the session gives.
        guarantee: Guarantee,
        /// Whether the device's timer may be renewed.
        renews: bool,
        /// What the caller insisted on.
        demand: Demand,
        /// The share of the terms.
        lease: Lease,
        /// Whether nothing changes here.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        looks_on: bool,
        /// When.
        at: Moment,
    },
    /// A higher epoch has spoken.
    Raised {
        /// Which device.
        device: DeviceId,
        /// Which transaction.
        transaction: TransactionId,
        /// Who leads now.
        epoch: Epoch,
        /// When.
        at: Moment,
    },
    /// The part is over, before the coordinator hears so.
    Ended {
        /// Which device.
        device: DeviceId,
        /// Which transaction.
        transaction: TransactionId,
        /// Under whom.
        epoch: Epoch,
        /// `Confirmed`, `Untouched`, or `Unknown` if an operator took it on himself.
        standing: Standing,
        /// Whether nothing changed here: then either end is this one.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        looked_on: bool,
        /// When.
        at: Moment,
    },
}

impl<C> ParticipantRecord<C> {
    /// The same record, read from a program of before anybody only looked on: it does not say so, and the change does.
    pub fn with_onlookers(mut self, changes: impl Fn(&C) -> bool) -> Self {
        if let Self::Pending { change, looks_on, .. } = &mut self {
            *looks_on |= !changes(change);
        }
        self
    }

    /// The device that it belongs to.
    pub fn device(&self) -> DeviceId {
        match self {
            Self::Pending { device, .. } | Self::Raised { device, .. } | Self::Ended { device, .. } => *device,
        }
    }

    /// The transaction that it belongs to.
    pub fn transaction(&self) -> TransactionId {
        match self {
            Self::Pending { transaction, .. } | Self::Raised { transaction, .. } | Self::Ended { transaction, .. } => {
                *transaction
            }
        }
    }
}
