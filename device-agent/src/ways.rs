//! From a way in the configuration to the adapter that goes it.

use std::sync::Arc;
use std::time::Duration;

use adapters_netconf::rpc::{Limits, Stream};
use adapters_netconf::ssh::{self, Algorithms, ConnectError, Endpoint, FirstUse, HostKeyError, HostKeys, Login};
use adapters_netconf::{NetconfAccess, PlatformDialect, Target};
use adapters_platform::{Platform, builtin};
use adapters_port::{Access, Deadline, Protocol, Secrets};
use futures::FutureExt;
use futures::future::BoxFuture;
use thiserror::Error;

use crate::app::Served;
use crate::config::{Config, Credential, Way};
use crate::credential::{SourceError, Vault, own_alone};

/// An idle connection is checked this often.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Why a device cannot be served.
#[derive(Debug, Error)]
pub enum WayError {
    /// No such platform over that protocol.
    #[error("device {device}: no platform {platform} over {protocol}; this build has {known} over NETCONF")]
    Platform {
        /// The device.
        device: String,
        /// What was asked for.
        platform: String,
        /// Over what.
        protocol: Protocol,
        /// What there is.
        known: String,
    },
    /// The host keys on record.
    #[error("device {device}: its host keys cannot be read")]
    HostKeys {
        /// The device.
        device: String,
        /// Why.
        source: HostKeyError,
    },
    /// The name of its credential leads nowhere; the reader of the configuration has looked, so it changed since.
    #[error("device {device}: no credential {credential}")]
    Credential {
        /// The device.
        device: String,
        /// The name.
        credential: String,
    },
}

/// All devices of the configuration, with the ways to them.
pub fn served(config: &Config) -> Result<Vec<Served>, WayError> {
    let secrets: Arc<dyn Secrets> = Arc::new(Vault(config.secrets.clone()));
    let mut served = Vec::with_capacity(config.devices.len());
    for device in &config.devices {
        let mut ways: Vec<Arc<dyn Access>> = Vec::with_capacity(device.ways.len());
        for way in &device.ways {
            ways.push(Arc::new(netconf(config, &device.name, way, secrets.clone())?));
        }
        served.push(Served {
            id: device.id,
            name: device.name.clone(),
            ways,
        });
    }
    Ok(served)
}

fn netconf(config: &Config, device: &str, way: &Way, secrets: Arc<dyn Secrets>) -> Result<NetconfAccess, WayError> {
    let platform = builtin::named(&way.platform).filter(|_| way.protocol == Protocol::Netconf);
    let native = platform.and_then(Platform::native).ok_or_else(|| WayError::Platform {
        device: device.to_owned(),
        platform: way.platform.clone(),
        protocol: way.protocol,
        known: spoken(),
    })?;
    let dialect = Arc::new(PlatformDialect::new(native.clone()));
    let first_use = if way.trust_first_use {
        FirstUse::Record
    } else {
        FirstUse::Refuse
    };
    let host_keys =
        HostKeys::open(config.state.join("known_hosts"), first_use).map_err(|source| WayError::HostKeys {
            device: device.to_owned(),
            source,
        })?;
    let credential = config.credentials.get(&way.credential).cloned();
    let credential = credential.ok_or_else(|| WayError::Credential {
        device: device.to_owned(),
        credential: way.credential.clone(),
    })?;
    let endpoint = Endpoint {
        host: way.address.ip().to_string(),
        port: way.address.port(),
        algorithms: Algorithms::Modern,
        keepalive: Some(KEEPALIVE),
    };
    Ok(NetconfAccess::new(Target {
        device: device.to_owned(),
        dial: Box::new(AtLast {
            endpoint,
            host_keys: Arc::new(host_keys),
            credential,
        }),
        dialect,
        secrets,
        limits: Limits::default(),
    }))
}

/// The platforms that are spoken to over NETCONF.
fn spoken() -> String {
    let names: Vec<&str> = builtin::all()
        .filter(|it| it.native().is_some())
        .map(Platform::name)
        .collect();
    names.join(", ")
}

/// Dials by SSH; the credential is fetched when it is needed, and not kept.
struct AtLast {
    endpoint: Endpoint,
    host_keys: Arc<HostKeys>,
    credential: Credential,
}

impl adapters_netconf::Dial for AtLast {
    fn dial(&self, by: Deadline) -> BoxFuture<'_, Result<Box<dyn Stream>, ConnectError>> {
        let dial = async move {
            let login = self.login().await.map_err(|error| ConnectError::Tcp {
                host: self.endpoint.host.clone(),
                port: self.endpoint.port,
                source: std::io::Error::other(error),
            })?;
            let connection = ssh::connect(&self.endpoint, Arc::clone(&self.host_keys), &login, by).await?;
            connection.subsystem("netconf", by).await
        };
        dial.boxed()
    }
}

impl AtLast {
    async fn login(&self) -> Result<Login, LoginError> {
        Ok(Login {
            user: self.credential.user.clone(),
            credentials: fetch(&self.credential).await?,
        })
    }
}

/// Why a credential is of no use.
#[derive(Debug, Error)]
pub enum LoginError {
    /// Its secret.
    #[error("the credential cannot be had")]
    Source(#[from] SourceError),
    /// Its key.
    #[error("the private key cannot be used: {0}")]
    Key(String),
}

/// The ways to prove who we are, fetched now.
pub async fn fetch(credential: &Credential) -> Result<Vec<ssh::Credential>, LoginError> {
    let mut ways = Vec::new();
    if let Some(path) = &credential.key {
        own_alone(path)?;
        let text = std::fs::read_to_string(path).map_err(|error| SourceError::Unreadable(path.clone(), error))?;
        let passphrase = match &credential.passphrase {
            Some(source) => Some(source.fetch().await?),
            None => None,
        };
        let key = ssh::Credential::key(&text, passphrase.as_ref());
        ways.push(key.map_err(|error| LoginError::Key(error.to_string()))?);
    }
    if let Some(source) = &credential.password {
        ways.push(ssh::Credential::Password(source.fetch().await?));
    }
    Ok(ways)
}
