//! Whether intents can hold together, found before anything is planned: opposite access rules, rates above a link, a
//! way through what another intent keeps its traffic away from. That two want different values for one entry is found
//! by their owners.

mod access;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use knowledge_model::{Path, Tree};

pub use access::{AccessRule, Relation, relation};

use crate::compile::{Compiled, compile};
use crate::envelope::Envelope;
use crate::library::Library;
use crate::resolve::{World, devices, filters};
use crate::slot::SlotValue;
use crate::traffic::Traffic;

/// An intent under the name that operators know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name, or its id where it has none.
    pub name: String,
    /// What is asked.
    pub envelope: Envelope,
}

/// What two intents are at odds about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odds {
    /// Rules about the same packets.
    Access(Relation),
    /// More than a link carries.
    Capacity,
    /// A way through what another keeps away from.
    Way,
}

impl Odds {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Access(relation) => relation.word(),
            Self::Capacity => "capacity",
            Self::Way => "way",
        }
    }
}

/// Two intents that cannot, or hardly, hold together; or one that the network cannot carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// About what.
    pub odds: Odds,
    /// Whether nothing may be planned before it is resolved; else it is only worth saying.
    pub refused: bool,
    /// The intent that is asked for.
    pub one: String,
    /// The other one.
    pub other: Option<String>,
    /// What is wrong, in operators' words.
    pub what: String,
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.odds.word())
    }
}

/// Everything at which the intents that are `asked` for are at odds, with each other and with those that hold.
///
/// What is not known, such as the ends of a way or the speed of a link, is no clash; planning says what it lacks.
#[must_use]
pub fn clashes(asked: &[Named], holding: &[Named], library: &Library, world: &World<'_>) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for (index, one) in asked.iter().enumerate() {
        for other in holding.iter().chain(&asked[..index]) {
            clashes.extend(access(one, other, world));
            clashes.extend(way(one, other, world));
        }
    }
    clashes.extend(capacity(asked, holding, library, world));
    clashes.sort();
    clashes.dedup();
    clashes
}

/// In a few words what an intent asks for.
fn words(named: &Named) -> String {
    let slots = named.envelope.slots.iter();
    let said: Vec<String> = slots.map(|(name, value)| format!("{name} {value}")).collect();
    format!("{} ({}: {})", named.name, named.envelope.class, said.join(", "))
}

fn values<'a>(envelope: &'a Envelope, slot: &str) -> &'a [String] {
    envelope.slots.get(slot).map_or(&[], SlotValue::values)
}

/// The rules about packets that an intent stands for, in their order.
fn access_rules(envelope: &Envelope, world: &World<'_>) -> Vec<AccessRule> {
    let action = match envelope.class.as_str() {
        "access.control" => envelope
            .slots
            .get("action")
            .and_then(SlotValue::first)
            .unwrap_or("deny"),
        "connectivity.ensure" => "allow",
        _ => return Vec::new(),
    };
    let service = envelope.slots.get("service").and_then(SlotValue::first);
    let (protocol, port) = service.map_or((None, None), |it| match it.split_once('/') {
        Some((protocol, port)) => (Some(protocol.to_owned()), Some(port.to_owned())),
        None => (Some(it.to_owned()), None),
    });
    let protocols = [values(envelope, "protocol"), protocol.as_slice()].concat();
    let ports = [values(envelope, "ports"), port.as_slice()].concat();
    let ends = [
        values(envelope, "src"),
        values(envelope, "dst"),
        values(envelope, "exceptions"),
    ];
    let rules = filters::rules(action, ends, [&protocols, &ports], world).unwrap_or_default();
    rules
        .iter()
        .map(|(action, selector)| AccessRule::new(*action == "permit", selector))
        .collect()
}

/// Whether both name places, and these have no device in common: then their rules never meet.
fn apart(one: &Envelope, other: &Envelope, world: &World<'_>) -> bool {
    let places = |envelope: &Envelope| -> Option<BTreeSet<String>> {
        let named = values(envelope, "where");
        if named.is_empty() {
            return None;
        }
        // A place is an interface where it is said so, else all of a device.
        let ports = named.iter().filter(|it| it.contains(':')).count();
        if ports == named.len() {
            return Some(named.iter().cloned().collect());
        }
        devices(named, world.inventory).ok().map(|it| it.into_iter().collect())
    };
    let (Some(one), Some(other)) = (places(one), places(other)) else {
        return false;
    };
    let around = |a: &String, b: &String| a == b || b.split_once(':').is_some_and(|(device, _)| device == a);
    one.iter().all(|a| other.iter().all(|b| !around(a, b) && !around(b, a)))
}

/// Opposite and idle rules. The one with the higher priority is tried first; of equals the one that held before.
fn access(one: &Named, other: &Named, world: &World<'_>) -> Vec<Clash> {
    let (mine, theirs) = (access_rules(&one.envelope, world), access_rules(&other.envelope, world));
    if mine.is_empty() || theirs.is_empty() || apart(&one.envelope, &other.envelope, world) {
        return Vec::new();
    }
    let (own, its) = (one.envelope.priority, other.envelope.priority);
    let (first, second) = if own > its {
        ((one, &mine), (other, &theirs))
    } else {
        ((other, &theirs), (one, &mine))
    };
    let mut found: BTreeSet<Relation> = BTreeSet::new();
    for a in first.1 {
        found.extend(second.1.iter().filter_map(|b| relation(a, b)));
    }
    // What is shadowed is not worth calling correlated as well.
    let Some(worst) = [
        Relation::Shadowing,
        Relation::Correlation,
        Relation::Generalisation,
        Relation::Redundancy,
    ]
    .into_iter()
    .find(|it| found.contains(it)) else {
        return Vec::new();
    };
    let (before, behind) = (words(first.0), words(second.0));
    let what = match worst {
        Relation::Shadowing => format!(
            "{behind} would have no effect on some of its traffic: {before} comes first and says the opposite; give one of them a higher priority, or withdraw it"
        ),
        Relation::Correlation => format!(
            "{behind} and {before} say the opposite of some traffic, and only their order decides; give one of them a higher priority"
        ),
        Relation::Generalisation => format!("{before} is an exception from {behind}"),
        Relation::Redundancy => format!("{behind} and {before} say the same of some traffic"),
    };
    let refused = match worst {
        // Who gave priorities has decided.
        Relation::Shadowing | Relation::Correlation => own == its,
        Relation::Generalisation | Relation::Redundancy => false,
    };
    vec![Clash {
        odds: Odds::Access(worst),
        refused,
        one: one.name.clone(),
        other: Some(other.name.clone()),
        what,
    }]
}

/// The traffic that an intent about ways is for.
fn traffic(envelope: &Envelope, world: &World<'_>) -> Option<Traffic> {
    let matched = envelope.slots.get("match");
    Traffic::read(
        values(envelope, "src"),
        values(envelope, "dst"),
        matched,
        world.inventory,
    )
    .ok()
}

/// Whether some packet is of both.
fn meet(one: &Traffic, other: &Traffic) -> bool {
    let rules = |traffic: &Traffic| -> Vec<AccessRule> {
        traffic.selectors().iter().map(|it| AccessRule::new(true, it)).collect()
    };
    let opposite = |rule: &AccessRule| AccessRule {
        permit: false,
        ..rule.clone()
    };
    let (one, other) = (rules(one), rules(other));
    one.iter()
        .any(|a| other.iter().any(|b| relation(a, &opposite(b)).is_some()))
}

/// The nodes that the traffic of an intent is to pass, and those that it is to keep away from.
fn wanted_and_shunned(envelope: &Envelope, world: &World<'_>) -> (BTreeSet<String>, BTreeSet<String>) {
    let nodes = |slot: &str| -> BTreeSet<String> {
        let names = values(envelope, slot).iter().filter(|it| it.parse::<usize>().is_err());
        names
            .flat_map(|name| devices([name], world.inventory).unwrap_or_default())
            .collect()
    };
    match envelope.class.as_str() {
        "path.steer" => (nodes("via"), nodes("avoid")),
        "path.loadbalance" => (nodes("paths"), BTreeSet::new()),
        _ => (BTreeSet::new(), BTreeSet::new()),
    }
}

/// One sends its traffic through what the other keeps the same traffic away from.
fn way(one: &Named, other: &Named, world: &World<'_>) -> Option<Clash> {
    let (through, around) = wanted_and_shunned(&one.envelope, world);
    let (their_through, their_around) = wanted_and_shunned(&other.envelope, world);
    let crossing = |wanted: &BTreeSet<String>, shunned: &BTreeSet<String>| wanted.intersection(shunned).next().cloned();
    let (passing, keeping, node) = match (crossing(&through, &their_around), crossing(&their_through, &around)) {
        (Some(node), _) => (one, other, node),
        (None, Some(node)) => (other, one, node),
        (None, None) => return None,
    };
    if !meet(&traffic(&one.envelope, world)?, &traffic(&other.envelope, world)?) {
        return None;
    }
    Some(Clash {
        odds: Odds::Way,
        refused: one.envelope.priority == other.envelope.priority,
        one: one.name.clone(),
        other: Some(other.name.clone()),
        what: format!(
            "{} goes through {node}, and {} keeps the same traffic away from it; withdraw one, or give one a higher priority",
            words(passing),
            words(keeping)
        ),
    })
}

/// What one intent takes of an interface in one direction.
#[derive(Debug, Clone, Default)]
struct Taken {
    most: Option<u64>,
    least: Option<u64>,
}

/// Rates above what the links carry: one alone, or the guarantees of several together.
fn capacity(asked: &[Named], holding: &[Named], library: &Library, world: &World<'_>) -> Vec<Clash> {
    let mut clashes = Vec::new();
    let mut given: BTreeMap<(String, String), Vec<(&Named, u64)>> = BTreeMap::new();
    for (named, new) in holding
        .iter()
        .map(|it| (it, false))
        .chain(asked.iter().map(|it| (it, true)))
    {
        for ((device, interface), taken) in taken(named, library, world) {
            let Some(capacity) = carried(&device, &interface, world) else {
                continue;
            };
            let place = format!("{device}:{interface}");
            for (rate, verb) in [(taken.least, "guarantees"), (taken.most, "limits traffic to")] {
                if let Some(rate) = rate.filter(|rate| new && *rate > capacity) {
                    let what = format!(
                        "{} {verb} {} on {place}, whose link carries {}",
                        words(named),
                        spoken(rate),
                        spoken(capacity)
                    );
                    clashes.push(clash(named, None, what));
                }
            }
            if let Some(least) = taken.least {
                given.entry((device, interface)).or_default().push((named, least));
            }
        }
    }
    for ((device, interface), shares) in given {
        let Some(capacity) = carried(&device, &interface, world) else {
            continue;
        };
        let sum = shares.iter().fold(0_u64, |sum, (_, rate)| sum.saturating_add(*rate));
        let new = shares.iter().rev().find(|(named, _)| asked.contains(named));
        let alone = shares.iter().any(|(_, rate)| *rate > capacity);
        if let Some((named, _)) = new.filter(|_| sum > capacity && !alone) {
            let each: Vec<String> = shares
                .iter()
                .map(|(it, rate)| format!("{} {}", words(it), spoken(*rate)))
                .collect();
            let what = format!(
                "{device}:{interface} carries {}, and {} are guaranteed: {}",
                spoken(capacity),
                spoken(sum),
                each.join(" and ")
            );
            let other = shares
                .iter()
                .find(|(it, _)| it.name != named.name)
                .map(|(it, _)| it.name.clone());
            clashes.push(clash(named, other, what));
        }
    }
    clashes
}

fn clash(named: &Named, other: Option<String>, what: String) -> Clash {
    Clash {
        odds: Odds::Capacity,
        refused: true,
        one: named.name.clone(),
        other,
        what,
    }
}

/// The rates that an intent comes to, for each interface.
fn taken(named: &Named, library: &Library, world: &World<'_>) -> BTreeMap<(String, String), Taken> {
    let envelope = &named.envelope;
    let mut taken: BTreeMap<(String, String), Taken> = BTreeMap::new();
    let rate = |slot: &str| envelope.slots.get(slot).and_then(SlotValue::first)?.parse().ok();
    let rated = envelope.slots.contains_key("max") || envelope.slots.contains_key("min");
    let Some(class) = library.class(&envelope.class).filter(|_| rated) else {
        return taken;
    };
    let Ok(Compiled::Configuration(wanted)) = compile(class, envelope, world) else {
        return taken;
    };
    for (device, contribution) in wanted {
        let attached = contribution.composed.iter().map(|it| &it.at);
        let limited = contribution.tree.iter().map(|(path, _)| path);
        for path in attached.chain(limited.filter(|path| path.name() == "rate")) {
            let step = path.steps().next();
            let Some(interface) = step.and_then(|it| it.keys.first().map(|it| (*it).to_owned())) else {
                continue;
            };
            let place = taken.entry((device.clone(), interface)).or_default();
            (place.most, place.least) = (rate("max"), rate("min"));
        }
    }
    taken
}

/// What the link at an interface carries in bit/s: as the inventory says, else as the device tells.
fn carried(device: &str, interface: &str, world: &World<'_>) -> Option<u64> {
    let at = |link: &&knowledge_model::inventory::Link| {
        link.ends
            .iter()
            .any(|end| end.node == device && end.interface == interface)
    };
    let said = world.inventory.links.iter().find(at).and_then(|link| link.capacity);
    let told = |tree: &Tree| {
        let path = Path::root().keyed("interface", [interface]).child("speed");
        tree.text(&path).and_then(|it| it.parse().ok())
    };
    said.or_else(|| world.configurations.get(device).and_then(told))
}

/// A rate as operators say it.
fn spoken(rate: u64) -> String {
    for (scale, unit) in [(1_000_000_000, "Gbit/s"), (1_000_000, "Mbit/s"), (1_000, "kbit/s")] {
        if rate >= scale {
            let text = format!("{:.3}", rate as f64 / scale as f64);
            return format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'));
        }
    }
    format!("{rate} bit/s")
}
