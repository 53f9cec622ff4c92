//! The list of behaviours against every simulated terminal, over real SSH, in the words of a platform file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

use adapters_cli::{CliAccess, Locks, OverSsh, Target};
use adapters_platform::{Platform, builtin};
use adapters_port::conformance::{self, Outcome, Subject};
use adapters_port::{Access, Answer, Deadline, Secret, SecretError, SecretRef, Secrets, SessionError};
use adapters_ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use futures::future::BoxFuture;
use knowledge_model::{Delta, Path, Tree, Value, diff};
use labs_devices::{Armed, Device, Fault, Options, Store};
use std::sync::Arc;
use std::time::Duration;

/// A terminal never takes an interface away that is there.
const INTERFACES: &str = "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\">\
    <interface><name>GE0/0/1</name><type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:ethernetCsmacd</type></interface>\
    <interface><name>GE0/0/2</name><type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:ethernetCsmacd</type></interface>\
    </interfaces>";

struct Terminal {
    device: Device,
    access: CliAccess,
    _folder: tempfile::TempDir,
}

impl Terminal {
    async fn start(personality: &str, platform: &str) -> Self {
        Self::speaking(personality, builtin::named(platform).unwrap().clone()).await
    }

    async fn speaking(personality: &str, platform: Platform) -> Self {
        let options = Options {
            config: Some(INTERFACES.to_owned()),
            ..Options::default()
        };
        let device = Device::start(personality.parse().unwrap(), options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let known = HostKeys::open(folder.path().join("known_hosts"), FirstUse::Record).unwrap();
        let access = CliAccess::new(Target {
            device: device.name().to_owned(),
            dial: Box::new(OverSsh {
                endpoint: Endpoint {
                    host: device.address.to_string(),
                    port: device.cli.unwrap(),
                    algorithms: Algorithms::Modern,
                    keepalive: None,
                },
                host_keys: Arc::new(known),
                login: Login {
                    user: "admin".to_owned(),
                    credentials: vec![Credential::Password(Secret::new("admin"))],
                },
            }),
            platform: Arc::new(platform),
            secrets: Arc::new(NoSecrets),
            enable: Some(Secret::new("admin")),
            locks: Locks::new(),
        });
        Self {
            device,
            access,
            _folder: folder,
        }
    }
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        Box::pin(async move { Err(SecretError::Unknown(reference.clone())) })
    }
}

impl Subject for Terminal {
    fn access(&self) -> &dyn Access {
        &self.access
    }

    fn delta(&self) -> Delta {
        let mut tree = Tree::new();
        for (name, address) in [("GE0/0/1", "192.0.2.1/24"), ("GE0/0/2", "198.51.100.1/31")] {
            let path = Path::root().keyed("interface", [name]);
            tree.insert(
                path.child("description"),
                Value::scalar(format!("to the other side of {name}")),
            );
            tree.insert(path.keyed("address", [address]), Value::Present);
        }
        diff(&Tree::new(), &tree)
    }

    fn refused(&self) -> Option<Delta> {
        None
    }

    fn judged(&self) -> BoxFuture<'_, String> {
        Box::pin(async move { self.device.content(Store::Running) })
    }

    fn soon(&self) -> Deadline {
        Deadline::after(tokio::time::Instant::now().into_std(), Duration::from_secs(60))
    }

    fn rest(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}

#[tokio::test]
async fn every_terminal_behaves() {
    let mut columns = Vec::new();
    for (personality, platform) in [("frr", "frr"), ("ios", "cisco_ios"), ("vrp", "huawei_vrp")] {
        let subject = Terminal::start(personality, platform).await;
        columns.push((platform.to_owned(), conformance::run(&subject).await));
        assert!(!subject.device.is_pending(), "{platform} is left with a trial");
    }
    let matrix = conformance::matrix(&columns);
    println!("{matrix}");
    is_documented("terminals on simulated devices", &matrix);
    for (platform, outcomes) in &columns {
        for (behaviour, outcome) in outcomes {
            assert!(
                !matches!(outcome, Outcome::Fails(_)),
                "{platform}: {behaviour}: {outcome:?}\n{matrix}"
            );
        }
        let held = outcomes.iter().filter(|(_, it)| *it == Outcome::Holds).count();
        assert!(held >= 8, "{platform} offers too little to say so\n{matrix}");
    }
}

#[tokio::test]
async fn a_prompt_that_never_comes_costs_a_few_new_sessions_where_the_platform_says_so() {
    let text = include_str!("../../platform/platforms/cisco_ios.yaml");
    let patient = text.replacen("session:\n", "session:\n  patience: 1\n", 1);
    let subject = Terminal::speaking("ios", Platform::load(&patient).unwrap()).await;
    let silent = |times| Armed {
        fault: Fault::NoHello,
        protocol: None,
        times: Some(times),
    };
    subject.device.inject(silent(1));
    let begun = tokio::time::Instant::now();
    drop(subject.access.configure(subject.soon()).await.unwrap());
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(
        subject.device.faults().is_empty(),
        "the first session was silent, another one was opened"
    );
    // What a session can do is known from now on, without another login.
    subject.device.inject(silent(9));
    assert!(subject.access.capabilities(subject.soon()).await.is_ok());
    let brief = Deadline::after(tokio::time::Instant::now().into_std(), Duration::from_secs(5));
    let lost = subject.access.configure(brief).await.map(drop);
    assert!(matches!(lost, Err(SessionError::Unreachable { .. })), "{lost:?}");
    assert_eq!(
        subject.device.faults().first().and_then(|it| it.times),
        Some(6),
        "three times, not again and again"
    );
}

/// The page on platforms shows the matrix of this build; `ENTENTE_WRITE_DOCS=1` writes it there.
fn is_documented(mark: &str, matrix: &str) {
    let file = tests_real::root().join("docs/platforms.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let wanted = conformance::documented(&page, mark, matrix).expect("a mark for this matrix");
    if std::env::var_os("ENTENTE_WRITE_DOCS").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(
        page == wanted,
        "docs/platforms.md is stale: run this test with ENTENTE_WRITE_DOCS=1"
    );
}
