//! What every journal keeps to, whatever it is kept in. Each implementation runs this suite.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use futures::FutureExt;
use transaction_journal::{AppendError, Entry, Epoch, Journal, LIMIT, Position, Recovered};

/// A journal of any kind.
pub type Any = Box<dyn Journal<Vec<u8>>>;

/// A place where journals of one kind are kept.
pub trait Place {
    /// Whether a successor can lead while its predecessor lives. A directory has one holder.
    const SHARED: bool;

    /// The place in this folder.
    fn at(folder: &Path) -> Self;

    /// Takes over what stands there, as a program does that starts. The epoch is the one that it leads under.
    fn lead(&self) -> impl Future<Output = (Any, Recovered<Vec<u8>>)>;
}

/// The suite as tests of this kind.
macro_rules! tests {
    ($place:ty) => {
        contract::tests!($place:
            what_was_appended_is_found_in_order,
            a_lower_epoch_is_fenced_and_leaves_no_trace,
            a_successor_leads_alone_and_finds_everything,
            a_compaction_moves_nothing_that_stays,
            a_record_beyond_the_limit_is_refused_and_its_neighbours_are_not,
            many_at_once_have_places_of_their_own,
            whoever_stops_waiting_harms_nobody,
        );

        #[tokio::test]
        async fn killed_at_any_moment_it_has_what_it_answered() {
            contract::killed::<$place>(module_path!()).await;
        }

        /// Not a test of its own: what the one above runs in a process that it kills.
        #[tokio::test]
        async fn child_that_is_killed() {
            contract::child::<$place>().await;
        }
    };
    ($place:ty: $($name:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                contract::$name(&<$place as contract::Place>::at(folder.path())).await;
            }
        )*
    };
}
pub(crate) use tests;

fn simple(found: &Recovered<Vec<u8>>) -> Vec<(u64, u64, Vec<u8>)> {
    let row = |it: &Entry<Vec<u8>>| (it.position.0, it.epoch.0, it.record.clone());
    found.entries.iter().map(row).collect()
}

pub async fn what_was_appended_is_found_in_order(place: &impl Place) {
    let (journal, found) = place.lead().await;
    assert!(found.entries.is_empty());
    let first = found.epoch;
    assert_eq!(journal.append(first, vec![vec![1], vec![2]]).await, Ok(Position(2)));
    assert_eq!(journal.append(first, vec![]).await, Ok(Position(2)));
    assert_eq!(journal.append(first, vec![vec![0xff, 0]]).await, Ok(Position(3)));
    drop(journal);
    let (journal, found) = place.lead().await;
    let epoch = first.0;
    assert_eq!(
        simple(&found),
        [(1, epoch, vec![1]), (2, epoch, vec![2]), (3, epoch, vec![0xff, 0])]
    );
    assert!(found.epoch > first);
    assert_eq!(journal.append(found.epoch, vec![vec![4]]).await, Ok(Position(4)));
}

pub async fn a_lower_epoch_is_fenced_and_leaves_no_trace(place: &impl Place) {
    let (journal, found) = place.lead().await;
    let (low, high) = (found.epoch, Epoch(found.epoch.0 + 5));
    assert_eq!(journal.append(low, vec![vec![1]]).await, Ok(Position(1)));
    assert_eq!(
        journal.append(high, vec![]).await,
        Ok(Position(1)),
        "an epoch of its own is durable"
    );
    let fenced = Err(AppendError::Fenced { current: high });
    assert_eq!(journal.append(low, vec![vec![2]]).await, fenced);
    drop(journal);
    let (journal, found) = place.lead().await;
    assert_eq!(simple(&found), [(1, low.0, vec![1])]);
    assert!(found.epoch > high);
    let fenced = Err(AppendError::Fenced { current: found.epoch });
    assert_eq!(journal.append(high, vec![vec![2]]).await, fenced);
    assert_eq!(journal.append(high, vec![]).await, fenced);
}

pub async fn a_successor_leads_alone_and_finds_everything<P: Place>(place: &P) {
    let (old, found) = place.lead().await;
    let mut answered = 0;
    let mut leader = (old, found.epoch);
    for _ in 0..3 {
        for _ in 0..4 {
            answered += 1;
            let payload = vec![vec![answered as u8]];
            assert_eq!(leader.0.append(leader.1, payload).await, Ok(Position(answered)));
        }
        let old = P::SHARED.then(|| std::mem::replace(&mut leader.0, Box::new(Nowhere)));
        if old.is_none() {
            leader.0 = Box::new(Nowhere); // ends it
        }
        let (new, found) = place.lead().await;
        assert_eq!(found.entries.len() as u64, answered);
        assert!(found.epoch > leader.1);
        if let Some(old) = old {
            let fenced = Err(AppendError::Fenced { current: found.epoch });
            assert_eq!(old.append(leader.1, vec![vec![0]]).await, fenced);
        }
        leader = (new, found.epoch);
    }
    drop(leader);
    let (_, found) = place.lead().await;
    let records: Vec<u8> = found.entries.iter().map(|it| it.record[0]).collect();
    assert_eq!(
        records,
        (1..=12).collect::<Vec<u8>>(),
        "nothing of a former leader got in"
    );
}

/// Stands where a journal stood.
struct Nowhere;

impl Journal<Vec<u8>> for Nowhere {
    fn append(&self, _: Epoch, _: Vec<Vec<u8>>) -> futures::future::BoxFuture<'_, Result<Position, AppendError>> {
        std::future::ready(Err(AppendError::Lost)).boxed()
    }

    fn compact(
        &self,
        _: transaction_journal::Keep<Vec<u8>>,
    ) -> futures::future::BoxFuture<'_, Result<(), transaction_journal::CompactError>> {
        std::future::ready(Err(transaction_journal::CompactError::Closed)).boxed()
    }
}

pub async fn a_compaction_moves_nothing_that_stays(place: &impl Place) {
    let (journal, found) = place.lead().await;
    let first = found.epoch;
    for number in 0..9u8 {
        journal.append(first, vec![vec![number]]).await.unwrap();
    }
    journal.compact(Box::new(|it| it.record[0] % 3 == 0)).await.unwrap();
    assert_eq!(journal.append(first, vec![vec![9]]).await, Ok(Position(10)));
    drop(journal);
    let (journal, found) = place.lead().await;
    let expected = [0u8, 3, 6, 9].map(|it| (u64::from(it) + 1, first.0, vec![it]));
    assert_eq!(simple(&found), expected);
    journal.compact(Box::new(|_| false)).await.unwrap();
    drop(journal);
    let (journal, again) = place.lead().await;
    assert!(again.entries.is_empty());
    assert!(again.epoch > found.epoch, "the fence outlives all records");
    assert_eq!(journal.append(again.epoch, vec![vec![1]]).await, Ok(Position(11)));
}

pub async fn a_record_beyond_the_limit_is_refused_and_its_neighbours_are_not(place: &impl Place) {
    let (journal, found) = place.lead().await;
    let (one, long, two) = tokio::join!(
        journal.append(found.epoch, vec![vec![1]]),
        journal.append(found.epoch, vec![vec![1], vec![0; LIMIT + 1]]),
        journal.append(found.epoch, vec![vec![2]]),
    );
    let bytes = LIMIT + 1;
    assert_eq!(long, Err(AppendError::TooLarge { bytes, limit: LIMIT }));
    assert_eq!((one, two), (Ok(Position(1)), Ok(Position(2))));
}

pub async fn many_at_once_have_places_of_their_own(place: &impl Place) {
    let (journal, found) = place.lead().await;
    let (journal, epoch) = (Arc::new(journal), found.epoch);
    let tasks = (0..64u8).map(|task| {
        let journal = journal.clone();
        tokio::spawn(async move {
            let mut places = Vec::new();
            for turn in 0..6u8 {
                let last = journal
                    .append(epoch, vec![vec![task, turn, 0], vec![task, turn, 1]])
                    .await
                    .unwrap();
                places.push((last.0 - 1, vec![task, turn, 0]));
                places.push((last.0, vec![task, turn, 1]));
            }
            places
        })
    });
    let mut places = BTreeMap::new();
    for task in futures::future::join_all(tasks).await {
        places.extend(task.unwrap());
    }
    drop(journal);
    let (_, found) = place.lead().await;
    let there: BTreeMap<u64, Vec<u8>> = found.entries.into_iter().map(|it| (it.position.0, it.record)).collect();
    assert_eq!(there.len(), 64 * 6 * 2);
    assert_eq!(
        there, places,
        "everybody found a place of his own, and his record stands in it"
    );
}

pub async fn whoever_stops_waiting_harms_nobody(place: &impl Place) {
    let (journal, found) = place.lead().await;
    for number in 0..20u8 {
        // Polled once and dropped: it may or may not be written.
        let _ = journal.append(found.epoch, vec![vec![number]]).now_or_never();
    }
    let last = journal.append(found.epoch, vec![vec![100]]).await.unwrap();
    drop(journal);
    let (_, found) = place.lead().await;
    let numbers: Vec<u8> = found.entries.iter().map(|it| it.record[0]).collect();
    assert!(numbers.is_sorted() && numbers.last() == Some(&100), "{numbers:?}");
    assert_eq!(found.entries.last().map(|it| it.position), Some(last));
    assert!(
        found
            .entries
            .iter()
            .zip(1..)
            .all(|(it, position)| it.position.0 == position)
    );
}

const CHILD: &str = "ENTENTE_JOURNAL_PLACE";
/// Records in each append of the child.
const TOGETHER: u64 = 3;

/// Appends numbers, three at a time, and says how many were answered, until it is killed.
#[allow(clippy::print_stdout, reason = "who kills this process reads what it says")]
pub async fn child<P: Place>() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let (journal, found) = P::at(&folder).lead().await;
    let mut count = found.entries.len() as u64;
    loop {
        let numbers = (count..count + TOGETHER).map(|it| it.to_le_bytes().to_vec()).collect();
        count = journal.append(found.epoch, numbers).await.unwrap().0;
        println!("answered {count}");
    }
}

/// Kills such a child again and again, each time a little later.
pub async fn killed<P: Place>(module: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (_, module) = module.split_once("::").expect("the suite runs in a module of its own");
    let name = format!("{module}::child_that_is_killed");
    let mut answered = 0;
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([&name, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut counts = said.filter_map(|it| it.split_once("answered ")?.1.parse().ok());
        let before = answered;
        answered = counts.by_ref().take(3 + round * 4).last().unwrap_or(answered);
        child.kill().unwrap();
        answered = counts.last().unwrap_or(answered).max(answered);
        child.wait().unwrap();
        assert!(answered > before, "round {round}: the child {name} wrote nothing");
        let (_, found) = P::at(folder.path()).lead().await;
        let numbers = found
            .entries
            .iter()
            .map(|it| u64::from_le_bytes(it.record[..8].try_into().unwrap()));
        assert!(numbers.eq(0..found.entries.len() as u64), "round {round}: not a prefix");
        let found = found.entries.len() as u64;
        assert!(
            (answered..=answered + TOGETHER).contains(&found),
            "round {round}: {answered} were answered, {found} found"
        );
        answered = found;
    }
}
