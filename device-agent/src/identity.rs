//! Who this agent is: its key and certificate in the state directory, enrolled once and renewed in time.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use fabric_events::{SignError, Signer};
use fabric_identity::claims::LONGEST_TEXT;
use fabric_identity::est::{self, Applying, Enrolment, EstError};
use fabric_identity::identity::MOST_PATTERNS;
use fabric_identity::roll::Reason;
use fabric_identity::tls::{self, TlsError, Trust};
use fabric_identity::{Certificate, CertificateError, Claims, Credential, Name, Permission, Revocations, list};
use fabric_wire::hello::{LOOKS_ON, STANDS};
use futures::FutureExt;
use futures::future::BoxFuture;
use rcgen::KeyPair;
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::config::{Config, Controller};
use crate::credential::SourceError;
use crate::trusted::Trusted;
use crate::wire::{Dial, DialError, Stream};

const FORMAT: u32 = 1;
/// What every agent of this program can do, in the registry's words.
pub const CAPABILITIES: [&str; 7] = ["netconf", "cli", "gate", "query", "watch", STANDS, LOOKS_ON];
/// How old what is known of who is shut out may be before it is asked for again, and how long asking may take.
pub const LIST_FOR: Duration = Duration::from_secs(60);
const LIST_WITHIN: Duration = Duration::from_secs(10);
/// How often an application that waits for an operator is asked about.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Why an agent has no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// Its name is none.
    #[error("`{0}` cannot be an agent's name: small letters, digits and dashes, at most 63")]
    Name(String),
    /// What is stored cannot be read or written.
    #[error("the agent's identity in {} cannot be read or written", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is stored is no identity.
    #[error("the agent's identity in {} is damaged or newer than this program", path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
    },
    /// The token.
    #[error("the token to enrol with cannot be had")]
    Token(#[from] SourceError),
    /// The authority.
    #[error("no certificate from the authority at {address}")]
    Enrolment {
        /// Where.
        address: String,
        /// Why.
        source: EstError,
    },
    /// The certificate.
    #[error("the agent's certificate cannot be used")]
    Certificate(#[from] CertificateError),
    /// Its use in TLS.
    #[error("the agent's certificate cannot be used")]
    Tls(#[from] TlsError),
    /// No key.
    #[error("no key could be made")]
    Key(#[from] rcgen::Error),
}

/// What lies in the state directory, in one file, so that key and certificate always belong together.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    key: Vec<u8>,
    certificate: Vec<u8>,
    authority: Vec<u8>,
}

struct Own {
    credential: Credential,
    key: Vec<u8>,
    certificate: Certificate,
}

/// The agent's identity, and the way to its controller that goes by it.
pub struct Identity {
    path: PathBuf,
    enrolment: Enrolment,
    address: String,
    own: Mutex<Arc<Own>>,
    /// The serial numbers of certificates that are taken back, as the authority's list said last.
    revoked: watch::Sender<Arc<BTreeSet<String>>>,
    /// When that was.
    listed: tokio::sync::Mutex<Option<Instant>>,
}

impl Identity {
    /// Reads the identity, or enrols with the one-time token, or waits for an operator's approval.
    pub async fn obtain(config: &Config, controller: &Controller) -> Result<Self, IdentityError> {
        let path = config.state.join("identity.json");
        let (address, fingerprint) = (controller.enrolment.clone(), controller.fingerprint.clone());
        let enrolment = Enrolment { address, fingerprint };
        let own = match read(&path)? {
            Some(own) => own,
            None => enrol(&path, &enrolment, &applying(config)?, controller).await?,
        };
        Ok(Self::of(path, enrolment, controller, own))
    }

    /// The identity that an earlier run has left, if there is one.
    pub fn kept(state: &Path, controller: &Controller) -> Result<Option<Self>, IdentityError> {
        let path = state.join("identity.json");
        let (address, fingerprint) = (controller.enrolment.clone(), controller.fingerprint.clone());
        let enrolment = Enrolment { address, fingerprint };
        Ok(read(&path)?.map(|own| Self::of(path, enrolment, controller, own)))
    }

    fn of(path: PathBuf, enrolment: Enrolment, controller: &Controller, own: Own) -> Self {
        Self {
            path,
            enrolment,
            address: controller.address.clone(),
            own: Mutex::new(Arc::new(own)),
            revoked: watch::Sender::default(),
            listed: tokio::sync::Mutex::default(),
        }
    }

    /// Whether its certificate lets the agent speak for a device.
    pub fn covers(&self, device: &str) -> bool {
        self.own().certificate.identity.covers(device)
    }

    /// The host of the controller, as this agent dials it.
    pub fn host(&self) -> &str {
        self.address
            .rsplit_once(':')
            .map_or(self.address.as_str(), |(host, _)| host)
    }

    /// What signs in this agent's name.
    pub fn signer(&self) -> Result<Signer, SignError> {
        let own = self.own();
        Signer::new(&own.credential.certificate, &own.key)
    }

    /// When the certificate wants renewing: once two thirds of its time are over.
    pub fn due(&self) -> SystemTime {
        let own = self.own();
        let (from, until) = (own.certificate.not_before, own.certificate.not_after);
        from + until.duration_since(from).unwrap_or_default() * 2 / 3
    }

    /// Renews the certificate once two thirds of its time are over; answers whether it did.
    pub async fn renew_if_due(&self, now: SystemTime) -> Result<bool, IdentityError> {
        let own = self.own();
        if now < self.due() {
            return Ok(false);
        }
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        let credential = self
            .enrolment
            .renew((&own.credential, &own.key), &key, Some(self.revocations()))
            .await;
        let credential = credential.map_err(|source| self.no_certificate(source))?;
        let renewed = keep(&self.path, credential, &key)?;
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
        Ok(true)
    }

    /// Takes back all of its certificates, by its own word and for good.
    pub async fn retire(&self, reason: Reason) -> Result<(), IdentityError> {
        let own = self.own();
        let taken = self.enrolment.revoke((&own.credential, &own.key), reason).await;
        taken.map_err(|source| self.no_certificate(source))
    }

    /// Whose certificates are taken back, as far as it is known: it follows the authority's list.
    pub fn revocations(&self) -> Revocations {
        self.revoked.subscribe()
    }

    /// Whose certificates are taken back: what the authority's list said at most a minute ago. The list is asked for
    /// where that is longer ago; nothing where there is no good one.
    pub async fn shut_out(&self, now: SystemTime) -> Option<Arc<BTreeSet<String>>> {
        let mut listed = self.listed.lock().await;
        if listed.is_none_or(|it| it.elapsed() >= LIST_FOR) {
            *listed = None;
            match timeout(LIST_WITHIN, self.enrolment.list()).await {
                Ok(Ok(list)) => match list::revoked(&list, &self.authority(), now) {
                    Ok(read) => {
                        *listed = Some(Instant::now());
                        self.learn(read);
                    }
                    Err(error) => tracing::warn!(%error, "who is shut out is not known"),
                },
                Ok(Err(error)) => tracing::warn!(error = crate::desk::chain(&error), "who is shut out is not known"),
                Err(_) => tracing::warn!("who is shut out is not known: no answer in time"),
            }
        }
        listed.map(|_| self.revoked.borrow().clone())
    }

    fn learn(&self, read: BTreeSet<String>) {
        self.revoked.send_if_modified(|it| {
            let news = **it != read;
            *it = Arc::new(read);
            news
        });
    }

    /// The authority's certificate in DER.
    pub fn authority(&self) -> Vec<u8> {
        self.own().credential.authority.to_vec()
    }

    fn no_certificate(&self, source: EstError) -> IdentityError {
        IdentityError::Enrolment {
            address: self.enrolment.address.clone(),
            source,
        }
    }

    fn own(&self) -> Arc<Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is shown to whom this agent calls.
    pub fn client(&self) -> Result<ClientConfig, TlsError> {
        let own = self.own();
        let trust = Trust::Authority(own.credential.authority.clone());
        tls::client(Some((&own.credential, &own.key)), trust, Some(self.revocations()))
    }
}

impl Identity {
    /// What is shown to what carries events: the controller's own broker, or one beside it.
    pub fn client_of_events(&self) -> Result<ClientConfig, TlsError> {
        let own = self.own();
        let trust = Trust::Authority(own.credential.authority.clone());
        tls::client_of_events((&own.credential, &own.key), trust, Some(self.revocations()))
    }
}

impl Dial for Identity {
    fn permits(&self, device: &str, what: Permission) -> bool {
        let identity = &self.own().certificate.identity;
        identity.may.contains(&what) && identity.covers(device)
    }

    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, DialError>> {
        let lost = |source| DialError {
            address: self.address.clone(),
            source,
        };
        let dial = async move {
            let config = self.client().map_err(|error| lost(error.into()))?;
            let io = est::dial(&self.address, Arc::new(config))
                .await
                .map_err(|error| lost(error.into()))?;
            let shown = io.get_ref().1.peer_certificates().and_then(|it| it.first());
            let shown = Certificate::read(shown.map_or(&[], |it| it.as_ref()));
            let serial = shown.map_err(|error| lost(EstError::from(error).into()))?.serial;
            Ok(Box::new(Trusted::new(io, serial, self.revocations())) as Box<dyn Stream>)
        };
        dial.boxed()
    }
}

/// What the application says: who stands behind the agent, what it is for, and the devices that it would speak for.
fn applying(config: &Config) -> Result<Applying, IdentityError> {
    let name: Name = config
        .name
        .parse()
        .map_err(|_| IdentityError::Name(config.name.clone()))?;
    let devices = config.devices.iter().filter_map(|it| it.id.to_string().parse().ok());
    let claims = Claims {
        developer: short(&config.developer),
        function: short(&config.description),
        skills: CAPABILITIES.map(str::to_owned).into(),
        devices: devices.take(MOST_PATTERNS).collect(),
        may: BTreeSet::new(), // whatever it is given
    };
    let organisation = short(&config.organisation);
    Ok(Applying {
        name,
        organisation,
        claims,
    })
}

/// A text as an application takes it: without control characters, and no longer than that.
fn short(text: &str) -> String {
    let mut taken = String::new();
    for letter in text.chars().filter(|it| !it.is_control()) {
        if taken.len() + letter.len_utf8() > LONGEST_TEXT {
            break;
        }
        taken.push(letter);
    }
    taken
}

async fn enrol(
    path: &Path,
    enrolment: &Enrolment,
    who: &Applying,
    controller: &Controller,
) -> Result<Own, IdentityError> {
    let name = &who.name;
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
    let token = match &controller.token {
        Some(source) => Some(source.fetch().await?),
        None => None,
    };
    let token = token.as_ref().map(adapters_port::Secret::expose);
    loop {
        match enrolment.enrol_as(who, &key, token).await {
            Ok(credential) => return keep(path, credential, &key),
            Err(EstError::Waiting) => {
                let key = est::digest(&key);
                tracing::info!(agent = %name, key, "waiting for an operator to approve this agent and no other key");
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Err(source) => {
                return Err(IdentityError::Enrolment {
                    address: enrolment.address.clone(),
                    source,
                });
            }
        }
    }
}

fn read(path: &Path) -> Result<Option<Own>, IdentityError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(IdentityError::File {
                path: path.to_owned(),
                source,
            });
        }
    };
    let damaged = || IdentityError::Damaged { path: path.to_owned() };
    let stored: Stored = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    if stored.format != FORMAT {
        return Err(damaged());
    }
    let certificate = Certificate::read(&stored.certificate)?;
    let credential = Credential {
        until: certificate.not_after,
        certificate: stored.certificate.into(),
        authority: stored.authority.into(),
    };
    Ok(Some(Own {
        credential,
        key: stored.key,
        certificate,
    }))
}

/// Writes the identity where only its owner reads it, whole or not at all.
fn keep(path: &Path, credential: Credential, key: &KeyPair) -> Result<Own, IdentityError> {
    let certificate = Certificate::read(&credential.certificate)?;
    let key = key.serialized_der().to_vec();
    let stored = Stored {
        format: FORMAT,
        key: key.clone(),
        certificate: credential.certificate.to_vec(),
        authority: credential.authority.to_vec(),
    };
    let written = serde_json::to_vec(&stored)
        .map_err(io::Error::other)
        .and_then(|bytes| replace(path, &bytes));
    written.map_err(|source| IdentityError::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(Own {
        credential,
        key,
        certificate,
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("tmp");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
