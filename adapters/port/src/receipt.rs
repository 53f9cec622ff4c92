//! What a device answered to one step.

use crate::{Protocol, Step};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What was asked of a device, over which protocol, what it said, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The step that was asked for.
    pub step: Step,
    /// The protocol it went over.
    pub protocol: Protocol,
    /// What was asked, one line each, without secrets.
    pub asked: Vec<String>,
    /// The device's own words, where it said more than yes.
    pub words: Vec<String>,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
    /// What an operator should know: a switch of protocol, a quirk that was worked around, a foreign change.
    pub remarks: Vec<String>,
}

impl Receipt {
    /// An empty receipt for a step.
    pub fn new(step: Step, protocol: Protocol) -> Self {
        Self {
            step,
            protocol,
            asked: Vec::new(),
            words: Vec::new(),
            took: Duration::ZERO,
            remarks: Vec::new(),
        }
    }
}
