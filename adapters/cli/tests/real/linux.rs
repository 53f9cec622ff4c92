//! The Linux side of a router through its shell, and the router that both sides make.

use crate::router::{Router, soon};
use adapters_cli::{Composed, Locks, Part};
use adapters_platform::{Coverage, builtin};
use adapters_port::{
    Access, Change, ChangeId, ConfigureSession, Guarantee, Observer, PersistId, Query, Reading, Saved, SessionError,
    Standing,
};
use knowledge_model::{Delta, Path, Tree, Value, diff};
use std::sync::Arc;
use std::time::Duration;

/// Everything that the platform may touch, in the system's own words.
const STATE: &str = "nft list ruleset; tc qdisc show; ip -o link show; ip -o address show scope global";
const SEEDS: u64 = 12;

fn change(id: u128, delta: Delta) -> Change {
    Change {
        id: ChangeId(id),
        delta,
        stands: Default::default(),
        window: Duration::from_secs(60),
        persist: PersistId::new(id),
        comment: String::new(),
    }
}

/// What the platform's own rules make of a seed, as far as a kernel can take it: an access list is there before it is
/// attached, ports belong to protocols that have them, and the loopback interface is left alone.
fn sample(seed: u64) -> Tree {
    let platform = builtin::named("linux").unwrap();
    let tree = platform.normal(&platform.sample(seed));
    let lists = Path::root();
    let fits = |path: &Path, value: &Value| {
        let loopback = path.starts_with(&Path::root().keyed("interface", ["lo"]));
        let attached = path.last().is_some_and(|it| it.name.starts_with("access-list-"));
        let there = || {
            value
                .text()
                .is_some_and(|name| tree.contains(&lists.keyed("access-list", [name])))
        };
        let port = path.last().is_some_and(|it| it.name.ends_with("-port"));
        let ported = || {
            let protocol = path.parent().and_then(|rule| tree.text(&rule.child("protocol")));
            matches!(protocol, Some("tcp" | "udp"))
        };
        !loopback && (!attached || there()) && (!port || ported())
    };
    let kept: Tree = tree
        .iter()
        .filter(|(path, value)| fits(path, value))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    platform.normal(&kept)
}

#[tokio::test]
async fn linux_obeys_the_laws_on_a_real_system() {
    if !tests_real::wanted("cli::linux_obeys_the_laws_on_a_real_system") {
        return;
    }
    let (router, platform) = (Router::start(), builtin::named("linux").unwrap());
    let access = router.linux(&Locks::new());
    let mut observer = access.observer(soon()).await.unwrap();
    let mut session = access.session(soon()).await.unwrap();
    let mut coverage = Coverage::default();
    let found = observer.read(&[Path::root()], soon()).await.unwrap();
    let before = router.sh(STATE);
    for seed in 0..SEEDS {
        let mut wanted = sample(seed);
        for (path, value) in found.iter() {
            wanted.insert(path.clone(), value.clone());
        }
        let there = change(u128::from(seed), diff(&found, &wanted));
        platform.cover(&wanted, &mut coverage);
        let staged = session.stage(&there, soon()).await.unwrap();
        let applied = session
            .apply(staged, soon())
            .await
            .unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        let read = observer.read(&[Path::root()], soon()).await.unwrap();
        assert_eq!(diff(&wanted, &read), Delta::new(), "seed {seed}");
        session.revert(applied.record(), soon()).await.unwrap();
        assert_eq!(
            router.sh(STATE),
            before,
            "seed {seed}: the inverse leaves what was there, byte by byte"
        );
        tests_real::operations(tests_real::Part::Linux, there.delta.iter().count() as u64);
    }
    assert_eq!(coverage.untried(), Vec::<&str>::new());
}

fn filter() -> Tree {
    let mut tree = Tree::new();
    for (path, text) in [
        ("access-list[edge]/rule[10]/action", "permit"),
        ("access-list[edge]/rule[10]/protocol", "tcp"),
        ("access-list[edge]/rule[10]/source", "10.0.0.1/32"),
        ("access-list[edge]/rule[10]/destination-port", "1000-2000"),
        ("access-list[edge]/rule[20]/action", "deny"),
        ("interface[eth1]/access-list-in", "edge"),
        ("interface[eth1]/rate-limit[out]/rate", "10000000"),
        ("interface[eth1]/mtu", "1400"),
    ] {
        tree.plant(path.parse().unwrap(), Value::scalar(text));
    }
    tree
}

#[tokio::test]
async fn a_kernel_says_how_busy_it_is_and_what_its_interfaces_carry() {
    if !tests_real::wanted("cli::a_kernel_says_how_busy_it_is") {
        return;
    }
    let router = Router::start();
    let mut observer = router.linux(&Locks::new()).observer(soon()).await.unwrap();
    let mut seen = Vec::new();
    for name in ["resource", "interface"] {
        seen.extend(observer.query(&Query::of(name), soon()).await.unwrap());
    }
    let number = |name: &str| {
        let found = seen.iter().find(|it| it.name == name);
        match found.map(|it| &it.reading) {
            Some(Reading::Number(number)) => *number,
            other => panic!("{name}: {other:?} in {seen:?}"),
        }
    };
    assert!((0.0..=100.0).contains(&number("resource/cpu")));
    assert!(number("resource/load") >= 0.0);
    let told = router.sh("awk '/^MemTotal/{ printf \"%.0f\", $2 * 1024 }' /proc/meminfo");
    assert_eq!(number("resource/memory-total"), told.trim().parse::<f64>().unwrap());
    assert!(number("resource/memory-available") < number("resource/memory-total"));
    assert!(number("interface/received-octets") >= 0.0);
    let interfaces = seen.iter().filter(|it| it.name == "interface/sent-packets").count();
    let there = router.sh("ip -o link show | wc -l");
    assert_eq!(interfaces, there.trim().parse::<usize>().unwrap());
    tests_real::operations(tests_real::Part::Linux, 2);
}

#[tokio::test]
async fn the_boot_file_brings_it_all_back_after_a_restart() {
    if !tests_real::wanted("cli::the_boot_file_brings_it_all_back_after_a_restart") {
        return;
    }
    let router = Router::start();
    let access = router.linux(&Locks::new());
    let mut observer = access.observer(soon()).await.unwrap();
    let found = observer.read(&[Path::root()], soon()).await.unwrap();
    let mut wanted = filter();
    for (path, value) in found.iter() {
        wanted.insert(path.clone(), value.clone());
    }
    let mut session = access.session(soon()).await.unwrap();
    let staged = session.stage(&change(1, diff(&found, &wanted)), soon()).await.unwrap();
    let applied = session.apply(staged, soon()).await.unwrap();
    let confirmed = session.confirm(&applied, soon()).await.unwrap();
    assert_eq!(confirmed.saved, Saved::Yes);
    let running = router.sh("nft list ruleset; tc qdisc show dev eth1; ip -o link show eth1 | grep -o 'mtu [0-9]*'");
    assert!(
        running.contains("tcp dport 1000-2000") && running.contains("mtu 1400"),
        "{running}"
    );
    // A restart takes all of it away: what the kernel holds is gone, and the boot file alone says what was there.
    router.sh("nft flush ruleset; tc qdisc del dev eth1 root; ip link set dev eth1 mtu 1500");
    assert!(
        !observer
            .read(&[Path::root()], soon())
            .await
            .unwrap()
            .contains(&"access-list[edge]".parse().unwrap())
    );
    router.sh("sh /etc/entente/boot");
    let again = router.sh("nft list ruleset; tc qdisc show dev eth1; ip -o link show eth1 | grep -o 'mtu [0-9]*'");
    assert_eq!(again, running);
    assert_eq!(observer.read(&[Path::root()], soon()).await.unwrap(), wanted);
}

#[tokio::test]
async fn a_router_of_two_platforms_is_one_device() {
    if !tests_real::wanted("cli::a_router_of_two_platforms_is_one_device") {
        return;
    }
    let router = Router::start();
    let part = |name: &str, access| Part {
        platform: Arc::new(builtin::named(name).unwrap().clone()),
        access,
    };
    let parts = vec![
        part("frr", router.access(&Locks::new())),
        part("linux", router.linux(&Locks::new())),
    ];
    let device = Composed::new("r1", parts);
    assert_eq!(device.capabilities(soon()).await.unwrap().guarantee, Guarantee::Plain);
    let mut wanted = filter();
    for (path, text) in [
        ("interface[eth1]/description", "to pe2"),
        ("bgp/as", "65001"),
        ("bgp/router-id", "192.0.2.1"),
    ] {
        wanted.plant(path.parse().unwrap(), Value::scalar(text));
    }
    let (frr, linux) = (router.running(), router.sh(STATE));
    let there = change(1, diff(&Tree::new(), &wanted));
    let mut session = device.configure(soon()).await.unwrap();
    let staged = session.stage(&there, soon()).await.unwrap();
    let record = staged.record().clone();
    drop(session.apply(staged, soon()).await.unwrap());
    assert!(router.running().contains("router bgp 65001") && router.sh(STATE).contains("jump acl-edge"));
    let mut observer = device.observe(soon()).await.unwrap();
    let read = observer.read(&[Path::root()], soon()).await.unwrap();
    for (path, value) in wanted.iter() {
        assert_eq!(read.value(path), Some(value), "{path}");
    }
    let standing = observer.resume(&record, soon()).await.unwrap();
    assert!(matches!(standing, Standing::Applied(_)), "{standing:?}");
    session.revert(&record, soon()).await.unwrap();
    assert_eq!((router.running(), router.sh(STATE)), (frr.clone(), linux.clone()));

    // What the second part refuses is taken back on the first before anybody hears of it.
    let mut bad = wanted.clone();
    bad.plant("interface[nowhere]/mtu".parse().unwrap(), Value::scalar("1400"));
    let staged = session
        .stage(&change(2, diff(&Tree::new(), &bad)), soon())
        .await
        .unwrap();
    let record = staged.record().clone();
    let refused = session.apply(staged, soon()).await;
    assert!(matches!(&refused, Err(SessionError::Refused { .. })), "{refused:?}");
    session.revert(&record, soon()).await.unwrap();
    assert_eq!((router.running(), router.sh(STATE)), (frr, linux));
}
