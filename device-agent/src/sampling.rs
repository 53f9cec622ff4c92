//! Watches: what the controller wants to be told of a device again and again, each with an end of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use adapters_failover::Failover;
use adapters_port::Deadline;
use knowledge_model::{Path, Tree};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::failure::{Again, Failure};
use crate::link::{Reading, Sample, Upward, Watch};
use crate::reading;

/// How many watches one agent keeps.
const MOST: usize = 256;
/// How many entries one sample carries.
const ENTRIES: usize = 16_384;
/// The shortest time between two looks.
const OFTEN: Duration = Duration::from_millis(200);
/// The longest time that a watch lives without being asked for again.
const LEASE: Duration = Duration::from_secs(3_600);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(15);

/// The watches that are kept.
#[derive(Default)]
pub(crate) struct Watches(BTreeMap<[u8; 16], Kept>);

struct Kept {
    asked: Watch,
    until: watch::Sender<Instant>,
}

impl Watches {
    /// Keeps a watch, or keeps it for longer where it is the same; another of that name takes its place.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn keep(&mut self, asked: Watch, way: Failover, up: mpsc::Sender<Upward>) -> Result<(), Failure> {
        self.0.retain(|_, it| !it.until.is_closed());
        let until = Instant::now() + asked.lease.min(LEASE);
        if let Some(kept) = self.0.get(&asked.name).filter(|it| it.asked.is_same(&asked)) {
            kept.until.send_replace(until);
            return Ok(());
        }
        if self.0.len() >= MOST && !self.0.contains_key(&asked.name) {
            let words = format!("{MOST} watches are kept already");
            return Err(Failure::own("overloaded", Again::Later, words));
        }
        let (sender, end) = watch::channel(until);
        tokio::spawn(sample(asked.clone(), way, up, end));
        self.0.insert(asked.name, Kept { asked, until: sender });
        Ok(())
    }

    /// Ends a watch; one that is not there has ended already.
    pub(crate) fn end(&mut self, name: &[u8; 16]) {
        self.0.remove(name);
    }
}

/// Looks and tells until the end has come, or nobody can move it any more.
async fn sample(asked: Watch, way: Failover, up: mpsc::Sender<Upward>, mut until: watch::Receiver<Instant>) {
    let mut period = tokio::time::interval(asked.every.max(OFTEN));
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut before, mut count): (Option<Tree>, u64) = (None, 0);
    loop {
        let end = *until.borrow_and_update();
        tokio::select! {
            _ = period.tick() => {}
            moved = until.changed() => match moved {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = tokio::time::sleep_until(end) => return,
        }
        let looked = Instant::now();
        let by = Deadline::after(looked.into_std(), LOOK);
        let tree = match reading::read(&way, asked.source, &asked.paths, by).await {
            Ok(Reading::Canonical(tree)) if tree.len() <= ENTRIES => tree,
            Ok(Reading::Canonical(_) | Reading::Native(_)) => {
                tracing::warn!(device = %asked.device, "a watch sees more than a sample carries");
                continue;
            }
            Err(failure) => {
                tracing::debug!(device = %asked.device, words = failure.reason, "a watch saw nothing");
                continue;
            }
        };
        if asked.changes_only && before.as_ref() == Some(&tree) {
            continue;
        }
        count += 1;
        let sample = Sample {
            watch: asked.name,
            device: asked.device,
            count,
            looked,
            gone: gone(before.as_ref(), &tree),
            entries: tree.clone(),
        };
        before = Some(tree);
        if up.try_send(Upward::Sample(sample)).is_err() {
            tracing::debug!(device = %asked.device, "a sample was dropped");
        }
    }
}

/// What was there and is no more.
fn gone(before: Option<&Tree>, now: &Tree) -> Vec<Path> {
    let were = before.into_iter().flat_map(Tree::iter).map(|(path, _)| path);
    were.filter(|path| now.value(path).is_none()).cloned().collect()
}

impl Watch {
    /// Whether this asks for the same, for longer.
    fn is_same(&self, other: &Self) -> bool {
        (self.device, self.source, &self.paths) == (other.device, other.source, &other.paths)
            && (self.every, self.changes_only) == (other.every, other.changes_only)
    }
}
