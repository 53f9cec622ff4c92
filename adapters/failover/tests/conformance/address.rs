//! Where a real device is, as one line: `host:port:user:key[:platform]`.

use adapters_cli::{CliAccess, Locks};
use adapters_netconf::rpc::Limits;
use adapters_netconf::{NetconfAccess, PlatformDialect};
use adapters_platform::builtin;
use adapters_port::{Access, Answer, Deadline, Secret, SecretError, SecretRef, Secrets};
use adapters_ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Address {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub key: String,
    /// What it speaks; what has a `native` section is spoken to over NETCONF.
    pub platform: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let (host, port, user, key, platform) = match parts[..] {
            [host, port, user, key] => (host, port, user, key, "ietf"),
            [host, port, user, key, platform] => (host, port, user, key, platform),
            _ => return Err(format!("{text:?} is not host:port:user:key[:platform]")),
        };
        builtin::named(platform).ok_or_else(|| format!("no platform {platform}"))?;
        Ok(Self {
            host: host.to_owned(),
            port: port.parse().map_err(|_| format!("no port {port}"))?,
            user: user.to_owned(),
            key: key.to_owned(),
            platform: platform.to_owned(),
        })
    }
}

impl Address {
    /// The same device over another port and in another language.
    pub fn also(&self, port: u16, user: &str, platform: &str) -> Self {
        let (user, platform) = (user.to_owned(), platform.to_owned());
        Self {
            port,
            user,
            platform,
            ..self.clone()
        }
    }

    /// The way there.
    pub fn access(&self, known_hosts: &Path) -> Arc<dyn Access> {
        let platform = builtin::named(&self.platform).unwrap();
        match platform.native() {
            Some(native) => Arc::new(NetconfAccess::new(adapters_netconf::Target {
                device: self.platform.clone(),
                dial: Box::new(adapters_netconf::OverSsh {
                    endpoint: self.endpoint(),
                    host_keys: host_keys(known_hosts),
                    login: self.login(),
                }),
                dialect: Arc::new(PlatformDialect::new(native.clone())),
                secrets: Arc::new(NoSecrets),
                limits: Limits::default(),
            })),
            None => Arc::new(self.terminal(known_hosts)),
        }
    }

    /// The way to its command line.
    pub fn terminal(&self, known_hosts: &Path) -> CliAccess {
        CliAccess::new(adapters_cli::Target {
            device: self.platform.clone(),
            dial: Box::new(adapters_cli::OverSsh {
                endpoint: self.endpoint(),
                host_keys: host_keys(known_hosts),
                login: self.login(),
            }),
            platform: Arc::new(builtin::named(&self.platform).unwrap().clone()),
            secrets: Arc::new(NoSecrets),
            enable: None,
            locks: Locks::new(),
        })
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: self.host.clone(),
            port: self.port,
            algorithms: Algorithms::Modern,
            keepalive: None,
        }
    }

    fn login(&self) -> Login {
        let key = std::fs::read_to_string(&self.key).unwrap();
        Login {
            user: self.user.clone(),
            credentials: vec![Credential::key(&key, None).unwrap()],
        }
    }
}

fn host_keys(file: &Path) -> Arc<HostKeys> {
    Arc::new(HostKeys::open(file.to_owned(), FirstUse::Record).unwrap())
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        Box::pin(async move { Err(SecretError::Unknown(reference.clone())) })
    }
}
