//! What an intent promises on a device beyond its configuration, as something to look at.

use intents::{CHECKS, Check, Class, Envelope};
use knowledge_model::{Path, Tree};

use super::look::Look;

/// What an intent promises on one device, for which it wants these entries.
pub fn promises(class: &Class, envelope: &Envelope, device: &str, wanted: &Tree) -> Vec<Look> {
    let checks = intents::checks(class, envelope).gate;
    checks.iter().flat_map(|it| looks(it, device, wanted)).collect()
}

fn looks(check: &Check, device: &str, wanted: &Tree) -> Vec<Look> {
    match check.word {
        // Every apply reads back what it wrote.
        "reads-back" => Vec::new(),
        "established" => sessions(wanted),
        "routed" => routes(wanted),
        "reachable" => reached(check, device).unwrap_or_else(|| vec![unseen(check)]),
        _ => vec![unseen(check)],
    }
}

/// Every session that the intent has a hand in, with what it exchanges.
fn sessions(wanted: &Tree) -> Vec<Look> {
    let mut families: Vec<(String, Option<String>)> = Vec::new();
    for (path, _) in wanted.iter() {
        let Some(peer) = key(path, "neighbor") else { continue };
        let family = key(path, "family");
        families.retain(|(known, what)| *known != peer || what.is_some());
        let known = families
            .iter()
            .any(|(known, what)| *known == peer && (family.is_none() || *what == family));
        if !known {
            families.push((peer, family));
        }
    }
    let session = |(neighbor, family)| Look::Session {
        protocol: "bgp".to_owned(),
        neighbor,
        family,
        received: 1,
        sent: 1,
    };
    families.into_iter().map(session).collect()
}

/// Every route is in the table, and its next hop answers.
fn routes(wanted: &Tree) -> Vec<Look> {
    let mut looks = Vec::new();
    for (path, _) in wanted.iter() {
        let Some(prefix) = key(path, "static-route") else {
            continue;
        };
        let Some(last) = path.last() else { continue };
        match (last.name, last.keys.first()) {
            ("next-hop", Some(hop)) => {
                looks.push(Look::Route {
                    prefix,
                    next_hop: Some((*hop).to_owned()),
                });
                looks.push(Look::Reach {
                    address: (*hop).to_owned(),
                    lost: 0,
                });
            }
            ("interface", Some(_)) | ("blackhole", None) => looks.push(Look::Route { prefix, next_hop: None }),
            _ => {}
        }
    }
    looks
}

/// An address that the device itself is to reach.
fn reached(check: &Check, device: &str) -> Option<Vec<Look>> {
    let values = |name| check.arguments.get(name).map(Vec::as_slice).unwrap_or_default();
    let addresses: Vec<&String> = values("dst")
        .iter()
        .filter(|it| it.parse::<std::net::IpAddr>().is_ok())
        .collect();
    let all = addresses.len() == values("dst").len() && !addresses.is_empty();
    let own = values("src").iter().any(|it| it == device);
    let look = |address: &&String| Look::Reach {
        address: (*address).clone(),
        lost: 0,
    };
    (all && own && values("service").is_empty()).then(|| addresses.iter().map(look).collect())
}

fn unseen(check: &Check) -> Look {
    let what = CHECKS
        .iter()
        .find(|(word, ..)| *word == check.word)
        .map_or(check.word, |it| it.2);
    Look::Unseen { what: what.to_owned() }
}

/// The first key of the step of this name.
fn key(path: &Path, name: &str) -> Option<String> {
    let step = path.steps().find(|step| step.name == name)?;
    step.keys.first().map(|key| (*key).to_owned())
}
