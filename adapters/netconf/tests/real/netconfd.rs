//! A real netconfd in a folder of its own, with everything a test wants to do to it.

use crate::ietf::Ietf;
use adapters_netconf::rpc::{Exchange, Limits, Operation, Reply};
use adapters_netconf::ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use adapters_netconf::{Dial, NetconfAccess, OverSsh, Target};
use adapters_port::{Answer, Cause, Change, ChangeId, Deadline, PersistId, Secret, SecretError, SecretRef, Secrets};
use knowledge_model::Delta;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

pub struct Netconfd {
    folder: tempfile::TempDir,
    pub port: u16,
    pub user: String,
    pub key: String,
    pub pid: u32,
}

impl Netconfd {
    /// Starts one with these flags.
    pub fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = tests_real::free_port().unwrap();
        let mut command = Command::new(tests_real::root().join("labs/real/netconfd"));
        command.arg("start").arg(folder.path()).arg(port.to_string());
        if let Ok(user) = std::env::var("ENTENTE_NETCONFD_USER") {
            command.args(["--user", &user]);
        }
        let output = checked(command.arg("--").args(flags));
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        let pid = u32::try_from(said["pids"]["netconfd"].as_u64().unwrap()).unwrap();
        Self {
            port,
            user: text("user"),
            key: text("key"),
            pid,
            folder,
        }
    }

    /// The way to it.
    pub fn access(&self) -> NetconfAccess {
        NetconfAccess::new(Target {
            device: "pe1".to_owned(),
            dial: Box::new(self.ssh()),
            dialect: Arc::new(Ietf),
            secrets: Arc::new(Known),
            limits: Limits::default(),
        })
    }

    pub fn ssh(&self) -> OverSsh {
        let key = std::fs::read_to_string(&self.key).unwrap();
        let host_keys = HostKeys::open(self.folder.path().join("known_hosts"), FirstUse::Record).unwrap();
        OverSsh {
            endpoint: Endpoint {
                host: "127.0.0.1".to_owned(),
                port: self.port,
                algorithms: Algorithms::Modern,
                keepalive: None,
            },
            host_keys: Arc::new(host_keys),
            login: Login {
                user: self.user.clone(),
                credentials: vec![Credential::key(&key, None).unwrap()],
            },
        }
    }

    /// A session of a stranger, who does what he likes.
    pub async fn stranger(&self) -> Stranger {
        let stream = self.ssh().dial(soon()).await.unwrap();
        let mut exchange = Exchange::open(stream, Limits::default(), soon()).await.unwrap();
        exchange.wake(soon()).await.unwrap();
        Stranger(exchange)
    }

    /// What the judge sees in a datastore: a line each leaf.
    pub fn judged(&self, store: &str) -> String {
        let script = tests_real::root().join("adapters/netconf/tests/real/judge.py");
        let port = self.port.to_string();
        let mut command = Command::new(tests_real::python());
        let output = checked(
            command
                .arg(script)
                .args(["127.0.0.1", &port, &self.user, &self.key, store]),
        );
        tests_real::operations(tests_real::Part::Netconfd, 1);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Kills it and starts it again on what it has saved.
    pub fn restart(&self) {
        checked(
            Command::new(tests_real::root().join("labs/real/netconfd"))
                .arg("restart")
                .arg(self.folder.path()),
        );
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Drop for Netconfd {
    fn drop(&mut self) {
        let stop = Command::new(tests_real::root().join("labs/real/netconfd"))
            .arg("stop")
            .arg(self.folder.path())
            .output();
        drop(stop);
    }
}

pub struct Stranger(Exchange);

impl Stranger {
    pub async fn does(&mut self, operation: Operation) -> Reply {
        self.0.call(&operation, soon()).await.unwrap()
    }

    /// Writes a description into the candidate.
    pub async fn edits(&mut self, interface: &str, description: &str) -> Reply {
        let space = "urn:ietf:params:xml:ns:yang:ietf-interfaces";
        self.does(Operation::other(
            "edit-config",
            format!(
                "<edit-config><target><candidate/></target><config><interfaces xmlns=\"{space}\"><interface>\
                 <name>{interface}</name><type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:ethernetCsmacd</type>\
                 <description>{description}</description></interface></interfaces></config></edit-config>"
            ),
        ))
        .await
    }

    pub fn id(&self) -> String {
        self.0.session().unwrap().to_owned()
    }
}

/// Knows one secret.
struct Known;

impl Secrets for Known {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        Box::pin(async move {
            match reference.name() {
                "core" => Ok(Secret::new("hunter2")),
                "broken" => {
                    let source: Cause = "the vault is sealed".into();
                    Err(SecretError::Unavailable {
                        reference: reference.clone(),
                        source,
                    })
                }
                _ => Err(SecretError::Unknown(reference.clone())),
            }
        })
    }
}

pub fn change(id: u128, delta: Delta) -> Change {
    windowed(id, delta, 60)
}

pub fn windowed(id: u128, delta: Delta, seconds: u64) -> Change {
    let window = Duration::from_secs(seconds);
    // Unlike in the product the token is no secret here, but it must differ from run to run.
    let persist = PersistId::new(id << 64 | u128::from(std::process::id()));
    Change {
        id: ChangeId(id),
        delta,
        stands: Default::default(),
        window,
        persist,
        comment: format!("change {id}"),
    }
}

pub fn soon() -> Deadline {
    within(Duration::from_secs(60))
}

pub fn within(wait: Duration) -> Deadline {
    Deadline::after(tokio::time::Instant::now().into_std(), wait)
}

fn checked(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
