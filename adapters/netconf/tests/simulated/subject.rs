//! A simulated device as a subject of the suite.

use adapters_netconf::rpc::{Features, Limits};
use adapters_netconf::ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use adapters_netconf::xml::Element;
use adapters_netconf::{Dialect, DialectError, NetconfAccess, OverSsh, PlatformDialect, Quirks, Target};
use adapters_port::conformance::Subject;
use adapters_port::{Access, Answer, Deadline, Secret, SecretError, SecretRef, Secrets};
use futures::future::BoxFuture;
use knowledge_model::{Delta, Path, Tree, Value, diff};
use labs_devices::{Device, Options, Personality, Store};
use std::sync::Arc;
use std::time::Duration;

pub struct Simulated {
    pub device: Device,
    pub access: NetconfAccess,
    _folder: tempfile::TempDir,
}

impl Simulated {
    pub async fn start(personality: &str) -> Self {
        Self::speaking(personality, dialect()).await
    }

    pub async fn speaking(personality: &str, dialect: Renewing) -> Self {
        let personality: Personality = personality.parse().unwrap();
        let device = Device::start(personality, Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let access = NetconfAccess::new(Target {
            device: device.name().to_owned(),
            dial: Box::new(over_ssh(&device, folder.path())),
            dialect: Arc::new(dialect),
            secrets: Arc::new(None),
            limits: Limits::default(),
        });
        Self {
            device,
            access,
            _folder: folder,
        }
    }
}

pub fn over_ssh(device: &Device, folder: &std::path::Path) -> OverSsh {
    OverSsh {
        endpoint: Endpoint {
            host: device.address.to_string(),
            port: device.netconf.unwrap(),
            algorithms: Algorithms::Modern,
            keepalive: Option::None,
        },
        host_keys: Arc::new(HostKeys::open(folder.join("known_hosts"), FirstUse::Record).unwrap()),
        login: Login {
            user: "admin".to_owned(),
            credentials: vec![Credential::Password(Secret::new("admin"))],
        },
    }
}

pub fn dialect() -> Renewing {
    let platform = adapters_platform::builtin::named("ietf").unwrap();
    Renewing {
        words: PlatformDialect::new(platform.native().unwrap().clone()),
        keeps_first: false,
    }
}

/// The platform's words, and the claim that a renewal works: the suite is what proves it.
pub struct Renewing {
    words: PlatformDialect,
    /// And that the first RPC may be kept.
    pub keeps_first: bool,
}

impl Dialect for Renewing {
    fn filter(&self, paths: &[Path]) -> Result<String, DialectError> {
        self.words.filter(paths)
    }

    fn edit(&self, delta: &Delta) -> Result<String, DialectError> {
        self.words.edit(delta)
    }

    fn edit_for(&self, delta: &Delta, features: &Features) -> Result<String, DialectError> {
        self.words.edit_for(delta, features)
    }

    fn read(&self, data: &Element) -> Result<Tree, DialectError> {
        self.words.read(data)
    }

    fn quirks(&self, features: &Features) -> Quirks {
        Quirks {
            renew: true,
            keeps_first: self.keeps_first,
            ..self.words.quirks(features)
        }
    }
}

/// Knows no secret.
pub struct None;

impl Secrets for None {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        Box::pin(async move { Err(SecretError::Unknown(reference.clone())) })
    }
}

pub fn soon() -> Deadline {
    within(Duration::from_secs(60))
}

pub fn within(wait: Duration) -> Deadline {
    Deadline::after(tokio::time::Instant::now().into_std(), wait)
}

/// Two interfaces with what the platform has words for.
pub fn delta(mtu: &str) -> Delta {
    let mut tree = Tree::new();
    for (name, address) in [("eth1", "192.0.2.1/24"), ("eth2", "2001:db8::1/64")] {
        let interface = Path::root().keyed("interface", [name]);
        tree.insert(
            interface.child("description"),
            Value::scalar(format!("to <pe> & \"{name}\"")),
        );
        tree.insert(interface.keyed("address", [address]), Value::Present);
        tree.insert(interface, Value::Present);
    }
    tree.insert("interface[eth1]/mtu".parse().unwrap(), Value::scalar(mtu));
    diff(&Tree::new(), &tree)
}

impl Subject for Simulated {
    fn access(&self) -> &dyn Access {
        &self.access
    }

    fn delta(&self) -> Delta {
        delta("1400")
    }

    fn refused(&self) -> Option<Delta> {
        Some(delta("3")) // ip:mtu begins at 68
    }

    fn judged(&self) -> BoxFuture<'_, String> {
        Box::pin(async move { self.device.content(Store::Running) })
    }

    fn soon(&self) -> Deadline {
        soon()
    }

    fn rest(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}
