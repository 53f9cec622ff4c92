//! The controller's own certificate: issued by its own authority, made anew before it runs out.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use fabric_events::Signer;
use fabric_identity::tls::{self, Callers, Trust};
use fabric_identity::{Acceptor, Authority, Credential, Crowd, Identity, Permission, Role};
use rcgen::KeyPair;
use rustls::{ClientConfig, ServerConfig};
use tokio::time::Instant;

use super::clock;
use crate::config::Config;

/// The name of the controller in its certificate.
pub const CONTROLLER: &str = "controller";

/// A certificate with its key.
struct Held {
    credential: Credential,
    key: Vec<u8>,
    since: Instant,
}

/// The controller's own identity.
pub struct Own {
    authority: Arc<Authority>,
    names: Vec<String>,
    /// How often a new certificate is shown: a third of the time that one is good for.
    period: Duration,
    held: Mutex<Option<Arc<Held>>>,
    /// Whoever has called, over all listeners.
    crowd: Crowd,
}

impl Own {
    /// The identity of a controller with these settings; it has its first certificate when this comes back.
    pub fn new(config: &Config, authority: Arc<Authority>) -> Result<Arc<Self>> {
        let own = Arc::new(Self {
            authority,
            names: config.agents_names.clone(),
            period: config.fabric.certificate / 3,
            held: Mutex::default(),
            crowd: Crowd::default(),
        });
        own.held()?;
        Ok(own)
    }

    /// Who issues it.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// How often a new certificate is shown.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What a listener shows to whoever calls.
    pub fn server(&self, callers: Callers) -> Result<ServerConfig> {
        let held = self.held()?;
        tls::server(&held.credential, &held.key, callers, self.authority.revocations()).context("set up mutual TLS")
    }

    /// What is shown where the controller calls what carries events.
    pub fn client(&self) -> Result<ClientConfig> {
        let held = self.held()?;
        let trust = Trust::Authority(held.credential.authority.clone());
        let revoked = Some(self.authority.revocations());
        tls::client_of_events((&held.credential, &held.key), trust, revoked).context("set up mutual TLS")
    }

    /// What signs in the controller's name.
    pub fn signer(&self) -> Result<Signer> {
        let held = self.held()?;
        Signer::new(&held.credential.certificate, &held.key).context("sign as the controller")
    }

    /// Takes calls for one period under the certificate of now.
    pub fn acceptor(&self, listener: &std::net::TcpListener, config: ServerConfig) -> Result<Acceptor> {
        let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        Ok(Acceptor::among(
            &self.crowd,
            listener,
            Arc::new(config),
            self.authority.revocations(),
        ))
    }

    /// The certificate of now. One that is as old as a period is replaced.
    fn held(&self) -> Result<Arc<Held>> {
        let mut place = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = place.as_ref().filter(|it| it.since.elapsed() < self.period * 9 / 10) {
            return Ok(held.clone());
        }
        let held = Arc::new(self.issued()?);
        *place = Some(held.clone());
        Ok(held)
    }

    fn issued(&self) -> Result<Held> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).context("make a key")?;
        let identity = Identity {
            name: CONTROLLER.parse()?,
            role: Role::Controller,
            devices: BTreeSet::new(),
            may: [Permission::Publish].into(),
        };
        let issued = self.authority.issue_own(identity, &key, &self.names, clock());
        Ok(Held {
            credential: issued.context("issue the controller's certificate")?,
            key: key.serialize_der(),
            since: Instant::now(),
        })
    }
}
