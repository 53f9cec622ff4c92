//! A complete candidate transaction on many devices: ours against ncclient, on the same devices in the same run.
//!
//! The devices are simulated and live in a process of their own, so that each client's CPU is its own. Both sides
//! send the same edit, read back after the commit and after the confirm, and the devices count the RPCs: a run in
//! which the counts differ is no run.

mod devices;
mod ours;
mod peer;

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::measure::median;
use crate::report::Row;

pub use devices::serve;
pub use ours::client;

/// What a client is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    devices: Vec<Address>,
    user: String,
    password: String,
    warm: bool,
    /// Sessions at a time.
    workers: usize,
    /// Pairs of transactions a device, there and back; cold it is one pair with a session each.
    pairs: usize,
    /// The edit there and back, and the filter, as text: the same bytes for everybody.
    there: String,
    back: String,
    filter: String,
    /// What the configuration holds when the change is there.
    marker: String,
}

/// Where a device listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    host: String,
    port: u16,
}

/// What a client measured of itself, in seconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Figures {
    cpu: f64,
    wall: f64,
}

const WORKERS: [usize; 5] = [1, 2, 8, 32, 100];

pub fn run(devices: usize, rounds: usize) -> anyhow::Result<Vec<Row>> {
    let mut fleet = devices::Fleet::start(devices)?;
    let mut rows = Vec::new();
    for warm in [false, true] {
        rows.extend(measure(&mut fleet, warm, rounds)?);
    }
    Ok(rows)
}

fn measure(fleet: &mut devices::Fleet, warm: bool, rounds: usize) -> anyhow::Result<Vec<Row>> {
    let job = ours::job(fleet.addresses().to_vec(), warm)?;
    let transactions = u32::try_from(job.devices.len() * job.pairs * 2)?;
    let (ours_best, theirs_best) = (best(&job, ours::run)?, best(&job, peer::run)?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        fleet.counts()?;
        ours.push(ours::run(&Job {
            workers: ours_best,
            ..job.clone()
        })?);
        let our_counts = fleet.counts()?;
        theirs.push(peer::run(&Job {
            workers: theirs_best,
            ..job.clone()
        })?);
        let their_counts = fleet.counts()?;
        comparable(&our_counts, &their_counts)?;
    }
    let each = f64::from(transactions);
    let figure = |of: &dyn Fn(&Figures) -> f64, all: &[Figures]| {
        median(&mut all.iter().map(|it| of(it) / each).collect::<Vec<_>>())
    };
    let row = |what: &str, of: &dyn Fn(&Figures) -> f64, target: Option<f64>| {
        let (ours, theirs) = (figure(of, &ours) * 1e6, figure(of, &theirs) * 1e6);
        Row {
            bench: format!("candidate transaction, {}, {what}", if warm { "warm" } else { "cold" }),
            peer: format!("ncclient, {theirs_best} workers"),
            devices: u32::try_from(job.devices.len()).ok(),
            warm: Some(warm),
            ours,
            theirs,
            unit: "µs",
            ratio: theirs / ours,
            target,
        }
    };
    Ok(vec![
        row("CPU", &|it| it.cpu, Some(if warm { 30.0 } else { 12.0 })),
        row("wall", &|it| it.wall, None),
    ])
}

/// The number of sessions at a time with which a client is done first, tried on no more devices than it takes.
fn best(job: &Job, run: fn(&Job) -> anyhow::Result<Figures>) -> anyhow::Result<usize> {
    const FEWEST: usize = 4;
    let mut found: Option<(f64, usize)> = None;
    for workers in WORKERS.into_iter().filter(|it| *it <= job.devices.len().max(1)) {
        let devices: Vec<Address> = job.devices.iter().take(workers.max(FEWEST)).cloned().collect();
        let each = f64::from(u32::try_from(devices.len())?);
        let trial = Job {
            workers,
            devices,
            pairs: 1,
            ..job.clone()
        };
        let wall = run(&trial).with_context(|| format!("with {workers} at a time"))?.wall / each;
        if found.is_none_or(|(least, _)| wall < least) {
            found = Some((wall, workers));
        }
    }
    Ok(found.map_or(1, |(_, workers)| workers))
}

fn comparable(ours: &BTreeMap<String, u64>, theirs: &BTreeMap<String, u64>) -> anyhow::Result<()> {
    let work = |counts: &BTreeMap<String, u64>| -> BTreeMap<String, u64> {
        let rpcs = ["lock", "unlock", "get-config", "edit-config", "validate", "commit"];
        rpcs.iter()
            .map(|it| ((*it).to_owned(), counts.get(*it).copied().unwrap_or(0)))
            .collect()
    };
    let (ours, theirs) = (work(ours), work(theirs));
    ensure!(
        ours.values().all(|it| *it > 0),
        "the devices counted nothing of ours: {ours:?}"
    );
    ensure!(ours == theirs, "not the same work: ours {ours:?}, theirs {theirs:?}");
    Ok(())
}
