//! Gates of plans, from what intents promise and what devices say of themselves.

use intents::{Envelope, Library, read_file};
use knowledge_model::inventory::Inventory;
use knowledge_model::{Schema, Value};

use super::*;
use crate::plan::{Draft, Ground, draft, finish};

const ID: &str = "01930000-0000-7000-8000-000000000001";

fn network() -> Network {
    let text = format!(
        "version: 1\ndevices:\n  - {{ id: {ID}, name: r1, address: 192.0.2.2, platforms: [frr], protocols: [{{ name: cli }}] }}\n"
    );
    Network::of(Inventory::read(&text, Schema::canonical()).unwrap())
}

fn tree(lines: &[(&str, Option<&str>)]) -> Tree {
    let mut tree = Tree::new();
    for (path, value) in lines {
        tree.plant(path.parse().unwrap(), value.map_or(Value::Present, Value::from));
    }
    tree
}

fn there() -> Tree {
    tree(&[
        ("interface[eth1]/address[192.0.2.9/30]", None),
        ("bgp/as", Some("65001")),
        ("bgp/neighbor[192.0.2.10]/remote-as", Some("65002")),
        ("bgp/neighbor[192.0.2.10]/family[ipv4-unicast]", None),
        ("bgp/neighbor[203.0.113.1]/remote-as", Some("65003")),
        ("bgp/neighbor[203.0.113.1]/family[ipv4-unicast]", None),
    ])
}

fn state() -> Tree {
    tree(&[
        ("bgp-neighbor[192.0.2.10]/hold-time", Some("9")),
        ("bgp-neighbor[203.0.113.1]/hold-time", Some("30")),
        ("bgp-session[192.0.2.10][ipv4-unicast]/state", Some("established")),
        ("bgp-session[192.0.2.10][ipv4-unicast]/received", Some("7")),
        ("bgp-session[192.0.2.10][ipv4-unicast]/sent", Some("0")),
        ("bgp-session[203.0.113.1][ipv4-unicast]/state", Some("down")),
        ("interface[eth1]/oper-status", Some("up")),
        ("interface[eth2]/oper-status", Some("up")),
    ])
}

fn planned(intent: &str) -> PlannedGate {
    let library = Library::load(&[]).unwrap();
    let envelope: Envelope = read_file(intent, &library).unwrap().remove(0);
    let network = network();
    let device: DeviceId = ID.parse().unwrap();
    let drafts = [Draft {
        id: "i1".to_owned(),
        envelope,
    }];
    let read = HashMap::from([(device, there())]);
    let ground = Ground {
        library: &library,
        network: &network,
        read: &read,
    };
    let drafted = draft(&drafts, &[], &ground).unwrap();
    let words = drafted.words();
    let states = HashMap::from([(device, state())]);
    let plan = finish(drafted, &read, &network).unwrap();
    gate(
        &plan,
        &Grounds {
            words: &words,
            read: &read,
            states: &states,
            network: &network,
        },
    )
}

/// Each check, with a mark before those that do not count.
fn names(gate: &PlannedGate) -> Vec<String> {
    let name = |it: &PlannedCheck| match &it.excluded {
        Some(why) => format!("- {} ({why})", it.name),
        None => it.name.clone(),
    };
    gate.checks.iter().map(name).collect()
}

#[test]
fn a_route_promises_itself_and_breaks_no_session() {
    let gate = planned("class: routing.static\nslots: { device: r1, prefix: 198.51.100.0/24, next_hop: 192.0.2.10 }");
    assert_eq!(
        names(&gate),
        [
            "the agent reaches it",
            "the route 198.51.100.0/24 is there, to 192.0.2.10",
            "192.0.2.10 answers",
            "the BGP session with 192.0.2.10 (ipv4-unicast) stands, 1 or more prefixes received",
            "- the BGP session with 203.0.113.1 (ipv4-unicast) stands (it was down before)",
        ]
    );
    assert_eq!(gate.steady, 6, "no session is touched: as long as FRR takes to act");
    assert!(gate.counts() && gate.within > gate.steady);
}

#[test]
fn an_interface_touches_the_sessions_behind_it_and_its_own_link() {
    let gate = planned("class: interface.address\nslots: { device: r1, interface: eth1, address: 198.51.100.1/24 }");
    assert_eq!(
        gate.steady, 9,
        "the hold time of the session next door, not of the far one that is down"
    );
    assert!(names(&gate).contains(&"the interface eth1 is up".to_owned()));
    assert!(!names(&gate).contains(&"the interface eth2 is up".to_owned()));
    let shut = planned("class: interface.set\nslots: { device: r1, interface: eth1, admin: down }");
    assert!(names(&shut).contains(&"- the interface eth1 is up (the change shuts or removes it)".to_owned()));
}

#[test]
fn a_session_that_its_class_resets_may_come_back_and_one_that_is_promised_is_not_kept_twice() {
    let session = "class: routing.bgp.session\nslots: { device: r1, local_as: 65001, peer: 192.0.2.10, remote_as: 65002, families: ipv4-unicast, keepalive: 4, hold_time: 12 }";
    let gate = planned(session);
    let about: Vec<&PlannedCheck> = gate.checks.iter().filter(|it| it.name.contains("192.0.2.10")).collect();
    assert_eq!(about.len(), 1, "{:?}", names(&gate));
    assert_eq!(about[0].intent.as_deref(), Some("i1"));
    assert_eq!((about[0].patience, gate.steady), (60, 9));
}

#[test]
fn what_moves_nothing_is_not_looked_at() {
    let gate = planned("class: interface.set\nslots: { device: r1, interface: eth1, description: core }");
    assert_eq!((names(&gate).len(), gate.counts()), (0, false));
}
