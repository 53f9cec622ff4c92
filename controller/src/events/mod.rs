//! Signed events: carried by the built-in broker or one beside us, verified here, told to whoever listens, and acted on.

mod beside;
mod carry;
mod check;
mod reaction;

pub use reaction::react;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, Result};
use fabric_events::broker::{Broker, Deaf, Traffic};
use fabric_events::mqtt::{Publisher, Subscriber};
use fabric_events::{Event, Filter, Hearing, Memory, Outbox, Severity, Terms, Unheard};
use fabric_identity::{Authority, Revocations};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::agents::{CONTROLLER, clock};

/// How many believed events are kept for whoever listens.
const LATEST: usize = 1_000;
/// How many believed events may wait to be acted on.
const WAITING: usize = 1_024;
/// How many of the controller's own events may wait for the broker.
const OUTBOX: usize = 10_000;
/// How many events are remembered as believed, in all and of one sender.
const REMEMBERED: (usize, usize) = (1_000_000, 100_000);

/// A believed event, and which one it was since the program started.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Counts from 1.
    pub sequence: u64,
    /// What was said.
    pub event: Event,
}

/// What has happened so far.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Events that were believed.
    pub believed: u64,
    /// Events that were not, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Believed events that came too fast to be acted on.
    pub passed_over: u64,
    /// The built-in broker, if it is used.
    pub broker: Option<Traffic>,
    /// Own events that wait for the broker, that were lost because too many waited, that it rejected.
    pub outbox: (usize, u64, u64),
}

/// Everything about events.
pub struct Events {
    state: PathBuf,
    hearing: Mutex<Hearing>,
    revoked: Revocations,
    latest: Mutex<VecDeque<Arc<Told>>>,
    count: watch::Sender<u64>,
    acted_on: mpsc::Sender<Event>,
    passed_over: AtomicU64,
    publisher: Arc<Publisher>,
    subscriber: OnceLock<Arc<Subscriber>>,
    broker: OnceLock<Arc<Broker>>,
}

impl Events {
    /// Opens what is remembered in the state directory; what is to be acted on comes out of the queue.
    pub fn open(state: &Path, authority: &Authority) -> Result<(Arc<Self>, mpsc::Receiver<Event>)> {
        let memory = Memory::new(REMEMBERED.0, REMEMBERED.1);
        let hearing = Hearing::open(
            authority.certificate().to_vec(),
            Filter::default(),
            (&state.join("events.memory"), memory),
            Terms::default(),
            clock(),
        );
        let outbox = Outbox::open(&state.join("events.outbox"), OUTBOX).context("open the outbox of events")?;
        let (acted_on, queue) = mpsc::channel(WAITING);
        let events = Self {
            state: state.to_owned(),
            hearing: Mutex::new(hearing.context("open what is remembered of events")?),
            revoked: authority.revocations(),
            latest: Mutex::default(),
            count: watch::Sender::new(0),
            acted_on,
            passed_over: AtomicU64::new(0),
            publisher: Publisher::new(outbox),
            subscriber: OnceLock::new(),
            broker: OnceLock::new(),
        };
        Ok((Arc::new(events), queue))
    }

    /// Takes in what came over the broker: believes each, or counts why not. If something cannot be remembered it all
    /// must come again.
    pub fn hear(&self, all: &[&[u8]]) -> Result<(), Deaf> {
        let mut kept = Ok(());
        let heard = self.hearing().hear_all(all, &self.revoked.borrow(), clock());
        for it in heard {
            match it {
                Ok(event) => self.tell(event),
                Err(Unheard::Refused(reason)) => tracing::debug!(%reason, "refused an event"),
                Err(Unheard::Unwanted) => {}
                Err(Unheard::Disk(error)) => {
                    tracing::error!(%error, "an event is put off: it cannot be remembered");
                    kept = Err(Deaf);
                }
            }
        }
        kept
    }

    fn tell(&self, event: Event) {
        tracing::info!(
            kind = event.kind,
            source = event.source,
            subject = event.subject,
            "believed an event"
        );
        if self.acted_on.try_send(event.clone()).is_err() {
            let passed_over = self.passed_over.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(passed_over, "events come faster than they are acted on");
        }
        let mut latest = self.latest();
        let sequence = *self.count.borrow() + 1;
        if latest.len() >= LATEST {
            latest.pop_front();
        }
        latest.push_back(Arc::new(Told { sequence, event }));
        drop(latest);
        self.count.send_replace(sequence);
    }

    /// Waits for believed events after `since` that a filter wants; where none is left it waits for the next.
    pub async fn after(&self, since: u64, filter: &Filter) -> (u64, Vec<Arc<Told>>) {
        let mut count = self.count.subscribe();
        // The sender lives as long as this does.
        let upto = count.wait_for(|it| *it > since).await.map_or(since, |it| *it);
        let latest = self.latest();
        let wanted = latest
            .iter()
            .filter(|it| it.sequence > since && it.sequence <= upto && filter.wants(&it.event));
        (upto, wanted.cloned().collect())
    }

    /// How many events were told so far.
    pub fn count(&self) -> u64 {
        *self.count.borrow()
    }

    /// Publishes an event of the controller's own.
    pub fn publish(&self, kind: &str, subject: String, severity: Severity, data: Value) {
        let event = Event {
            specversion: "1.0".to_owned(),
            id: Uuid::now_v7().to_string(),
            source: format!("entente://controller/{CONTROLLER}"),
            kind: kind.to_owned(),
            time: fabric_events::stamp(clock()),
            subject,
            severity,
            datacontenttype: "application/json".to_owned(),
            data,
        };
        if let Err(error) = self.publisher.publish(event) {
            tracing::warn!(kind, %error, "an event was lost");
        }
    }

    /// What has happened so far.
    pub fn standing(&self) -> Standing {
        let counts = self.hearing().counts().clone();
        Standing {
            believed: counts.believed,
            refused: counts
                .refused
                .iter()
                .map(|(reason, count)| (reason.to_string(), *count))
                .collect(),
            passed_over: self.passed_over.load(Ordering::Relaxed) + self.subscriber.get().map_or(0, |it| it.dropped()),
            broker: self.broker.get().map(|it| it.traffic()),
            outbox: self.publisher.backlog(),
        }
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn latest(&self) -> MutexGuard<'_, VecDeque<Arc<Told>>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
