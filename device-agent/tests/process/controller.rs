//! A controller's side: authority, enrolment, the door, and the words of one agent at a time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fabric_identity::est;
use fabric_identity::roll::{Evidence, Grant};
use fabric_identity::tls::{self, Callers};
use fabric_identity::{Acceptor, Authority, Identity, LifeTimes, Permission, Role};
use fabric_wire::v1::{self, downward, upward};
use fabric_wire::{Connection, ControllerLink, Door, Limits, Peer};
use rcgen::KeyPair;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Controller {
    pub authority: Arc<Authority>,
    pub enrolment: String,
    pub address: String,
    door: Door,
    link: Option<ControllerLink>,
    _folder: tempfile::TempDir,
    _stop: DropGuard,
}

#[expect(clippy::disallowed_methods, reason = "a test stands at the edge")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn identity(name: &str, role: Role, devices: &[&str]) -> Identity {
    let devices = devices.iter().map(|it| it.parse().unwrap()).collect();
    Identity {
        name: name.parse().unwrap(),
        role,
        devices,
        may: Permission::ALL.into(),
    }
}

impl Controller {
    pub async fn start() -> Self {
        fabric_identity::install_cryptography();
        let folder = tempfile::tempdir().unwrap();
        let authority = Arc::new(Authority::open(folder.path(), LifeTimes::default(), now()).unwrap());
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let own = identity("controller-1", Role::Controller, &[]);
        let own = authority
            .issue_own(own, &key, &["127.0.0.1".to_owned()], now())
            .unwrap();
        let config =
            |callers| Arc::new(tls::server(&own, key.serialized_der(), callers, authority.revocations()).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let enrolment = listener.local_addr().unwrap().to_string();
        let acceptor = Acceptor::start(listener, config(Callers::Anybody), authority.revocations());
        tokio::spawn(est::serve(acceptor, authority.clone(), now));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let acceptor = Acceptor::start(listener, config(Callers::Known), authority.revocations());
        let incoming = futures::stream::unfold(acceptor, |mut acceptor| async move {
            let caller = acceptor.next().await?;
            let identity = caller.certificate?.identity;
            let name = identity.name.to_string();
            let peer = Peer::new(name, move |it| identity.covers(it), caller.cut);
            Some((Ok(Connection::new(caller.io, peer)), acceptor))
        });
        let (door, stop) = (
            Door::new("controller-1", Limits::default(), 16),
            CancellationToken::new(),
        );
        tokio::spawn(door.serve(incoming, stop.clone()));
        Self {
            authority,
            enrolment,
            address,
            door,
            link: None,
            _folder: folder,
            _stop: stop.drop_guard(),
        }
    }

    /// A one-time word that lets an agent join.
    pub fn token(&self, agent: &str, devices: &[&str]) -> String {
        let grant = Grant {
            identity: identity(agent, Role::Agent, devices),
            evidence: Evidence::default(),
        };
        self.authority.grant(grant, now() + Duration::from_secs(600)).unwrap()
    }

    pub async fn greet(&mut self) -> &ControllerLink {
        self.link = None;
        let link = timeout(PATIENCE, self.door.next())
            .await
            .expect("an agent joins in time")
            .unwrap();
        self.link.insert(link)
    }

    /// Says something that concerns no device.
    pub fn tell(&self, body: downward::Body) {
        self.link.as_ref().unwrap().offer(None, body).unwrap();
    }

    pub async fn next(&mut self) -> upward::Body {
        let link = self.link.as_mut().unwrap();
        timeout(PATIENCE, link.next())
            .await
            .expect("a word in time")
            .unwrap()
            .body
            .unwrap()
    }

    /// What the agent says until its stream ends.
    pub async fn rest(&mut self) -> Vec<upward::Body> {
        let (mut link, mut said) = (self.link.take().unwrap(), Vec::new());
        while let Ok(message) = timeout(PATIENCE, link.next()).await.expect("an end in time") {
            said.extend(message.body);
        }
        said
    }

    /// Asks, and gives the answer to it; questions of the agent on the way are passed over.
    pub async fn ask(&mut self, device: &str, step: v1::Step, body: downward::Body) -> v1::Answer {
        let sequence = self.say(device, step, body);
        loop {
            if let upward::Body::Answer(answer) = self.next().await
                && answer.to == sequence
            {
                return answer;
            }
        }
    }

    /// Asks, and does not wait for the answer; its number.
    pub fn say(&self, device: &str, step: v1::Step, body: downward::Body) -> u64 {
        let scope = v1::Scope {
            transaction: vec![9; 16],
            epoch: 1,
            device: device.to_owned(),
            step: step.into(),
            attempt: 0,
        };
        self.link.as_ref().unwrap().offer(Some(scope), body).unwrap()
    }

    /// The agent asks what was decided, once it has seen that its change is in effect; before that it says unknown.
    pub async fn inquiry(&mut self) {
        loop {
            if let upward::Body::Inquiry(inquiry) = self.next().await {
                if inquiry.standing() == v1::Standing::Applied {
                    return;
                }
                assert_eq!(inquiry.standing(), v1::Standing::Unknown);
            }
        }
    }

    pub async fn stage(&mut self, device: &str, entries: Vec<v1::Entry>, lease: Duration) -> v1::Answer {
        self.ask(device, v1::Step::Stage, staging(entries, lease)).await
    }

    pub async fn apply(&mut self, device: &str) -> v1::Answer {
        self.ask(device, v1::Step::Apply, downward::Body::Apply(v1::Apply::default()))
            .await
    }

    pub async fn confirm(&mut self, device: &str) -> v1::Answer {
        self.ask(
            device,
            v1::Step::Confirm,
            downward::Body::Confirm(v1::Confirm::default()),
        )
        .await
    }

    pub async fn revert(&mut self, device: &str) -> v1::Answer {
        self.ask(device, v1::Step::Revert, downward::Body::Revert(v1::Revert::default()))
            .await
    }
}

/// What is asked to stage.
pub fn staging(entries: Vec<v1::Entry>, lease: Duration) -> downward::Body {
    let change = v1::Change {
        model_revision: "test".to_owned(),
        entries,
        baseline: Vec::new(),
    };
    let milliseconds = u64::try_from(lease.as_millis()).unwrap();
    let lease = v1::Lease {
        renewed_milliseconds: milliseconds,
        whole_milliseconds: milliseconds,
        in_doubt_milliseconds: 60_000,
        ask_every_milliseconds: 200,
    };
    downward::Body::Stage(v1::Stage {
        change: Some(change),
        lease: Some(lease),
        ..v1::Stage::default()
    })
}

fn value(text: Option<&str>) -> Option<v1::Value> {
    let kind = match text? {
        "" => v1::value::Kind::Present(true),
        text => v1::value::Kind::Scalar(text.to_owned()),
    };
    Some(v1::Value { kind: Some(kind) })
}

/// One entry of a change; an empty text is presence.
pub fn entry(path: &str, before: Option<&str>, after: Option<&str>) -> v1::Entry {
    v1::Entry {
        path: path.to_owned(),
        before: value(before),
        after: value(after),
    }
}
