//! The agents that have joined: which speaks for which device, and what they say.

mod desk;
mod door;
mod fabric;
mod inward;
mod keepers;
mod keeping;
mod looking;
mod outward;
mod own;
mod reading;
mod roster;
mod seats;
mod settings;
mod watching;

pub use desk::{Allowance, Card, invalid, stands};
pub use door::{bind, clock};
pub use fabric::Fabric;
pub use looking::{Looked, Looks};
pub use own::{CONTROLLER, Own};
pub use reading::ReadError;
pub use roster::Roster;
pub use settings::{FabricSettings, endpoint};
pub use watching::{Watches, Wish};

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use fabric_wire::v1::{self, Downward, Step, Upward, downward, upward};
use fabric_wire::{ControllerLink, Door, Lost, Outlet, Rights};
use futures::future::BoxFuture;
use tokio::sync::watch;
use transaction::{DeviceId, Request};

use crate::commit::{self, Change, Content, DeviceFault, Hub};
use crate::events::Events;
use keepers::Keepers;
use keeping::Seating;
use reading::Readings;
use seats::{Seat, Seats, Withheld};

/// An agent that has joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Its name.
    pub name: String,
    /// The program that it is.
    pub program: String,
    /// What its program can do, in the registry's words.
    pub abilities: BTreeSet<String>,
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

/// Everybody who has joined.
pub struct Agents {
    names: HashMap<DeviceId, String>,
    roster: Arc<Roster>,
    seats: Seating<Outlet<Downward>>,
    /// What each agent would configure and others keep, as operators were told last.
    withheld: Mutex<HashMap<String, Vec<Withheld>>>,
    events: Arc<Events>,
    /// Under which session each agent joined last: another one knows nothing of what was asked of it before.
    sessions: Mutex<HashMap<String, Vec<u8>>>,
    readings: Readings,
    looks: Looks,
    watches: Watches,
    count: AtomicU32,
    arrivals: watch::Sender<u64>,
}

impl Agents {
    /// Nobody has joined yet; `names` are the devices of the inventory, and who kept which before stands in the file at
    /// `kept`.
    pub fn open(
        names: HashMap<DeviceId, String>,
        roster: Arc<Roster>,
        events: Arc<Events>,
        kept: &Path,
    ) -> std::io::Result<Arc<Self>> {
        let (keepers, before) = Keepers::open(kept)?;
        Ok(Arc::new(Self {
            names,
            roster,
            seats: Seating::kept_by(keepers, before),
            withheld: Mutex::default(),
            events,
            sessions: Mutex::default(),
            readings: Readings::default(),
            looks: Looks::default(),
            watches: Watches::default(),
            count: AtomicU32::new(1),
            arrivals: watch::Sender::new(0),
        }))
    }

    /// Lets agents in until the door closes, and withdraws what those who are shut out could not confirm.
    pub async fn receive(self: Arc<Self>, mut door: Door, hub: Weak<Hub>) {
        let mut revoked = self.roster.revocations();
        loop {
            tokio::select! {
                link = door.next() => match link {
                    Some(link) => drop(tokio::spawn(self.clone().listen(link, hub.clone()))),
                    None => return,
                },
                Ok(()) = revoked.changed() => drop(tokio::spawn(self.clone().withdraw(hub.clone()))),
            }
        }
    }

    /// Whether an agent that says hello may have a seat, or why not.
    pub fn admit(&self, hello: &v1::Hello, rights: Rights) -> Result<(), Box<v1::Fault>> {
        let devices = hello.devices.iter().filter_map(|it| it.id.parse().ok());
        let expected = |name: &str| self.roster.is_expected(name);
        let admitted = self.lock_seats().admits(&hello.agent, rights, devices, &expected);
        admitted.map_err(|unseated| Box::new(inward::unseated(&unseated)))
    }

    async fn listen(self: Arc<Self>, mut link: ControllerLink, hub: Weak<Hub>) {
        let agent = inward::joined(link.hello());
        let (name, devices, number) = (agent.name.clone(), agent.devices.len(), link.number());
        let revision = &link.hello().model_revision;
        if !revision.is_empty() && revision != outward::MODEL_REVISION {
            let (its, ours) = (inward::plain(revision), outward::MODEL_REVISION);
            tracing::warn!(agent = %name, its, ours, "an agent knows the model in another revision: it may refuse what it does not know");
        }
        self.forget_former(&agent, &link.hello().session);
        let seat = Seat::new(agent, link.rights(), number, link.outlet());
        if let Err(unseated) = self.seat(seat).await {
            return tracing::warn!(agent = %name, %unseated, "an agent was let go"); // it dials again, and is told why
        }
        tracing::info!(agent = %name, devices, "agent joined");
        self.arrivals.send_modify(|count| *count += 1);
        let lost = self.attend(&name, &mut link, &hub).await;
        tracing::warn!(agent = %name, %lost, "agent left");
        // Who joined again has a seat of his own by now.
        if self.lock_seats().rise(&name, number) {
            self.roster.lost(&name);
        }
    }

    /// Withdraws undecided transactions that concern a device of an agent that is shut out, whether its stream is there
    /// or not: nobody could confirm there.
    async fn withdraw(self: Arc<Self>, hub: Weak<Hub>) {
        let kept: Vec<(DeviceId, String)> = {
            let seats = self.lock_seats();
            seats.kept().map(|(device, name)| (device, name.to_owned())).collect()
        };
        let names: BTreeSet<&String> = kept.iter().map(|(_, name)| name).collect();
        let out: BTreeSet<&String> = names.into_iter().filter(|it| self.roster.is_shut_out(it)).collect();
        let devices: BTreeSet<DeviceId> = kept.iter().filter(|(_, it)| out.contains(it)).map(|it| it.0).collect();
        if let (false, Some(hub)) = (devices.is_empty(), hub.upgrade()) {
            hub.shut_out(&devices).await;
        }
    }

    /// An agent that was started anew answers nothing that was asked of it before: nobody waits for that any longer.
    fn forget_former(&self, agent: &Joined, session: &[u8]) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let former = sessions.insert(agent.name.clone(), session.to_owned());
        if former.is_some_and(|former| former != session) {
            self.readings.forget(&agent.name);
            self.looks.forget(&agent.name);
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
                    self.claim(name).await;
                    continue;
                }
            };
            match message {
                Ok(message) if message.scope.is_none() => self.entered(name, message, link),
                Ok(message) => self.hear(name, message, hub),
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

    /// What an agent says about a device: answers to what it was asked, and about transactions only if it is the one that
    /// configures the device.
    fn hear(&self, name: &str, message: Upward, hub: &Weak<Hub>) {
        let (Some(scope), Some(body)) = (message.scope, message.body) else {
            return;
        };
        let Some(device) = inward::device(&scope) else { return };
        let keeps = || {
            let keeps = self.keeps(device, name);
            if !keeps {
                tracing::warn!(agent = name, %device, "passed over the words of an agent that does not configure the device");
            }
            keeps
        };
        match body {
            upward::Body::Answer(answer) if scope.step == Step::Query as i32 => {
                self.readings.answered(name, device, scope.attempt, answer);
            }
            upward::Body::Answer(answer) if scope.step == Step::Watch as i32 => {
                self.watches.answered(name, device, scope.attempt, answer);
            }
            upward::Body::Answer(answer) if scope.step == Step::Gate as i32 => {
                self.looks.answered(name, device, scope.attempt, answer);
            }
            upward::Body::Sample(sample) => self.watches.sampled(name, device, sample),
            upward::Body::Fault(fault) => {
                let (code, words) = (inward::code(&fault), inward::words(&fault));
                tracing::warn!(agent = name, %device, code, words, "an agent reports");
            }
            upward::Body::Answer(_) | upward::Body::Inquiry(_) | upward::Body::Progress(_) if !keeps() => {}
            upward::Body::Answer(answer) => {
                tell(name, device, &scope, &answer);
                let foreign = inward::foreign(&answer);
                let fault = inward::told(self.called(device), &answer);
                if let (Some(reply), Some(hub)) = (inward::reply(&scope, device, answer), hub.upgrade()) {
                    if let Some(fault) = fault {
                        let step = reply.step.to_string();
                        hub.fault(reply.transaction, device, DeviceFault { step, ..fault });
                    }
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
            upward::Body::Hello(_) | upward::Body::Heartbeat(_) | upward::Body::Update(_) | upward::Body::Leave(_) => {}
        }
    }

    /// The agent that is asked how a device is, and the way to it.
    fn observer(&self, device: DeviceId) -> Option<(String, Outlet<Downward>)> {
        let seats = self.lock_seats();
        let seat = seats.observing(device)?;
        Some((seat.agent.name.clone(), seat.way.clone()))
    }

    /// The way to the agent that configures a device; for the way back also to the one that did so last.
    fn keeper(&self, device: DeviceId, step: Step) -> Option<Outlet<Downward>> {
        let seats = self.lock_seats();
        let seat = match step {
            Step::Revert | Step::Inquire => seats.way_back(device),
            Step::Unspecified
            | Step::Stage
            | Step::Apply
            | Step::Renew
            | Step::Confirm
            | Step::Gate
            | Step::Query
            | Step::Watch => seats.configuring(device),
        };
        seat.map(|it| it.way.clone())
    }

    /// Whether an agent is the one that configures a device, or did so last: it is heard about its transactions.
    pub fn keeps(&self, device: DeviceId, name: &str) -> bool {
        self.lock_seats().keeps(device, name)
    }

    /// Everybody who has joined, by name.
    pub fn joined(&self) -> Vec<Joined> {
        self.lock_seats().all().map(|seat| seat.agent.clone()).collect()
    }

    /// What is known of a device and the agent that speaks for it.
    pub fn spoken(&self, device: DeviceId) -> Option<(String, Spoken)> {
        let seats = self.lock_seats();
        let agent = &seats.speaking(device)?.agent;
        let spoken = agent.devices.iter().find(|it| it.id == device)?;
        Some((agent.name.clone(), spoken.clone()))
    }

    /// What the devices that somebody configures promise about a change.
    pub fn guarantees(&self) -> HashMap<DeviceId, String> {
        let seats = self.lock_seats();
        let spoken = seats.all().flat_map(|it| &it.agent.devices).map(|it| it.id);
        let promised = spoken.filter_map(|id| {
            let device = seats.configuring(id)?.agent.devices.iter().find(|it| it.id == id)?;
            Some((id, device.guarantee?.to_string()))
        });
        promised.collect()
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

    fn lock_seats(&self) -> MutexGuard<'_, Seats<Outlet<Downward>>> {
        self.seats.lock()
    }
}

/// What a device answered and what went wrong there, for whoever reads the log.
fn tell(agent: &str, device: DeviceId, scope: &v1::Scope, answer: &v1::Answer) {
    let step = scope.step().as_str_name();
    if let Some(receipt) = &answer.receipt {
        let (asked, said) = (inward::plain(&receipt.asked), inward::plain(&receipt.said));
        let (protocol, took) = (receipt.protocol().as_str_name(), receipt.took_microseconds);
        tracing::info!(agent, %device, step, protocol, took_microseconds = took, asked, said, "a device has answered");
    }
    if let Some(fault) = inward::fault(answer) {
        let (code, protocol) = (inward::code(fault), fault.protocol().as_str_name());
        let (retry, words) = (fault.retry().as_str_name(), inward::words(fault));
        let paths: Vec<String> = fault.paths.iter().take(8).map(|it| inward::plain(it)).collect();
        tracing::warn!(agent, %device, step, code, protocol, retry, words, ?paths, "a step on a device was not done");
    }
}

impl commit::Agents for Agents {
    fn offer(&self, request: Request<Change>) -> bool {
        let device = request.device;
        if self.passes_over(&request) {
            return false;
        }
        let (scope, body) = outward::request(request);
        let keeper = self.keeper(device, scope.step());
        keeper.is_some_and(|it| it.offer(Some(scope), body).is_ok())
    }

    fn name(&self, device: DeviceId) -> String {
        self.called(device)
    }

    fn devices(&self) -> Vec<DeviceId> {
        self.names.keys().copied().collect()
    }

    fn lets_go(&self, device: DeviceId) -> bool {
        self.ends_by_itself(device)
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
