//! What must be on disk before the first byte of an apply, so that the change can be found again after a crash.

use crate::{Change, ChangeId, Guarantee, PersistId, Protocol};
use knowledge_model::{Delta, Edit, Path, Tree, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The version of the stored form. A newer one is refused untouched.
pub const RECORD_FORMAT: u32 = 1;

/// Everything a later process needs to find out where a change stands, and to end it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Record {
    /// Which change.
    pub id: ChangeId,
    /// The protocol it was staged over.
    pub protocol: Protocol,
    /// What the device promised over that protocol.
    pub guarantee: Guarantee,
    /// The token of the confirmed commit.
    pub persist: PersistId,
    /// How long the device waits for a confirm.
    pub window: Duration,
    /// The touched paths as they were read under lock: the image before.
    pub baseline: Tree,
    /// What the change does; its inverse is the way back.
    pub delta: Delta,
    /// The comment that went with it.
    pub comment: String,
}

impl Record {
    /// The record of a change that was staged over a protocol on this baseline.
    pub fn new(change: &Change, protocol: Protocol, guarantee: Guarantee, baseline: Tree) -> Self {
        Self {
            id: change.id,
            protocol,
            guarantee,
            persist: change.persist.clone(),
            window: change.window,
            baseline,
            delta: change.delta.clone(),
            comment: change.comment.clone(),
        }
    }

    /// The paths the change touches.
    pub fn paths(&self) -> Vec<Path> {
        self.delta.iter().map(|(path, _)| path.clone()).collect()
    }

    /// Is each touched path as it was before the change?
    pub fn is_before(&self, tree: &Tree) -> bool {
        self.delta
            .iter()
            .all(|(path, edit)| tree.value(path) == edit.before.as_ref())
    }

    /// Is each touched path as the change makes it?
    pub fn is_after(&self, tree: &Tree) -> bool {
        self.delta
            .iter()
            .all(|(path, edit)| tree.value(path) == edit.after.as_ref())
    }

    /// The touched paths that are neither as before nor as after.
    pub fn foreign(&self, tree: &Tree) -> Vec<Path> {
        let strange = |path: &Path, edit: &Edit| {
            let value = tree.value(path);
            value != edit.before.as_ref() && value != edit.after.as_ref()
        };
        self.delta
            .iter()
            .filter(|(path, edit)| strange(path, edit))
            .map(|(path, _)| path.clone())
            .collect()
    }
}

/// Why a stored record is of no use.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// Written by a newer program.
    #[error("the record has format {found}, newer than {RECORD_FORMAT}")]
    Newer {
        /// Its format.
        found: u32,
    },
    /// A path that is none.
    #[error("the record names {path}, which is no path")]
    Path {
        /// As it was stored.
        path: String,
    },
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    id: ChangeId,
    protocol: Protocol,
    guarantee: Guarantee,
    persist: PersistId,
    window_ms: u64,
    baseline: BTreeMap<String, Leaf>,
    delta: BTreeMap<String, (Option<Leaf>, Option<Leaf>)>,
    comment: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Leaf {
    Present,
    Scalar(Box<str>),
}

impl From<&Value> for Leaf {
    fn from(value: &Value) -> Self {
        match value {
            Value::Present => Self::Present,
            Value::Scalar(text) => Self::Scalar(text.clone()),
        }
    }
}

impl From<Leaf> for Value {
    fn from(leaf: Leaf) -> Self {
        match leaf {
            Leaf::Present => Self::Present,
            Leaf::Scalar(text) => Self::Scalar(text),
        }
    }
}

impl From<Record> for Stored {
    fn from(record: Record) -> Self {
        let sides = |edit: &Edit| {
            (
                edit.before.as_ref().map(Leaf::from),
                edit.after.as_ref().map(Leaf::from),
            )
        };
        Self {
            format: RECORD_FORMAT,
            id: record.id,
            protocol: record.protocol,
            guarantee: record.guarantee,
            persist: record.persist,
            window_ms: u64::try_from(record.window.as_millis()).unwrap_or(u64::MAX),
            baseline: record
                .baseline
                .iter()
                .map(|(path, value)| (path.to_string(), Leaf::from(value)))
                .collect(),
            delta: record
                .delta
                .iter()
                .map(|(path, edit)| (path.to_string(), sides(edit)))
                .collect(),
            comment: record.comment,
        }
    }
}

impl TryFrom<Stored> for Record {
    type Error = RecordFault;

    fn try_from(stored: Stored) -> Result<Self, RecordFault> {
        if stored.format > RECORD_FORMAT {
            return Err(RecordFault::Newer { found: stored.format });
        }
        let parse = |path: String| path.parse::<Path>().map_err(|_| RecordFault::Path { path });
        let mut baseline = Tree::new();
        for (path, leaf) in stored.baseline {
            baseline.insert(parse(path)?, leaf.into());
        }
        let mut delta = Delta::new();
        for (path, (before, after)) in stored.delta {
            delta.insert(
                parse(path)?,
                Edit {
                    before: before.map(Value::from),
                    after: after.map(Value::from),
                },
            );
        }
        Ok(Self {
            id: stored.id,
            protocol: stored.protocol,
            guarantee: stored.guarantee,
            persist: stored.persist,
            window: Duration::from_millis(stored.window_ms),
            baseline,
            delta,
            comment: stored.comment,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knowledge_model::diff;

    fn tree(entries: &[(&str, Option<&str>)]) -> Tree {
        let mut tree = Tree::new();
        for (path, text) in entries {
            tree.insert(path.parse().unwrap(), text.map_or(Value::Present, Value::scalar));
        }
        tree
    }

    fn record(before: &Tree, after: &Tree) -> Record {
        let change = Change {
            id: ChangeId(7),
            delta: diff(before, after),
            stands: BTreeMap::new(),
            window: Duration::from_secs(120),
            persist: PersistId::new(42),
            comment: "tx 7 by ann".to_owned(),
        };
        Record::new(&change, Protocol::Netconf, Guarantee::Confirmed, before.clone())
    }

    #[test]
    fn a_record_comes_back_from_disk_as_it_went() {
        let before = tree(&[("interface[eth1]", None), ("interface[eth1]/mtu", Some("1500"))]);
        let after = tree(&[("interface[eth1]", None), ("interface[eth1]/mtu", Some("9000"))]);
        let record = record(&before, &after);
        let read: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(
            (read.id, read.protocol, read.guarantee),
            (record.id, record.protocol, record.guarantee)
        );
        assert_eq!((&read.baseline, &read.delta), (&record.baseline, &record.delta));
        assert_eq!(
            (read.persist, read.window, read.comment),
            (record.persist, record.window, record.comment)
        );
    }

    #[test]
    fn a_newer_record_is_refused() {
        let record = record(&Tree::new(), &Tree::new());
        let newer = serde_json::to_string(&record)
            .unwrap()
            .replace("\"format\":1", "\"format\":2");
        let fault = serde_json::from_str::<Record>(&newer).unwrap_err();
        assert!(fault.to_string().contains("format 2, newer than 1"), "{fault}");
    }

    #[test]
    fn what_is_neither_before_nor_after_is_foreign() {
        let before = tree(&[("a", Some("1")), ("b", Some("1"))]);
        let after = tree(&[("a", Some("2")), ("b", Some("2"))]);
        let record = record(&before, &after);
        assert!(record.is_before(&before) && !record.is_after(&before));
        assert!(record.is_after(&after) && record.foreign(&after).is_empty());
        let mixed = tree(&[("a", Some("2")), ("b", Some("3"))]);
        assert!(!record.is_before(&mixed) && !record.is_after(&mixed));
        assert_eq!(record.foreign(&mixed), vec!["b".parse().unwrap()]);
    }
}
