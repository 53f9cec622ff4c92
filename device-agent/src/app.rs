//! The agent as a whole: records, one driver a device, and the switch between them and the link.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapters_failover::{Failover, Policy};
use adapters_port::{Access, Deadline};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use transaction::{Answer, DeviceId, Moment, Order, Reply, Request};
use transaction_journal::Options;

use crate::check;
use crate::driver::{Driver, Open, Setup};
use crate::failure::Failure;
use crate::ledger::{Ledger, LedgerError};
use crate::link::{Downward, Gate, Link, Query, Unwatch, Upward, Watch};
use crate::part::Part;
use crate::reading;
use crate::sampling::Watches;
use crate::slate::Slate;
use crate::tell::Teller;

/// How many requests wait for one device. More are dropped, and asked again by their coordinator.
const INBOX: usize = 32;
/// How many devices are read at once.
const READS: usize = 256;
/// How many questions may be open: a plan asks about every device in one breath, and a gate lasts.
const QUESTIONS: usize = 8_192;
/// How often protocols that were left are asked whether they are well again.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// How long such a question may take.
const PROBE_WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked whether the records want compacting.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// A device and the ways to it.
pub struct Served {
    /// Its immutable id.
    pub id: DeviceId,
    /// What operators call it.
    pub name: String,
    /// The ways to it, in the order of preference.
    pub ways: Vec<Arc<dyn Access>>,
}

/// What surrounds an agent: everything that is not its own to decide.
#[derive(Clone, Copy)]
pub struct Surroundings {
    /// Makes tokens that nobody can guess.
    pub random: fn() -> u128,
    /// The wall clock, for stamps.
    pub now: fn() -> Moment,
    /// How long one step on a device may take.
    pub step_within: Duration,
    /// When a device is spoken to over another of its protocols.
    pub switching: Policy,
    /// How long to wait for steps under way when told to stop.
    pub drain_within: Duration,
}

/// Why an agent does not start, or stops.
#[derive(Debug, Error)]
pub enum AgentError {
    /// Its records.
    #[error("the agent's records are of no use")]
    Ledger(#[from] LedgerError),
    /// A part of it ended on its own.
    #[error("a device's driver broke off")]
    Broken(#[from] tokio::task::JoinError),
}

/// What an agent leaves behind when it ends.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Left {
    /// The transactions that are not ended.
    pub open: Vec<Open>,
    /// The devices on which a step was still under way when there was no more time for it: nobody knows yet what comes of it.
    pub at_work: Vec<String>,
}

impl Left {
    /// Whether nothing is left: another agent may speak for the devices.
    pub fn is_nothing(&self) -> bool {
        self.open.is_empty() && self.at_work.is_empty()
    }
}

/// An agent that has come back to where its records leave off.
pub struct Agent {
    link: Link,
    devices: BTreeMap<DeviceId, Seat>,
    drivers: JoinSet<Result<Option<Open>, LedgerError>>,
    /// The devices by the tasks of their drivers.
    names: BTreeMap<tokio::task::Id, String>,
    ledger: Arc<Ledger>,
    stop: CancellationToken,
    surroundings: Surroundings,
    places: Arc<Semaphore>,
}

/// How a driver's task ended.
type Ended = Result<(tokio::task::Id, Result<Option<Open>, LedgerError>), tokio::task::JoinError>;

struct Seat {
    inbox: mpsc::Sender<Request<Part>>,
    /// The way to it, whichever protocol is well.
    failover: Failover,
}

impl Agent {
    /// Reads the records under `state` and resumes every device.
    pub async fn start(
        state: &Path,
        served: Vec<Served>,
        link: Link,
        surroundings: Surroundings,
        stop: CancellationToken,
    ) -> Result<Self, AgentError> {
        let (ledger, mut past) = Ledger::open(&state.join("records"), Options::default())?;
        let ledger = Arc::new(ledger);
        let (mut devices, mut drivers, mut names) = (BTreeMap::new(), JoinSet::new(), BTreeMap::new());
        for Served { id, name, ways } in served {
            let (inbox, requests) = mpsc::channel(INBOX);
            let Surroundings {
                random,
                now,
                step_within,
                ..
            } = surroundings;
            let (ledger, up) = (ledger.clone(), link.up.clone());
            let teller = Teller {
                device: id,
                up: up.clone(),
            };
            let failover = Failover::new(
                name.clone(),
                ways,
                surroundings.switching,
                connect_within(step_within),
                Arc::new(teller),
            )
            .remembering(Arc::new(Slate::of(state, id)));
            let setup = Setup {
                device: id,
                name: name.clone(),
                failover: failover.clone(),
                ledger,
                up,
                step_within,
                random,
                now,
            };
            let driver = Driver::recover(setup, &past.remove(&id).unwrap_or_default()).await?;
            let task = drivers.spawn(driver.run(requests, stop.clone()));
            names.insert(task.id(), name);
            devices.insert(id, Seat { inbox, failover });
        }
        for device in past.keys() {
            tracing::warn!(%device, "there are records of a device that the configuration no longer names");
        }
        Ok(Self {
            link,
            devices,
            drivers,
            names,
            ledger,
            stop,
            surroundings,
            places: Arc::new(Semaphore::new(READS)),
        })
    }

    /// Serves until told to stop; answers with what was then still open.
    pub async fn serve(mut self) -> Result<Left, AgentError> {
        let (mut gates, mut watches) = (JoinSet::new(), Watches::default());
        let mut tidy = tokio::time::interval(TIDY_EVERY);
        let mut probe = tokio::time::interval(PROBE_EVERY);
        let (mut linked, mut open) = (true, Vec::new());
        while !self.stop.is_cancelled() {
            tokio::select! {
                word = self.link.down.recv(), if linked => match word {
                    Some(Downward::Request(request)) => self.pass_on(request),
                    Some(word @ (Downward::Gate(_) | Downward::Query(_))) if gates.len() >= QUESTIONS => self.refuse(&word),
                    Some(Downward::Gate(gate)) => self.look(gate, &mut gates),
                    Some(Downward::Query(query)) => self.read(query, &mut gates),
                    Some(Downward::Watch(watch)) => self.keep(watch, &mut watches),
                    Some(Downward::Unwatch(Unwatch { name, asked, device })) => {
                        watches.end(&name);
                        self.tell(Upward::Watching { asked, device, done: Ok(()) });
                    }
                    None => linked = false,
                },
                Some(_) = gates.join_next() => {}
                // told to stop, a driver may end before this loop has seen why
                Some(ended) = self.drivers.join_next_with_id() => open.extend(self.ended(ended)?),
                _ = probe.tick() => self.probe(&mut gates),
                _ = tidy.tick() => self.ledger.tidy().await?,
                () = self.stop.cancelled() => {}
            }
        }
        self.drain(open).await
    }

    /// Lets the steps under way come to their end, within bounds.
    async fn drain(mut self, mut open: Vec<Open>) -> Result<Left, AgentError> {
        let drain_within = self.surroundings.drain_within;
        let all = async {
            while let Some(ended) = self.drivers.join_next_with_id().await {
                open.extend(self.ended(ended)?);
            }
            Ok::<_, AgentError>(())
        };
        match tokio::time::timeout(drain_within, all).await {
            Ok(result) => result?,
            Err(_) => tracing::warn!("steps under way did not end in time; the next start looks at their devices"),
        }
        let at_work = self.names.into_values().collect();
        Ok(Left { open, at_work })
    }

    /// A device's driver has ended: what is open there, if anything is.
    fn ended(&mut self, ended: Ended) -> Result<Option<Open>, AgentError> {
        let (task, open) = ended?;
        self.names.remove(&task);
        Ok(open?)
    }

    fn pass_on(&self, request: Request<Part>) {
        let Some(seat) = self.devices.get(&request.device) else {
            self.tell(Upward::Failure {
                transaction: request.transaction,
                device: request.device,
                failure: Failure::not_ours(),
            });
            return self.tell(Upward::Reply(not_ours(&request)));
        };
        if let Err(error) = seat.inbox.try_send(request) {
            tracing::warn!(%error, "a device's queue is full or closed: a request was dropped");
        }
    }

    fn look(&self, gate: Gate, gates: &mut JoinSet<()>) {
        let Gate {
            transaction,
            device,
            checks,
            within,
            steady,
        } = gate;
        let Some(seat) = self.devices.get(&device) else { return };
        let way: Arc<dyn Access> = Arc::new(seat.failover.clone());
        let (eyes, checks) = check::checks(checks, &[way]);
        let by = Deadline::after(Instant::now().into_std(), within);
        let up = self.link.up.clone();
        gates.spawn(async move {
            let findings = check::steady(&eyes, &checks, steady, by).await;
            if up
                .try_send(Upward::Health {
                    transaction,
                    device,
                    findings,
                })
                .is_err()
            {
                tracing::warn!(%device, "the queue to the controller is full or closed: a finding was dropped");
            }
        });
    }

    fn read(&self, query: Query, gates: &mut JoinSet<()>) {
        let Query {
            source,
            transaction,
            device,
            attempt,
            paths,
            within,
        } = query;
        let Some(way) = self.devices.get(&device).map(|seat| seat.failover.clone()) else {
            let reading = Err(Failure::not_ours());
            return self.tell(Upward::Reading {
                transaction,
                device,
                attempt,
                reading,
            });
        };
        let by = Deadline::after(Instant::now().into_std(), within);
        let (up, places) = (self.link.up.clone(), self.places.clone());
        gates.spawn(async move {
            let _place = places.acquire().await;
            let reading = reading::read(&way, source, &paths, by).await;
            if up
                .try_send(Upward::Reading {
                    transaction,
                    device,
                    attempt,
                    reading,
                })
                .is_err()
            {
                tracing::warn!(%device, "the queue to the controller is full or closed: a reading was dropped");
            }
        });
    }

    fn keep(&self, watch: Watch, watches: &mut Watches) {
        let (asked, device) = (watch.asked, watch.device);
        let done = match self.devices.get(&device) {
            Some(seat) => watches.keep(watch, seat.failover.clone(), self.link.up.clone()),
            None => Err(Failure::not_ours()),
        };
        self.tell(Upward::Watching { asked, device, done });
    }

    /// Going back to a better protocol is decided on facts: those that were left are asked, each at most once at a time.
    fn probe(&self, gates: &mut JoinSet<()>) {
        for seat in self.devices.values().filter(|seat| seat.failover.wants_probe()) {
            if gates.len() < QUESTIONS {
                let (failover, now) = (seat.failover.clone(), Instant::now().into_std());
                gates.spawn(async move { failover.probe(Deadline::after(now, PROBE_WITHIN)).await });
            }
        }
    }

    fn refuse(&self, word: &Downward) {
        if let Downward::Gate(Gate { device, .. }) | Downward::Query(Query { device, .. }) = word {
            tracing::warn!(%device, "too many questions at once: one was dropped");
        }
    }

    fn tell(&self, word: Upward) {
        if self.link.up.try_send(word).is_err() {
            tracing::warn!("the queue to the controller is full or closed: a word was dropped");
        }
    }
}

/// How long one protocol may take to give a session, so that silence leaves time for another one in the same step. A
/// device whose round trip takes two seconds needs about twenty.
fn connect_within(step_within: Duration) -> Duration {
    step_within * 2 / 5
}

/// The answer about a device that this agent does not speak for.
fn not_ours(request: &Request<Part>) -> Reply {
    let reason = Failure::not_ours().reason;
    let answer = if matches!(request.order, Order::Stage { .. }) {
        Answer::Refused { reason }
    } else {
        Answer::Unknown
    };
    let Request {
        transaction,
        epoch,
        device,
        ..
    } = *request;
    Reply {
        transaction,
        epoch,
        device,
        step: request.order.step(),
        answer,
    }
}
