//! Watches: what an agent tells of a device again and again, for as long as somebody listens.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fabric_wire::Outlet;
use fabric_wire::v1::{self, Scope, Step, downward};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Interval;
use transaction::DeviceId;
use uuid::Uuid;

use super::{Agents, ReadError, inward};

/// How long an agent goes on without being asked again.
const LEASE: Duration = Duration::from_secs(30);
/// How many samples may wait for who listens; more are lost, and the count says so.
const WAITING: usize = 16;
/// How many watches there may be at once.
const MOST: usize = 256;

/// What is watched.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Of which device.
    pub device: DeviceId,
    /// Its configuration or what it says of itself.
    pub source: v1::Source,
    /// The names or paths wanted.
    pub paths: Vec<String>,
    /// How often it is looked.
    pub every: Duration,
    /// Whether only what has changed is told.
    pub changes_only: bool,
}

/// What was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Sampled {
    /// Counts from 1; a gap says that some were lost.
    pub count: u64,
    /// How long ago the agent looked, in milliseconds.
    pub age_milliseconds: u64,
    /// What is there, by path.
    pub entries: Vec<(String, Option<String>)>,
    /// What was there before and is no more.
    pub gone: Vec<String>,
}

type Heard = Result<v1::Sample, String>;

struct Listener {
    device: DeviceId,
    /// The agent that was asked last: nobody else answers.
    asked: String,
    /// The request that was sent last.
    attempt: u32,
    samples: mpsc::Sender<Heard>,
}

/// Who listens to what.
#[derive(Default)]
pub struct Watches(Mutex<HashMap<[u8; 16], Listener>>);

impl Watches {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 16], Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a sample on to who listens; only that of the device that is watched, from the agent that was asked.
    pub(super) fn sampled(&self, agent: &str, device: DeviceId, sample: v1::Sample) {
        let Ok(name) = <[u8; 16]>::try_from(sample.watch.as_slice()) else {
            return;
        };
        if let Some(listener) = self
            .lock()
            .get(&name)
            .filter(|it| it.device == device && it.asked == agent)
        {
            let _ = listener.samples.try_send(Ok(sample)); // what finds no room is lost
        }
    }

    /// Hears whether a watch is kept.
    pub(super) fn answered(&self, agent: &str, device: DeviceId, attempt: u32, answer: v1::Answer) {
        let Some(v1::answer::Outcome::Fault(fault)) = answer.outcome else {
            return;
        };
        let mut all = self.lock();
        let refused = all
            .iter()
            .find(|(_, it)| it.device == device && it.asked == agent && it.attempt == attempt);
        let Some(name) = refused.map(|(name, _)| *name) else {
            return;
        };
        if let Some(listener) = all.remove(&name) {
            let _ = listener.samples.try_send(Err(inward::words(&fault))); // who listens no longer has given up
        }
    }
}

/// A watch: it ends when it is dropped.
pub struct Watching {
    agents: Arc<Agents>,
    name: [u8; 16],
    wish: Wish,
    samples: mpsc::Receiver<Heard>,
    again: Interval,
}

impl Agents {
    /// Watches a device for as long as what comes back lives.
    ///
    /// # Errors
    /// Nobody speaks for the device, or too much is watched already.
    pub fn watch(self: &Arc<Self>, wish: Wish) -> Result<Watching, ReadError> {
        let (sender, samples) = mpsc::channel(WAITING);
        let (name, device) = (Uuid::now_v7().into_bytes(), wish.device);
        let mut all = self.watches.lock();
        if all.len() >= MOST {
            let words = format!("{MOST} watches are open already");
            let device = self.called(device);
            return Err(ReadError::Fault { device, words });
        }
        let (attempt, samples_in) = (0, sender);
        let listener = Listener {
            device,
            asked: String::new(),
            attempt,
            samples: samples_in,
        };
        all.insert(name, listener);
        drop(all);
        let mut again = tokio::time::interval(LEASE / 3);
        again.reset(); // the first time is now
        let watching = Watching {
            agents: self.clone(),
            name,
            wish,
            samples,
            again,
        };
        if watching.ask() {
            Ok(watching)
        } else {
            Err(self.unspoken(device))
        }
    }
}

impl Watching {
    /// What is seen next; or why nothing is seen any more.
    pub async fn next(&mut self) -> Option<Result<Sampled, String>> {
        loop {
            tokio::select! {
                heard = self.samples.recv() => {
                    return heard.map(|it| it.and_then(sampled));
                }
                // While its agent is away nobody is asked; the next one is, and goes on.
                _ = self.again.tick() => drop(self.ask()),
            }
        }
    }

    fn ask(&self) -> bool {
        let attempt = self.agents.count.fetch_add(1, Ordering::Relaxed);
        let Some((asked, outlet)) = self.agents.observer(self.wish.device) else {
            return false;
        };
        match self.agents.watches.lock().get_mut(&self.name) {
            Some(listener) => (listener.attempt, listener.asked) = (attempt, asked),
            None => return true, // it was refused, which is heard next
        }
        let watch = v1::Watch {
            watch: self.name.to_vec(),
            source: self.wish.source as i32,
            paths: self.wish.paths.clone(),
            every_milliseconds: milliseconds(self.wish.every),
            lease_milliseconds: milliseconds(LEASE),
            changes_only: self.wish.changes_only,
        };
        self.send(&outlet, attempt, downward::Body::Watch(watch))
    }

    fn send(&self, outlet: &Outlet<v1::Downward>, attempt: u32, body: downward::Body) -> bool {
        let scope = Scope {
            device: self.wish.device.to_string(),
            step: Step::Watch as i32,
            attempt,
            ..Scope::default()
        };
        outlet.offer(Some(scope), body).is_ok()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.agents.watches.lock().remove(&self.name);
        let attempt = self.agents.count.fetch_add(1, Ordering::Relaxed);
        let watch = self.name.to_vec();
        if let Some((_, outlet)) = self.agents.observer(self.wish.device) {
            self.send(&outlet, attempt, downward::Body::Unwatch(v1::Unwatch { watch })); // else its lease ends it
        }
    }
}

fn sampled(sample: v1::Sample) -> Result<Sampled, String> {
    let entry = |it: v1::Observed| -> Result<(String, Option<String>), String> {
        let (path, value) = inward::observed(it).ok_or("the agent sent a path that is none")?;
        Ok((path.to_string(), value.text().map(str::to_owned)))
    };
    Ok(Sampled {
        count: sample.count,
        age_milliseconds: sample.age_milliseconds,
        entries: sample.entries.into_iter().map(entry).collect::<Result<_, _>>()?,
        gone: sample.gone.iter().map(|it| inward::plain(it)).collect(),
    })
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
