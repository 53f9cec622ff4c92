//! What real devices printed, and what is read from it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::builtin;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

/// The entries that `frr` reads from an output of the command that answers to `name`.
fn frr(name: &str, given: &[(&str, &str)], output: &str) -> Vec<String> {
    let given = labels(given);
    let state = builtin::named("frr").unwrap().state();
    let mut entries = Vec::new();
    for ask in state.asks(name, &given) {
        entries.extend(ask.read(output).unwrap().iter().map(|it| {
            let (path, value) = it.entry().unwrap();
            let again = Seen::of(&path, &value).unwrap();
            assert_eq!(again, *it, "an observation and its entry are the same");
            format!("{path} {value}")
        }));
    }
    entries.sort();
    entries
}

const SUMMARY: &str = r#"{"ipv4Unicast":{"routerId":"10.0.0.1","as":65001,"peers":{
    "10.12.0.2":{"remoteAs":65002,"pfxRcd":2,"pfxSnt":3,"state":"Established","connectionsDropped":0},
    "10.12.0.9":{"remoteAs":65009,"pfxRcd":0,"pfxSnt":0,"state":"Idle (PfxCt)"}},"failedPeers":1},
  "l2VpnEvpn":{"peers":{"10.12.0.2":{"pfxRcd":1,"state":"Established"}}}}"#;

#[test]
fn sessions_are_read_with_what_they_exchange() {
    assert_eq!(
        frr("bgp-session", &[], SUMMARY),
        [
            "bgp-session[10.12.0.2][ipv4-unicast]/received 2",
            "bgp-session[10.12.0.2][ipv4-unicast]/sent 3",
            "bgp-session[10.12.0.2][ipv4-unicast]/state established",
            "bgp-session[10.12.0.9][ipv4-unicast]/received 0",
            "bgp-session[10.12.0.9][ipv4-unicast]/sent 0",
            "bgp-session[10.12.0.9][ipv4-unicast]/state down",
        ]
    );
    assert_eq!(frr("bgp-session", &[], "{}\n"), [""; 0]);
    let state = builtin::named("frr").unwrap().state();
    let none = BTreeMap::new();
    let ask = state.asks("bgp-session", &none).next().unwrap();
    assert_eq!(
        ask.read("% BGP instance not found\n").unwrap_err(),
        "% BGP instance not found"
    );
    assert!(ask.read("{\"ipv4Unicast\": ").is_err());
}

#[test]
fn a_route_is_what_the_kernel_got() {
    let output = r#"{"10.9.0.0/16":[{"protocol":"bgp","nexthops":[{"ip":"10.0.0.9","active":true}]},
        {"protocol":"static","installed":true,"nexthops":[{"fib":true,"ip":"10.0.0.2","active":true}]}]}"#;
    assert_eq!(
        frr("route", &[("prefix", "10.9.0.0/16")], output),
        ["route[10.9.0.0/16][10.0.0.2]/state installed"]
    );
    let hole = r#"{"10.8.0.0/16":[{"nexthops":[{"fib":true,"unreachable":true,"blackhole":true}]}]}"#;
    assert_eq!(
        frr("route", &[("prefix", "10.8.0.0/16")], hole),
        ["route[10.8.0.0/16][-]/state installed"]
    );
    assert_eq!(frr("route", &[("prefix", "10.8.0.0/16")], "{}"), [""; 0]);
}

#[test]
fn only_what_is_an_address_gets_into_a_command() {
    let state = builtin::named("frr").unwrap().state();
    let line = |address: &str| {
        let given = labels(&[("address", address)]);
        let mut lines: Vec<String> = state.asks("reach", &given).map(|it| it.line).collect();
        lines.pop()
    };
    assert_eq!(line("192.0.2.1").unwrap(), "ping 192.0.2.1");
    assert_eq!(line("2001:DB8::1").unwrap(), "ping ipv6 2001:db8::1");
    assert_eq!(line("192.0.2.1\nconfigure terminal"), None);
    assert_eq!(line("-f 192.0.2.1"), None);
    assert_eq!(state.asks("reach", &BTreeMap::new()).count(), 0);
    let seen = frr(
        "reach",
        &[("address", "192.0.2.1")],
        "^C\n--- 192.0.2.1 ping statistics ---\n3 packets transmitted, 0 received, 100% packet loss, time 2050ms\n",
    );
    assert_eq!(seen, ["reach[192.0.2.1]/received 0", "reach[192.0.2.1]/sent 3"]);
}

#[test]
fn a_platform_says_what_it_can_observe() {
    let observes = |platform: &str, name: &str, given: &[(&str, &str)]| {
        let state = builtin::named(platform).unwrap().state();
        state.observes(name, &labels(given))
    };
    assert!(observes("frr", "bgp-session", &[]));
    assert!(observes("frr", "route", &[("prefix", "2001:db8::/32")]));
    assert!(observes("ietf", "interface", &[]));
    assert!(!observes("ietf", "bgp-session", &[]));
    assert!(!observes("cisco_ios", "reach", &[("address", "192.0.2.1")]));
}

#[test]
fn a_wrong_section_is_named_with_its_place() {
    let file = "platform: x\ntitle: X\nversions: ['1']\nverified: simulated\nguarantee: {whole: true, taken-back-by: agent}\n\
                state:\n  commands:\n    - {command: 'show {thing}', json: 'a', observes: [{name: bgp/state, field: a}]}\n";
    let faults = crate::Platform::load(file).unwrap_err();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|it| it.contains("nothing is told apart by thing")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|it| it.contains("under the name bgp/state")),
        "{said:?}"
    );
}
