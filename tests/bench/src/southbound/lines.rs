//! Ten lines of a terminal: the session that the product uses, on a device of IOS's kind.

use std::sync::Arc;
use std::time::Duration;

use adapters_cli::{CliAccess, CliSession, Locks, OverSsh, Target};
use adapters_netconf::ssh::{Algorithms, Credential, Endpoint, HostKeys, Login};
use adapters_platform::{Platform, builtin};
use adapters_port::{Change, ChangeId, ConfigureSession, PersistId, Secret};
use anyhow::Context;
use knowledge_model::{Delta, Path, Tree, Value, diff};

use super::ours::{NoSecrets, soon};
use super::{Address, Job};

const MARKER: &str = "uplink 2 of the benchmark";

/// The work: our lines are what the platform makes of the change, and the peer types the same.
pub fn job(devices: Vec<Address>, warm: bool) -> anyhow::Result<Job> {
    let (platform, there) = (platform()?, delta());
    let empty = Tree::new();
    let mut after = Tree::new();
    after.apply(&there)?;
    let typed = |from: &Tree, to: &Tree| -> anyhow::Result<Vec<String>> {
        let script = platform.transition(from, to)?;
        Ok(script.lines().iter().map(|line| line.text.to_string()).collect())
    };
    Ok(Job {
        devices,
        user: "admin".to_owned(),
        password: "admin".to_owned(),
        key: None,
        warm,
        workers: 1,
        pairs: if warm { 3 } else { 1 },
        validate: false,
        there: String::new(),
        back: String::new(),
        filter: String::new(),
        lines: typed(&empty, &after)?,
        lines_back: typed(&after, &empty)?,
        marker: MARKER.to_owned(),
    })
}

pub fn access(job: &Job, address: &Address, host_keys: Arc<HostKeys>) -> anyhow::Result<CliAccess> {
    let password = || Secret::new(job.password.as_str());
    Ok(CliAccess::new(Target {
        device: format!("{}:{}", address.host, address.port),
        dial: Box::new(OverSsh {
            endpoint: Endpoint {
                host: address.host.clone(),
                port: address.port,
                algorithms: Algorithms::Modern,
                keepalive: None,
            },
            host_keys,
            login: Login {
                user: job.user.clone(),
                credentials: vec![Credential::Password(password())],
            },
        }),
        platform: Arc::new(platform()?.clone()),
        secrets: Arc::new(NoSecrets),
        enable: Some(password()),
        locks: Locks::new(),
    }))
}

pub async fn cold(access: &CliAccess) -> anyhow::Result<()> {
    for (id, delta) in [(1, delta()), (2, delta().inverse())] {
        let mut session = access.session(soon()).await?;
        transaction(&mut session, id, delta).await?;
    }
    Ok(())
}

pub async fn warm(mut session: CliSession, pairs: usize) -> anyhow::Result<()> {
    for _ in 0..pairs {
        transaction(&mut session, 1, delta()).await?;
        transaction(&mut session, 2, delta().inverse()).await?;
    }
    Ok(())
}

async fn transaction(session: &mut CliSession, id: u128, delta: Delta) -> anyhow::Result<()> {
    let change = Change {
        id: ChangeId(id),
        delta,
        stands: Default::default(),
        window: Duration::from_secs(60),
        persist: PersistId::new(id),
        comment: String::new(),
    };
    let staged = session.stage(&change, soon()).await?;
    let applied = session.apply(staged, soon()).await?;
    session.confirm(&applied, soon()).await?;
    Ok(())
}

fn platform() -> anyhow::Result<&'static Platform> {
    builtin::named("cisco_ios").context("no platform cisco_ios")
}

/// Ten lines, with those that enter and leave a block: three interfaces with a description, two of them with an address.
fn delta() -> Delta {
    let mut tree = Tree::new();
    for number in 0..3 {
        let interface = Path::root().keyed("interface", [format!("GigabitEthernet0/{number}")]);
        let text = format!("uplink {number} of the benchmark");
        tree.insert(interface.child("description"), Value::scalar(text));
        if number < 2 {
            let address = interface.keyed("address", [format!("192.0.2.{}/30", number * 4 + 1)]);
            tree.insert(address, Value::Present);
        }
    }
    diff(&Tree::new(), &tree)
}
