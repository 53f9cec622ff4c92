//! What every benchmark needs: a clock, a median, and a disk that is one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::time::{ClockId, clock_gettime};

/// A running watch.
pub struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is about the time that passes")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The processor time that this thread has used, in seconds.
pub fn own_cpu() -> anyhow::Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(Duration::from(time).as_secs_f64())
}

/// The processor time that children used which have ended and were waited for, in seconds.
pub fn children_cpu() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |it: TimeVal| it.tv_sec() as f64 + it.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The memory of this process that is not on disk, in bytes.
pub fn resident() -> anyhow::Result<f64> {
    resident_of("self")
}

/// The memory of another process that is not on disk, in bytes.
pub fn resident_of(process: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.context("cannot see how much memory is used")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .and_then(|it| it.trim().strip_suffix(" kB"))
        .context("no VmRSS")?
        .parse()?;
    Ok(kib * 1024.0)
}

/// The middle one; of nothing, zero.
pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Refuses a folder that is kept in memory: a sync costs nothing there, and every ratio would be worthless.
pub fn refuse_memory(folder: &Path) -> anyhow::Result<()> {
    let folder = folder.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").context("cannot see which file system this is")?;
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        })
        .filter(|(place, _)| folder.starts_with(place))
        .max_by_key(|(place, _)| place.len());
    match mount {
        Some((_, kind @ ("tmpfs" | "ramfs"))) => bail!("{} is a {kind}: choose a folder on a disk", folder.display()),
        Some(_) | None => Ok(()),
    }
}
