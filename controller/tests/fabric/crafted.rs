//! An agent that is made by hand: it enrols and joins as the wire says, and says what the test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fabric_identity::est::{self, Enrolment, EstError};
use fabric_identity::tls::{self, Trust};
use fabric_identity::{Credential, Name};
use fabric_wire::v1::{Device, Hello, downward, upward};
use fabric_wire::{AgentLink, JoinError, Limits, Membership};
use rcgen::KeyPair;
use serde_json::Value;

use super::stage::{DEVICES, Stage};

pub const SOON: Duration = Duration::from_secs(60);

/// An agent with its certificate.
pub struct Crafted {
    pub name: String,
    pub own: Credential,
    pub key: KeyPair,
    address: String,
}

/// A session of its own for each hello, as a program draws one when it starts.
fn session() -> Vec<u8> {
    static DRAWN: AtomicU64 = AtomicU64::new(1);
    let drawn = DRAWN.fetch_add(1, Ordering::Relaxed);
    [drawn.to_be_bytes(), drawn.to_be_bytes()].concat()
}

/// The enrolment of a stage, known by the fingerprint that an invitation shows.
pub fn enrolment(stage: &Stage, fingerprint: &str) -> Enrolment {
    Enrolment {
        address: format!("127.0.0.1:{}", stage.ports[2]),
        fingerprint: fingerprint.to_owned(),
    }
}

pub fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

impl Crafted {
    /// Invites an agent for devices and lets it enrol.
    pub async fn enrolled(stage: &Stage, name: &str, devices: &[&str]) -> Self {
        Self::enrolled_to(stage, name, devices, &[]).await
    }

    /// The same for one that may do only so much.
    pub async fn enrolled_to(stage: &Stage, name: &str, devices: &[&str], may: &[&str]) -> Self {
        let devices: String = devices.iter().map(|it| format!(" --device {it}")).collect();
        let may: String = may.iter().map(|it| format!(" --may {it}")).collect();
        let invitation: Value = stage.data(&format!("agent invite {name}{devices}{may}"));
        let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
        let key = key();
        let enrolment = enrolment(stage, &text("fingerprint"));
        let own = enrolment
            .enrol(&parsed(name), &key, Some(&text("token")))
            .await
            .unwrap();
        Self::with(stage, name, own, key)
    }

    /// An agent that applies without a token; what the authority says to that.
    pub async fn applied(enrolment: &Enrolment, name: &str, key: &KeyPair) -> Result<Credential, EstError> {
        let applying = est::Applying {
            claims: fabric_identity::Claims {
                function: "speaks for the hill".to_owned(),
                ..fabric_identity::Claims::default()
            },
            ..est::Applying::new(parsed(name))
        };
        enrolment.enrol_as(&applying, key, None).await
    }

    pub fn with(stage: &Stage, name: &str, own: Credential, key: KeyPair) -> Self {
        let address = format!("127.0.0.1:{}", stage.ports[1]);
        Self {
            name: name.to_owned(),
            own,
            key,
            address,
        }
    }

    /// A hello as ours says it.
    pub fn hello(&self, devices: &[&str]) -> Hello {
        let id = |name: &str| DEVICES.iter().find(|it| it.0 == name).unwrap().1.to_owned();
        let device = |name: &&str| Device {
            id: id(name),
            platforms: vec!["ietf".to_owned()],
            ..Device::default()
        };
        Hello {
            lowest_version: 1,
            highest_version: 1,
            agent: self.name.clone(),
            session: session(),
            devices: devices.iter().map(device).collect(),
            program: "crafted 1".to_owned(),
            capabilities: vec!["netconf".to_owned()],
            ..Hello::default()
        }
    }

    /// Writes what foreign programs show and trust: NAME.pem, NAME.key and ca.pem.
    pub fn write(&self, folder: &std::path::Path) {
        let file = |name: String, text: String| std::fs::write(folder.join(name), text).unwrap();
        file("ca.pem".to_owned(), pem(&self.own.authority));
        file(format!("{}.pem", self.name), pem(&self.own.certificate));
        file(format!("{}.key", self.name), self.key.serialize_pem());
    }

    /// Connects as this agent.
    pub async fn dial(
        &self,
    ) -> std::io::Result<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + use<>> {
        let trust = Trust::Authority(self.own.authority.clone());
        let config = tls::client(Some((&self.own, self.key.serialized_der())), trust, None).unwrap();
        est::dial(&self.address, Arc::new(config)).await
    }

    /// Joins with a hello.
    pub async fn join(&self, hello: Hello) -> Result<AgentLink, JoinError> {
        Membership::new(hello, Limits::default())
            .join(self.dial().await.unwrap())
            .await
    }

    /// The code and the words of the refusal of a hello.
    pub async fn refused(&self, hello: Hello) -> (String, String) {
        match self.join(hello).await {
            Err(JoinError::Refused(refused)) => {
                let fault = refused.fault.unwrap();
                (fault.code, fault.detail)
            }
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it was not refused"),
        }
    }
}

/// What the registry makes of an agent's words.
pub async fn answered(link: &mut AgentLink, body: upward::Body) -> Result<String, String> {
    link.offer(None, body).unwrap();
    loop {
        let message = tokio::time::timeout(SOON, link.next())
            .await
            .expect("an answer")
            .unwrap();
        if let Some(downward::Body::Registered(it)) = message.body {
            return match it.fault {
                Some(fault) => Err(fault.detail),
                None => Ok(it.resource),
            };
        }
    }
}

pub fn parsed(name: &str) -> Name {
    name.parse().unwrap()
}

/// A certificate in PEM.
pub fn pem(der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::prelude::BASE64_STANDARD.encode(der).into_bytes();
    let lines: Vec<_> = text.chunks(64).map(String::from_utf8_lossy).collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}
