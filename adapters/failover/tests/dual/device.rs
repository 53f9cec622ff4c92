//! A real device with two protocols over one datastore: netconfd, and its own command line as a login's shell.

use crate::proxy::{Link, Proxy};
use adapters_cli::{CliAccess, Locks};
use adapters_failover::{Failover, Policy, Switch, Tell};
use adapters_netconf::rpc::Limits;
use adapters_netconf::{NetconfAccess, PlatformDialect};
use adapters_platform::builtin;
use adapters_port::{Access, Answer, Change, ChangeId, Deadline, PersistId, Protocol, SecretError, SecretRef, Secrets};
use adapters_ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use knowledge_model::{Delta, Path, Tree, Value, diff};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How NETCONF is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Connections are refused, what was open is cut.
    Refused,
    /// Packets arrive no more.
    Dropped,
    /// New sessions get no hello, old ones no answer.
    NoHello,
    /// New sessions get a hello and then no answer, old ones none either.
    NoAnswer,
}

impl Loss {
    pub const ALL: [Self; 4] = [Self::Refused, Self::Dropped, Self::NoHello, Self::NoAnswer];
}

#[derive(Default)]
pub struct Told(Mutex<Vec<Switch>>);

impl Told {
    pub fn switches(&self) -> Vec<(Protocol, Protocol)> {
        self.0.lock().unwrap().iter().map(|it| (it.from, it.to)).collect()
    }
}

impl Tell for Told {
    fn switched(&self, switch: &Switch) {
        self.0.lock().unwrap().push(switch.clone());
    }
}

pub struct Dual {
    routes: Vec<Arc<dyn Access>>,
    proxy: Proxy,
    port: u16,
    user: String,
    key: String,
    folder: tempfile::TempDir,
}

impl Dual {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = || tests_real::free_port().unwrap();
        let (own, cli, gate) = (port(), port(), port());
        let mut command = Command::new(script());
        command.arg("start").arg(folder.path()).arg(own.to_string());
        command.args(["--cli-port", &cli.to_string(), "--gate-port", &gate.to_string()]);
        if let Ok(user) = std::env::var("ENTENTE_NETCONFD_USER") {
            command.args(["--user", &user]);
        }
        let said: serde_json::Value = serde_json::from_slice(&checked(&mut command).stdout).unwrap();
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        let (user, key) = (text("user"), text("key"));
        let proxy = Proxy::to(gate).await;
        let known_hosts = folder.path().join("known_hosts");
        let netconf = NetconfAccess::new(adapters_netconf::Target {
            device: "pe1".to_owned(),
            dial: Box::new(adapters_netconf::OverSsh {
                endpoint: endpoint(proxy.port),
                host_keys: host_keys(&known_hosts),
                login: login_of(&user, &key),
            }),
            dialect: Arc::new(PlatformDialect::new(
                builtin::named("ietf").unwrap().native().unwrap().clone(),
            )),
            secrets: Arc::new(NoSecrets),
            limits: Limits::default(),
        });
        let terminal = CliAccess::new(adapters_cli::Target {
            device: "pe1".to_owned(),
            dial: Box::new(adapters_cli::OverSsh {
                endpoint: endpoint(cli),
                host_keys: host_keys(&known_hosts),
                login: login_of(&user, &key),
            }),
            platform: Arc::new(builtin::named("yangcli").unwrap().clone()),
            secrets: Arc::new(NoSecrets),
            enable: None,
            locks: Locks::new(),
        });
        let routes: Vec<Arc<dyn Access>> = vec![Arc::new(netconf), Arc::new(terminal)];
        Self {
            routes,
            proxy,
            port: own,
            user,
            key,
            folder,
        }
    }

    /// What an agent has that has just started, and what it tells.
    pub fn failover(&self) -> (Failover, Arc<Told>) {
        let told = Arc::new(Told::default());
        let connect_within = Duration::from_secs(5);
        let tell = Arc::clone(&told) as _;
        let failover = Failover::new("pe1", self.routes.clone(), Policy::default(), connect_within, tell);
        (failover, told)
    }

    /// One protocol alone.
    pub fn over(&self, protocol: Protocol) -> Arc<dyn Access> {
        Arc::clone(self.routes.iter().find(|it| it.protocol() == protocol).unwrap())
    }

    /// A session that the network has kept from ending ends.
    pub fn cuts(&self) {
        self.proxy.is(Link::Refused);
    }

    /// From now on NETCONF is lost in this way.
    pub fn loses(&self, loss: Loss) {
        match loss {
            Loss::Refused => self.proxy.is(Link::Refused),
            Loss::Dropped => self.proxy.is(Link::Dropped),
            Loss::NoHello => self.gate("mute"),
            Loss::NoAnswer => self.gate("deaf"),
        }
    }

    /// The server hears what it is told, and what it says gets lost.
    pub fn hears_only(&self) {
        self.gate("mum");
    }

    /// NETCONF is well again.
    pub fn heals(&self) {
        self.gate("pass");
        self.proxy.is(Link::Passes);
        let listens = || std::net::TcpStream::connect(("127.0.0.1", self.proxy.port)).ok();
        let wait = || tests_real::until("the proxy to listen", Duration::from_secs(60), listens);
        tokio::task::block_in_place(wait).unwrap();
    }

    /// From now on: the gate looks at its word again before it passes on what came.
    fn gate(&self, word: &str) {
        let file = self.folder.path().join("gate");
        let next = self.folder.path().join("gate.next");
        std::fs::write(&next, word).unwrap();
        std::fs::rename(next, file).unwrap();
    }

    /// What the judge sees running, past proxy and gate.
    pub fn judged(&self) -> String {
        let judge = tests_real::root().join("adapters/netconf/tests/real/judge.py");
        let port = self.port.to_string();
        let mut command = Command::new(tests_real::python());
        let output = checked(
            command
                .arg(judge)
                .args(["127.0.0.1", &port, &self.user, &self.key, "running"]),
        );
        tests_real::operations(tests_real::Part::Netconfd, 1);
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Dual {
    fn drop(&mut self) {
        drop(Command::new(script()).arg("stop").arg(self.folder.path()).output());
    }
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve<'a>(
        &'a self,
        reference: &'a SecretRef,
        _by: Deadline,
    ) -> Answer<'a, adapters_port::Secret, SecretError> {
        Box::pin(async move { Err(SecretError::Unknown(reference.clone())) })
    }
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint {
        host: "127.0.0.1".to_owned(),
        port,
        algorithms: Algorithms::Modern,
        keepalive: None,
    }
}

fn host_keys(file: &std::path::Path) -> Arc<HostKeys> {
    Arc::new(HostKeys::open(file.to_owned(), FirstUse::Record).unwrap())
}

fn login_of(user: &str, key: &str) -> Login {
    let key = std::fs::read_to_string(key).unwrap();
    Login {
        user: user.to_owned(),
        credentials: vec![Credential::key(&key, None).unwrap()],
    }
}

fn script() -> PathBuf {
    tests_real::root().join("labs/real/netconfd")
}

fn checked(command: &mut Command) -> Output {
    let output = tokio::task::block_in_place(|| command.output()).unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// An interface with a description and an MTU.
pub fn interface(name: &str) -> Tree {
    let path = Path::root().keyed("interface", [name]);
    let mut tree = Tree::new();
    tree.insert(
        path.child("description"),
        Value::scalar(format!("to the other side of {name}")),
    );
    tree.insert(path.child("mtu"), Value::scalar("1400"));
    tree.insert(path, Value::Present);
    tree
}

/// The change that makes it.
pub fn makes(name: &str) -> Delta {
    diff(&Tree::new(), &interface(name))
}

pub fn change(id: u128, delta: Delta, window: Duration) -> Change {
    Change {
        id: ChangeId(id),
        delta,
        stands: Default::default(),
        window,
        persist: PersistId::new(id << 64 | u128::from(std::process::id())),
        comment: format!("change {id}"),
    }
}

pub fn within(wait: Duration) -> Deadline {
    Deadline::after(tokio::time::Instant::now().into_std(), wait)
}
