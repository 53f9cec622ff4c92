//! One task writes for all who wait: what has come meanwhile goes into one transaction.

use sqlx::{QueryBuilder, Sqlite, SqlitePool};
use tokio::sync::{mpsc, oneshot};
use transaction_journal::{AppendError, Epoch, OnLost, Position};

use super::super::ROWS;
use super::{signed, take};

/// One call that waits to be durable.
pub(super) struct Waiting {
    pub epoch: Epoch,
    pub payloads: Vec<Vec<u8>>,
    pub answer: oneshot::Sender<Result<Position, AppendError>>,
}

/// Writes until nobody asks any more. After a failure nothing is answered again: whether the last batch is durable is
/// not known.
pub(super) async fn commit(pool: SqlitePool, mut waiting: mpsc::Receiver<Waiting>, on_lost: OnLost) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(first) => first,
            None => match waiting.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let batch = gather(first, &mut waiting, &mut next);
        match write(&pool, &batch).await {
            Ok(answers) => {
                for (waiting, answer) in batch.into_iter().zip(answers) {
                    waiting.answer.send(answer).ok(); // whoever no longer waits needs no answer
                }
            }
            Err(error) => {
                drop(waiting);
                for waiting in batch {
                    waiting.answer.send(Err(AppendError::Lost)).ok();
                }
                return on_lost(&std::io::Error::other(error));
            }
        }
    }
}

/// Whoever waits by now under the same epoch; `next` is the first under another.
fn gather(first: Waiting, waiting: &mut mpsc::Receiver<Waiting>, next: &mut Option<Waiting>) -> Vec<Waiting> {
    let (epoch, mut rows) = (first.epoch, first.payloads.len());
    let mut batch = vec![first];
    while rows < ROWS
        && let Ok(another) = waiting.try_recv()
    {
        if another.epoch != epoch {
            *next = Some(another);
            break;
        }
        rows += another.payloads.len();
        batch.push(another);
    }
    batch
}

async fn write(pool: &SqlitePool, batch: &[Waiting]) -> Result<Vec<Result<Position, AppendError>>, sqlx::Error> {
    let epoch = batch.first().map_or(Epoch(0), |it| it.epoch);
    let payloads: Vec<&Vec<u8>> = batch.iter().flat_map(|it| &it.payloads).collect();
    let mut hold = pool.begin().await?;
    let last = match take(&mut hold, epoch, payloads.len()).await? {
        Ok(last) => last,
        Err(current) => return Ok(vec![Err(AppendError::Fenced { current }); batch.len()]),
    };
    let mut position = last - payloads.len() as u64;
    for (at, some) in payloads.chunks(ROWS).enumerate() {
        let from = position + (at * ROWS) as u64;
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO journal (position, epoch, record) ");
        query.push_values(some.iter().zip(1..), |mut row, (payload, offset)| {
            row.push_bind(signed(from + offset))
                .push_bind(signed(epoch.0))
                .push_bind(payload.as_slice());
        });
        query.build().execute(&mut *hold).await?;
    }
    hold.commit().await?;
    let answer = |waiting: &Waiting| {
        position += waiting.payloads.len() as u64;
        Ok(Position(position))
    };
    Ok(batch.iter().map(answer).collect())
}
