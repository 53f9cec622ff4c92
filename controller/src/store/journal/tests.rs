//! The table keeps to what every journal keeps to, and a former leader that lives on is kept out.

#[path = "../../../../transaction/journal/tests/contract/mod.rs"]
mod contract;
#[path = "../../../../transaction/journal/tests/contract/story.rs"]
mod story;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::{Any, Place};
use transaction_journal::{AppendError, CompactError, Epoch, Journal, Json, Position, Recovered};

use super::{LeadError, TableJournal};
use crate::store::Store;

/// A store in a folder.
struct Table(PathBuf);

impl Place for Table {
    const SHARED: bool = true;

    fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    async fn lead(&self) -> (Any, Recovered<Vec<u8>>) {
        let (journal, found) = lead(&self.0).await.unwrap();
        (Box::new(journal), found)
    }
}

contract::tests!(Table);

async fn lead(folder: &Path) -> Result<(TableJournal<Vec<u8>>, Recovered<Vec<u8>>), LeadError> {
    let store = Store::open(folder).await.unwrap();
    TableJournal::lead(&store, Epoch(0), Arc::new(|_| {})).await
}

#[tokio::test]
async fn of_many_who_take_over_no_two_lead_under_one_epoch() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).await.unwrap());
    let all = futures::future::join_all((0..12).map(|_| lead(folder.path()))).await;
    let mut epochs = Vec::new();
    for led in &all {
        match led {
            Ok((_, found)) => epochs.push(found.epoch),
            Err(LeadError::Contended { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    epochs.sort_unstable();
    let count = epochs.len();
    epochs.dedup();
    assert!(count > 0 && count == epochs.len(), "{epochs:?}");
    for (journal, found) in all.into_iter().filter_map(Result::ok) {
        let appended = journal.append(found.epoch, vec![vec![1]]).await;
        assert_eq!(appended.is_ok(), found.epoch == *epochs.last().unwrap(), "{appended:?}");
    }
}

#[tokio::test]
async fn a_former_leader_compacts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (old, found) = lead(folder.path()).await.unwrap();
    old.append(found.epoch, vec![vec![1]]).await.unwrap();
    let (_new, found) = lead(folder.path()).await.unwrap();
    let refused = old.compact(Box::new(|_| false)).await;
    assert!(
        matches!(refused, Err(CompactError::Fenced { current }) if current == found.epoch),
        "{refused:?}"
    );
    let read = TableJournal::<Vec<u8>>::read(&Store::open(folder.path()).await.unwrap()).await;
    assert_eq!(read.unwrap().entries.len(), 1);
}

/// The machine stops at any byte of the database's own log: what is read is a prefix, and it goes on.
#[tokio::test]
async fn cut_at_any_place_of_the_log_it_opens_with_a_prefix_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, found) = lead(folder.path()).await.unwrap();
    for number in 0..12u8 {
        journal
            .append(found.epoch, vec![vec![number, 0]; 1 + usize::from(number % 3)])
            .await
            .unwrap();
    }
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let (database, log) = (read("store.db"), read("store.db-wal"));
    let whole = TableJournal::<Vec<u8>>::read(&Store::open(folder.path()).await.unwrap()).await;
    let whole = whole.unwrap().entries;
    let mut seen = std::collections::BTreeSet::new();
    let cuts = (0..log.len()).step_by(log.len() / 150).chain([log.len()]);
    for cut in cuts {
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join("store.db"), &database).unwrap();
        std::fs::write(other.path().join("store.db-wal"), &log[..cut]).unwrap();
        let (journal, found) = lead(other.path()).await.unwrap();
        assert!(whole.starts_with(&found.entries), "cut at {cut}: not a prefix");
        seen.insert(found.entries.len());
        let position = journal.append(found.epoch, vec![vec![9]]).await;
        assert_eq!(position, Ok(Position(found.entries.len() as u64 + 1)), "cut at {cut}");
    }
    assert!(seen.len() > 6, "few different prefixes were met: {seen:?}");
}

/// The file header and the frame header of the database's own log.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

type Told = TableJournal<Json<story::Records>>;

/// The database and its log, after each record of a transaction.
async fn told(takes: &[bool]) -> (Vec<u8>, Vec<u8>, Vec<(usize, usize, Vec<story::Agent>)>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let (journal, found) = Told::lead(&store, Epoch(0), Arc::new(|_| {})).await.unwrap();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let mut written = Vec::new();
    for (record, agents) in story::whole(takes) {
        let from = read("store.db-wal").len();
        Journal::append(&journal, found.epoch, vec![Json(record)])
            .await
            .unwrap();
        written.push((from, read("store.db-wal").len(), agents));
    }
    (read("store.db"), read("store.db-wal"), written)
}

/// What is on record where the machine stopped at this byte of the log.
async fn after(database: &[u8], log: &[u8]) -> Vec<story::Records> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("store.db"), database).unwrap();
    std::fs::write(folder.path().join("store.db-wal"), log).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("store.db"))
        .synchronous(sqlx::sqlite::SqliteSynchronous::Off);
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let store = Store {
        pool: pool.connect_with(options).await.unwrap(),
    };
    let found = Told::read(&store).await.unwrap();
    store.pool.close().await;
    found.entries.into_iter().map(|entry| entry.record.0).collect()
}

/// The machines come back from what each cut leaves: at every boundary of a frame of the database's log, beside it, at
/// every byte of each frame's header, and at every byte of the last frame of the decision.
#[tokio::test]
async fn cut_anywhere_in_the_log_the_machines_bring_all_devices_to_one_end() {
    for (takes, expected) in story::STORIES {
        let (database, log, written) = told(takes).await;
        let page = usize::from(u16::from_be_bytes([database[16], database[17]]));
        let frame = FRAME_HEADER + page;
        let mut ends = std::collections::BTreeMap::new();
        for (nth, (from, to, agents)) in written.iter().enumerate() {
            assert_eq!((to - LOG_HEADER) % frame, 0, "the log is whole frames");
            assert!(to > from, "a record is at least one frame");
            let boundaries = (*from..*to).step_by(frame);
            let mut cuts: std::collections::BTreeSet<usize> =
                boundaries.flat_map(|at| at..=at + FRAME_HEADER).collect();
            cuts.extend([to - frame / 2, to - 1, *to]);
            if nth == 1 && takes.iter().all(|it| *it) {
                cuts.extend(to - frame..=*to);
            }
            for cut in cuts {
                let end = story::comes_back(cut, &after(&database, &log[..cut]).await, agents.clone());
                let whole = usize::from(cut == *to);
                assert_eq!(end, expected[nth + whole], "cut at {cut} of {from}..{to}");
                *ends.entry(end).or_insert(0) += 1;
            }
        }
        println!("{takes:?}: {ends:?}");
    }
}

#[tokio::test]
async fn after_a_failure_nothing_is_answered_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let told = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let on_lost = {
        let told = told.clone();
        Arc::new(move |_: &std::io::Error| {
            told.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        })
    };
    let led = TableJournal::<Vec<u8>>::lead(&store, Epoch(7), on_lost).await.unwrap();
    let (journal, found) = led;
    assert_eq!(found.epoch, Epoch(8), "above what was asked for");
    journal.append(found.epoch, vec![vec![1]]).await.unwrap();
    store.pool.close().await;
    for _ in 0..2 {
        assert_eq!(
            Journal::append(&journal, found.epoch, vec![vec![2]]).await,
            Err(AppendError::Lost)
        );
    }
    assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), 1);
}
