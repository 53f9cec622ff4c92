//! Durable decisions: group commit against one sync each, and what the journal costs one who is alone.

mod machines;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use transaction_journal::{Epoch, FileJournal, Journal, Options};

use crate::measure::{Watch, median, refuse_memory};
use crate::report::Row;

/// About what a decision takes.
const RECORD: usize = 120;
const CONCURRENT: usize = 256;
const PAIRS: usize = 400;
const SPAN: Duration = Duration::from_millis(300);

pub fn run(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    refuse_memory(&folder)?;
    let folder = tempfile::tempdir_in(folder).context("cannot write into the checkout")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut single = Single::new(folder.path().join("single"))?;
    let (journal, _) = FileJournal::<Vec<u8>>::open(&folder.path().join("journal"), Options::default())?;
    let journal = Arc::new(journal);
    let (mut grouped, mut alone, mut machines) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let theirs = single.for_a_while()?;
        let ours = runtime.block_on(many(&journal))?;
        grouped.push((ours, theirs));
        machines.push((machines::for_a_while(SPAN)?, theirs));
        let journal = journal.clone();
        let (pairs, back) = runtime.block_on(runtime.spawn(async move {
            let pairs = pairs(&journal, &mut single).await;
            (pairs, single)
        }))?;
        single = back;
        alone.push(pairs?);
    }
    let grouped = row(&grouped, |(ours, theirs)| ours / theirs);
    let machines = row(&machines, |(ours, theirs)| ours / theirs);
    let alone = row(&alone, |(ours, theirs)| theirs / ours);
    Ok(vec![
        Row {
            bench: "transactions of 10 through the machines".to_owned(),
            peer: "one fdatasync each".to_owned(),
            devices: Some(machines::PARTICIPANTS),
            unit: "1/s",
            target: Some(8.0),
            ..machines
        },
        Row {
            bench: "durable decisions, 256 concurrent".to_owned(),
            peer: "one fdatasync each".to_owned(),
            unit: "1/s",
            target: Some(20.0),
            ..grouped
        },
        Row {
            bench: "one durable decision alone".to_owned(),
            peer: "write and fdatasync".to_owned(),
            unit: "µs",
            target: Some(1.0 / 1.1), // at most 1.1 times the time
            ..alone
        },
    ])
}

/// The middle of each figure over all rounds.
fn row(rounds: &[(f64, f64)], ratio: fn((f64, f64)) -> f64) -> Row {
    let middle =
        |figure: &dyn Fn((f64, f64)) -> f64| median(&mut rounds.iter().copied().map(figure).collect::<Vec<_>>());
    let (ours, theirs) = (middle(&|round| round.0), middle(&|round| round.1));
    Row {
        ours,
        theirs,
        ratio: middle(&ratio),
        ..Row::default()
    }
}

/// The peer: a file that is written and synced, record by record, its length settled in advance as the journal's is.
struct Single {
    file: File,
    offset: u64,
}

const SETTLED: u64 = 4 * 1024 * 1024;

impl Single {
    fn new(path: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(path)?;
        file.write_all_at(&vec![0; SETTLED as usize], 0)?;
        file.sync_all()?;
        Ok(Self { file, offset: 0 })
    }

    fn write(&mut self) -> std::io::Result<()> {
        self.file.write_all_at(&[7; RECORD], self.offset)?;
        self.offset = (self.offset + RECORD as u64) % (SETTLED - RECORD as u64);
        self.file.sync_data()
    }

    /// Decisions a second.
    fn for_a_while(&mut self) -> std::io::Result<f64> {
        let (watch, mut count) = (Watch::start(), 0u32);
        while watch.elapsed() < SPAN {
            self.write()?;
            count += 1;
        }
        Ok(f64::from(count) / watch.elapsed().as_secs_f64())
    }
}

/// Decisions a second with many transactions under way.
async fn many(journal: &Arc<FileJournal<Vec<u8>>>) -> anyhow::Result<f64> {
    let watch = Arc::new(Watch::start());
    let count = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..CONCURRENT)
        .map(|_| {
            let (journal, count, watch) = (journal.clone(), count.clone(), watch.clone());
            tokio::spawn(async move {
                while watch.elapsed() < SPAN {
                    Journal::append(journal.as_ref(), Epoch(0), vec![vec![7; RECORD]]).await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(count.load(Ordering::Relaxed) as f64 / watch.elapsed().as_secs_f64())
}

/// The middle time of one decision in µs, ours and theirs in turn so that the disk's moods strike both.
async fn pairs(journal: &FileJournal<Vec<u8>>, single: &mut Single) -> anyhow::Result<(f64, f64)> {
    let (mut ours, mut theirs) = (Vec::with_capacity(PAIRS), Vec::with_capacity(PAIRS));
    for _ in 0..PAIRS {
        let watch = Watch::start();
        Journal::append(journal, Epoch(0), vec![vec![7; RECORD]]).await?;
        ours.push(watch.elapsed().as_secs_f64() * 1e6);
        let watch = Watch::start();
        single.write()?;
        theirs.push(watch.elapsed().as_secs_f64() * 1e6);
    }
    Ok((median(&mut ours), median(&mut theirs)))
}
