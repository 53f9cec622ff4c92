//! An authority with its enrolment and a door for agents, all on loopback, as a controller has them.
#![allow(dead_code, reason = "each test binary uses a part")]

use fabric_identity::est::{self, Enrolment};
use fabric_identity::roll::{Evidence, Grant};
use fabric_identity::tls::{self, Callers, Trust};
use fabric_identity::{Acceptor, Authority, Credential, Identity, LifeTimes, Permission, Role};
use fabric_wire::v1::{Device, Hello};
use fabric_wire::{AgentLink, Connection, Door, JoinError, Limits, Membership, Peer};
use rcgen::KeyPair;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub struct Bench {
    pub authority: Arc<Authority>,
    pub enrolment: Enrolment,
    pub door: Door,
    pub address: String,
    pub folder: tempfile::TempDir,
    _closed: DropGuard,
}

#[expect(clippy::disallowed_methods, reason = "a test stands at the edge")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

pub fn identity(name: &str, role: Role, devices: &[&str]) -> Identity {
    let devices = devices.iter().map(|it| it.parse().unwrap()).collect();
    Identity {
        name: name.parse().unwrap(),
        role,
        devices,
        may: Permission::ALL.into(),
    }
}

pub fn grant(name: &str, devices: &[&str]) -> Grant {
    Grant {
        identity: identity(name, Role::Agent, devices),
        evidence: Evidence::default(),
    }
}

pub fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap()
}

pub async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let authority = Arc::new(Authority::open(folder.path(), LifeTimes::default(), now()).unwrap());
    let own_key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let own = identity("controller-1", Role::Controller, &[]);
    let addresses = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = authority.issue_own(own, &own_key, &addresses, now()).unwrap();
    let config =
        |callers| Arc::new(tls::server(&own, own_key.serialized_der(), callers, authority.revocations()).unwrap());

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
    let (door, closed) = (
        Door::new("controller-1", Limits::default(), 16),
        CancellationToken::new(),
    );
    tokio::spawn(door.serve(incoming, closed.clone()));

    let enrolment = Enrolment {
        address: enrolment,
        fingerprint: authority.fingerprint(),
    };
    Bench {
        authority,
        enrolment,
        door,
        address,
        folder,
        _closed: closed.drop_guard(),
    }
}

impl Bench {
    /// Lets an agent enrol with a fresh token.
    pub async fn enrolled(&self, name: &str, devices: &[&str]) -> (Credential, KeyPair) {
        let (token, key) = (self.token(name, devices), key());
        let credential = self
            .enrolment
            .enrol(&name.parse().unwrap(), &key, Some(&token))
            .await
            .unwrap();
        (credential, key)
    }

    pub fn token(&self, name: &str, devices: &[&str]) -> String {
        self.authority
            .grant(grant(name, devices), now() + Duration::from_secs(60))
            .unwrap()
    }

    /// Lets an agent join; `said` is the name that it says.
    pub async fn join(
        &self,
        own: &(Credential, KeyPair),
        said: &str,
        devices: &[&str],
    ) -> Result<AgentLink, JoinError> {
        let trust = Trust::Authority(own.0.authority.clone());
        let config = tls::client(Some((&own.0, own.1.serialized_der())), trust, None).unwrap();
        let io = est::dial(&self.address, Arc::new(config)).await.unwrap();
        Membership::new(hello(said, devices), Limits::default()).join(io).await
    }
}

pub fn hello(agent: &str, devices: &[&str]) -> Hello {
    let devices = devices
        .iter()
        .map(|it| Device {
            id: (*it).into(),
            ..Device::default()
        })
        .collect();
    Hello {
        lowest_version: 1,
        highest_version: 1,
        agent: agent.into(),
        session: vec![1; 16],
        devices,
        ..Hello::default()
    }
}
