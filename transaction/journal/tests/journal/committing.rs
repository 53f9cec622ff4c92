//! The committer: one sync for many, bounded waiting, and the end of the process when the disk fails.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use transaction_journal::{AppendError, Disk, DiskFile, Epoch, FileJournal, Journal, Options, Position};

use crate::disk::{Flaw, MemoryDisk};

fn open(disk: impl Disk + 'static, options: Options) -> FileJournal<Vec<u8>> {
    FileJournal::open_on(Arc::new(disk), options).unwrap().0
}

/// A disk whose syncs wait until they are let through.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<Option<u64>>, Condvar)>);

impl Gate {
    /// From now on so many syncs pass, the next waits.
    fn allow(&self, syncs: u64) {
        *self.0.0.lock().unwrap() = Some(syncs);
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut allowed = self.0.0.lock().unwrap();
        while *allowed == Some(0) {
            allowed = self.0.1.wait(allowed).unwrap();
        }
        if let Some(allowed) = allowed.as_mut() {
            *allowed -= 1;
        }
    }
}

struct GatedDisk(MemoryDisk, Gate);
struct GatedFile(Box<dyn DiskFile>, Gate);

impl Disk for GatedDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.read(name)
    }
    fn open(&self, name: &str, fresh: bool) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(GatedFile(self.0.open(name, fresh)?, self.1.clone())))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn sync_names(&self) -> io::Result<()> {
        self.0.sync_names()
    }
}

impl DiskFile for GatedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }
    fn sync(&self) -> io::Result<()> {
        self.1.pass();
        self.0.sync()
    }
    fn resize(&self, length: u64) -> io::Result<()> {
        self.0.resize(length)
    }
}

#[tokio::test]
async fn nothing_is_answered_before_its_sync_and_one_sync_answers_all_who_wait() {
    let (disk, gate) = (MemoryDisk::default(), Gate::default());
    let journal = open(GatedDisk(disk.clone(), gate.clone()), Options::default());
    gate.allow(0);
    let before = disk.syncs();
    let mut appends: Vec<_> = (0..100u8).map(|it| journal.append(Epoch(0), vec![vec![it]])).collect();
    for append in &mut appends {
        assert!(append.now_or_never().is_none(), "answered before its sync");
    }
    gate.allow(2);
    let positions = join_all(appends).await;
    assert!(
        positions
            .iter()
            .zip(1..)
            .all(|(it, position)| *it == Ok(Position(position))),
        "{positions:?}"
    );
    assert!(disk.syncs() - before <= 2, "{} syncs", disk.syncs() - before);
    gate.allow(1000);
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait() {
    let (disk, gate) = (MemoryDisk::default(), Gate::default());
    let journal = open(
        GatedDisk(disk, gate.clone()),
        Options {
            queue: 2,
            ..Options::default()
        },
    );
    gate.allow(0);
    let appends: Vec<_> = (0..50u8).map(|it| journal.append(Epoch(0), vec![vec![it]])).collect();
    let mut appends: Vec<_> = appends.into_iter().map(FutureExt::fuse).collect();
    for append in &mut appends {
        assert!(append.now_or_never().is_none());
    }
    gate.allow(1000);
    let answers = tokio::time::timeout(Duration::from_secs(20), join_all(appends))
        .await
        .unwrap();
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_answered_or_written_again() {
    let told = Arc::new(AtomicU64::new(0));
    let on_lost = {
        let told = told.clone();
        Arc::new(move |_: &io::Error| {
            told.fetch_add(1, Ordering::SeqCst);
        })
    };
    let disk = MemoryDisk::default();
    let failing = disk.clone().flawed(Flaw::SyncFails(4));
    let journal = open(
        failing,
        Options {
            on_lost,
            ..Options::default()
        },
    );
    let mut answers = Vec::new();
    for it in 0..6 {
        answers.push(journal.append(Epoch(0), vec![vec![it]]).await);
    }
    let good = answers.iter().take_while(|it| it.is_ok()).count();
    assert!((1..4).contains(&good), "{answers:?}");
    assert!(
        answers[good..].iter().all(|it| *it == Err(AppendError::Lost)),
        "{answers:?}"
    );
    assert_eq!(told.load(Ordering::SeqCst), 1);
    let calls = disk.calls();
    journal.append(Epoch(0), vec![vec![9]]).await.unwrap_err();
    drop(journal);
    assert_eq!(disk.calls(), calls, "the disk was touched after it failed");
}

const CHILD: &str = "ENTENTE_JOURNAL_CHILD";

/// Not a test of its own: what the test below runs in a process of its own.
#[tokio::test]
async fn child_whose_sync_fails() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let journal = open(MemoryDisk::default().flawed(Flaw::SyncFails(3)), Options::default());
    for it in 0..10 {
        println!("answered {:?}", journal.append(Epoch(0), vec![vec![it]]).await);
    }
    println!("still alive");
}

#[test]
fn a_failed_sync_ends_the_process() {
    let name = "committing::child_whose_sync_fails";
    let child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert_eq!(child.status.code(), Some(74), "{said}");
    assert!(
        said.contains("answered Ok") && !said.contains("answered Err") && !said.contains("still alive"),
        "{said}"
    );
}
