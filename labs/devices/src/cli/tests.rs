//! Terminals without a socket or a clock: what lines do to the tree that NETCONF shares.

use super::console::Console;
use crate::netconf::{NS, edit};
use crate::personality::Dialect;
use crate::store::{Datastores, Entry, Store};
use crate::xml;

fn console(dialect: Dialect) -> (Console, Datastores) {
    (
        Console::new(dialect, 1, "r1".to_owned(), 1),
        Datastores::new(None, Entry::root()),
    )
}

fn type_in(console: &mut Console, stores: &mut Datastores, lines: &[&str]) -> String {
    lines.iter().map(|line| console.line(stores, line).text).collect()
}

fn shown(stores: &Datastores, store: Store) -> String {
    let mut out = String::new();
    stores.content(store).write_children(&mut out, NS);
    out
}

#[test]
fn a_line_is_an_entry_and_an_entry_is_a_line() {
    let (mut console, mut stores) = console(Dialect::Frr);
    let lines = [
        "configure terminal",
        "interface eth1",
        "description core",
        "ip address 192.0.2.1/24",
        "end",
    ];
    assert_eq!(type_in(&mut console, &mut stores, &lines), "");
    let seen = shown(&stores, Store::Running);
    assert!(
        seen.contains("<ip>192.0.2.1</ip><prefix-length>24</prefix-length>"),
        "{seen}"
    );
    let text = seen.replace(">core<", ">edge<").replace(">24<", ">25<");
    let edited = edit::read(&xml::parse(&format!("<config>{text}</config>")).unwrap()).unwrap();
    stores.set(Store::Running, edited);
    let printed = type_in(&mut console, &mut stores, &["show running-config"]);
    assert!(
        printed.contains("interface eth1\n description edge\n ip address 192.0.2.1/25\n"),
        "{printed}"
    );
}

#[test]
fn what_a_terminal_does_not_speak_of_survives_its_lines() {
    let (mut console, mut stores) = console(Dialect::Frr);
    let text = "<config><interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name>eth1</name>\
        <type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:tunnel</type>\
        <ipv6 xmlns=\"urn:ietf:params:xml:ns:yang:ietf-ip\"><mtu>1400</mtu></ipv6></interface></interfaces></config>";
    stores.set(Store::Running, edit::read(&xml::parse(text).unwrap()).unwrap());
    type_in(
        &mut console,
        &mut stores,
        &["configure terminal", "interface eth1", "shutdown", "no shutdown", "end"],
    );
    let seen = shown(&stores, Store::Running);
    assert!(
        seen.contains("tunnel") && seen.contains("<mtu>1400</mtu>") && !seen.contains("enabled"),
        "{seen}"
    );
}

#[test]
fn a_lock_of_netconf_keeps_the_terminal_out() {
    let (mut console, mut stores) = console(Dialect::Frr);
    stores.lock(Store::Running, 7).unwrap();
    let said = type_in(&mut console, &mut stores, &["configure terminal", "hostname other"]);
    assert!(said.starts_with("% Configuration is locked"), "{said}");
    assert_eq!(shown(&stores, Store::Running), "");
}

#[test]
fn vrp_commits_a_candidate_and_takes_a_trial_back() {
    let (mut console, mut stores) = console(Dialect::Vrp);
    type_in(&mut console, &mut stores, &["system-view", "sysname edge"]);
    assert_eq!(console.prompt(&stores), "[*r1]");
    assert_eq!(shown(&stores, Store::Running), "");
    let timer = console.line(&mut stores, "commit trial 60").timer.unwrap();
    assert_eq!(
        (console.prompt(&stores).as_str(), timer.after.as_secs()),
        ("[~edge]", 60)
    );
    assert!(stores.expire(timer.generation));
    assert_eq!(console.prompt(&stores), "[~r1]");
}

#[test]
fn ios_returns_by_its_timer_unless_confirmed() {
    for confirm in [false, true] {
        let (mut console, mut stores) = console(Dialect::Ios);
        console.line(&mut stores, "enable");
        let timer = console
            .line(&mut stores, "configure terminal revert timer 2")
            .timer
            .unwrap();
        assert_eq!(timer.after.as_secs(), 120);
        type_in(&mut console, &mut stores, &["hostname other", "end"]);
        if confirm {
            console.line(&mut stores, "configure confirm");
        }
        stores.expire(timer.generation);
        assert_eq!(console.prompt(&stores), if confirm { "other#" } else { "r1#" });
    }
}
