//! How far things are: told all the time, resumable by sequence number.

use crate::{DeviceId, Step};
use serde::{Deserialize, Serialize};

/// What an agent says while a device works on a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Report {
    /// Which device.
    pub device: DeviceId,
    /// At which step.
    pub step: Step,
    /// What it does.
    pub words: String,
}

/// What a coordinator tells whoever watches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Progress {
    /// Counts from 1 upwards, by one each time. Where another takes over the count goes on far above, from
    /// [`crate::Epoch::told_above`], and the first of these says so: a watcher resumes after the last it saw, whoever leads.
    pub sequence: u64,
    /// The device it is about, none for the transaction as a whole.
    pub device: Option<DeviceId>,
    /// The step, none for the transaction as a whole.
    pub step: Option<Step>,
    /// How far that device is, 0 to 100: a third each for stage, apply and the decision. Of the whole: as the total.
    pub percent: u8,
    /// How far the whole transaction is, 0 to 100.
    pub total: u8,
    /// In words, where there is something to say.
    pub note: Option<String>,
}
