//! The agent's durable records: all its participants write into one journal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use transaction::{DeviceId, Epoch, ParticipantRecord, TransactionId};
use transaction_journal::{AppendError, CompactError, Entry, FileJournal, Journal, Json, OpenError, Options};

use crate::part::Part;

/// So many endings of a device are kept, that late repeats are answered as the first time.
const ENDINGS: usize = 16;
/// After so many records the journal is compacted.
const COMPACT_EVERY: usize = 4096;

type Written = Json<ParticipantRecord<Part>>;

/// Why the records cannot be had.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// They do not open.
    #[error("cannot open the agent's records")]
    Open(#[from] OpenError),
    /// They cannot be written.
    #[error("cannot write the agent's records")]
    Append(#[from] AppendError),
    /// They cannot be made smaller.
    #[error("cannot compact the agent's records")]
    Compact(#[from] CompactError),
}

/// All records of all devices of this agent.
pub struct Ledger {
    journal: FileJournal<Written>,
    epoch: Epoch,
    index: Mutex<Index>,
}

/// Which transactions are over, so that a compaction knows what may go.
#[derive(Debug, Default, Clone)]
struct Index {
    ended: BTreeMap<DeviceId, VecDeque<TransactionId>>,
    since_compaction: usize,
}

/// The records of each device, in the order in which they were written.
pub type Past = BTreeMap<DeviceId, Vec<ParticipantRecord<Part>>>;

impl Ledger {
    /// Opens the records in a directory of this agent alone.
    pub fn open(path: &Path, options: Options) -> Result<(Self, Past), LedgerError> {
        let (journal, recovered) = FileJournal::open(path, options)?;
        if let Some(torn) = &recovered.torn {
            tracing::info!(
                file = torn.file,
                offset = torn.offset,
                "cut the unfinished end of the records"
            );
        }
        let (mut index, mut past) = (Index::default(), Past::new());
        for Entry {
            record: Json(record), ..
        } in recovered.entries
        {
            index.note(&record);
            let record = record.with_onlookers(|part: &Part| !part.delta.is_empty());
            past.entry(record.device()).or_default().push(record);
        }
        Ok((
            Self {
                journal,
                epoch: recovered.epoch,
                index: Mutex::new(index),
            },
            past,
        ))
    }

    /// Answers when the record is durable.
    pub async fn record(&self, record: ParticipantRecord<Part>) -> Result<(), LedgerError> {
        self.index().note(&record);
        Journal::append(&self.journal, self.epoch, vec![Json(record)]).await?;
        Ok(())
    }

    /// Drops what no participant needs any more, once enough was written.
    pub async fn tidy(&self) -> Result<(), LedgerError> {
        let index = {
            let mut index = self.index();
            if index.since_compaction < COMPACT_EVERY {
                return Ok(());
            }
            index.since_compaction = 0;
            index.clone()
        };
        self.compact(index).await
    }

    async fn compact(&self, index: Index) -> Result<(), LedgerError> {
        let over = index.clone();
        Journal::compact(&self.journal, Box::new(move |entry| over.needs(&entry.record.0))).await?;
        self.index().forget(&index);
        Ok(())
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn note(&mut self, record: &ParticipantRecord<Part>) {
        self.since_compaction += 1;
        if let ParticipantRecord::Ended {
            device, transaction, ..
        } = record
        {
            let ended = self.ended.entry(*device).or_default();
            ended.retain(|it| it != transaction);
            ended.push_back(*transaction);
        }
    }

    /// Whether a participant would come back other than it is without this record.
    fn needs(&self, record: &ParticipantRecord<Part>) -> bool {
        let ended = self.ended.get(&record.device());
        let age = ended.and_then(|ended| ended.iter().rev().position(|it| *it == record.transaction()));
        match (record, age) {
            (_, None) => true,
            (ParticipantRecord::Ended { .. }, Some(age)) => age < ENDINGS,
            (ParticipantRecord::Pending { .. } | ParticipantRecord::Raised { .. }, Some(_)) => false,
        }
    }

    /// What was dropped need not be remembered as over.
    fn forget(&mut self, compacted: &Self) {
        for (device, before) in &compacted.ended {
            let gone: BTreeSet<_> = before.iter().rev().skip(ENDINGS).collect();
            if let Some(ended) = self.ended.get_mut(device) {
                ended.retain(|it| !gone.contains(it));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use knowledge_model::Delta;
    use transaction::{Demand, Guarantee, Lease, Moment, Standing};

    use super::*;

    fn pending(device: u128, transaction: u128) -> ParticipantRecord<Part> {
        let span = Duration::from_secs(1);
        ParticipantRecord::Pending {
            device: DeviceId(device),
            transaction: TransactionId(transaction),
            epoch: Epoch(1),
            change: Part {
                revision: "1".to_owned(),
                delta: Delta::new(),
                stands: BTreeMap::new(),
            },
            evidence: String::new(),
            guarantee: Guarantee::Plain,
            renews: false,
            demand: Demand::Any,
            lease: Lease {
                renewed: span,
                whole: span,
                in_doubt: span,
                ask_every: span,
            },
            looks_on: false,
            at: Moment(0),
        }
    }

    fn ended(device: u128, transaction: u128) -> ParticipantRecord<Part> {
        let (device, transaction) = (DeviceId(device), TransactionId(transaction));
        ParticipantRecord::Ended {
            device,
            transaction,
            epoch: Epoch(1),
            standing: Standing::Confirmed,
            looked_on: false,
            at: Moment(0),
        }
    }

    #[tokio::test]
    async fn a_compaction_keeps_what_is_open_and_the_last_endings() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, _) = Ledger::open(folder.path(), Options::default()).unwrap();
        ledger.record(pending(2, 1000)).await.unwrap();
        for number in 0..40 {
            ledger.record(pending(1, number)).await.unwrap();
            ledger.record(ended(1, number)).await.unwrap();
        }
        ledger.record(pending(1, 40)).await.unwrap();
        for _ in 0..3 {
            let index = ledger.index().clone();
            ledger.compact(index).await.unwrap();
        }
        drop(ledger);
        let (_, past) = Ledger::open(folder.path(), Options::default()).unwrap();
        let looked_on = pending(2, 1000).with_onlookers(|_| false);
        assert_eq!(past[&DeviceId(2)], [looked_on]);
        let kept: Vec<_> = (24..40)
            .map(|number| ended(1, number))
            .chain([pending(1, 40).with_onlookers(|_| false)])
            .collect();
        assert_eq!(past[&DeviceId(1)], kept);
    }

    #[tokio::test]
    async fn a_record_of_before_says_by_its_change_who_only_looks_on() {
        let edit = knowledge_model::Edit {
            before: None,
            after: Some("9000".into()),
        };
        let mut changing = pending(1, 1);
        if let ParticipantRecord::Pending { change, .. } = &mut changing {
            change.delta = [("interface[eth1]/mtu".parse().unwrap(), edit)].into_iter().collect();
        }
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = FileJournal::open(folder.path(), Options::default()).unwrap();
        let older = [changing, pending(2, 1)].map(|it| Json(serde_json::to_value(it).unwrap()));
        assert!(
            older.iter().all(|it| it.0["Pending"].get("looks_on").is_none()),
            "{older:?}"
        );
        Journal::append(&journal, Epoch(1), older.to_vec()).await.unwrap();
        drop(journal);
        let (_, past) = Ledger::open(folder.path(), Options::default()).unwrap();
        for (device, taken) in [(1, true), (2, false)] {
            let device = DeviceId(device);
            let (participant, _) = transaction::Participant::recover(device, &past[&device], Moment(0));
            assert_eq!(participant.is_taken(), taken, "{device}");
        }
    }
}
