//! Values that a step returns and the next one consumes: nothing is applied that was not staged, and nothing twice.
//!
//! They are made by adapters alone, at the end of the step that they are evidence of.

use crate::{Receipt, Record};
use knowledge_model::Path;

/// A change that lies on the device, locked and checked, without effect yet.
#[derive(Debug)]
#[must_use = "a staged change holds locks until it is applied or reverted"]
pub struct Staged {
    record: Record,
    receipt: Receipt,
}

impl Staged {
    /// For adapters: the device has taken the change and checked it.
    pub fn attest(record: Record, receipt: Receipt) -> Self {
        Self { record, receipt }
    }

    /// What must be on disk before this is applied.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Adds what an operator should know, such as a switch of protocol.
    pub fn remark(&mut self, remark: impl Into<String>) {
        self.receipt.remarks.push(remark.into());
    }

    /// What the device answered.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// For adapters: the change has taken effect and was read back.
    pub fn applied(self, receipt: Receipt) -> Applied {
        Applied {
            record: self.record,
            receipt,
        }
    }
}

/// A change that has taken effect and can still be taken back.
#[derive(Debug)]
#[must_use = "an applied change ends confirmed or reverted"]
pub struct Applied {
    record: Record,
    receipt: Receipt,
}

impl Applied {
    /// For adapters: after a crash the change was found in effect.
    pub fn found(record: Record, receipt: Receipt) -> Self {
        Self { record, receipt }
    }

    /// What is on disk about it.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Adds what an operator should know, such as a switch of protocol.
    pub fn remark(&mut self, remark: impl Into<String>) {
        self.receipt.remarks.push(remark.into());
    }

    /// What the device answered.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

/// Does the change survive a restart of the device?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The device keeps what runs; nothing was to be done.
    Itself,
    /// It was saved.
    Yes,
    /// It was not: a visible state, to be tried again by another confirm. Carries the device's words.
    NotYet(String),
}

/// A change that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// What the device answered.
    pub receipt: Receipt,
    /// Does it survive a restart?
    pub saved: Saved,
}

/// A change that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverted {
    /// What the device answered.
    pub receipt: Receipt,
    /// Paths on which somebody else had written meanwhile, and what was done is in the receipt.
    pub foreign: Vec<Path>,
}

/// Where a change stands, found out after a crash.
#[derive(Debug)]
pub enum Standing {
    /// Nothing of it is on the device.
    Untouched,
    /// It lies staged; the evidence to go on with.
    Staged(Staged),
    /// It is in effect and not yet confirmed; the evidence to go on with.
    Applied(Applied),
    /// It is in effect and stays.
    Confirmed,
    /// The touched paths are neither as before nor as after, or the device hides them: a person must look.
    Unknown {
        /// The paths that are neither.
        foreign: Vec<Path>,
        /// What was seen.
        reason: String,
    },
}
