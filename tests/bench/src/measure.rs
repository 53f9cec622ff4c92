//! What every benchmark needs: a clock, a median, and a disk that is one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

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
