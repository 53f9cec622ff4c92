//! From a way in the configuration to the adapter that goes it.

mod dial;

pub use dial::{LoginError, fetch};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapters_cli::{CliAccess, Composed, Locks, Part};
use adapters_netconf::rpc::Limits;
use adapters_netconf::schema::{Judge, Module, Schemas};
use adapters_netconf::ssh::{Algorithms, Endpoint, FirstUse, HostKeyError, HostKeys};
use adapters_netconf::{NetconfAccess, PlatformDialect};
use adapters_platform::{Platform, builtin};
use adapters_port::{Access, Protocol, Secrets};
use knowledge_yang::DeviceModules;
use thiserror::Error;

use crate::app::Served;
use crate::config::{Config, Way};
use crate::credential::Vault;
use dial::AtLast;

/// An idle connection is checked this often.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Why a device cannot be served.
#[derive(Debug, Error)]
pub enum WayError {
    /// No such platform over that protocol.
    #[error("device {device}: no platform {platform} over {protocol}; this build has {known}")]
    Platform {
        /// The device.
        device: String,
        /// What was asked for.
        platform: String,
        /// Over what.
        protocol: Protocol,
        /// What there is over that.
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

/// libyang as the judge of edits.
struct ByLibyang(DeviceModules);

impl Judge for ByLibyang {
    fn judge(&self, folder: &Path, modules: &[Module], edit: &str) -> Result<bool, String> {
        self.0.check(folder, modules, edit)
    }
}

/// All devices of the configuration, with the ways to them.
pub fn served(config: &Config) -> Result<Vec<Served>, WayError> {
    let secrets: Arc<dyn Secrets> = Arc::new(Vault(config.secrets.clone()));
    let mut served = Vec::with_capacity(config.devices.len());
    let locks = Locks::new();
    let schemas = Arc::new(Schemas::new(
        config.state.join("modules"),
        Arc::new(ByLibyang(DeviceModules::new())),
    ));
    for device in &config.devices {
        let mut ways: Vec<Arc<dyn Access>> = Vec::with_capacity(device.ways.len());
        for way in &device.ways {
            let road = Road {
                config,
                device: &device.name,
                way,
            };
            ways.push(match way.protocol {
                Protocol::Netconf => Arc::new(road.netconf(secrets.clone(), &schemas)?),
                Protocol::Cli => road.terminal(&secrets, &locks)?,
            });
        }
        served.push(Served {
            id: device.id,
            name: device.name.clone(),
            ways,
        });
    }
    Ok(served)
}

/// One way of the configuration, with what it refers to.
struct Road<'a> {
    config: &'a Config,
    device: &'a str,
    way: &'a Way,
}

impl Road<'_> {
    fn netconf(&self, secrets: Arc<dyn Secrets>, schemas: &Arc<Schemas>) -> Result<NetconfAccess, WayError> {
        let platform = builtin::named(&self.way.platform).ok_or_else(|| self.no_platform())?;
        let native = platform.native().ok_or_else(|| self.no_platform())?;
        let access = NetconfAccess::new(adapters_netconf::Target {
            device: self.device.to_owned(),
            dial: Box::new(self.dial()?),
            dialect: Arc::new(PlatformDialect::new(native.clone()).with_state(platform.state().native())),
            secrets,
            limits: Limits::default(),
        });
        Ok(access.held_to(Arc::clone(schemas)))
    }

    /// The command line, or both of a device that is composed of two.
    fn terminal(&self, secrets: &Arc<dyn Secrets>, locks: &Locks) -> Result<Arc<dyn Access>, WayError> {
        let Some(beside) = &self.way.beside else {
            return Ok(Arc::new(self.cli(Arc::clone(secrets), locks)?));
        };
        let side = Road { way: beside, ..*self };
        let mut parts = Vec::new();
        for (road, locks) in [(self, locks.clone()), (&side, locks.beside())] {
            let access = road.cli(Arc::clone(secrets), &locks)?;
            let platform = builtin::named(&road.way.platform).ok_or_else(|| road.no_platform())?;
            parts.push(Part {
                platform: Arc::new(platform.clone()),
                access,
            });
        }
        Ok(Arc::new(Composed::new(self.device, parts)))
    }

    fn cli(&self, secrets: Arc<dyn Secrets>, locks: &Locks) -> Result<CliAccess, WayError> {
        let platform = builtin::named(&self.way.platform);
        let platform = platform
            .filter(|it| it.session().is_some())
            .ok_or_else(|| self.no_platform())?;
        Ok(CliAccess::new(adapters_cli::Target {
            device: self.device.to_owned(),
            dial: Box::new(self.dial()?),
            platform: Arc::new(platform.clone()),
            secrets,
            enable: None,
            locks: locks.clone(),
        }))
    }

    fn dial(&self) -> Result<AtLast, WayError> {
        let first_use = if self.way.trust_first_use {
            FirstUse::Record
        } else {
            FirstUse::Refuse
        };
        let device = || self.device.to_owned();
        let host_keys = HostKeys::open(self.config.state.join("known_hosts"), first_use);
        let host_keys = host_keys.map_err(|source| WayError::HostKeys {
            device: device(),
            source,
        })?;
        let credential = self.config.credentials.get(&self.way.credential).cloned();
        let credential = credential.ok_or_else(|| WayError::Credential {
            device: device(),
            credential: self.way.credential.clone(),
        })?;
        Ok(AtLast {
            endpoint: Endpoint {
                host: self.way.address.ip().to_string(),
                port: self.way.address.port(),
                algorithms: Algorithms::Modern,
                keepalive: Some(KEEPALIVE),
            },
            host_keys: Arc::new(host_keys),
            credential,
        })
    }

    fn no_platform(&self) -> WayError {
        WayError::Platform {
            device: self.device.to_owned(),
            platform: self.way.platform.clone(),
            protocol: self.way.protocol,
            known: spoken(self.way.protocol),
        }
    }
}

/// The platforms that are spoken to over this protocol.
fn spoken(protocol: Protocol) -> String {
    let speaks = |it: &&Platform| match protocol {
        Protocol::Netconf => it.native().is_some(),
        Protocol::Cli => it.session().is_some(),
    };
    let names: Vec<&str> = builtin::all().filter(speaks).map(Platform::name).collect();
    names.join(", ")
}
