//! A complete change on many devices: ours against the tools that people use, on the same devices in the same run.
//!
//! The devices are simulated and live in a process of their own, or are real netconfds, so that each client's CPU is
//! its own. All sides send the same edit, read back after the commit and after the confirm, and simulated devices count
//! what they are asked: a run in which the counts differ is no run.

mod devices;
mod lines;
mod netconfd;
mod ours;
mod peer;
mod road;

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::measure::median;
use crate::report::Row;
use peer::Peer;

pub use devices::serve;
pub use ours::client;

/// What is measured.
pub struct Plan {
    /// How many simulated devices, run after run.
    pub devices: Vec<usize>,
    /// Milliseconds of round trip to each.
    pub round_trip: u64,
    /// Real ones instead.
    pub netconfd: Option<usize>,
    /// Interleaved rounds.
    pub rounds: usize,
}

/// What a client is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    devices: Vec<Address>,
    user: String,
    password: String,
    /// A file with a private key, instead of the password.
    key: Option<String>,
    warm: bool,
    /// Sessions at a time.
    workers: usize,
    /// Pairs of transactions a device, there and back; cold it is one pair with a session each.
    pairs: usize,
    /// Whether the candidate is validated: what the real server does with the commit behind it forbids it there.
    validate: bool,
    /// The edit there and back, and the filter, as text: the same bytes for everybody.
    there: String,
    back: String,
    filter: String,
    /// The lines there and back, for a terminal; none for NETCONF.
    lines: Vec<String>,
    lines_back: Vec<String>,
    /// What the configuration holds when the change is there.
    marker: String,
}

/// Where a device listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Address {
    host: String,
    port: u16,
}

/// What a client measured of itself: seconds, and bytes at the peak.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Figures {
    cpu: f64,
    wall: f64,
    memory: f64,
}

const WORKERS: [usize; 5] = [1, 2, 8, 32, 100];
/// What counts as the same work.
const RPCS: [&str; 6] = ["lock", "unlock", "get-config", "edit-config", "validate", "commit"];

/// The rows of everything that was asked for.
pub fn run(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    if let Some(count) = plan.netconfd {
        let servers = netconfd::Servers::start(count)?;
        for warm in [false, true] {
            let job = servers.job(warm)?;
            rows.extend(measure("netconfd", &job, &Peer::NETCONF, plan, &mut || {
                Ok(BTreeMap::new())
            })?);
        }
        return Ok(rows);
    }
    let far = match plan.round_trip {
        0 => String::new(),
        trip => format!(" at {trip} ms"),
    };
    for &count in &plan.devices {
        let mut fleet = devices::Fleet::start(count.max(1), "confirmed", plan.round_trip)?;
        for warm in [false, true] {
            let job = ours::job(fleet.addresses().to_vec(), warm)?;
            let counts = &mut || fleet.counts();
            rows.extend(measure(&format!("candidate{far}"), &job, &Peer::NETCONF, plan, counts)?);
        }
        let mut fleet = devices::Fleet::start(count.max(1), "ios", plan.round_trip)?;
        for warm in [false, true] {
            let job = lines::job(fleet.addresses().to_vec(), warm)?;
            let counts = &mut || fleet.counts();
            rows.extend(measure(
                &format!("ten lines{far}"),
                &job,
                &Peer::TERMINAL,
                plan,
                counts,
            )?);
        }
    }
    Ok(rows)
}

/// Ours and each peer, each with its best number of workers, interleaved.
fn measure(
    name: &str,
    job: &Job,
    peers: &[Peer],
    plan: &Plan,
    counts: &mut dyn FnMut() -> anyhow::Result<BTreeMap<String, u64>>,
) -> anyhow::Result<Vec<Row>> {
    let with = |workers| Job { workers, ..job.clone() };
    let ours_best = with(best(job, &ours::run)?);
    let theirs_best = peers.iter().map(|peer| Ok(with(best(job, &|job| peer.run(job))?)));
    let theirs_best = theirs_best.collect::<anyhow::Result<Vec<Job>>>()?;
    let (mut ours, mut theirs) = (Vec::new(), vec![Vec::new(); peers.len()]);
    for _ in 0..plan.rounds {
        counts()?;
        ours.push(ours::run(&ours_best)?);
        let our_counts = counts()?;
        for ((peer, job), figures) in peers.iter().zip(&theirs_best).zip(&mut theirs) {
            figures.push(peer.run(job)?);
            comparable(job, &our_counts, &counts()?).with_context(|| peer.name())?;
        }
    }
    let each = f64::from(u32::try_from(job.devices.len() * job.pairs * 2)?);
    let mut rows = Vec::new();
    for ((peer, best), theirs) in peers.iter().zip(&theirs_best).zip(&theirs) {
        let row = |what: &str, unit, per: f64, of: &dyn Fn(&Figures) -> f64, target| {
            let figure = |all: &[Figures]| median(&mut all.iter().map(|it| of(it) / per).collect::<Vec<_>>());
            let (ours, theirs) = (figure(&ours), figure(theirs));
            Row {
                bench: format!("{name}, {}, {what}", if job.warm { "warm" } else { "cold" }),
                peer: format!("{}, {} workers", peer.name(), best.workers),
                devices: u32::try_from(job.devices.len()).ok(),
                warm: Some(job.warm),
                ours,
                theirs,
                unit,
                ratio: theirs / ours,
                target,
            }
        };
        rows.push(row("CPU", "µs", each / 1e6, &|it| it.cpu, peer.target(job.warm)));
        rows.push(row("wall", "µs", each / 1e6, &|it| it.wall, None));
        rows.push(row("memory", "MB", 1e6, &|it| it.memory, None));
    }
    Ok(rows)
}

/// The number of sessions at a time with which a client is done first, tried on no more devices than it takes.
fn best(job: &Job, run: &dyn Fn(&Job) -> anyhow::Result<Figures>) -> anyhow::Result<usize> {
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

/// The same RPCs for everybody; on a terminal the peer may type more lines than we, never fewer, and they are said.
fn comparable(job: &Job, ours: &BTreeMap<String, u64>, theirs: &BTreeMap<String, u64>) -> anyhow::Result<()> {
    let count = |counts: &BTreeMap<String, u64>, name: &str| counts.get(name).copied().unwrap_or(0);
    if !job.lines.is_empty() {
        let (ours, theirs) = (count(ours, "line"), count(theirs, "line"));
        ensure!(
            ours > 0 && theirs > 0,
            "the devices counted {ours} lines of ours, {theirs} of theirs"
        );
        return Ok(());
    }
    if ours.is_empty() && theirs.is_empty() {
        return Ok(()); // a real server counts nothing; both sides have read back
    }
    let work = |counts: &BTreeMap<String, u64>| RPCS.map(|name| count(counts, name));
    let (ours, theirs) = (work(ours), work(theirs));
    ensure!(
        ours.iter().all(|it| *it > 0),
        "the devices counted nothing of ours: {RPCS:?} {ours:?}"
    );
    ensure!(
        ours == theirs,
        "not the same work: {RPCS:?}, ours {ours:?}, theirs {theirs:?}"
    );
    Ok(())
}
