//! The journal of the controller, kept short: what is over, owed to nobody and told by the store is forgotten.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use transaction::{CoordinatorRecord, TransactionId};
use transaction_journal::{AppendError, CompactError, Entry, Epoch, Journal, Json, Keep, Position};

use super::change::Change;
use super::run::Decisions;
use super::tally::Tally;

/// A record as the journal holds it.
pub type Decided = Json<CoordinatorRecord<Change>>;

/// So many transactions may be over before the journal is rewritten.
const EVERY: usize = 256;

/// A journal that knows what it may forget.
pub struct Bounded {
    inner: Arc<Decisions>,
    tally: Mutex<Tally>,
    busy: AtomicBool,
    rewritten: AtomicU64,
}

impl Bounded {
    /// The journal with what was found in it.
    pub fn new<'a>(inner: Arc<Decisions>, found: impl Iterator<Item = &'a CoordinatorRecord<Change>>) -> Arc<Self> {
        let mut tally = Tally::default();
        found.for_each(|record| tally.enter(record));
        let (tally, busy, rewritten) = (Mutex::new(tally), AtomicBool::default(), AtomicU64::default());
        Arc::new(Self {
            inner,
            tally,
            busy,
            rewritten,
        })
    }

    /// The store says how this transaction ended: the journal need not any longer.
    pub fn kept(&self, transaction: TransactionId) {
        self.tally().kept(transaction);
    }

    /// The transactions whose ending stands in the journal, and perhaps not yet in the store.
    pub fn settled(&self) -> Vec<TransactionId> {
        self.tally().settled()
    }

    /// How often the journal was rewritten.
    pub fn rewritten(&self) -> u64 {
        self.rewritten.load(Ordering::Relaxed)
    }

    /// Rewrites the journal once enough is over; does nothing while another does.
    pub async fn tidy(&self) {
        if self.tally().over().len() < EVERY || self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.rewrite(|_| {}).await {
            tracing::warn!(%error, "the journal could not be made shorter; it goes on as it is");
        }
        self.busy.store(false, Ordering::Release);
    }

    /// Everything that must stay, in order: every record that was durable when this was asked.
    ///
    /// # Errors
    /// Where the journal cannot be read or written.
    pub async fn standing(&self) -> Result<Vec<Entry<Decided>>, CompactError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(64);
        let taking = tokio::task::spawn_blocking(move || receiver.into_iter().collect());
        // Who takes them lives as long as this closure: the send cannot fail.
        self.rewrite(move |entry| drop(sender.send(entry.clone()))).await?;
        taking.await.map_err(|_| CompactError::Closed)
    }

    async fn rewrite(&self, mut seen: impl FnMut(&Entry<Decided>) + Send + 'static) -> Result<(), CompactError> {
        let gone: HashSet<TransactionId> = self.tally().over().clone();
        let over = gone.clone();
        let keep: Keep<Decided> = Box::new(move |entry| {
            let stays = !over.contains(&entry.record.0.transaction());
            if stays {
                seen(entry);
            }
            stays
        });
        self.inner.compact(keep).await?;
        self.tally().forgotten(&gone);
        self.rewritten.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(gone = gone.len(), times = self.rewritten(), "the journal is shorter");
        Ok(())
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal<Decided> for Bounded {
    fn append(&self, epoch: Epoch, records: Vec<Decided>) -> BoxFuture<'_, Result<Position, AppendError>> {
        async move {
            let written = records.clone();
            let position = self.inner.append(epoch, records).await?;
            let mut tally = self.tally();
            written.iter().for_each(|record| tally.enter(&record.0));
            Ok(position)
        }
        .boxed()
    }

    fn compact(&self, keep: Keep<Decided>) -> BoxFuture<'_, Result<(), CompactError>> {
        self.inner.compact(keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transaction::{Charge, Decision, Ending, Gate, Moment, Terms};
    use transaction_journal::{FileJournal, Options};

    fn history(number: u128) -> Vec<Decided> {
        let (transaction, at) = (TransactionId(number), Moment(0));
        let charge = Charge {
            transaction,
            intents: Vec::new(),
            riders: Vec::new(),
            comment: "x".repeat(500),
            members: Vec::new(),
            gate: Gate::None,
            terms: Terms::default(),
        };
        let (decision, ending) = (Decision::Confirm, Ending::Committed);
        let records = [
            CoordinatorRecord::Began { charge, at },
            CoordinatorRecord::Decided {
                transaction,
                decision,
                at,
            },
            CoordinatorRecord::Settled {
                transaction,
                ending,
                at,
            },
        ];
        records.map(Json).to_vec()
    }

    fn bytes(folder: &std::path::Path) -> u64 {
        let files = std::fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    }

    /// Runs `transactions` through a journal; those that the store does not know of stay.
    async fn grow(folder: &std::path::Path, transactions: u128, known: bool) -> u64 {
        let options = Options {
            segment_bytes: 64 * 1024,
            ..Options::default()
        };
        let (journal, found) = FileJournal::<Decided>::open(folder, options).unwrap();
        let records: Vec<_> = found.entries.into_iter().map(|entry| entry.record.0).collect();
        let bounded = Bounded::new(Arc::new(journal), records.iter());
        bounded
            .append(Epoch(1), history(u128::MAX)[..2].to_vec())
            .await
            .unwrap();
        for number in 1..=transactions {
            bounded.append(Epoch(1), history(number)).await.unwrap();
            if known {
                bounded.kept(TransactionId(number));
            }
            bounded.tidy().await;
        }
        let standing = bounded.standing().await.unwrap();
        let open = standing
            .iter()
            .filter(|it| it.record.0.transaction() == TransactionId(u128::MAX));
        assert_eq!(open.count(), 2, "what is open stays, and keeps its order");
        bytes(folder)
    }

    #[tokio::test]
    async fn the_journal_does_not_grow_with_what_is_over() {
        let folder = || tempfile::tempdir().unwrap();
        let (short, long, kept) = (folder(), folder(), folder());
        let (few, many) = (grow(short.path(), 600, true).await, grow(long.path(), 1500, true).await);
        assert!(many <= few + 64 * 1024, "{few} bytes after 600, {many} after 1500");
        // Without a word of the store nothing goes: this is what the bound is measured against.
        let all = grow(kept.path(), 600, false).await;
        assert!(all > 600 * 500, "{all} bytes");
        let (_, found) = FileJournal::<Decided>::open(kept.path(), Options::default()).unwrap();
        assert_eq!(found.entries.len(), 2 + 3 * 600);
    }
}
