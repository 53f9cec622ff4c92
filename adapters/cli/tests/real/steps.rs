//! The device steps on FRR, and what it looks like before and after.

use crate::router::{PASSWORD, Router, soon};
use adapters_cli::Locks;
use adapters_platform::{Coverage, builtin};
use adapters_port::{Change, ChangeId, ConfigureSession, Denial, Observer, PersistId, Saved, SessionError, Standing};
use adapters_ssh::{FirstUse, HostKeys};
use knowledge_model::{Path, Tree, Value, diff};
use std::time::Duration;

fn wanted(entries: &[(&str, Option<&str>)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in entries {
        tree.plant(path.parse().unwrap(), text.map_or(Value::Present, Value::scalar));
    }
    tree
}

/// A bit of everything that a border router has.
fn border() -> Tree {
    wanted(&[
        ("prefix-list[ipv4][edge]/rule[10]/action", Some("permit")),
        ("prefix-list[ipv4][edge]/rule[10]/prefix", Some("10.0.0.0/8")),
        ("prefix-list[ipv4][edge]/rule[10]/le", Some("24")),
        ("route-map[in]/rule[10]/action", Some("permit")),
        ("route-map[in]/rule[10]/match/ipv4-prefix-list", Some("edge")),
        ("route-map[in]/rule[10]/set/local-preference", Some("200")),
        ("route-map[in]/rule[10]/set/community[65001:7]", None),
        ("interface[eth1]/description", Some("to pe2")),
        ("interface[eth1]/address[192.0.2.1/24]", None),
        ("interface[eth1]/address[2001:db8::1/64]", None),
        ("interface[eth2]/enabled", Some("false")),
        ("ospf/router-id", Some("192.0.2.1")),
        ("ospf/area[0.0.0.0]/interface[eth1]", None),
        ("ospf/area[0.0.0.0]/interface[eth1]/cost", Some("15")),
        ("ospf/area[0.0.0.0]/interface[eth1]/hello-interval", Some("10")),
        ("ospf/area[0.0.0.0]/interface[eth1]/passive", Some("true")),
        (
            "static-route[198.51.100.0/24]/next-hop[192.0.2.254]/distance",
            Some("1"),
        ),
        ("static-route[203.0.113.0/24]/blackhole", None),
        ("bgp/as", Some("65001")),
        ("bgp/router-id", Some("192.0.2.1")),
        ("bgp/network[10.0.0.0/8]", None),
        ("bgp/neighbor[192.0.2.2]/remote-as", Some("65002")),
        ("bgp/neighbor[192.0.2.2]/description", Some("pe2")),
        ("bgp/neighbor[192.0.2.2]/password", Some("secret:bgp@1")),
        ("bgp/neighbor[192.0.2.2]/keepalive", Some("60")),
        ("bgp/neighbor[192.0.2.2]/hold-time", Some("180")),
        ("bgp/neighbor[192.0.2.2]/bfd", Some("true")),
        ("bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/import-policy", Some("in")),
        ("bgp/neighbor[2001:db8::2]/remote-as", Some("65003")),
        ("bgp/neighbor[2001:db8::2]/family[ipv6-unicast]", None),
    ])
}

fn change(before: &Tree, after: &Tree) -> Change {
    Change {
        id: ChangeId(1),
        delta: diff(before, after),
        stands: Default::default(),
        window: Duration::from_secs(120),
        persist: PersistId::new(7),
        comment: "a test".to_owned(),
    }
}

/// The running configuration without what changes by itself.
fn plain(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim_end)
        .skip_while(|line| !line.starts_with("frr version"));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_change_is_applied_read_back_and_taken_back_to_the_byte() {
    if !tests_real::wanted("a_change_is_applied_read_back_and_taken_back_to_the_byte") {
        return;
    }
    let router = Router::start();
    let access = router.access(&Locks::new());
    let before = router.running();
    let judged = router.judge();
    let empty = Tree::new();
    let mut session = access.session(soon()).await.unwrap();
    let staged = session.stage(&change(&empty, &border()), soon()).await.unwrap();
    assert_eq!(router.running(), before, "a stage changes nothing");
    let applied = session.apply(staged, soon()).await.unwrap();
    let said = format!("{applied:?}");
    assert!(!said.contains(PASSWORD), "a receipt holds a secret");
    println!(
        "{} lines in {:?}",
        applied.receipt().asked.len(),
        applied.receipt().took
    );
    assert!(router.running().contains(PASSWORD) && router.judge().contains("neighbor 192.0.2.2 route-map in in"));

    let mut observer = access.observer(soon()).await.unwrap();
    let paths: Vec<Path> = ["bgp", "ospf", "interface", "route-map", "prefix-list", "static-route"]
        .iter()
        .map(|it| it.parse().unwrap())
        .collect();
    let read = observer.read(&paths, soon()).await.unwrap();
    let frr = builtin::named("frr").unwrap();
    let password: Path = "bgp/neighbor[192.0.2.2]/password".parse().unwrap();
    assert!(read.text(&password).unwrap().starts_with("secret:") && !format!("{read:?}").contains(PASSWORD));
    let without = |mut tree: Tree| {
        tree.remove(&password);
        tree
    };
    assert_eq!(
        diff(&without(frr.normal(&border())), &without(read)),
        diff(&empty, &empty)
    );
    assert!(matches!(
        observer.resume(applied.record(), soon()).await.unwrap(),
        Standing::Applied(_)
    ));

    let reverted = session.revert(applied.record(), soon()).await.unwrap();
    assert_eq!(reverted.foreign, Vec::<Path>::new());
    assert!(!format!("{reverted:?}").contains(PASSWORD), "a receipt holds a secret");
    assert_eq!(plain(&router.running()), plain(&before));
    assert_eq!(plain(&router.judge()), plain(&judged));
    assert!(matches!(
        observer.resume(applied.record(), soon()).await.unwrap(),
        Standing::Untouched
    ));
    let again = session.revert(applied.record(), soon()).await.unwrap();
    assert!(again.receipt.asked.is_empty(), "a second revert has nothing to do");
}

#[tokio::test]
async fn what_is_confirmed_survives_a_restart() {
    if !tests_real::wanted("what_is_confirmed_survives_a_restart") {
        return;
    }
    let router = Router::start();
    let access = router.access(&Locks::new());
    let mut session = access.session(soon()).await.unwrap();
    let staged = session.stage(&change(&Tree::new(), &border()), soon()).await.unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    let confirmed = session.confirm(&applied, soon()).await.unwrap();
    assert_eq!(confirmed.saved, Saved::Yes);
    drop(session);
    let running = plain(&router.running());
    router.restart();
    assert_eq!(plain(&router.running()), running);
}

#[tokio::test]
async fn stale_busy_and_refused_leave_the_device_as_it_was() {
    if !tests_real::wanted("stale_busy_and_refused_leave_the_device_as_it_was") {
        return;
    }
    let router = Router::start();
    let locks = Locks::new();
    let access = router.access(&locks);
    let mut first = access.session(soon()).await.unwrap();
    let mut second = access.session(soon()).await.unwrap();
    let some = wanted(&[("interface[eth1]/description", Some("ours"))]);
    let staged = first.stage(&change(&Tree::new(), &some), soon()).await.unwrap();
    let busy = second.stage(&change(&Tree::new(), &some), soon()).await.unwrap_err();
    assert!(matches!(busy, SessionError::Busy { .. }), "{busy}");
    let applied = first.apply(staged, soon()).await.unwrap();
    first.confirm(&applied, soon()).await.unwrap();

    let stale = second.stage(&change(&Tree::new(), &some), soon()).await.unwrap_err();
    assert!(
        matches!(&stale, SessionError::Stale { paths, .. } if paths.len() == 2),
        "{stale}"
    );

    // A second routing process of another number is refused by the device, in words without a percent sign.
    router.vtysh("show version");
    let as_one = wanted(&[("bgp/as", Some("65001")), ("bgp/router-id", Some("192.0.2.1"))]);
    let mut third = access.session(soon()).await.unwrap();
    let staged = third.stage(&change(&Tree::new(), &as_one), soon()).await.unwrap();
    let record = staged.record().clone();
    let mut stranger = access.session(soon()).await.unwrap();
    drop(stranger.stage(&change(&Tree::new(), &as_one), soon()).await);
    router.configure(&["router bgp 65009"]);
    let refused = third.apply(staged, soon()).await.unwrap_err();
    assert!(matches!(refused, SessionError::Refused { .. }), "{refused}");
    assert!(refused.to_string().contains("65009"), "{refused}");
    let reverted = third.revert(&record, soon()).await;
    assert!(
        reverted.is_ok() && router.running().contains("router bgp 65009"),
        "a stranger's process stays"
    );
}

#[tokio::test]
async fn a_changed_host_key_and_a_wrong_user_are_denied() {
    if !tests_real::wanted("a_changed_host_key_and_a_wrong_user_are_denied") {
        return;
    }
    let router = Router::start();
    let locks = Locks::new();
    drop(router.access(&locks).session(soon()).await.unwrap());
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEjyLB6n4L+6VWINoD0wf4bV7D7TAizYpbuKv+XY6El4";
    std::fs::write(router.known_hosts(), format!("[127.0.0.1]:{} {other}\n", router.port())).unwrap();
    let known = HostKeys::open(router.known_hosts(), FirstUse::Refuse).unwrap();
    let Err(denied) = router.access_with(&locks, known).session(soon()).await else {
        panic!("a changed host key was taken")
    };
    assert!(
        matches!(
            denied,
            SessionError::Denied {
                denial: Denial::HostKeyChanged,
                ..
            }
        ),
        "{denied}"
    );
}

/// Configurations made from the rules themselves, typed into FRR and read back.
#[tokio::test]
async fn the_laws_hold_on_the_real_router() {
    if !tests_real::wanted("the_laws_hold_on_the_real_router") {
        return;
    }
    let router = Router::start();
    let before = plain(&router.running());
    let access = router.access(&Locks::new());
    let frr = builtin::named("frr").unwrap();
    let mut coverage = Coverage::default();
    for (name, tree) in crate::samples::all() {
        frr.cover(&tree, &mut coverage);
        let mut session = access.session(soon()).await.unwrap();
        let staged = session
            .stage(&change(&Tree::new(), &tree), soon())
            .await
            .unwrap_or_else(|it| panic!("{name}: {it}"));
        let record = staged.record().clone();
        let applied = session.apply(staged, soon()).await;
        let running = router.running();
        let applied = applied.unwrap_or_else(|error| panic!("{name}: {error:?}\n{running}"));
        session
            .revert(applied.record(), soon())
            .await
            .unwrap_or_else(|it| panic!("{name}: {it}"));
        assert_eq!(plain(&router.running()), before, "{name}");
        assert!(record.paths().len() > 1);
    }
    println!("{} of FRR's rules were typed and read back", coverage.rules.len());
    assert_eq!(coverage.untried(), Vec::<&str>::new());
}
