//! NETCONF dies in every way at every point on a simulated device whose terminal cannot keep anybody out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use adapters_cli::{CliAccess, Locks};
use adapters_failover::{Failover, Policy, Switch, Tell};
use adapters_netconf::rpc::Limits;
use adapters_netconf::{NetconfAccess, PlatformDialect};
use adapters_platform::builtin;
use adapters_port::{
    Access, Answer, Applied, Change, ChangeId, ConfigureSession, Deadline, Denial, PersistId, Protocol, Receipt,
    Record, Secret, SecretError, SecretRef, Secrets, SessionError, Standing, Step,
};
use adapters_ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use knowledge_model::{Path, Tree, Value, diff};
use labs_devices::{Act, Armed, Device, Fault, Moment, Options, Protocol as Spoken, Store};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const WAYS: [Fault; 4] = [Fault::Refuse, Fault::Mute, Fault::NoHello, Fault::NoAnswer];
const WINDOW: Duration = Duration::from_secs(2);
/// What is waited beyond it, since clocks differ.
const MARGIN: Duration = Duration::from_secs(5);
const BRIEF: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_secs(20);
/// Within this time everything ends that ends by itself.
const AT_LAST: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Told(Mutex<Vec<Switch>>);

impl Tell for Told {
    fn switched(&self, switch: &Switch) {
        self.0.lock().unwrap().push(switch.clone());
    }
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        Box::pin(async move { Err(SecretError::Unknown(reference.clone())) })
    }
}

struct Dual {
    device: Device,
    failover: Failover,
    told: Arc<Told>,
    _folder: tempfile::TempDir,
}

impl Dual {
    async fn start() -> Self {
        let device = Device::start("dual".parse().unwrap(), Options::default())
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let known = || Arc::new(HostKeys::open(folder.path().join("known_hosts"), FirstUse::Record).unwrap());
        let endpoint = |port: Option<u16>| Endpoint {
            host: device.address.to_string(),
            port: port.unwrap(),
            algorithms: Algorithms::Modern,
            keepalive: None,
        };
        let login = || Login {
            user: "admin".to_owned(),
            credentials: vec![Credential::Password(Secret::new("admin"))],
        };
        let netconf = NetconfAccess::new(adapters_netconf::Target {
            device: "pe1".to_owned(),
            dial: Box::new(adapters_netconf::OverSsh {
                endpoint: endpoint(device.netconf),
                host_keys: known(),
                login: login(),
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
                endpoint: endpoint(device.cli),
                host_keys: known(),
                login: login(),
            }),
            platform: Arc::new(builtin::named("frr").unwrap().clone()),
            secrets: Arc::new(NoSecrets),
            enable: None,
            locks: Locks::new(),
        });
        let routes: Vec<Arc<dyn Access>> = vec![Arc::new(netconf), Arc::new(terminal)];
        let told = Arc::new(Told::default());
        let connect_within = Duration::from_secs(5);
        let failover = Failover::new("pe1", routes, Policy::default(), connect_within, Arc::clone(&told) as _);
        Self {
            device,
            failover,
            told,
            _folder: folder,
        }
    }

    fn inject(&self, fault: Fault) {
        self.device.inject(Armed {
            protocol: Some(Spoken::Netconf),
            ..Armed::from(fault)
        });
    }

    fn loses(&self, fault: Fault) {
        self.device.clear_faults();
        self.inject(fault);
        self.device.act(&Act::DropSessions).unwrap();
    }

    fn running(&self) -> String {
        self.device.content(Store::Running)
    }

    /// How often the terminal was put where configuration is typed.
    fn typed(&self) -> usize {
        let entries = self.device.log();
        let text = entries.iter().map(|it| format!("{it:?}"));
        text.filter(|it| it.contains("configure terminal")).count()
    }
}

fn change(id: u128) -> Change {
    let mut tree = Tree::new();
    let path = Path::root().keyed("interface", ["eth1"]);
    tree.insert(path.child("description"), Value::scalar(format!("change {id}")));
    tree.insert(path, Value::Present);
    Change {
        id: ChangeId(id),
        delta: diff(&Tree::new(), &tree),
        stands: Default::default(),
        window: WINDOW,
        persist: PersistId::new(id),
        comment: String::new(),
    }
}

fn within(wait: Duration) -> Deadline {
    Deadline::after(Instant::now().into_std(), wait)
}

#[tokio::test]
async fn before_stage_it_switches_and_where_a_lock_may_stand_it_does_not() {
    for fault in WAYS {
        let dual = Dual::start().await;
        let answers_hello = fault == Fault::NoAnswer;
        dual.loses(fault.clone());
        let staged = dual.failover.session().stage(&change(1), within(STEP)).await;
        if answers_hello {
            // Locks were asked for, and nobody knows whether they were given.
            assert!(matches!(&staged, Err(SessionError::Unreachable { .. })), "{staged:?}");
            assert_eq!(dual.typed(), 0);
            continue;
        }
        let staged = staged.unwrap();
        assert_eq!(staged.record().protocol, Protocol::Cli, "{fault:?}");
        let remarks = staged.receipt().remarks.join("; ");
        assert!(remarks.contains("switched from NETCONF to CLI"), "{remarks}");
        assert_eq!(dual.told.0.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn after_stage_nothing_is_typed_until_netconf_is_back() {
    for fault in WAYS {
        let dual = Dual::start().await;
        let mut session = dual.failover.session();
        let staged = session.stage(&change(1), within(STEP)).await.unwrap();
        assert_eq!(staged.record().protocol, Protocol::Netconf);
        dual.loses(fault.clone());
        let lost = session.apply(staged, within(STEP)).await;
        assert!(lost.is_err(), "{fault:?}");
        drop(session);
        let vote = dual.failover.session().stage(&change(2), within(STEP)).await;
        assert!(vote.is_err() && dual.typed() == 0, "{fault:?}: {vote:?}");
        assert!(!dual.running().contains("eth1"), "{fault:?}");
    }
}

/// The window began after `since`. A busy machine may do the first of this when it is over already.
async fn pending(dual: &Dual, record: &Record, since: Instant, fault: &Fault) {
    let over = || Instant::now() >= since + WINDOW + MARGIN;
    let found = Applied::found(record.clone(), Receipt::new(Step::Resume, Protocol::Netconf));
    let early = dual.failover.session().revert(record, within(BRIEF)).await;
    assert!(early.is_err() || over(), "{fault:?}: {early:?}");
    let early = dual.failover.session().confirm(&found, within(BRIEF)).await;
    assert!(early.is_err() || over(), "{fault:?}: {early:?}");
    assert!(dual.typed() == 0 || over(), "{fault:?}");
    let observed = async {
        dual.failover
            .observe(within(STEP))
            .await?
            .resume(record, within(STEP))
            .await
    };
    let standing = observed.await.unwrap();
    assert!(
        matches!(standing, Standing::Applied(_) | Standing::Untouched),
        "others may read: {standing:?}"
    );
    let end = Instant::now() + AT_LAST;
    tokio::time::sleep_until(since + WINDOW + MARGIN).await;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if dual.device.is_pending() {
            assert!(Instant::now() < end, "{fault:?}: the device never takes it back");
            continue;
        }
        match dual.failover.session().confirm(&found, within(STEP)).await {
            Ok(confirmed) => panic!("{fault:?}: {confirmed:?}"),
            Err(SessionError::Refused { .. }) => break,
            Err(error) => assert!(Instant::now() < end, "{fault:?}: {error:?}"),
        }
    }
    dual.failover.session().revert(record, within(STEP)).await.unwrap();
    assert!(!dual.running().contains("eth1"), "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_commit_is_left_to_the_device() {
    let mut runs = Vec::new();
    for fault in WAYS {
        for answered in [true, false] {
            let fault = fault.clone();
            runs.push(tokio::spawn(async move {
                let dual = Dual::start().await;
                let mut session = dual.failover.session();
                let staged = session.stage(&change(1), within(STEP)).await.unwrap();
                let record = staged.record().clone();
                if !answered {
                    dual.inject(Fault::Drop {
                        operation: "commit".to_owned(),
                        moment: Moment::After,
                    });
                }
                let since = Instant::now();
                let applied = session.apply(staged, within(STEP)).await;
                assert_eq!(applied.is_ok(), answered, "{fault:?}: {applied:?}");
                dual.loses(fault.clone());
                drop(session);
                pending(&dual, &record, since, &fault).await;
            }));
        }
    }
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test]
async fn who_is_not_let_in_does_not_try_the_window() {
    let checks = [
        (None, Denial::HostKeyChanged),
        (Some(Fault::RefuseLogin), Denial::Login),
        (
            Some(Fault::Reject {
                operation: "lock".to_owned(),
                tag: "access-denied".to_owned(),
            }),
            Denial::AccessControl,
        ),
    ];
    for (fault, expected) in checks {
        let dual = Dual::start().await;
        drop(
            dual.failover
                .over(Protocol::Netconf)
                .unwrap()
                .observe(within(STEP))
                .await
                .unwrap(),
        );
        match fault {
            Some(fault) => dual.inject(fault),
            None => dual.device.act(&Act::RotateHostKey).unwrap(),
        }
        let vote = dual.failover.session().stage(&change(1), within(STEP)).await;
        assert!(
            matches!(&vote, Err(SessionError::Denied { denial, .. }) if *denial == expected),
            "{vote:?}"
        );
        assert!(dual.told.0.lock().unwrap().is_empty() && dual.typed() == 0);
    }
}

#[tokio::test]
async fn a_device_that_takes_two_seconds_for_each_answer_is_not_switched() {
    let dual = Dual::start().await;
    dual.inject(Fault::Delay {
        millis: 2000,
        operation: None,
    });
    let patient = within(Duration::from_secs(60));
    let staged = dual.failover.session().stage(&change(1), patient).await.unwrap();
    assert_eq!(staged.record().protocol, Protocol::Netconf);
    assert!(dual.told.0.lock().unwrap().is_empty());
}
