//! Intents that cannot hold together, and rules compared with every packet of a small world.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use intents::{AccessRule, Clash, Library, Named, Net, Odds, Relation, World, clashes, read_file, relation};
use knowledge_model::{Inventory, Schema, Tree, Value};
use proptest::prelude::*;

/// A packet of the small world: addresses of four bits of IPv4 or of one bit of IPv6.
#[derive(Debug, Clone, Copy)]
struct Packet {
    source: Net,
    destination: Net,
    protocol: &'static str,
    port: Option<u16>,
}

fn world() -> Vec<Packet> {
    let v4 = (0..8).map(|host| format!("10.0.0.{host}"));
    let v6 = (0..2).map(|host| format!("fd00::{host}"));
    let hosts: Vec<Net> = v4.chain(v6).map(|it| Net::parse(&it).unwrap()).collect();
    let carried: Vec<(&str, Option<u16>)> = ["tcp", "udp"]
        .into_iter()
        .flat_map(|protocol| {
            [0, 1, 2, 3, u16::MAX]
                .into_iter()
                .map(move |port| (protocol, Some(port)))
        })
        .chain([("icmp", None), ("gre", None)])
        .collect();
    let mut packets = Vec::new();
    for source in &hosts {
        for destination in hosts.iter().filter(|it| it.is_ipv4() == source.is_ipv4()) {
            packets.extend(carried.iter().map(|(protocol, port)| Packet {
                source: *source,
                destination: *destination,
                protocol,
                port: *port,
            }));
        }
    }
    packets
}

fn matches(rule: &AccessRule, packet: &Packet) -> bool {
    let net = |net: Option<Net>, address: &Net| net.is_none_or(|it| it.contains(address));
    let protocol = rule.protocol.as_deref().is_none_or(|it| it == packet.protocol);
    let ports = rule
        .ports
        .is_none_or(|(first, last)| packet.port.is_some_and(|port| (first..=last).contains(&port)));
    net(rule.source, &packet.source) && net(rule.destination, &packet.destination) && protocol && ports
}

/// What the relation is by looking at every packet.
fn by_packets(first: &AccessRule, second: &AccessRule) -> Option<Relation> {
    let packets = world();
    let both = |packet: &&Packet| (matches(first, packet), matches(second, packet));
    let seen: Vec<(bool, bool)> = packets.iter().map(|packet| both(&packet)).collect();
    let (common, only_first, only_second) = (
        seen.contains(&(true, true)),
        seen.contains(&(true, false)),
        seen.contains(&(false, true)),
    );
    if !common {
        return None;
    }
    match (first.permit == second.permit, only_first, only_second) {
        (true, true, true) => None,
        (true, _, _) => Some(Relation::Redundancy),
        (false, _, false) => Some(Relation::Shadowing),
        (false, false, true) => Some(Relation::Generalisation),
        (false, true, true) => Some(Relation::Correlation),
    }
}

fn net() -> impl Strategy<Value = Option<Net>> {
    // Networks inside the world: never all of it, which rules leave out.
    let v4 = (29_u8..=32, 0_u8..8).prop_map(|(length, host)| format!("10.0.0.{host}/{}", length.max(30)));
    let v6 = (0_u8..2).prop_map(|host| format!("fd00::{host}/128"));
    let nets = prop_oneof![4 => v4, 1 => v6].prop_map(|text| Net::parse(&text).map(Net::masked));
    prop_oneof![1 => Just(None), 3 => nets]
}

fn rule() -> impl Strategy<Value = AccessRule> {
    let carried = prop_oneof![
        2 => Just((None, None)),
        1 => prop_oneof![Just("icmp"), Just("gre")].prop_map(|it| (Some(it.to_owned()), None)),
        4 => (prop_oneof![Just("tcp"), Just("udp")], prop::option::of((0_u16..4, 0_u16..4)))
            .prop_map(|(protocol, ports)| (Some(protocol.to_owned()), ports.map(|(a, b)| (a.min(b), a.max(b))))),
    ];
    (any::<bool>(), net(), net(), carried).prop_filter_map(
        "families differ",
        |(permit, source, destination, (protocol, ports))| {
            let same = match (source, destination) {
                (Some(a), Some(b)) => a.is_ipv4() == b.is_ipv4(),
                (Some(_) | None, _) => true,
            };
            same.then_some(AccessRule {
                permit,
                source,
                destination,
                protocol,
                ports,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn kinds_are_what_every_packet_says(first in rule(), second in rule()) {
        prop_assert_eq!(relation(&first, &second), by_packets(&first, &second));
    }

    #[test]
    fn a_rule_repeats_itself_and_shadows_its_opposite(rule in rule()) {
        let opposite = AccessRule { permit: !rule.permit, ..rule.clone() };
        prop_assert_eq!(relation(&rule, &rule), Some(Relation::Redundancy));
        prop_assert_eq!(relation(&rule, &opposite), Some(Relation::Shadowing));
    }
}

fn named(library: &Library, text: &str) -> Vec<Named> {
    let envelopes = read_file(text, library).unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"));
    envelopes
        .into_iter()
        .map(|envelope| Named {
            name: envelope.name.clone().unwrap_or_default(),
            envelope,
        })
        .collect()
}

fn found(asked: &str, holding: &str) -> Vec<Clash> {
    let library = Library::load(&[]).unwrap();
    let text = include_str!("network.yaml").replace(
        "[\"r2:eth1\", \"web1:eth0\"]",
        "[\"r2:eth1\", \"web1:eth0\"], capacity: 100000000",
    );
    let inventory = Inventory::read(&text, Schema::canonical()).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let mut told = Tree::new();
    told.plant("interface[eth1]/speed".parse().unwrap(), Value::scalar("1000000000"));
    let configurations = BTreeMap::from([("r1".to_owned(), told)]);
    let world = World {
        inventory: &inventory,
        configurations: &configurations,
    };
    clashes(&named(&library, asked), &named(&library, holding), &library, &world)
}

fn access(name: &str, more: &str) -> String {
    format!("class: access.control\nname: {name}\nslots: {{ {more} }}\n")
}

#[track_caller]
fn check(asked: &str, holding: &str, odds: Odds, refused: bool, said: &str) {
    let found = found(asked, holding);
    let [one] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((one.odds, one.refused), (odds, refused), "{one}");
    assert!(one.to_string().contains(said), "{said:?} is missing in {one}");
}

#[test]
fn opposite_rules_are_named_by_kind() {
    let deny = access("no-office", "action: deny, src: office, dst: web1");
    check(
        &access(
            "h1-web",
            "action: allow, src: h1, dst: web1, protocol: tcp, ports: [443]",
        ),
        &deny,
        Odds::Access(Relation::Shadowing),
        true,
        "h1-web (access.control: action allow, dst web1, ports 443, protocol tcp, src h1) would have no effect",
    );
    check(
        &access("h1-web", "action: allow, src: h1, dst: web1, priority: 200"),
        &deny,
        Odds::Access(Relation::Generalisation),
        false,
        "h1-web (access.control: action allow, dst web1, src h1) is an exception from no-office",
    );
    check(
        &access("no-ssh", "action: deny, dst: servers, protocol: tcp, ports: [22]"),
        &access("office-web", "action: allow, src: office, dst: web1"),
        Odds::Access(Relation::Correlation),
        true,
        "only their order decides",
    );
    check(
        &access("again", "action: deny, src: h1, dst: web1"),
        &deny,
        Odds::Access(Relation::Redundancy),
        false,
        "say the same",
    );
    check(
        "class: connectivity.ensure\nname: reach\nslots: { src: h1, dst: web1, service: tcp/80 }",
        &deny,
        Odds::Access(Relation::Shadowing),
        true,
        "reach (connectivity.ensure",
    );
    assert!(found(&access("elsewhere", "action: allow, src: h1, dst: edge1"), &deny).is_empty());
    let apart = "action: deny, protocol: icmp, where: ['r1:eth1']";
    assert!(
        found(
            &access("there", "action: allow, protocol: icmp, where: ['r2:eth1']"),
            &access("here", apart)
        )
        .is_empty()
    );
    let both = format!(
        "intents:\n  - {}  - {}",
        deny.replace('\n', "\n    ").trim_end(),
        access("open", "action: allow, src: h1, dst: web1")
            .replace('\n', "\n    ")
            .trim_end()
    );
    let both = both.replace(
        "  - class: access.control\n    name: open",
        "\n  - class: access.control\n    name: open",
    );
    assert_eq!(
        found(
            &both,
            "intents: [{class: system.baseline, slots: {target: r1, banner: x}}]"
        )
        .len(),
        1,
        "two of one file"
    );
}

#[test]
fn rates_above_a_link_are_refused() {
    check(
        "class: qos.rate\nname: big\nslots: { min: 200M, match: { src: office, dst: web1 } }",
        "intents: [{class: system.baseline, name: x, slots: {target: r1, banner: x}}]",
        Odds::Capacity,
        true,
        "guarantees 200 Mbit/s on r2:eth1, whose link carries 100 Mbit/s",
    );
    check(
        "class: qos.rate\nname: limit\nslots: { max: 2G, interface: 'r1:eth1' }",
        "intents: [{class: system.baseline, name: x, slots: {target: r1, banner: x}}]",
        Odds::Capacity,
        true,
        "limits traffic to 2 Gbit/s on r1:eth1, whose link carries 1 Gbit/s",
    );
    check(
        "class: qos.rate\nname: more\nslots: { min: 60M, match: { dst: web1 } }",
        "class: qos.rate\nname: voice\nslots: { min: 50M, match: { src: office, dst: web1 } }",
        Odds::Capacity,
        true,
        "r2:eth1 carries 100 Mbit/s, and 110 Mbit/s are guaranteed: voice",
    );
    let fits = found(
        "class: qos.rate\nname: more\nslots: { min: 50M, match: { dst: web1 } }",
        "class: qos.rate\nname: voice\nslots: { min: 50M, match: { src: office, dst: web1 } }",
    );
    assert!(fits.is_empty(), "{fits:?}");
}

#[test]
fn a_way_through_what_another_keeps_away_from_is_refused() {
    let away = "class: path.steer\nname: away\nslots: { src: office, dst: web1, avoid: r3 }";
    check(
        "class: path.steer\nname: over\nslots: { src: h1, dst: web1, via: r3 }",
        away,
        Odds::Way,
        true,
        "over (path.steer: dst web1, src h1, via r3) goes through r3, and away (path.steer: avoid r3, dst web1, src office) keeps the same traffic away",
    );
    check(
        "class: path.loadbalance\nname: both\nslots: { src: h1, dst: web1, paths: [r2, r3] }",
        away,
        Odds::Way,
        true,
        "both",
    );
    let other = "class: path.steer\nname: other\nslots: { src: web1, dst: h1, via: r3 }";
    assert!(found(other, away).is_empty(), "the way back is other traffic");
}
