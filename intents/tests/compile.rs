//! What intents of each class come to in a small network.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use intents::{Call, CompileError, Compiled, Contribution, Library, World, compile, read_file};
use knowledge_model::owners::{Ownership, Wish};
use knowledge_model::{Inventory, Path, Schema, Tree, Value};

/// What every device of the network holds, one line an entry.
const HELD: &[(&str, &[&str])] = &[
    (
        "r1",
        &[
            "interface[eth1]/address[10.1.0.1/16]",
            "interface[eth2]/address[10.0.12.1/30]",
            "interface[eth3]/address[10.0.13.1/30]",
            "bgp/as=65001",
        ],
    ),
    (
        "r2",
        &[
            "interface[eth1]/address[10.2.0.1/16]",
            "interface[eth2]/address[10.0.12.2/30]",
            "interface[eth3]/address[10.0.23.2/30]",
            "interface[eth4]/address[10.0.24.2/30]",
        ],
    ),
    (
        "r3",
        &[
            "interface[eth1]/address[10.0.13.3/30]",
            "interface[eth2]/address[10.0.23.3/30]",
        ],
    ),
    (
        "edge1",
        &[
            "interface[eth1]/address[10.0.24.4/30]",
            "interface[eth9]/address[203.0.113.2/30]",
            "static-route[0.0.0.0/0]/next-hop[203.0.113.1]",
        ],
    ),
];

fn tree(lines: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for line in lines {
        let (path, value) = match line.split_once('=') {
            Some((path, value)) => (path, Value::scalar(value)),
            None => (*line, Value::Present),
        };
        tree.plant(path.parse().unwrap(), value);
    }
    tree
}

fn inventory() -> Inventory {
    Inventory::read(include_str!("network.yaml"), Schema::canonical()).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn compiled_with(text: &str, held: &[(&str, &[&str])]) -> Result<Compiled, CompileError> {
    static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::load(&[]).unwrap());
    let library = &*LIBRARY;
    let envelopes = read_file(text, library).unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"));
    let inventory = inventory();
    let configurations: BTreeMap<String, Tree> = held
        .iter()
        .map(|(device, lines)| ((*device).to_owned(), tree(lines)))
        .collect();
    let world = World {
        inventory: &inventory,
        configurations: &configurations,
    };
    compile(library.class(&envelopes[0].class).unwrap(), &envelopes[0], &world)
}

fn wanted(text: &str) -> BTreeMap<String, Contribution> {
    match compiled_with(text, HELD) {
        Ok(Compiled::Configuration(wanted)) => wanted,
        other => panic!("{text}\n{other:?}"),
    }
}

/// Everything that is wanted, in one line each: `r1 path = value`, and `r1 at: rule | rule || last`.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (device, contribution) in wanted(text) {
        let leaves = contribution
            .tree
            .iter()
            .filter(|(path, value)| **value != Value::Present || contribution.tree.under(path).count() == 1);
        lines.extend(leaves.map(|(path, value)| match value.text() {
            Some(value) => format!("{device} {path}={value}"),
            None => format!("{device} {path}"),
        }));
        for share in &contribution.composed {
            let rule = |tree: &Tree| {
                let parts = tree.iter().map(|(path, value)| match value.text() {
                    Some(value) => format!("{path}={value}"),
                    None => path.to_string(),
                });
                parts.collect::<Vec<_>>().join(" ")
            };
            let rules: Vec<String> = share.rules.iter().map(rule).collect();
            lines.push(format!(
                "{device} {}: {} || {}",
                share.at,
                rules.join(" | "),
                rule(&share.last)
            ));
        }
    }
    lines
}

fn faults(text: &str) -> String {
    match compiled_with(text, HELD) {
        Err(CompileError::Invalid(faults)) => faults.join("; "),
        other => panic!("{text}\n{other:?}"),
    }
}

/// Whatever is wanted, the canonical model takes: entries are canonical and lists are composed.
fn accepted(text: &str) {
    let schema = Schema::canonical();
    for (device, Contribution { tree: wanted, composed }) in wanted(text) {
        let mut wish = Wish::new("test", 100, wanted);
        wish.composed = composed;
        let held = tree(HELD.iter().find(|(name, _)| *name == device).unwrap().1);
        let mut owners = Ownership::new();
        owners
            .contribute(wish, &held, schema)
            .unwrap_or_else(|faults| panic!("{text}\n{device} {faults:#?}"));
        let conflicts = owners.desired(schema).conflicts;
        assert!(conflicts.is_empty(), "{text}\n{conflicts:?}");
    }
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(lines(text), expected, "{text}");
    accepted(text);
}

#[test]
fn connectivity_adds_the_routes_that_are_missing() {
    check(
        "class: connectivity.ensure\nslots: { src: h1, dst: web1 }",
        &[
            "r1 static-route[10.2.0.10/32]/next-hop[10.0.12.2]",
            "r2 static-route[10.1.0.11/32]/next-hop[10.0.12.1]",
        ],
    );
    let held = HELD.iter().map(|(device, lines)| {
        let more: &[&str] = match *device {
            "r1" => &["static-route[10.2.0.0/16]/next-hop[10.0.12.2]"],
            "r2" => &["route[ipv4][10.1.0.0/16]"],
            _ => &[],
        };
        (*device, [*lines, more].concat())
    });
    let held: Vec<(&str, Vec<&str>)> = held.collect();
    let held: Vec<(&str, &[&str])> = held.iter().map(|(device, lines)| (*device, &lines[..])).collect();
    let there = compiled_with("class: connectivity.ensure\nslots: { src: h1, dst: web1 }", &held);
    assert_eq!(
        there,
        Ok(Compiled::Configuration(BTreeMap::new())),
        "nothing is done where they reach each other"
    );
}

#[test]
fn connectivity_opens_the_filters_on_the_way() {
    let mut held = HELD.to_vec();
    let filtered = [HELD[1].1, &["interface[eth1]/access-list-out=closed"]].concat();
    held[1].1 = &filtered;
    let text = "class: connectivity.ensure\nslots: { src: h1, dst: web1, service: tcp/443 }";
    let Ok(Compiled::Configuration(wanted)) = compiled_with(text, &held) else {
        panic!()
    };
    let share = &wanted["r2"].composed[0];
    assert_eq!(share.at.to_string(), "interface[eth1]/access-list-out");
    assert_eq!(share.rules[0].text(&"destination-port".parse().unwrap()), Some("443"));
    assert_eq!(share.rules[0].text(&"action".parse().unwrap()), Some("permit"));
}

#[test]
fn what_is_not_known_is_asked_for_and_names_are_not_guessed() {
    let unread = compiled_with("class: connectivity.ensure\nslots: { src: h1, dst: web1 }", &[]);
    let Err(CompileError::Unread(devices)) = unread else {
        panic!("{unread:?}")
    };
    assert_eq!(devices.into_iter().collect::<Vec<_>>(), ["r1", "r2"]);
    assert_eq!(
        faults("class: connectivity.ensure\nslots: { src: h1, dst: wbe1 }"),
        "nothing is named wbe1 (did you mean web1?)"
    );
    assert!(
        faults("class: system.baseline\nslots: { target: r9, banner: hi }")
            .contains("nothing is named r9 (did you mean r1?)")
    );
}

#[test]
fn access_is_filtered_beside_its_end() {
    check(
        "class: access.control\nslots: { action: deny, src: office, dst: web1, ports: [22] }",
        &[
            "r2 interface[eth1]/access-list-out: action=deny destination=10.2.0.10/32 destination-port=22 protocol=tcp source=10.1.0.0/16 \
             | action=deny destination=10.2.0.10/32 destination-port=22 protocol=udp source=10.1.0.0/16 || action=permit",
        ],
    );
    check(
        "class: access.control\nslots: { action: allow-only, src: office, dst: web1, protocol: tcp, ports: [443], exceptions: h1 }",
        &[
            "r2 interface[eth1]/access-list-out: action=deny destination=10.2.0.10/32 destination-port=443 protocol=tcp source=10.1.0.11/32 \
             | action=permit destination=10.2.0.10/32 destination-port=443 protocol=tcp source=10.1.0.0/16 \
             | action=deny destination=10.2.0.10/32 || action=permit",
        ],
    );
    check(
        "class: access.control\nslots: { action: deny, src: h1, dst: internet }",
        &["edge1 interface[eth9]/access-list-out: action=deny source=10.1.0.11/32 || action=permit"],
    );
    check(
        "class: access.control\nslots: { action: deny, protocol: icmp, where: ['r1:eth1'] }",
        &["r1 interface[eth1]/access-list-in: action=deny protocol=icmp || action=permit"],
    );
    assert!(faults("class: access.control\nslots: { action: deny, protocol: icmp }").contains("say where"));
}

#[test]
fn a_way_is_steered_where_it_leaves_the_usual_one() {
    check(
        "class: path.steer\nslots: { src: h1, dst: web1, via: r3, match: { ports: [80], protocol: tcp } }",
        &[
            "r1 interface[eth1]/policy-route: destination=10.2.0.10/32 destination-port=80 next-hop[10.0.13.3] protocol=tcp source=10.1.0.11/32 || ",
        ],
    );
    let usual = compiled_with("class: path.steer\nslots: { src: h1, dst: web1, avoid: r3 }", HELD);
    assert_eq!(
        usual,
        Ok(Compiled::Configuration(BTreeMap::new())),
        "the usual way avoids it anyhow"
    );
    assert_eq!(
        faults("class: path.steer\nslots: { src: h1, dst: web1, avoid: r2 }"),
        "no way leads from h1 to web1 around r2"
    );
    let text = "class: path.steer\nslots: { src: office, dst: web1, via: r3, exceptions: h1 }";
    assert!(
        lines(text)[0].contains("follow-routes source=10.1.0.11/32 | destination="),
        "{:?}",
        lines(text)
    );
    accepted(text);
}

#[test]
fn traffic_is_spread_by_weight() {
    check(
        "class: path.loadbalance\nslots: { src: h1, dst: web1, paths: [r2, r3], weights: [3, 1] }",
        &[
            "r1 interface[eth1]/policy-route: destination=10.2.0.10/32 next-hop[10.0.12.2] next-hop[10.0.12.2]/weight=3 next-hop[10.0.13.3] \
           next-hop[10.0.13.3]/weight=1 source=10.1.0.11/32 || ",
        ],
    );
    accepted("class: path.loadbalance\nslots: { src: h1, dst: web1, paths: 2 }");
    assert!(
        faults("class: path.loadbalance\nslots: { src: h1, dst: web1, paths: 3 }")
            .contains("2 ways that share nothing, not 3")
    );
}

#[test]
fn one_way_stands_in_for_another() {
    check(
        "class: path.protect\nslots: { primary: r2, backup: r3, switch_time: 150ms, target: r1 }",
        &[
            "r1 bfd/peer[10.0.12.2]/receive-interval=50",
            "r1 bfd/peer[10.0.12.2]/transmit-interval=50",
            "r1 static-route[0.0.0.0/0]/next-hop[10.0.12.2]/distance=10",
            "r1 static-route[0.0.0.0/0]/next-hop[10.0.12.2]/track=10.0.12.2",
            "r1 static-route[0.0.0.0/0]/next-hop[10.0.13.3]/distance=200",
        ],
    );
    let found = lines("class: path.protect\nslots: { primary: r2, backup: r3, detection: link }");
    assert_eq!(found.len(), 2, "r1 alone has links to both: {found:?}");
    assert!(faults("class: path.protect\nslots: { primary: r2, backup: r3, detection: ping }").contains("bfd or link"));
}

#[test]
fn rates_are_of_interfaces_or_of_traffic() {
    check(
        "class: qos.rate\nslots: { max: 100M, interface: 'r1:eth1', direction: in }",
        &["r1 interface[eth1]/rate-limit[in]/rate=100000000"],
    );
    let found = lines("class: qos.rate\nslots: { max: 10M, min: 2M, match: { src: office, dst: web1, dscp: EF } }");
    assert!(found.iter().any(|it| it.contains("/rule[10]/dscp=46")), "{found:?}");
    assert!(
        found
            .iter()
            .any(|it| it.starts_with("r2 interface[eth1]/qos-policy-out: class=traffic-")
                && it.contains("guaranteed-rate=2000000 maximum-rate=10000000")),
        "{found:?}"
    );
    accepted("class: qos.rate\nslots: { max: 10M, min: 2M, match: { src: office, dst: web1, dscp: EF } }");
    assert!(faults("class: qos.rate\nslots: { min: 2M, interface: 'r1:eth1' }").contains("say which with `match`"));
}

#[test]
fn interior_routing_runs_between_the_named() {
    check(
        "class: routing.igp\nslots: { devices: [r1, r2], area: 1, area_type: totally-stub, cost: 20, redistribute: static }",
        &[
            "r1 ospf/area[0.0.0.1]/area-type=stub",
            "r1 ospf/area[0.0.0.1]/interface[eth2]/cost=20",
            "r1 ospf/area[0.0.0.1]/summary=false",
            "r1 ospf/redistribute[static]",
            "r2 ospf/area[0.0.0.1]/area-type=stub",
            "r2 ospf/area[0.0.0.1]/interface[eth2]/cost=20",
            "r2 ospf/area[0.0.0.1]/summary=false",
            "r2 ospf/redistribute[static]",
        ],
    );
    assert_eq!(
        lines("class: routing.igp\nslots: { devices: routers }").len(),
        6,
        "three links have six ends"
    );
    check(
        "class: routing.igp\nslots: { devices: r1, prefixes: office, passive: true }",
        &["r1 ospf/area[0.0.0.0]/interface[eth1]/passive=true"],
    );
    assert!(faults("class: routing.igp\nslots: { devices: [r1, r2], protocol: isis }").contains("no IS-IS"));
}

#[test]
fn a_session_has_two_ends_where_both_are_ours() {
    check(
        "class: routing.bgp.session\nslots: { device: r1, peer: r2, remote_as: 65002, hold_time: 30 }",
        &[
            "r1 bgp/as=65001",
            "r1 bgp/neighbor[10.0.12.2]/family[ipv4-unicast]",
            "r1 bgp/neighbor[10.0.12.2]/hold-time=30",
            "r1 bgp/neighbor[10.0.12.2]/remote-as=65002",
            "r2 bgp/as=65002",
            "r2 bgp/neighbor[10.0.12.1]/family[ipv4-unicast]",
            "r2 bgp/neighbor[10.0.12.1]/hold-time=30",
            "r2 bgp/neighbor[10.0.12.1]/remote-as=65001",
        ],
    );
    assert_eq!(
        faults("class: routing.bgp.session\nslots: { device: r1, peer: 192.0.2.9, local_as: 65009, remote_as: 1 }"),
        "r1 is in AS 65001, the intent says 65009"
    );
    assert!(faults("class: routing.bgp.session\nslots: { device: r1, peer: r2 }").contains("`remote_as` is not said"));
}

#[test]
fn a_policy_recognises_its_routes() {
    let mut held = HELD.to_vec();
    let talking = [HELD[0].1, &["bgp/neighbor[192.0.2.9]/remote-as=65009"]].concat();
    held[0].1 = &talking;
    let text = "class: routing.bgp.policy\nslots: { device: r1, peer: 192.0.2.9, direction: out, match: { prefix: office }, prepend: 2, filter: permit-only }";
    let Ok(Compiled::Configuration(wanted)) = compiled_with(text, &held) else {
        panic!("{:?}", compiled_with(text, &held))
    };
    let share = &wanted["r1"].composed[0];
    assert_eq!(
        share.at.to_string(),
        "bgp/neighbor[192.0.2.9]/family[ipv4-unicast]/export-policy"
    );
    assert_eq!(
        share.rules[0].text(&"set/as-path-prepend".parse().unwrap()),
        Some("65001 65001")
    );
    assert_eq!(
        share.rules[1].text(&"action".parse().unwrap()),
        Some("deny"),
        "and nothing else"
    );
    let list = share.rules[0].text(&"match/ipv4-prefix-list".parse().unwrap()).unwrap();
    let rule = Path::root()
        .keyed("prefix-list", ["ipv4", list])
        .keyed("rule", ["10"])
        .child("prefix");
    assert_eq!(wanted["r1"].tree.text(&rule), Some("10.1.0.0/16"));
    assert!(faults(text).contains("make one first (routing.bgp.session)"));
}

#[test]
fn simple_classes_stand_on_their_targets() {
    check(
        "class: system.baseline\nslots: { target: core, ntp: [192.0.2.1, time.example] }",
        &[
            "r1 system/ntp/server[192.0.2.1]",
            "r1 system/ntp/server[time.example]",
            "r2 system/ntp/server[192.0.2.1]",
            "r2 system/ntp/server[time.example]",
        ],
    );
    check(
        "class: interface.set\nslots: { interface: ['r1:eth1', 'r2:eth1'], admin: down, mtu: 9000 }",
        &[
            "r1 interface[eth1]/enabled=false",
            "r1 interface[eth1]/mtu=9000",
            "r2 interface[eth1]/enabled=false",
            "r2 interface[eth1]/mtu=9000",
        ],
    );
    check(
        "class: interface.address\nslots: { device: r3, interface: lo, address: 2001:DB8::3/128 }",
        &["r3 interface[lo]/address[2001:db8::3/128]"],
    );
    check(
        "class: routing.static\nslots: { device: routers, prefix: 10.9.0.0/16, next_hop: blackhole, distance: 250 }",
        &[
            "r1 static-route[10.9.0.0/16]/blackhole/distance=250",
            "r2 static-route[10.9.0.0/16]/blackhole/distance=250",
            "r3 static-route[10.9.0.0/16]/blackhole/distance=250",
        ],
    );
}

#[test]
fn questions_are_calls() {
    let call = |text: &str| match compiled_with(text, &[]) {
        Ok(Compiled::Call(call)) => call,
        other => panic!("{text}\n{other:?}"),
    };
    let Call::Query(query) = call("class: monitor.query\nslots: { metric: routes, scope: r1, n: 5, period: today }")
    else {
        panic!()
    };
    assert_eq!(
        (query.metric.as_str(), query.n, query.period.as_deref()),
        ("routes", Some(5), Some("today"))
    );
    let Call::Watch(watch) =
        call("class: monitor.watch\nslots: { metric: loss, src: h1, dst: web1, operator: '>', threshold: 0.5 }")
    else {
        panic!()
    };
    assert_eq!(watch.conditions.len(), 4);
    assert!(matches!(
        call("class: diagnose\nslots: { symptom: unreachable, src: h1, time: yesterday 9:30 }"),
        Call::Diagnosis(_)
    ));
    assert!(matches!(
        call("class: config.lifecycle\nslots: { operation: compare, target: r1 }"),
        Call::Configuration(_)
    ));
    let probe = call(
        "class: intent.lifecycle\nslots: { operation: probe, proposal: { class: system.baseline, slots: { target: r1, banner: x } } }",
    );
    let Call::Intent(probe) = probe else { panic!() };
    assert!(probe.proposal.is_some());
}
