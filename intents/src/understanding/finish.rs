//! What is true of values whatever the class: shares become weights, groups their members, hours a schedule.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value, json};

use super::entity::Matter;
use super::index::Spoken;
use super::reading::{Contradiction, Draft, Filled};
use super::world::Names;
use crate::words::{Kind, SpokenSlot, Want};

/// Brings the values of a draft into the form that its slots have.
pub fn settle(draft: &mut Draft, spoken: &Spoken, world: &Names) {
    members(draft, spoken, world);
    several(draft, spoken, world);
    devices_of_interfaces(draft, spoken);
    interfaces_of_devices(draft, spoken);
    reverse(draft);
    same(draft);
    nobody_but(draft);
    weights(draft);
    addresses(draft, spoken);
    bounds(draft, spoken);
    impossible(draft);
    times(draft, spoken);
    draft.missing = missing(draft, spoken);
}

/// One way alone is no choice of ways.
fn several(draft: &mut Draft, spoken: &Spoken, world: &Names) {
    let one = |filled: &Filled| match filled.matter.items() {
        [Matter::Plain(Value::String(name))] => world.members(name).is_none(),
        [Matter::Plain(Value::Number(number))] => number.as_f64().is_none_or(|it| it < 2.0),
        _ => false,
    };
    let wants = |name: &str| spoken.slot(name).is_some_and(|it| it.several);
    for (_, filled) in draft.slots.iter_mut().filter(|(name, _)| wants(name)) {
        if let Matter::List(items) = &mut filled.matter {
            let names = items.iter().filter(|it| it.number().is_none()).count();
            items.retain(|it| names == 0 || it.number().is_none_or(|number| number != names as f64));
        }
    }
    let alone: Vec<String> = draft
        .slots
        .iter()
        .filter(|(name, filled)| wants(name) && one(filled))
        .map(|(name, _)| name.clone())
        .collect();
    for name in alone {
        let filled = draft.slots.remove(&name);
        draft
            .loose
            .extend(filled.and_then(|it| it.tokens).map(|(begin, _)| begin));
    }
}

/// The needs that nothing fills.
#[must_use]
pub fn missing(draft: &Draft, spoken: &Spoken) -> Vec<Vec<String>> {
    let filled = |name: &String| {
        let inner = format!("{name}.");
        draft.slots.keys().any(|slot| slot == name || slot.starts_with(&inner))
            || draft.contradictions.iter().any(|it| it.slot == *name)
    };
    // A phrase may want a slot: of `_mtu`, mtu is spoken, so it must be there.
    let wanted = draft
        .slots
        .keys()
        .filter_map(|name| name.strip_prefix('_'))
        .map(str::to_owned);
    let wanted = wanted
        .map(|names| names.split('/').map(str::to_owned).collect::<Vec<String>>())
        .filter(|names| names.iter().all(|name| spoken.slot(name).is_some()) && !names.iter().any(filled));
    let needs = spoken.needs.iter().filter(|need| !need.iter().any(filled)).cloned();
    let beside = spoken.wants.iter().filter_map(|want| unmet(draft, want, &filled));
    wanted.chain(needs).chain(beside).collect()
}

/// What is asked for where a want is not met.
fn unmet(draft: &Draft, want: &Want, filled: &dyn Fn(&String) -> bool) -> Option<Vec<String>> {
    let beside = draft.slots.get(&want.beside)?;
    if !want.of.is_empty() && !want.of.contains(&beside.kind) {
        return None;
    }
    let meant = |it: &Matter| {
        it.text()
            .is_some_and(|text| want.values.iter().any(|value| value == text))
    };
    if !want.values.is_empty() && !beside.matter.items().iter().any(meant) {
        return None;
    }
    if want.kinds.is_empty() {
        return (!want.need.iter().any(filled)).then(|| want.need.clone());
    }
    let slot = draft.slots.get(want.need.first()?)?;
    let unit = || [vec!["unit".to_owned()], want.need.clone()].concat();
    (slot.tokens.is_some() && !want.kinds.contains(&slot.kind)).then(unit)
}

/// A least rate above the greatest, a share above the whole.
fn impossible(draft: &mut Draft) {
    let number = |draft: &Draft, name: &str| draft.slots.get(name).and_then(|it| it.matter.number());
    if let (Some(min), Some(max)) = (number(draft, "min"), number(draft, "max"))
        && min > max
        && !draft.contradictions.iter().any(|it| it.slot == "max")
    {
        draft.contradictions.push(Contradiction {
            slot: "max".to_owned(),
            between: vec![json!(min), json!(max)],
        });
    }
    for filled in draft.slots.values_mut().filter(|it| it.kind == Kind::Percent) {
        if let Some(share) = filled.matter.number().filter(|it| *it > 100.0) {
            filled.matter = Matter::Invalid {
                said: format!("{share} %"),
            };
        }
    }
}

/// `both edge routers` where only devices can stand: the members.
fn members(draft: &mut Draft, spoken: &Spoken, world: &Names) {
    for (name, filled) in &mut draft.slots {
        let alone = spoken.slot(name).is_some_and(|it| it.members);
        if !alone || filled.kind != Kind::Devices {
            continue;
        }
        if let Matter::Plain(Value::String(group)) = &filled.matter
            && let Some(members) = world.members(group)
        {
            filled.matter = Matter::List(members.iter().map(|it| Matter::Plain(json!(it))).collect());
        }
    }
}

/// `core1/eth4` fills the device beside the interface.
fn devices_of_interfaces(draft: &mut Draft, spoken: &Spoken) {
    let whole = draft.slots.get("interface").map(|it| (it.matter.clone(), it.tokens));
    let Some((
        Matter::Interface {
            device: Some(device),
            name,
        },
        tokens,
    )) = whole
    else {
        return;
    };
    let free = |slot: &&str| spoken.slot(slot).is_some() && !draft.slots.contains_key(*slot);
    let Some(slot) = ["device", "target"].into_iter().find(free) else {
        return;
    };
    if let Some(filled) = draft.slots.get_mut("interface") {
        filled.matter = Matter::Interface { device: None, name };
    }
    let matter = Matter::Plain(json!(device));
    draft.slots.insert(
        slot.to_owned(),
        Filled {
            matter,
            kind: Kind::Device,
            tokens,
        },
    );
}

/// `gw-bj的eth0` in a slot that takes an interface with its device.
fn interfaces_of_devices(draft: &mut Draft, spoken: &Spoken) {
    let interface = draft.slots.get("_interface").and_then(|it| it.matter.json());
    let Some(interface) = interface.as_ref().and_then(Value::as_str) else {
        return;
    };
    for slot in ["target", "where"] {
        let takes = spoken.slot(slot).is_some_and(|it| it.takes.contains(&Kind::Interface));
        let Some(filled) = draft.slots.get_mut(slot).filter(|it| takes && it.kind == Kind::Device) else {
            continue;
        };
        if let Matter::Plain(Value::String(device)) = &filled.matter {
            filled.matter = Matter::Plain(json!(format!("{device}:{interface}")));
            filled.kind = Kind::Interface;
        }
    }
}

/// Who is left out where nobody is named is the only one who may: `deny everything to db1 except from finance`.
fn nobody_but(draft: &mut Draft) {
    let denied = draft
        .slots
        .get("action")
        .is_some_and(|it| it.matter.text() == Some("deny"));
    let open = draft.slots.contains_key("dst") && !draft.slots.contains_key("src");
    let places = draft.slots.get("exceptions").is_some_and(|it| it.kind != Kind::Service);
    if !(denied && open && places) {
        return;
    }
    let source = draft.slots.remove("exceptions");
    draft.slots.extend(source.map(|it| ("src".to_owned(), it)));
    let alone = Filled {
        matter: Matter::Plain(json!("allow-only")),
        kind: Kind::Word,
        tokens: None,
    };
    draft.slots.insert("action".to_owned(), alone);
}

/// Two slots of which a phrase says that they are one: the AS numbers of an internal session.
fn same(draft: &mut Draft) {
    let names: Vec<String> = match draft.slots.get("_same").map(|it| &it.matter) {
        Some(Matter::Plain(Value::Array(names))) => {
            names.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
        }
        _ => return,
    };
    let Some(filled) = names.iter().find_map(|name| draft.slots.get(name)).cloned() else {
        return;
    };
    for name in names {
        draft.slots.entry(name).or_insert_with(|| filled.clone());
    }
}

/// What is downloaded goes to the one who is named.
pub fn reverse(draft: &mut Draft) {
    if draft.slots.contains_key("_reverse") && !draft.slots.contains_key("match.dst") {
        let source = draft.slots.remove("match.src");
        draft.slots.extend(source.map(|it| ("match.dst".to_owned(), it)));
    }
}

/// Shares of ways: the last one may be `the rest`.
fn weights(draft: &mut Draft) {
    let ways = draft.slots.get("paths").map(|it| it.matter.items().len());
    let (Some(ways), Some(filled)) = (ways, draft.slots.get_mut("weights")) else {
        return;
    };
    let percent = filled.kind == Kind::Percent;
    let mut shares: Vec<f64> = Vec::new();
    for item in filled.matter.items() {
        if let Matter::Plain(Value::Array(parts)) = item {
            shares.extend(parts.iter().filter_map(Value::as_f64));
        } else {
            shares.extend(item.number().map(|it| if percent { it / 100.0 } else { it }));
        }
    }
    let sum: f64 = shares.iter().sum();
    if shares.len() + 1 == ways && sum < 1.0 {
        shares.push(1.0 - sum);
    }
    let parts = shares.iter().all(|it| *it < 1.0) && (shares.iter().sum::<f64>() - 1.0).abs() > 0.02;
    let contradicts = shares.len() != ways || parts;
    let between: Vec<Value> = shares.iter().map(|it| json!(format!("{it}"))).collect();
    let whole = whole(&shares);
    filled.matter = Matter::Plain(json!(whole));
    if contradicts {
        draft.contradictions.push(Contradiction {
            slot: "weights".to_owned(),
            between,
        });
    }
}

/// Shares as whole numbers of the same ratio.
fn whole(shares: &[f64]) -> Vec<i64> {
    let fits = |scale: &f64| {
        shares
            .iter()
            .all(|it| ((it * scale) - (it * scale).round()).abs() < 1e-3)
    };
    let scale = (1..=100).map(f64::from).find(fits).unwrap_or(100.0);
    shares.iter().map(|it| (it * scale).round() as i64).collect()
}

/// A number where addresses stand is one written as a number; a prefix has no host bits, unless it is an address.
fn addresses(draft: &mut Draft, spoken: &Spoken) {
    for (name, filled) in &mut draft.slots {
        let Some(slot) = spoken.slot(name) else { continue };
        if slot.takes.contains(&Kind::Number) && slot.takes.contains(&Kind::Address) {
            let number = filled
                .matter
                .number()
                .filter(|it| *it >= 0.0 && *it <= f64::from(u32::MAX));
            if let Some(number) = number {
                filled.matter = Matter::Plain(json!(Ipv4Addr::from(number as u32).to_string()));
            }
        }
        if slot.takes != [Kind::Prefix] {
            filled.matter = network(&filled.matter);
        }
    }
}

fn network(matter: &Matter) -> Matter {
    if let Matter::List(items) = matter {
        return Matter::List(items.iter().map(network).collect());
    }
    let prefix = matter.text().and_then(masked);
    prefix.map_or_else(|| matter.clone(), |prefix| Matter::Plain(json!(prefix)))
}

fn masked(text: &str) -> Option<String> {
    let (address, length) = text.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let address = match address.parse().ok()? {
        IpAddr::V4(it) => IpAddr::V4((it.to_bits() & !u32::MAX.checked_shr(length).unwrap_or(0)).into()),
        IpAddr::V6(it) => IpAddr::V6((it.to_bits() & !u128::MAX.checked_shr(length).unwrap_or(0)).into()),
    };
    Some(format!("{address}/{length}"))
}

/// Numbers that a slot cannot hold.
fn bounds(draft: &mut Draft, spoken: &Spoken) {
    for (name, filled) in &mut draft.slots {
        let Some(slot) = spoken.slot(name) else { continue };
        let Some(value) = filled.matter.number() else { continue };
        let low = slot.least.is_some_and(|least| value < least as f64);
        let high = slot.greatest.is_some_and(|greatest| value > greatest as f64);
        if low || high {
            filled.matter = Matter::Invalid {
                said: value.to_string(),
            };
        }
    }
}

/// Times in the form of their slots.
fn times(draft: &mut Draft, spoken: &Spoken) {
    month_end(draft);
    for (name, filled) in &mut draft.slots {
        let Some(slot) = spoken.slot(name) else { continue };
        match (&filled.matter, filled.kind) {
            (Matter::Plain(Value::Object(time)), Kind::Time) if !whole_schedule(slot) => {
                let moment = time.get("from").or_else(|| time.get("until")).cloned();
                filled.matter = moment.map_or(Matter::Pronoun, Matter::Plain);
            }
            (Matter::Plain(Value::Number(seconds)), Kind::Duration)
                if slot.takes.contains(&Kind::Past) && slot.takes.contains(&Kind::Time) =>
            {
                filled.matter = Matter::Plain(json!(format!("-{seconds}")));
            }
            _ => {}
        }
    }
}

/// Whether a slot holds spans and days, not one moment.
fn whole_schedule(slot: &SpokenSlot) -> bool {
    slot.name == "schedule"
}

fn month_end(draft: &mut Draft) {
    let Some(filled) = draft.slots.get_mut("schedule") else {
        return;
    };
    let Matter::Plain(Value::Object(time)) = &mut filled.matter else {
        return;
    };
    if let Some(until) = time.remove("until") {
        let tokens = filled.tokens;
        let empty = time.is_empty();
        if empty {
            draft.slots.remove("schedule");
        }
        let matter = Matter::Plain(until);
        draft.slots.insert(
            "validity.until".to_owned(),
            Filled {
                matter,
                kind: Kind::Word,
                tokens,
            },
        );
    }
}

/// The slots as a reading has them: objects where names have dots, lists where slots are lists.
#[must_use]
pub fn slots(draft: &Draft, spoken: &Spoken) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, filled) in draft.slots.iter().filter(|(name, _)| !name.starts_with('_')) {
        if filled.kind == Kind::Service && put_service(name, filled, &mut all) {
            continue;
        }
        let Some(mut value) = filled.matter.json() else {
            continue;
        };
        let list = spoken.slot(name).is_some_and(|it| it.list);
        if list && !value.is_array() {
            value = json!([value]);
        }
        put(name, value, &mut all);
    }
    all
}

/// A service fills `protocol` and `ports` where a slot is named so; elsewhere it is one word.
fn put_service(name: &str, filled: &Filled, all: &mut Map<String, Value>) -> bool {
    let Some(before) = name.strip_suffix("protocol") else {
        return false;
    };
    let (mut protocols, mut numbers): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for item in filled.matter.items() {
        let Matter::Service { protocol, ports } = item else {
            return false;
        };
        protocols.extend(protocol.clone().filter(|it| !protocols.contains(it)));
        numbers.extend(ports.iter().cloned());
    }
    match protocols.as_slice() {
        [] => {}
        [one] => put(name, json!(one), all),
        several => put(name, json!(several), all),
    }
    if !numbers.is_empty() {
        put(&format!("{before}ports"), json!(numbers), all);
    }
    true
}

fn put(name: &str, value: Value, all: &mut Map<String, Value>) {
    match name.split_once('.') {
        Some((outer, inner)) => {
            let object = all.entry(outer.to_owned()).or_insert_with(|| json!({}));
            if let Value::Object(object) = object {
                put(inner, value, object);
            }
        }
        None => {
            all.insert(name.to_owned(), value);
        }
    }
}
