//! One device's part of a transaction, as it is handed to a session.

use knowledge_model::{Delta, Path, Tree, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The id of a change: one device in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeId(pub u128);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The token under which a confirmed commit persists. Random, made by the driver, never published.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersistId(String);

impl PersistId {
    /// Wraps a random token; only its hexadecimal form ever leaves.
    pub fn new(random: u128) -> Self {
        Self(format!("{random:032x}"))
    }

    /// The token, for the device alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersistId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersistId(***)")
    }
}

/// What is to be made true on one device.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which change this is.
    pub id: ChangeId,
    /// Each touched path with what the plan saw there and what it wants.
    pub delta: Delta,
    /// What has to stand as the plan saw it, and is not touched: where it does not, staging ends `Stale`.
    pub stands: BTreeMap<Path, Option<Value>>,
    /// How long the device waits for a confirm before it takes the change back.
    pub window: Duration,
    /// The token of the confirmed commit, where the device takes one.
    pub persist: PersistId,
    /// Goes into the device's own commit comment where it has one: the transaction and who asked.
    pub comment: String,
}

impl Change {
    /// The paths that staging looks at: what changes, and what has to stand.
    pub fn looked_at(&self) -> Vec<Path> {
        let touched = self.delta.iter().map(|(path, _)| path);
        touched.chain(self.stands.keys()).cloned().collect()
    }

    /// What has to stand and does not, on a device that shows this where staging looks.
    pub fn moved(&self, found: &Tree) -> Vec<Path> {
        let stands = self.stands.iter();
        let moved = stands.filter(|(path, there)| found.value(path) != there.as_ref());
        moved.map(|(path, _)| path.clone()).collect()
    }
}
