//! The fastest parallel path that our adapters have: the same RPCs on every device at once, and nobody agrees on anything.

use std::sync::Arc;
use std::time::Duration;

use adapters_netconf::rpc::Limits;
use adapters_netconf::ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use adapters_netconf::{NetconfAccess, OverSsh, PlatformDialect, Target};
use adapters_port::{
    Access, Answer, Change, ChangeId, ConfigureSession, Deadline, PersistId, Secret, SecretError, SecretRef, Secrets,
};
use anyhow::Context;
use futures::stream::{self, StreamExt, TryStreamExt};
use knowledge_model::{Delta, Path, Tree, Value, diff};

use super::fleet::Address;
use crate::measure::Watch;

/// Ways to all devices, with nobody behind them.
pub struct Fast {
    runtime: tokio::runtime::Runtime,
    ways: Vec<Arc<NetconfAccess>>,
    _folder: tempfile::TempDir,
}

impl Fast {
    pub fn start(devices: &[Address]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let host_keys = Arc::new(HostKeys::open(folder.path().join("known_hosts"), FirstUse::Record)?);
        let dialect = Arc::new(PlatformDialect::new(native()?));
        let way = |it: &Address| {
            Arc::new(NetconfAccess::new(target(
                it,
                Arc::clone(&host_keys),
                Arc::clone(&dialect),
            )))
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        Ok(Self {
            runtime,
            ways: devices.iter().map(way).collect(),
            _folder: folder,
        })
    }

    /// The change on all devices, so many of them at a time; how long it took.
    pub fn change(&self, before: Option<&str>, after: &str, width: usize) -> anyhow::Result<Duration> {
        let delta = diff(&tree(before), &tree(Some(after)));
        let watch = Watch::start();
        self.runtime.block_on(
            stream::iter(self.ways.iter().cloned())
                .map(|way| tokio::spawn(one(way, delta.clone())))
                .buffer_unordered(width)
                .map(|joined| joined.context("a device's task")?)
                .try_collect::<()>(),
        )?;
        Ok(watch.elapsed())
    }
}

/// Read, as a plan does; then stage, apply and confirm, each with what it reads back.
async fn one(way: Arc<NetconfAccess>, delta: Delta) -> anyhow::Result<()> {
    let paths: Vec<Path> = delta.iter().map(|(path, _)| path.clone()).collect();
    let mut observer = way.observe(soon()).await?;
    observer.read(&paths, soon()).await?;
    drop(observer);
    let mut session = way.session(soon()).await?;
    let change = Change {
        id: ChangeId(1),
        delta,
        stands: Default::default(),
        window: Duration::from_secs(120),
        persist: PersistId::new(1),
        comment: String::new(),
    };
    let staged = session.stage(&change, soon()).await?;
    let applied = session.apply(staged, soon()).await?;
    session.confirm(&applied, soon()).await?;
    Ok(())
}

/// What an intent that describes the uplink makes of a device.
pub fn tree(text: Option<&str>) -> Tree {
    let mut tree = Tree::new();
    if let Some(text) = text {
        let interface = Path::root().keyed("interface", ["eth1"]);
        tree.insert(interface.child("description"), Value::scalar(text));
        tree.insert(interface, Value::Present);
    }
    tree
}

pub fn native() -> anyhow::Result<adapters_platform::Native> {
    let platform = adapters_platform::builtin::named("ietf").context("no platform ietf")?;
    Ok(platform.native().context("ietf has no native section")?.clone())
}

fn target(address: &Address, host_keys: Arc<HostKeys>, dialect: Arc<PlatformDialect>) -> Target {
    let endpoint = Endpoint {
        host: address.host.clone(),
        port: address.port,
        algorithms: Algorithms::Modern,
        keepalive: None,
    };
    let login = Login {
        user: "admin".to_owned(),
        credentials: vec![Credential::Password(Secret::new("admin"))],
    };
    Target {
        device: format!("{}:{}", address.host, address.port),
        dial: Box::new(OverSsh {
            endpoint,
            host_keys,
            login,
        }),
        dialect,
        secrets: Arc::new(NoSecrets),
        limits: Limits::default(),
    }
}

fn soon() -> Deadline {
    Deadline::after(tokio::time::Instant::now().into_std(), Duration::from_secs(60))
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        Box::pin(async move { Err(SecretError::Unknown(reference.clone())) })
    }
}
