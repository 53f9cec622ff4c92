//! What a session can do, said before anything is planned on it.

use crate::{Guarantee, Protocol};
use serde::{Deserialize, Serialize};

/// How a device keeps its configuration over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Save {
    /// What runs is what it starts with.
    Itself,
    /// Confirm ends with a save of its own.
    AtConfirm,
}

/// What one session to one device can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The protocol the session speaks.
    pub protocol: Protocol,
    /// What it promises about a change.
    pub guarantee: Guarantee,
    /// May the device's timer be put off? Only where "renew, expire, the old state is back" was proven.
    pub renew: bool,
    /// Does a stage begin with locks that every session of every protocol of the device respects? Then being let in
    /// proves that an earlier session is gone and that nothing of it lies where a commit would take it along.
    pub exclusive: bool,
    /// How a change comes to survive a restart.
    pub save: Save,
    /// Does the device report by itself?
    pub watch: bool,
    /// Who the device says it is, where it does.
    pub identity: Option<String>,
    /// What the device announced, as it was said: capability URIs, a version line.
    pub announced: Vec<String>,
}
