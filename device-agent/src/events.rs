//! What the agent tells everybody, signed: that it has joined, that a device's task is completed, that a link has a fault.
//!
//! What is told is durable before it counts, waits in a bounded outbox while the broker is away, and is signed when it
//! leaves. Where the broker is the controller says in its welcome.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use fabric_events::mqtt::{Destination, Publisher};
use fabric_events::{Event, Outbox, OutboxError, Severity};
use fabric_identity::Revocations;
use fabric_wire::v1::Welcome;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use transaction::{Answer, DeviceId, Reply};

use crate::ear::Ear;
use crate::identity::Identity;

/// How many events may wait for the broker; more are lost, counted and said.
const OUTBOX: usize = 10_000;

/// Tells events in the name of one agent.
pub struct Teller {
    publisher: Arc<Publisher>,
    source: String,
    random: fn() -> u128,
    clock: fn() -> SystemTime,
    /// Where the broker is; empty where there is none; nothing before a controller has said so.
    broker: watch::Sender<Option<String>>,
    /// What was told of each device last, so that a repeated answer is no new event.
    completed: Mutex<BTreeMap<DeviceId, (u128, &'static str)>>,
}

impl Teller {
    /// Opens the outbox in the state directory; what a former process left there is told first.
    pub fn open(
        state: &Path,
        name: &str,
        random: fn() -> u128,
        clock: fn() -> SystemTime,
    ) -> Result<Arc<Self>, OutboxError> {
        Ok(Arc::new(Self {
            publisher: Publisher::new(Outbox::open(&state.join("events.outbox"), OUTBOX)?),
            source: format!("entente://agent/{name}"),
            random,
            clock,
            broker: watch::Sender::new(None),
            completed: Mutex::default(),
        }))
    }

    /// The agent has joined: others may want to know, and this is where events go from now on.
    pub fn joined(&self, welcome: &Welcome, devices: usize) {
        self.broker.send_if_modified(|it| {
            let moved = it.as_ref() != Some(&welcome.events);
            *it = Some(welcome.events.clone());
            moved
        });
        if !welcome.events.is_empty() {
            let data = json!({ "resource": welcome.resource, "devices": devices });
            self.tell("agent-joined", String::new(), Severity::Info, data);
        }
    }

    /// A device is where its transaction was decided to be.
    pub fn answered(&self, reply: &Reply) {
        let outcome = match reply.answer {
            Answer::Confirmed => "confirmed",
            Answer::Reverted => "reverted",
            Answer::Staged { .. }
            | Answer::Refused { .. }
            | Answer::Busy { .. }
            | Answer::Stale { .. }
            | Answer::Applied
            | Answer::Failed { .. }
            | Answer::Renewed
            | Answer::Lapsed
            | Answer::Deferred { .. }
            | Answer::Foreign { .. }
            | Answer::Stands { .. }
            | Answer::Superseded { .. }
            | Answer::Unknown => return,
        };
        let mut completed = self.completed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (reply.transaction.0, outcome);
        if completed.insert(reply.device, now) == Some(now) || self.nobody_listens() {
            return;
        }
        drop(completed);
        let data = json!({ "transaction": reply.transaction.to_string(), "epoch": reply.epoch.0, "outcome": outcome });
        self.tell("task-completed", reply.device.to_string(), Severity::Info, data);
    }

    /// A link of a device, or the way to it, has a fault, or has none any more.
    pub fn link(&self, device: DeviceId, link: &str, is_up: bool, words: &str) {
        if self.nobody_listens() {
            return;
        }
        let (severity, state) = if is_up {
            (Severity::Info, "up")
        } else {
            (Severity::Error, "down")
        };
        let words: String = words.chars().filter(|it| !it.is_control()).take(512).collect();
        let link: String = link.chars().filter(|it| !it.is_control()).take(256).collect();
        let data = json!({ "link": link, "state": state, "words": words });
        self.tell("link-fault", device.to_string(), severity, data);
    }

    /// Whether the controller has said that no events are taken. As long as it has said nothing they wait.
    fn nobody_listens(&self) -> bool {
        self.broker.borrow().as_deref() == Some("")
    }

    fn tell(&self, kind: &str, subject: String, severity: Severity, data: Value) {
        let id = format!("{:032x}", (self.random)());
        let event = Event {
            specversion: "1.0".to_owned(),
            id,
            source: self.source.clone(),
            kind: kind.to_owned(),
            time: fabric_events::stamp((self.clock)()),
            subject,
            severity,
            datacontenttype: "application/json".to_owned(),
            data,
        };
        if let Err(error) = self.publisher.publish(event) {
            let (waiting, lost, _) = self.publisher.backlog();
            tracing::warn!(
                kind,
                error = crate::desk::chain(&error),
                waiting,
                lost,
                "an event was lost"
            );
        }
    }

    /// Sends to the broker that the controller names until told to stop.
    pub async fn run(self: Arc<Self>, identity: Arc<Identity>, stop: CancellationToken) {
        let (mut broker, mut revoked) = (self.broker.subscribe(), identity.revocations());
        while !stop.is_cancelled() {
            let address = broker.borrow_and_update().clone().unwrap_or_default();
            let moved = stop.child_token();
            let sending = self.send(&address, &identity, moved.clone());
            tokio::pin!(sending);
            tokio::select! {
                () = &mut sending => {}
                () = changed(&mut broker, &mut revoked) => {
                    moved.cancel();
                    sending.await;
                }
            }
        }
    }

    /// Listens at the broker that the controller names until told to stop.
    pub async fn listen(self: Arc<Self>, mut ear: Ear, identity: Arc<Identity>, stop: CancellationToken) {
        let (mut broker, mut revoked) = (self.broker.subscribe(), identity.revocations());
        while !stop.is_cancelled() {
            let address = broker.borrow_and_update().clone().unwrap_or_default();
            let moved = stop.child_token();
            let from = self.destination(&address, &identity, "ear");
            let listening = ear.listen(from, identity.clone(), moved.clone());
            tokio::pin!(listening);
            tokio::select! {
                () = &mut listening => {}
                () = changed(&mut broker, &mut revoked) => {
                    moved.cancel();
                    listening.await;
                }
            }
        }
    }

    async fn send(&self, address: &str, identity: &Arc<Identity>, stop: CancellationToken) {
        let Some(to) = self.destination(address, identity, "mouth") else {
            return stop.cancelled().await; // no events are taken, until another address is named
        };
        let signs = identity.clone();
        let signs = Arc::new(move || signs.signer().map(Arc::new).ok());
        self.publisher.run(to, signs, self.clock, stop).await;
    }

    /// How the broker at an address is spoken to; none where there is no broker. Each client has a name of its own among
    /// all clients of a broker.
    fn destination(&self, address: &str, identity: &Arc<Identity>, purpose: &str) -> Option<Destination> {
        let (host, port) = broker(address, identity.host())?;
        let proves = identity.clone();
        let holder = self.source.rsplit('/').next().unwrap_or_default();
        Some(Destination {
            host,
            port,
            proves: Arc::new(move || proves.client_of_events().map(Arc::new).ok()),
            client: format!("{holder}-{purpose}"),
        })
    }
}

/// Waits until the broker is another, or until somebody is shut out: who carries events may be the one, so that the
/// connection is made anew.
async fn changed(broker: &mut watch::Receiver<Option<String>>, revoked: &mut Revocations) {
    tokio::select! {
        _ = broker.changed() => {}
        _ = revoked.changed() => {}
    }
}

/// `host:port`, or `:port` on the host of the controller.
fn broker(address: &str, controller: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = if host.is_empty() { controller } else { host };
    Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_happens_before_a_controller_has_said_where_the_broker_is_waits() {
        let folder = tempfile::tempdir().unwrap();
        let random = || std::process::id().into();
        let open = || Teller::open(folder.path(), "edge-1", random, || SystemTime::UNIX_EPOCH).unwrap();
        let (device, welcome) = (
            "01930000-0000-7000-8000-000000000001".parse().unwrap(),
            |events: &str| Welcome {
                events: events.to_owned(),
                ..Welcome::default()
            },
        );
        let teller = open();
        teller.link(device, "eth1", false, "down");
        assert_eq!(teller.publisher.backlog().0, 1);
        drop(teller); // and it outlives a restart
        let teller = open();
        teller.joined(&welcome(":7423"), 1);
        assert_eq!(teller.publisher.backlog().0, 2);
        teller.joined(&welcome(""), 1);
        teller.link(device, "eth1", true, "up");
        assert_eq!(teller.publisher.backlog().0, 2, "nobody wants events");
    }

    #[test]
    fn the_broker_is_where_the_controller_says() {
        let named = |address| broker(address, "controller.example");
        assert_eq!(named(":7423"), Some(("controller.example".to_owned(), 7423)));
        assert_eq!(named("[::1]:7423"), Some(("::1".to_owned(), 7423)));
        assert_eq!(named("mqtt.example:8883"), Some(("mqtt.example".to_owned(), 8883)));
        assert_eq!((named(""), named("mqtt.example"), named(":port")), (None, None, None));
    }
}
