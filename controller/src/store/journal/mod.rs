//! The journal as a table of the store.
//!
//! A batch is one transaction: it takes the row of the lease under its epoch, which keeps everybody else out until it
//! ends, and inserts its records in one statement. Where the lease stands at a higher epoch no row is taken and nothing
//! is written. The statements are understood by SQLite and PostgreSQL alike.

mod committer;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool, Transaction};
use tokio::sync::{mpsc, oneshot};
use transaction_journal::{
    AppendError, CompactError, DecodeError, Entry, Epoch, Journal, Keep, LIMIT, OnLost, OpenError, Position, Record,
    Recovered,
};

use super::{ROWS, Store};
use committer::{Waiting, commit};

/// How many calls may wait for the committer; more wait to be queued.
const QUEUE: usize = 1024;

/// Why a journal in the store cannot be led.
#[derive(Debug, thiserror::Error)]
pub enum LeadError {
    /// Somebody else took it over at the same moment.
    #[error("the journal was taken over at {seen} by another controller")]
    Contended {
        /// The epoch at which it stood just before.
        seen: Epoch,
    },
    /// A record is not one that this program reads.
    #[error("journal record {position} cannot be read")]
    Unreadable {
        /// Which one.
        position: Position,
        /// Why.
        source: DecodeError,
    },
    /// The database failed.
    #[error("take the journal in the store over")]
    Query(#[from] sqlx::Error),
}

/// A journal in the store.
pub struct TableJournal<R> {
    pool: SqlitePool,
    queue: mpsc::Sender<Waiting>,
    /// The highest epoch under which this one has written.
    epoch: Arc<AtomicU64>,
    record: PhantomData<fn(R)>,
}

impl<R: Record> TableJournal<R> {
    /// What is on record, and the epoch at which the journal stands; takes nothing over.
    ///
    /// # Errors
    /// Where the store fails or holds a record that cannot be read.
    pub async fn read(store: &Store) -> Result<Recovered<R>, LeadError> {
        let epoch = sqlx::query("SELECT epoch FROM journal_lease WHERE id = 1")
            .fetch_one(&store.pool)
            .await?
            .get("epoch");
        let rows = sqlx::query("SELECT position, epoch, record FROM journal ORDER BY position")
            .fetch_all(&store.pool)
            .await?;
        Ok(Recovered {
            entries: rows.iter().map(entry).collect::<Result<_, _>>()?,
            epoch: Epoch(unsigned(epoch)),
            torn: None,
        })
    }

    /// Takes the journal over: raises the epoch above its own and `above` by compare-and-set, and only then reads it, so
    /// that nothing a predecessor still writes is missed. The epoch that comes back is the one to lead under.
    ///
    /// # Errors
    /// Where another takes it over at the same time, the store fails, or a record cannot be read.
    pub async fn lead(store: &Store, above: Epoch, on_lost: OnLost) -> Result<(Self, Recovered<R>), LeadError> {
        let seen: i64 = sqlx::query("SELECT epoch FROM journal_lease WHERE id = 1")
            .fetch_one(&store.pool)
            .await?
            .get("epoch");
        let next = unsigned(seen).max(above.0) + 1;
        let taken = sqlx::query("UPDATE journal_lease SET epoch = $1 WHERE id = 1 AND epoch = $2")
            .bind(signed(next))
            .bind(seen)
            .execute(&store.pool)
            .await?;
        if taken.rows_affected() != 1 {
            let seen = Epoch(unsigned(seen));
            return Err(LeadError::Contended { seen });
        }
        let found = Self::read(store).await?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(commit(store.pool.clone(), waiting, on_lost));
        let journal = Self {
            pool: store.pool.clone(),
            queue,
            epoch: Arc::new(AtomicU64::new(next)),
            record: PhantomData,
        };
        let epoch = Epoch(next);
        Ok((journal, Recovered { epoch, ..found }))
    }

    async fn append(&self, epoch: Epoch, records: Vec<R>) -> Result<Position, AppendError> {
        let mut payloads = Vec::with_capacity(records.len());
        for record in &records {
            let mut payload = Vec::new();
            record.encode(&mut payload).map_err(|_| AppendError::Unwritable)?;
            if payload.len() > LIMIT {
                let bytes = payload.len();
                return Err(AppendError::TooLarge { bytes, limit: LIMIT });
            }
            payloads.push(payload);
        }
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            epoch,
            payloads,
            answer,
        };
        self.queue.send(waiting).await.map_err(|_| AppendError::Lost)?;
        let position = answered.await.unwrap_or(Err(AppendError::Lost))?;
        self.epoch.fetch_max(epoch.0, Ordering::AcqRel);
        Ok(position)
    }

    async fn compact(&self, mut keep: Keep<R>) -> Result<(), CompactError> {
        let failed = |error: sqlx::Error| CompactError::Write(std::io::Error::other(error));
        let rows = sqlx::query("SELECT position, epoch, record FROM journal ORDER BY position")
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let mut go = Vec::new();
        for row in &rows {
            let entry = entry(row).map_err(unreadable)?;
            if !keep(&entry) {
                go.push(signed(entry.position.0));
            }
        }
        let mut hold = self.pool.begin().await.map_err(failed)?;
        let mine = Epoch(self.epoch.load(Ordering::Acquire));
        if let Err(current) = take(&mut hold, mine, 0).await.map_err(failed)? {
            return Err(CompactError::Fenced { current });
        }
        for some in go.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM journal WHERE position IN (");
            let mut list = query.separated(", ");
            for position in some {
                list.push_bind(*position);
            }
            query.push(")");
            query.build().execute(&mut *hold).await.map_err(failed)?;
        }
        hold.commit().await.map_err(failed)
    }
}

impl<R: Record> Journal<R> for TableJournal<R> {
    fn append(&self, epoch: Epoch, records: Vec<R>) -> BoxFuture<'_, Result<Position, AppendError>> {
        Self::append(self, epoch, records).boxed()
    }

    fn compact(&self, keep: Keep<R>) -> BoxFuture<'_, Result<(), CompactError>> {
        Self::compact(self, keep).boxed()
    }
}

/// Takes the lease's row for the rest of this transaction and moves its position on by `records`; gives the new one, or
/// the higher epoch that is in the way.
async fn take(
    hold: &mut Transaction<'_, Sqlite>,
    epoch: Epoch,
    records: usize,
) -> Result<Result<u64, Epoch>, sqlx::Error> {
    let query = "UPDATE journal_lease SET epoch = $1, position = position + $2 WHERE id = 1 AND epoch <= $1 \
        RETURNING position";
    let row = sqlx::query(query)
        .bind(signed(epoch.0))
        .bind(i64::try_from(records).unwrap_or(i64::MAX))
        .fetch_optional(&mut **hold)
        .await?;
    if let Some(row) = row {
        return Ok(Ok(unsigned(row.get("position"))));
    }
    let row = sqlx::query("SELECT epoch FROM journal_lease WHERE id = 1")
        .fetch_one(&mut **hold)
        .await?;
    Ok(Err(Epoch(unsigned(row.get("epoch")))))
}

fn entry<R: Record>(row: &SqliteRow) -> Result<Entry<R>, LeadError> {
    let position = Position(unsigned(row.get("position")));
    let bytes: Vec<u8> = row.get("record");
    let record = R::decode(&bytes).map_err(|source| LeadError::Unreadable { position, source })?;
    Ok(Entry {
        position,
        epoch: Epoch(unsigned(row.get("epoch"))),
        record,
    })
}

fn unreadable(error: LeadError) -> CompactError {
    match error {
        LeadError::Unreadable { position, source } => CompactError::Read(OpenError::Unreadable { position, source }),
        LeadError::Contended { .. } | LeadError::Query(_) => CompactError::Closed,
    }
}

/// A number as the database keeps it; none here comes near its end.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
