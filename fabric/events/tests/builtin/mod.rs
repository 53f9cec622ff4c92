//! The built-in broker, judged by mosquitto's clients and by paho, and lied to by everybody.

mod bounds;
mod hearing;
mod lies;
mod rules;
mod wire;

use crate::cast::Cast;
use crate::mosquitto::pem;
use crate::{SOON, now};
use fabric_events::broker::{Bounds, Broker, Deaf, Limits};
use fabric_events::mqtt::Publisher;
use fabric_events::{Event, Filter, Hearing, Memory, Outbox, Reason, Terms};
use fabric_identity::Acceptor;
use fabric_identity::tls::{self, Callers};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A broker of the test's own, and what its ear has believed.
pub struct Builtin {
    pub broker: Arc<Broker>,
    pub port: u16,
    pub serving: tokio::task::JoinHandle<()>,
    pub hearing: Arc<Mutex<Hearing>>,
    pub heard: Arc<Mutex<Vec<Event>>>,
    /// How often its ear can still keep nothing.
    pub deaf: Arc<AtomicUsize>,
}

impl Drop for Builtin {
    fn drop(&mut self) {
        self.serving.abort();
        self.broker.close();
    }
}

pub async fn start(cast: &Cast, port: u16, limits: Limits) -> Builtin {
    let authority = cast.authority.certificate().to_vec();
    let memory = cast.folder.path().join("ear");
    let hearing = Hearing::open(
        authority,
        Filter::default(),
        (&memory, Memory::new(10_000, 10_000)),
        Terms::default(),
        now(),
    );
    let (hearing, heard) = (Arc::new(Mutex::new(hearing.unwrap())), Arc::new(Mutex::new(Vec::new())));
    let (ear, believed, revoked) = (hearing.clone(), heard.clone(), cast.authority.revocations());
    let deaf = Arc::new(AtomicUsize::new(0));
    let still = deaf.clone();
    let broker = Broker::new(
        limits,
        Arc::new(move |all: &[&[u8]]| {
            let left = still.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1));
            if left.is_ok() {
                return Err(Deaf);
            }
            let verdicts = ear.lock().unwrap().hear_all(all, &revoked.borrow(), now());
            believed.lock().unwrap().extend(verdicts.into_iter().flatten());
            Ok(())
        }),
    );
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (own, key) = cast.holder("controller-1");
    let mut config = tls::server(own, key.serialized_der(), Callers::Known, cast.authority.revocations()).unwrap();
    config.alpn_protocols.clear();
    let acceptor = Acceptor::start(listener, Arc::new(config), cast.authority.revocations());
    let serving = broker.clone();
    let serving = tokio::spawn(async move { serving.serve(acceptor).await });
    Builtin {
        broker,
        port,
        serving,
        hearing,
        heard,
        deaf,
    }
}

impl Builtin {
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(SOON, waiting).await;
        waited.unwrap_or_else(|_| {
            panic!(
                "{what}: {:?} {:?}",
                self.broker.traffic(),
                self.hearing.lock().unwrap().counts()
            )
        });
    }

    pub fn refused(&self, reason: Reason) -> u64 {
        self.hearing
            .lock()
            .unwrap()
            .counts()
            .refused
            .get(&reason)
            .copied()
            .unwrap_or_default()
    }
}

/// Writes what foreign clients need into the cast's folder.
pub fn files(cast: &Cast) {
    let folder = cast.folder.path();
    std::fs::write(folder.join("ca.pem"), pem("CERTIFICATE", cast.authority.certificate())).unwrap();
    for holder in ["controller-1", "edge-3"] {
        let (own, key) = cast.holder(holder);
        std::fs::write(
            folder.join(format!("{holder}.pem")),
            pem("CERTIFICATE", &own.certificate),
        )
        .unwrap();
        std::fs::write(folder.join(format!("{holder}.key")), key.serialize_pem()).unwrap();
    }
}

pub fn foreign(program: &str, folder: &Path, port: u16, holder: &str) -> Command {
    tests_real::operations(tests_real::Part::Mosquitto, 1);
    let mut command = Command::new(tests_real::program(&[program]).unwrap_or_else(|| panic!("{program} is installed")));
    command
        .current_dir(folder)
        .args([
            "-V",
            "5",
            "-q",
            "1",
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "--cafile",
            "ca.pem",
        ])
        .args(["--cert", &format!("{holder}.pem"), "--key", &format!("{holder}.key")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

pub async fn published(cast: &Cast, port: u16, topic: &str, bytes: &[u8]) -> Output {
    std::fs::write(cast.folder.path().join("said"), bytes).unwrap();
    let mut command = foreign("mosquitto_pub", cast.folder.path(), port, "edge-3");
    command.args(["-t", topic, "-f", "said"]).output().await.unwrap()
}

pub const OWN: &str = "entente/v1/event/link-fault/error/pe1";

/// A receiver that prints the topic of each message and ends after `count`.
pub fn listener(cast: &Cast, port: u16, holder: &str, filter: &str, count: u32) -> Child {
    let mut command = foreign("mosquitto_sub", cast.folder.path(), port, holder);
    command.args(["-t", filter, "-F", "%t", "-C", &count.to_string(), "-W", "20"]);
    command.spawn().unwrap()
}

pub fn publisher(cast: &Cast, holder: &str) -> Arc<Publisher> {
    let path = cast.folder.path().join(format!("{holder}.outbox"));
    Publisher::new(Outbox::open(&path, 500).unwrap())
}

pub fn tight() -> Limits {
    let bounds = Bounds {
        waiting: 50,
        of_one: 8,
        ..Bounds::default()
    };
    Limits {
        bounds,
        rate: 200.0,
        burst: 100.0,
        ..Limits::default()
    }
}
