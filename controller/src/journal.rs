//! Where decisions are made durable: in files of the state directory, or in a table of the store. Whoever starts takes
//! the journal over before it reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};
use transaction::{Coordinator, CoordinatorRecord, Epoch, TransactionId};
use transaction_journal::{Directory, Disk as _, Entry, FileJournal, Json, OnLost, OpenError, Options, Recovered};

use crate::commit::{Change, Decisions, now};
use crate::exit::Exit;
use crate::start::{self, chain};
use crate::store::{LeadError, Store, TableJournal};

type Record = CoordinatorRecord<Change>;
type Found = Recovered<Json<Record>>;

/// What the journal is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Files in the state directory.
    File,
    /// A table of the store.
    Table,
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::File, Self::Table]
            .into_iter()
            .find(|kind| kind.to_string() == word)
            .ok_or(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Table => "table",
        })
    }
}

/// A journal that nobody else leads any longer.
pub struct Led {
    /// To write to.
    pub journal: Arc<Decisions>,
    /// To write under.
    pub epoch: Epoch,
    /// What was on record.
    pub records: Vec<Record>,
    /// Keeps another controller off the state directory for as long as this lives.
    pub lock: Option<Arc<Directory>>,
}

/// A journal that no other program on this machine can open, and that is not led yet.
pub enum Held {
    /// In files, read.
    Files(Arc<Decisions>, Found),
    /// In a table, with the lock of the state directory, and the epoch of the files beside it.
    Table(Arc<Directory>, Epoch, OnLost),
}

/// Takes hold of the journal of this kind. One of the other kind may stand beside it, but nothing open may be in it.
///
/// # Errors
/// Where it is held by another controller, cannot be read, or the other kind still holds something open.
pub fn hold(kind: Kind, state: &Path) -> Result<Held> {
    let folder = state.join("journal");
    if kind == Kind::File {
        let (journal, found) = start::journal(&folder)?;
        return Ok(Held::Files(journal, found));
    }
    let refused = |error: OpenError| start::refused(&error, &folder);
    let path = || folder.display().to_string();
    let directory = Directory::open(&folder).map_err(|error| refused(error.into()))?;
    let directory = directory.ok_or_else(|| refused(OpenError::Locked { path: path() }))?;
    let directory = Arc::new(directory);
    let names = directory.names().map_err(|error| refused(error.into()))?;
    let mut above = Epoch(0);
    if names.iter().any(|name| name.ends_with(".log")) {
        let opened = FileJournal::open_on(directory.clone(), Options::default());
        let (_journal, beside): (_, Found) = opened.map_err(refused)?;
        left_behind(Kind::File, &beside.entries)?;
        above = beside.epoch;
    }
    Ok(Held::Table(directory, above, start::lost(folder)))
}

impl Held {
    /// Takes the journal over.
    ///
    /// # Errors
    /// Where it fails, another controller takes it over at the same time, or the table beside the files still holds
    /// something open.
    pub async fn lead(self, store: &Store) -> Result<Led> {
        let failed = |error: LeadError| Exit::State.because(chain(&error));
        match self {
            Self::Files(journal, found) => {
                let beside: Found = TableJournal::read(store).await.map_err(failed)?;
                left_behind(Kind::Table, &beside.entries)?;
                let epoch = Epoch(found.epoch.max(beside.epoch).0 + 1);
                // Whoever led before us is fenced before we send anything.
                let fenced = journal.append(epoch, Vec::new()).await;
                fenced.context("take the journal over")?;
                Ok(Led {
                    journal,
                    epoch,
                    records: records(found),
                    lock: None, // the journal has it
                })
            }
            Self::Table(lock, above, on_lost) => {
                let led = TableJournal::lead(store, above, on_lost).await;
                let (journal, found) = led.map_err(failed)?;
                Ok(Led {
                    journal: Arc::new(journal),
                    epoch: found.epoch,
                    records: records(found),
                    lock: Some(lock),
                })
            }
        }
    }
}

/// Refuses to leave anything open behind.
fn left_behind(kind: Kind, entries: &[Entry<Json<Record>>]) -> Result<()> {
    let histories = histories(entries.iter().map(|entry| &entry.record.0));
    let open = histories.len() - over(&histories).len();
    if open == 0 {
        return Ok(());
    }
    Err(Exit::State.because(format!(
        "the journal of kind `{kind}` holds {open} transactions that are not over: start once with `journal: {kind}` and let them end"
    )))
}

type Histories = BTreeMap<TransactionId, Vec<Record>>;

fn histories<'a>(records: impl Iterator<Item = &'a Record>) -> Histories {
    let mut histories = Histories::new();
    for record in records {
        histories.entry(record.transaction()).or_default().push(record.clone());
    }
    histories
}

/// The transactions that ended and owe nobody anything.
fn over(histories: &Histories) -> BTreeSet<TransactionId> {
    let is_over = |records: &Vec<Record>| Coordinator::recover(records, Epoch(0), now()).is_none();
    histories
        .iter()
        .filter(|(_, records)| is_over(records))
        .map(|(transaction, _)| *transaction)
        .collect()
}

fn records(found: Found) -> Vec<Record> {
    let changes = |change: &Change| !change.entries.is_empty();
    let read = found.entries.into_iter().map(|entry| entry.record.0);
    read.map(|record| record.with_onlookers(changes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use transaction::coordinator::Input;
    use transaction::{Answer, Decision, DeviceId, Ending, Moment, Reply, Step};
    use transaction_journal::Journal;

    const T: TransactionId = TransactionId(7);

    /// A decided transaction of two devices as a controller of before wrote it: on the second only something has to stand.
    fn older() -> [Value; 2] {
        let member = |device: u128, change: Value| json!({ "device": DeviceId(device), "change": change, "demand": "Any", "wave": 0, "debts": [] });
        let changed = json!({ "path": "interface[eth1]/mtu", "before": null, "after": { "scalar": "9000" } });
        let stands = json!({ "path": "interface[eth1]", "there": "present" });
        let charge = json!({
            "transaction": T,
            "intents": [],
            "comment": "entente 00000000 by ana",
            "members": [
                member(1, json!({ "plan": "", "entries": [changed] })),
                member(2, json!({ "plan": "", "entries": [], "stands": [stands] })),
            ],
            "gate": "None",
            "terms": transaction::Terms::default(),
        });
        let decided = json!({ "transaction": T, "decision": Decision::Confirm, "at": 2 });
        [
            json!({ "Began": { "charge": charge, "at": 1 } }),
            json!({ "Decided": decided }),
        ]
    }

    #[tokio::test]
    async fn who_only_looked_on_in_a_journal_of_before_is_neither_waited_for_nor_torn() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = FileJournal::open(&folder.path().join("journal"), Options::default()).unwrap();
        let written = Journal::append(&journal, Epoch(1), older().map(Json).to_vec());
        written.await.unwrap();
        drop(journal);
        let store = Store::open(folder.path()).await.unwrap();
        let led = hold(Kind::File, folder.path()).unwrap().lead(&store).await.unwrap();
        let (mut coordinator, _) = Coordinator::recover(&led.records, Epoch(2), Moment(3)).unwrap();
        for (device, answer) in [(2, Answer::Reverted), (1, Answer::Confirmed)] {
            let reply = Reply {
                transaction: T,
                epoch: Epoch(2),
                device: DeviceId(device),
                step: Step::Confirm,
                answer,
            };
            coordinator.step(Input::Reply(reply), Moment(4));
        }
        assert_eq!(coordinator.ending(), Some(&Ending::Committed));
    }
}
