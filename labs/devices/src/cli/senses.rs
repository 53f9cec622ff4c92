//! What an FRR-like router says of itself: sessions, routes, links, and who answers to its probes.
//!
//! Nothing is simulated behind it. What is configured works, unless a fault says otherwise.

use serde_json::{Map, Value, json};

use super::doc::Doc;
use crate::fault::Fault;
use crate::personality::Dialect;
use crate::store::Datastores;

/// What is said to a line; nothing where it is no question about state.
pub fn say(stores: &Datastores, faults: &[Fault], line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let doc = || Doc::read(&stores.running, Dialect::Frr);
    let answer = match words.as_slice() {
        ["show", "bgp", "summary", "json"] => summary(&doc(), faults),
        ["show", "bgp", "neighbors", "json"] => neighbors(&doc(), faults),
        ["show", "ip", "ospf", "neighbor", "json"] => json!({ "neighbors": {} }),
        ["show", "bfd", "peers", "json"] => json!([]),
        ["show", "interface", "json"] => interfaces(stores, faults),
        ["show", "ip" | "ipv6", "route", prefix, "json"] => route(&doc(), faults, prefix),
        ["ping", address] | ["ping", "ipv6", address] => return Some(ping(faults, address)),
        _ => return None,
    };
    Some(format!("{answer:#}\n"))
}

/// The neighbours of the BGP process and the lines about each.
fn peers(doc: &Doc) -> Vec<(String, Vec<String>)> {
    let blocks = doc
        .blocks
        .iter()
        .filter(|it| it.path.len() == 1 && it.path[0].starts_with("router bgp "));
    let lines: Vec<&String> = blocks.flat_map(|it| &it.lines).collect();
    let mut peers: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let (Some("neighbor"), Some(peer), Some(rest)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        match peers.iter_mut().find(|(known, _)| known == peer) {
            Some((_, about)) => about.push(rest.to_owned()),
            None => peers.push((peer.to_owned(), vec![rest.to_owned()])),
        }
    }
    peers
}

fn is_up(peer: &str, about: &[String], faults: &[Fault]) -> bool {
    let down = |it: &Fault| matches!(it, Fault::NeighborDown { address } if address == peer);
    !faults.iter().any(down) && about.iter().all(|it| it != "shutdown")
}

fn summary(doc: &Doc, faults: &[Fault]) -> Value {
    let known = peers(doc);
    if known.is_empty() {
        return json!({});
    }
    let row = |(peer, about): &(String, Vec<String>)| {
        let up = is_up(peer, about, faults);
        let (state, prefixes) = if up { ("Established", 1) } else { ("Active", 0) };
        let row = json!({ "state": state, "pfxRcd": prefixes, "pfxSnt": prefixes, "peerState": "OK" });
        (peer.clone(), row)
    };
    let peers: Map<String, Value> = known.iter().map(row).collect();
    json!({ "ipv4Unicast": { "vrfName": "default", "peerCount": known.len(), "peers": peers } })
}

fn neighbors(doc: &Doc, faults: &[Fault]) -> Value {
    let row = |(peer, about): &(String, Vec<String>)| {
        let timers = about
            .iter()
            .find_map(|it| it.strip_prefix("timers ")?.rsplit(' ').next()?.parse::<u64>().ok());
        let state = if is_up(peer, about, faults) {
            "Established"
        } else {
            "Active"
        };
        let row = json!({ "bgpState": state, "bgpTimerHoldTimeMsecs": timers.unwrap_or(180) * 1000 });
        (peer.clone(), row)
    };
    Value::Object(peers(doc).iter().map(row).collect())
}

fn interfaces(stores: &Datastores, faults: &[Fault]) -> Value {
    let all = stores.running.at(&["interfaces"]).into_iter();
    let row = |name: &str, enabled: bool| {
        let down = |it: &Fault| matches!(it, Fault::LinkDown { interface } if interface == name);
        let word = |up: bool| if up { "up" } else { "down" };
        let oper = enabled && !faults.iter().any(down);
        json!({ "administrativeStatus": word(enabled), "operationalStatus": word(oper) })
    };
    let rows = all.flat_map(|it| it.each("interface")).filter_map(|it| {
        let name = it.text("name")?;
        Some((name.to_owned(), row(name, it.text("enabled") != Some("false"))))
    });
    Value::Object(rows.collect())
}

fn route(doc: &Doc, faults: &[Fault], prefix: &str) -> Value {
    let gone = |it: &Fault| matches!(it, Fault::NoRoute { prefix: lost } if lost == prefix);
    if faults.iter().any(gone) {
        return json!({});
    }
    let lines = doc
        .blocks
        .iter()
        .filter(|it| it.path.is_empty())
        .flat_map(|it| &it.lines);
    let hops: Vec<Value> = lines
        .filter_map(|line| {
            let mut words = line.split(' ');
            let is_route = matches!(words.next()?, "ip" | "ipv6") && words.next()? == "route";
            (is_route && words.next()? == prefix).then(|| words.next())?
        })
        .map(|hop| match hop {
            "blackhole" => json!({ "fib": true, "blackhole": true, "active": true }),
            hop => json!({ "fib": true, "ip": hop, "active": true }),
        })
        .collect();
    if hops.is_empty() {
        return json!({});
    }
    json!({ prefix: [{ "prefix": prefix, "protocol": "static", "installed": true, "nexthops": hops }] })
}

fn ping(faults: &[Fault], address: &str) -> String {
    let silent = |it: &Fault| matches!(it, Fault::Unanswered { address: lost } if lost == address);
    let answered = if faults.iter().any(silent) { 0 } else { 3 };
    let lost = if answered == 0 { 100 } else { 0 };
    format!(
        "PING {address} ({address}) 56(84) bytes of data.\n\n--- {address} ping statistics ---\n\
         3 packets transmitted, {answered} received, {lost}% packet loss, time 2004ms\n"
    )
}
