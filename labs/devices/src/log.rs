//! What a device saw: each operation with its time, its session and its outcome, bounded.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// How many entries a device keeps; the counts go on without bound.
const KEPT: usize = 20_000;

/// How a device is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// NETCONF over SSH.
    Netconf,
    /// A terminal over SSH.
    Cli,
}

/// One operation or line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Milliseconds since the device started.
    pub at_millis: u64,
    /// Over which protocol.
    pub protocol: Protocol,
    /// In which session.
    pub session: u32,
    /// The operation's name, or the whole line with its secrets left out.
    pub operation: String,
    /// `ok`, an error-tag, or what else became of it.
    pub outcome: String,
    /// How long the device worked on it, faults included.
    pub micros: u64,
}

/// The log of one device.
#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    counts: BTreeMap<String, u64>,
}

impl Log {
    /// Adds an entry; the oldest goes when there are too many.
    pub fn add(&mut self, entry: Entry) {
        let word = match entry.protocol {
            Protocol::Netconf => entry.operation.clone(),
            Protocol::Cli => "line".to_owned(),
        };
        *self.counts.entry(word).or_default() += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// All entries that are kept.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.iter().cloned().collect()
    }

    /// How often each operation was seen.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.clone()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }
}
