//! The agents that have joined: which speaks for which device, and what they say.

mod desk;
mod door;
mod fabric;
mod inward;
mod looking;
mod outward;
mod own;
mod roster;
mod settings;
mod watching;

pub use desk::{Allowance, Card, invalid, stands};
pub use door::{bind, clock};
pub use fabric::Fabric;
pub use looking::{Looked, Looks};
pub use own::{CONTROLLER, Own};
pub use roster::Roster;
pub use settings::{FabricSettings, endpoint};
pub use watching::{Watches, Wish};

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use fabric_wire::v1::{self, Downward, Scope, Step, Upward, downward, upward};
use fabric_wire::{ControllerLink, Door, Lost, Outlet};
use futures::future::BoxFuture;
use knowledge_model::Tree;
use tokio::sync::mpsc;
use transaction::{DeviceId, Request};

use crate::commit::{self, Change, Content, Hub};

/// How long a device may take to be read.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// The longest native configuration that is taken, in bytes.
const NATIVE: usize = 32 << 20;
/// How many parts of a reading may wait to be taken.
const PARTS: usize = 64;

/// Why a device could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No agent that speaks for it has joined.
    #[error("no agent speaks for {device}: start one, or see `entente agent list`")]
    Unspoken {
        /// The device.
        device: String,
    },
    /// The agent did not answer in time.
    #[error("no answer about {device} in {seconds} s")]
    Late {
        /// The device.
        device: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The agent says why not.
    #[error("cannot read {device}: {words}")]
    Fault {
        /// The device.
        device: String,
        /// In the agent's or the device's words.
        words: String,
    },
}

/// An agent that has joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Its name.
    pub name: String,
    /// The program that it is.
    pub program: String,
    /// What it says of its devices.
    pub devices: Vec<Spoken>,
}

/// A device as its agent describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// Its id.
    pub id: DeviceId,
    /// Its platforms.
    pub platforms: Vec<String>,
    /// Its protocols, in the order in which they are tried.
    pub protocols: Vec<&'static str>,
    /// What it promises about a change.
    pub guarantee: Option<transaction::Guarantee>,
}

struct Seat {
    agent: Joined,
    outlet: Outlet<Downward>,
}

type Parts = mpsc::Sender<Result<v1::Reading, v1::Fault>>;

/// Everybody who has joined.
pub struct Agents {
    names: HashMap<DeviceId, String>,
    roster: Arc<Roster>,
    seats: Mutex<HashMap<String, Seat>>,
    /// Under which session each agent joined last: another one knows nothing of what was asked of it before.
    sessions: Mutex<HashMap<String, Vec<u8>>>,
    reads: Mutex<HashMap<(DeviceId, u32), Parts>>,
    looks: Looks,
    watches: Watches,
    count: AtomicU32,
    arrivals: tokio::sync::watch::Sender<u64>,
}

impl Agents {
    /// Nobody has joined yet; `names` are the devices of the inventory.
    pub fn new(names: HashMap<DeviceId, String>, roster: Arc<Roster>) -> Arc<Self> {
        Arc::new(Self {
            names,
            roster,
            seats: Mutex::default(),
            sessions: Mutex::default(),
            reads: Mutex::default(),
            looks: Looks::default(),
            watches: Watches::default(),
            count: AtomicU32::new(1),
            arrivals: tokio::sync::watch::Sender::new(0),
        })
    }

    /// Lets agents in until the door closes.
    pub async fn receive(self: Arc<Self>, mut door: Door, hub: Weak<Hub>) {
        while let Some(link) = door.next().await {
            tokio::spawn(self.clone().listen(link, hub.clone()));
        }
    }

    async fn listen(self: Arc<Self>, mut link: ControllerLink, hub: Weak<Hub>) {
        let agent = inward::joined(link.hello());
        let (name, outlet) = (agent.name.clone(), link.outlet());
        tracing::info!(agent = %name, devices = agent.devices.len(), "agent joined");
        self.forget_former(&agent, &link.hello().session);
        self.lock_seats().insert(name.clone(), Seat { agent, outlet });
        self.arrivals.send_modify(|count| *count += 1);
        let lost = self.attend(&name, &mut link, &hub).await;
        tracing::warn!(agent = %name, %lost, "agent left");
        // Who joined again has a seat of his own by now.
        if lost != Lost::Replaced {
            let seat = self.lock_seats().remove(&name);
            self.roster.lost(&name);
            if let (true, Some(seat), Some(hub)) = (self.roster.is_shut_out(&name), seat, hub.upgrade()) {
                let devices = seat.agent.devices.iter().map(|it| it.id).collect();
                hub.shut_out(&devices).await;
            }
        }
    }

    /// An agent that was started anew answers nothing that was asked of it before: nobody waits for that any longer.
    fn forget_former(&self, agent: &Joined, session: &[u8]) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let former = sessions.insert(agent.name.clone(), session.to_owned());
        if former.is_some_and(|former| former != session) {
            let its = |device: &DeviceId| agent.devices.iter().any(|it| it.id == *device);
            self.lock_reads().retain(|(device, _), _| !its(device));
            self.looks.forget(its);
        }
    }

    /// Hears an agent until its stream ends. A stream that has not ended was heard a few seconds ago: the registry takes
    /// note of it at each of its own, slower heartbeats.
    async fn attend(&self, name: &str, link: &mut ControllerLink, hub: &Weak<Hub>) -> Lost {
        let mut beats = tokio::time::interval(self.roster.heartbeat());
        loop {
            let message = tokio::select! {
                message = link.next() => message,
                _ = beats.tick() => {
                    self.roster.heard(name);
                    continue;
                }
            };
            match message {
                Ok(message) if message.scope.is_none() => self.entered(name, message, link),
                Ok(message) => self.hear(message, hub),
                Err(lost) => return lost,
            }
        }
    }

    /// What an agent says about itself rather than about a device.
    fn entered(&self, name: &str, message: Upward, link: &ControllerLink) {
        let registered = match message.body {
            Some(upward::Body::Update(update)) => self.roster.update(name, update),
            Some(upward::Body::Leave(_)) => self.roster.deregister(name),
            Some(_) | None => return,
        };
        if let Err(error) = link.offer(None, downward::Body::Registered(registered)) {
            tracing::warn!(agent = name, %error, "an agent is not told what the registry made of its words");
        }
    }

    fn hear(&self, message: Upward, hub: &Weak<Hub>) {
        let (Some(scope), Some(body)) = (message.scope, message.body) else {
            return;
        };
        let Some(device) = inward::device(&scope) else { return };
        match body {
            upward::Body::Answer(answer) if scope.step == Step::Query as i32 => {
                self.part(device, scope.attempt, answer)
            }
            upward::Body::Answer(answer) if scope.step == Step::Gate as i32 => {
                self.looks.answered(device, scope.attempt, answer);
            }
            upward::Body::Answer(answer) if scope.step == Step::Watch as i32 => {
                self.watches.answered(device, scope.attempt, answer);
            }
            upward::Body::Answer(answer) => {
                let foreign = inward::foreign(&answer);
                if let (Some(reply), Some(hub)) = (inward::reply(&scope, device, answer), hub.upgrade()) {
                    if !foreign.is_empty() {
                        hub.strange(reply.transaction, device, &foreign);
                    }
                    hub.reply(reply);
                }
            }
            upward::Body::Inquiry(inquiry) => {
                if let (Some(inquiry), Some(hub)) = (inward::inquiry(&scope, device, &inquiry), hub.upgrade()) {
                    hub.asked(inquiry);
                }
            }
            upward::Body::Progress(progress) => {
                if let (Some((transaction, report)), Some(hub)) =
                    (inward::report(&scope, device, &progress), hub.upgrade())
                {
                    hub.report(transaction, report);
                }
            }
            upward::Body::Fault(fault) => {
                tracing::warn!(%device, code = fault.code, detail = fault.detail, "an agent reports")
            }
            upward::Body::Sample(sample) => self.watches.sampled(device, sample),
            upward::Body::Hello(_) | upward::Body::Heartbeat(_) | upward::Body::Update(_) | upward::Body::Leave(_) => {}
        }
    }

    fn part(&self, device: DeviceId, attempt: u32, answer: v1::Answer) {
        let waiting = self.lock_reads().get(&(device, attempt)).cloned();
        let Some(waiting) = waiting else { return };
        let part = match answer.outcome {
            Some(v1::answer::Outcome::Reading(reading)) => Ok(reading),
            Some(v1::answer::Outcome::Fault(fault)) => Err(fault),
            Some(_) | None => Err(v1::Fault {
                detail: "the agent gave no reading".to_owned(),
                ..v1::Fault::default()
            }),
        };
        // Who no longer waits has given up; a full queue ends his wait at the deadline.
        let _ = waiting.try_send(part);
    }

    /// Reads what stands at `paths` of a device; everything that can be read where none is named.
    pub async fn read(&self, device: DeviceId, paths: Vec<String>) -> Result<Tree, ReadError> {
        self.query(device, v1::Source::Running, paths).await.map(|read| read.0)
    }

    /// What a device says of itself under these names, as entries.
    pub async fn state(&self, device: DeviceId, names: Vec<String>) -> Result<Tree, ReadError> {
        self.query(device, v1::Source::State, names).await.map(|read| read.0)
    }

    /// Reads a device's configuration in its own words; its agent has hidden the secrets.
    pub async fn native(&self, device: DeviceId) -> Result<String, ReadError> {
        self.query(device, v1::Source::Native, Vec::new())
            .await
            .map(|read| read.1)
    }

    /// How a device is reached, as entries: its agent asks it now, over each of its protocols.
    pub async fn ways(&self, device: DeviceId) -> Result<Tree, ReadError> {
        self.query(device, v1::Source::Ways, Vec::new())
            .await
            .map(|read| read.0)
    }

    async fn query(
        &self,
        device: DeviceId,
        source: v1::Source,
        paths: Vec<String>,
    ) -> Result<(Tree, String), ReadError> {
        let attempt = self.count.fetch_add(1, Ordering::Relaxed);
        let (sender, mut parts) = mpsc::channel(PARTS);
        self.lock_reads().insert((device, attempt), sender);
        let read = tokio::time::timeout(READ_WITHIN, self.gather((device, attempt), source, paths, &mut parts)).await;
        self.lock_reads().remove(&(device, attempt));
        read.unwrap_or_else(|_| {
            Err(ReadError::Late {
                device: self.called(device),
                seconds: READ_WITHIN.as_secs(),
            })
        })
    }

    async fn gather(
        &self,
        (device, attempt): (DeviceId, u32),
        source: v1::Source,
        paths: Vec<String>,
        parts: &mut mpsc::Receiver<Result<v1::Reading, v1::Fault>>,
    ) -> Result<(Tree, String), ReadError> {
        let query = v1::Query {
            source: source as i32,
            paths,
            within_milliseconds: u64::try_from(READ_WITHIN.as_millis()).unwrap_or(u64::MAX),
        };
        let scope = Scope {
            device: device.to_string(),
            step: Step::Query as i32,
            attempt,
            ..Scope::default()
        };
        let fault = |words| ReadError::Fault {
            device: self.called(device),
            words,
        };
        self.send(device, scope, downward::Body::Query(query))
            .ok_or_else(|| ReadError::Unspoken {
                device: self.called(device),
            })?;
        let (mut tree, mut native) = (Tree::new(), String::new());
        while let Some(part) = parts.recv().await {
            let reading = part.map_err(|it| {
                fault(if it.device_words.is_empty() {
                    it.detail
                } else {
                    it.device_words
                })
            })?;
            for observed in reading.entries {
                let (path, value) =
                    inward::observed(observed).ok_or_else(|| fault("the agent sent a path that is none".to_owned()))?;
                tree.insert(path, value);
            }
            native.push_str(&reading.native);
            if native.len() > NATIVE {
                return Err(fault(format!("its configuration has more than {NATIVE} bytes")));
            }
            if !reading.more {
                return Ok((tree, native));
            }
        }
        Err(fault("the agent left".to_owned()))
    }

    fn send(&self, device: DeviceId, scope: Scope, body: downward::Body) -> Option<u64> {
        let outlet = {
            let seats = self.lock_seats();
            let seat = seats
                .values()
                .find(|seat| seat.agent.devices.iter().any(|it| it.id == device))?;
            seat.outlet.clone()
        };
        outlet.offer(Some(scope), body).ok()
    }

    /// Everybody who has joined, by name.
    pub fn joined(&self) -> Vec<Joined> {
        let mut all: Vec<Joined> = self.lock_seats().values().map(|seat| seat.agent.clone()).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// What is known of a device and the agent that speaks for it.
    pub fn spoken(&self, device: DeviceId) -> Option<(String, Spoken)> {
        let seats = self.lock_seats();
        seats.values().find_map(|seat| {
            let spoken = seat.agent.devices.iter().find(|it| it.id == device)?;
            Some((seat.agent.name.clone(), spoken.clone()))
        })
    }

    /// What the devices that are spoken for promise about a change.
    pub fn guarantees(&self) -> HashMap<DeviceId, String> {
        let seats = self.lock_seats();
        let spoken = seats.values().flat_map(|seat| &seat.agent.devices);
        spoken
            .filter_map(|device| Some((device.id, device.guarantee?.to_string())))
            .collect()
    }

    /// Where the agent that speaks for a device is.
    pub fn place(&self, device: DeviceId) -> Option<std::net::IpAddr> {
        let (agent, _) = self.spoken(device)?;
        let address = self.roster.named(&agent.parse().ok()?)?.registration.address;
        let with_port = address.parse().map(|it: std::net::SocketAddr| it.ip());
        with_port.or_else(|_| address.parse()).ok()
    }

    /// The devices of the inventory with their names.
    pub fn names(&self) -> impl Iterator<Item = (&DeviceId, &String)> {
        self.names.iter()
    }

    fn called(&self, device: DeviceId) -> String {
        self.names.get(&device).cloned().unwrap_or_else(|| device.to_string())
    }

    fn lock_seats(&self) -> std::sync::MutexGuard<'_, HashMap<String, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_reads(&self) -> std::sync::MutexGuard<'_, HashMap<(DeviceId, u32), Parts>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl commit::Agents for Agents {
    fn offer(&self, request: Request<Change>) -> bool {
        let device = request.device;
        let (scope, body) = outward::request(request);
        self.send(device, scope, body).is_some()
    }

    fn name(&self, device: DeviceId) -> String {
        self.called(device)
    }

    fn devices(&self) -> Vec<DeviceId> {
        self.names.keys().copied().collect()
    }

    fn look(&self, device: DeviceId, paths: Vec<String>) -> BoxFuture<'_, Option<HashMap<String, Content>>> {
        Box::pin(async move {
            let tree = self.read(device, paths).await.ok()?;
            let entry = |(path, value): (&knowledge_model::Path, &knowledge_model::Value)| {
                (path.to_string(), Content::of(value))
            };
            Some(tree.iter().map(entry).collect())
        })
    }
}
