//! The file journal: many callers, one committer, one sync for all who wait.

use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use transaction::Epoch;

use crate::compaction::CompactError;
use crate::disk::{Directory, Disk};
use crate::log::{Append, Log};
use crate::port::{AppendError, Entry, Journal, Keep, Position, Record};
use crate::recovery::{OpenError, Recovered};

/// What is done when a write or a sync has failed. It is not expected to return outside tests.
pub type OnLost = Arc<dyn Fn(&io::Error) + Send + Sync>;

/// The exit status of a process whose journal was lost (`EX_IOERR`).
const LOST_STATUS: i32 = 74;

/// Ends the process: what the disk holds is unknown, and a second sync would answer falsely that all is well.
pub fn end_process(error: &io::Error) {
    tracing::error!(%error, "journal lost: ending the process, the next start reads what is durable");
    std::process::exit(LOST_STATUS);
}

/// How a file journal is kept.
#[derive(Clone)]
pub struct Options {
    /// A file is closed and the next begun at this length.
    pub segment_bytes: u64,
    /// How many calls may wait for the committer; more wait to be queued.
    pub queue: usize,
    /// How many bytes one sync takes along at most, save that one call is never split.
    pub batch_bytes: usize,
    /// What is done when a write or sync has failed.
    pub on_lost: OnLost,
}

impl Default for Options {
    fn default() -> Self {
        let (segment_bytes, batch_bytes) = (16 * 1024 * 1024, 4 * 1024 * 1024);
        Self {
            segment_bytes,
            queue: 1024,
            batch_bytes,
            on_lost: Arc::new(end_process),
        }
    }
}

type Answer = oneshot::Sender<Result<Position, AppendError>>;

struct Waiting {
    append: Append,
    answer: Answer,
}

/// A journal in a directory of files.
pub struct FileJournal<R> {
    queue: Option<mpsc::Sender<Waiting>>,
    shared: Arc<Shared>,
    committer: Option<JoinHandle<()>>,
    /// One compaction at a time.
    compacting: tokio::sync::Mutex<()>,
    record: PhantomData<fn(R)>,
}

impl<R: Record> FileJournal<R> {
    /// Opens the journal in `path`, made if absent, and gives what it holds.
    pub fn open(path: &Path, options: Options) -> Result<(Self, Recovered<R>), OpenError> {
        let held = || OpenError::Locked {
            path: path.display().to_string(),
        };
        let directory = Directory::open(path)?.ok_or_else(held)?;
        Self::open_on(Arc::new(directory), options)
    }

    /// Opens the journal on a disk of the caller's.
    pub fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<(Self, Recovered<R>), OpenError> {
        let (log, Recovered { entries, epoch, torn }) = Log::open(disk, options.segment_bytes)?;
        let entries = entries.into_iter().map(decode).collect::<Result<_, _>>()?;
        let (queue, waiting) = mpsc::channel(options.queue.max(1));
        let shared = Arc::new(Shared {
            log: Mutex::new(Some(log)),
            on_lost: options.on_lost,
        });
        let commit = {
            let shared = shared.clone();
            move || commit(&shared, waiting, options.batch_bytes)
        };
        let committer = Some(std::thread::Builder::new().name("journal".to_owned()).spawn(commit)?);
        let compacting = tokio::sync::Mutex::default();
        let journal = Self {
            queue: Some(queue),
            shared,
            committer,
            compacting,
            record: PhantomData,
        };
        Ok((journal, Recovered { entries, epoch, torn }))
    }

    async fn append(&self, epoch: Epoch, records: Vec<R>) -> Result<Position, AppendError> {
        let mut payloads = Vec::with_capacity(records.len());
        for record in &records {
            let mut payload = Vec::new();
            record.encode(&mut payload).map_err(|_| AppendError::Unwritable)?;
            payloads.push(payload);
        }
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            append: Append { epoch, payloads },
            answer,
        };
        let queue = self.queue.as_ref().ok_or(AppendError::Lost)?;
        queue.send(waiting).await.map_err(|_| AppendError::Lost)?;
        answered.await.unwrap_or(Err(AppendError::Lost))
    }

    async fn compact(&self, mut keep: Keep<R>) -> Result<(), CompactError> {
        let _one = self.compacting.lock().await;
        let shared = self.shared.clone();
        let work = move || {
            let mut unreadable = None;
            let result = shared.compact(&mut |entry: &Entry<Vec<u8>>| match decode(entry.clone()) {
                Ok(entry) => keep(&entry),
                Err(error) => {
                    unreadable.get_or_insert(error);
                    true
                }
            });
            result.and(unreadable.map_or(Ok(()), |error| Err(CompactError::Read(error))))
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or(Err(CompactError::Closed))
    }
}

impl<R: Record> Journal<R> for FileJournal<R> {
    fn append(&self, epoch: Epoch, records: Vec<R>) -> BoxFuture<'_, Result<Position, AppendError>> {
        Self::append(self, epoch, records).boxed()
    }

    fn compact(&self, keep: Keep<R>) -> BoxFuture<'_, Result<(), CompactError>> {
        Self::compact(self, keep).boxed()
    }
}

impl<R> Drop for FileJournal<R> {
    /// Ends the committer and waits for it, so that the directory is free afterwards.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!("the journal's committer panicked");
        }
    }
}

fn decode<R: Record>(entry: Entry<Vec<u8>>) -> Result<Entry<R>, OpenError> {
    let Entry {
        position,
        epoch,
        record,
    } = entry;
    let record = R::decode(&record).map_err(|source| OpenError::Unreadable { position, source })?;
    Ok(Entry {
        position,
        epoch,
        record,
    })
}

fn commit(shared: &Shared, mut waiting: mpsc::Receiver<Waiting>, batch_bytes: usize) {
    while let Some(first) = waiting.blocking_recv() {
        let mut bytes = first.append.length();
        let (mut appends, mut answers) = (vec![first.append], vec![first.answer]);
        while bytes < batch_bytes
            && let Ok(next) = waiting.try_recv()
        {
            bytes += next.append.length();
            appends.push(next.append);
            answers.push(next.answer);
        }
        let positions = shared.write(&appends);
        for (at, answer) in answers.into_iter().enumerate() {
            let position = positions
                .as_ref()
                .map_or(Err(AppendError::Lost), |positions| positions[at]);
            answer.send(position).ok(); // whoever no longer waits needs no answer
        }
    }
    shared.close();
}

/// The log, until it is lost.
struct Shared {
    log: Mutex<Option<Log>>,
    on_lost: OnLost,
}

impl Shared {
    fn write(&self, appends: &[Append]) -> Option<Vec<Result<Position, AppendError>>> {
        let mut log = self.lock();
        let result = log.as_mut()?.write(appends);
        result.map_err(|error| self.lose(log, &error)).ok()
    }

    fn compact(&self, keep: &mut dyn FnMut(&Entry<Vec<u8>>) -> bool) -> Result<(), CompactError> {
        let mut log = self.lock();
        let begun = log.as_mut().ok_or(CompactError::Closed)?.begin_compaction();
        let compaction = match begun {
            Ok(compaction) => compaction,
            Err(error) => {
                self.lose(log, &error);
                return Err(CompactError::Lost(error));
            }
        };
        drop(log);
        let Some(compaction) = compaction else { return Ok(()) };
        if let Err(error) = compaction.run(keep) {
            if let CompactError::Lost(cause) = &error {
                self.lose(self.lock(), cause);
            }
            return Err(error);
        }
        self.lock()
            .as_mut()
            .ok_or(CompactError::Closed)?
            .finish_compaction(&compaction);
        Ok(())
    }

    fn close(&self) {
        let mut log = self.lock();
        if let Some(mut log) = log.take()
            && let Err(error) = log.seal()
        {
            tracing::warn!(%error, "journal closed without its seal");
        }
    }

    fn lose(&self, mut log: MutexGuard<'_, Option<Log>>, error: &io::Error) {
        *log = None;
        drop(log);
        (self.on_lost)(error);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Log>> {
        // a panic inside leaves the log in an unknown state: nothing more is written to it
        self.log.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut log = poisoned.into_inner();
            *log = None;
            log
        })
    }
}
