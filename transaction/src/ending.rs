//! How a transaction is decided and how it ends.

use crate::{DeviceId, Guarantee, IntentId, TransactionId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the coordinator decides, once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// Everybody keeps the change.
    Confirm,
    /// Everybody goes back.
    Revert {
        /// Why.
        reason: Reason,
    },
}

/// Why a transaction was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// A device said no.
    Refused {
        /// Which.
        device: DeviceId,
        /// In its words.
        reason: String,
    },
    /// A device moved on since the plan was made.
    Stale {
        /// Which.
        device: DeviceId,
        /// What moved.
        what: String,
    },
    /// Somebody else holds a device.
    Busy {
        /// Which.
        device: DeviceId,
        /// Who.
        holder: String,
    },
    /// A device failed to apply.
    Failed {
        /// Which.
        device: DeviceId,
        /// In its words.
        reason: String,
    },
    /// A device no longer holds the change.
    Lapsed {
        /// Which.
        device: DeviceId,
    },
    /// What a device was owed from before could not be repaired.
    Owed {
        /// Which.
        device: DeviceId,
        /// What stands in the way.
        reason: String,
    },
    /// A deadline passed.
    Deadline {
        /// Of which act.
        act: Act,
        /// Who had not answered.
        waiting: Vec<DeviceId>,
    },
    /// The health gate said no.
    Gate {
        /// What it saw.
        reason: String,
    },
    /// The caller withdrew.
    Cancelled,
    /// The coordinator came back, or another took over, before anything was decided.
    Restarted,
}

/// An act of the coordinator that has a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Act {
    /// Gathering votes.
    Prepare,
    /// Applying a wave.
    Apply,
    /// Watching the network's health.
    Gate,
    /// Gathering fresh leases.
    Decide,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare",
            Self::Apply => "apply",
            Self::Gate => "health gate",
            Self::Decide => "decision",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { device, reason } => write!(f, "{device} refused: {reason}"),
            Self::Stale { device, what } => write!(f, "{device} moved on: {what}"),
            Self::Busy { device, holder } => write!(f, "{device} is held by {holder}"),
            Self::Failed { device, reason } => write!(f, "{device} failed to apply: {reason}"),
            Self::Lapsed { device } => write!(f, "{device} no longer holds the change"),
            Self::Owed { device, reason } => write!(f, "{device} is owed a repair that failed: {reason}"),
            Self::Deadline { act, waiting } => write!(f, "{act} took too long, {} had not answered", waiting.len()),
            Self::Gate { reason } => write!(f, "health gate: {reason}"),
            Self::Cancelled => f.write_str("cancelled by the caller"),
            Self::Restarted => f.write_str("the coordinator restarted before a decision"),
        }
    }
}

/// The three endings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// Every participant keeps the change.
    Committed,
    /// Every participant is as it was before.
    RolledBack {
        /// Why.
        reason: Reason,
    },
    /// Some participants could not be brought to the decided state. A person is needed.
    Torn {
        /// What had been decided.
        decision: Decision,
        /// Who is not there, never empty.
        devices: Vec<Torn>,
    },
}

/// One device that is not in the decided state, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Torn {
    /// Which.
    pub device: DeviceId,
    /// What it had promised.
    pub guarantee: Option<Guarantee>,
    /// What is known about why.
    pub reason: String,
}

/// The end of a transaction, as told to whoever waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Settlement {
    /// Which transaction.
    pub transaction: TransactionId,
    /// The intents that rode it.
    pub intents: Vec<IntentId>,
    /// How it ended.
    pub ending: Ending,
}
