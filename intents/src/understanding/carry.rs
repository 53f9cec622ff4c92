//! What a part of a sentence takes over from the one before: who was spoken of, what a pronoun means, what is left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::entity::Matter;
use super::finish;
use super::index::Spoken;
use super::reading::{Draft, Filled, Grounds, read};
use crate::words::Kind;

/// Slots that mean the same place in different classes.
const FAMILIES: &[&[&str]] = &[
    &["device", "devices", "target", "scope", "where"],
    &["interface", "interfaces", "match.interface"],
    &["src", "match.src"],
    &["dst", "match.dst"],
    &["prefix", "prefixes", "match.prefix"],
];

/// `封了203.0.113.66，不让它…`: what stands before a pronoun and found no slot is what it means.
pub fn point_inside(draft: &mut Draft, grounds: Grounds<'_>) {
    let Some((name, begin)) = draft
        .slots
        .iter()
        .filter(|(_, it)| it.matter == Matter::Pronoun)
        .find_map(|(name, it)| Some((name.clone(), it.tokens?.0)))
    else {
        return;
    };
    let Some(spoken) = grounds.index.classes.get(draft.class) else {
        return;
    };
    let takes = |kind: Kind| spoken.slot(&name).is_some_and(|it| it.takes.contains(&kind));
    let place = draft.loose.iter().filter(|at| **at < begin).find_map(|at| {
        let entity = grounds
            .sentence
            .lattice
            .at(*at)
            .map(|(_, it)| it)
            .find(|it| takes(it.kind))?;
        Some((*at, entity.clone()))
    });
    if let Some((at, entity)) = place {
        draft.loose.retain(|it| *it != at);
        draft.slots.insert(
            name,
            Filled {
                matter: entity.matter,
                kind: entity.kind,
                tokens: Some((entity.begin, entity.end)),
            },
        );
    }
}
/// The same class again with other values: `… via a on r1 and … via b on r3`.
pub fn go_on(grounds: Grounds<'_>, last: &Draft, span: (usize, usize)) -> Option<Draft> {
    let mut draft = read(grounds, last.class, &[], span)?;
    let said = |(name, it): (&String, &Filled)| it.tokens.is_some() && last.slots.contains_key(name);
    let said = draft.slots.iter().filter(|it| said(*it)).count();
    if said == 0 || draft.weight > 0.0 || !draft.loose.is_empty() {
        return None;
    }
    for (name, filled) in &last.slots {
        let taken = draft
            .slots
            .keys()
            .any(|it| it == name || family(it) == family(name) && family(name).is_some());
        if !taken && !name.starts_with('_') {
            draft.slots.insert(
                name.clone(),
                Filled {
                    tokens: None,
                    ..filled.clone()
                },
            );
        }
    }
    refer(&mut draft, last, grounds);
    let spoken = grounds.index.classes.get(draft.class)?;
    draft.missing = finish::missing(&draft, spoken);
    draft.weight = 1.0;
    draft.again = true;
    Some(draft)
}

/// What a part leaves out, and what it refers to, stands in the part before.
pub fn take_over(draft: &mut Draft, last: Option<&Draft>, grounds: Grounds<'_>) {
    let (Some(last), Some(spoken)) = (last, grounds.index.classes.get(draft.class)) else {
        return;
    };
    refer(draft, last, grounds);
    others(draft, last, grounds);
    subject(draft, last, (spoken, grounds));
    again(draft, last);
    for need in draft.missing.clone() {
        let taken = need
            .iter()
            .filter(|name| draft.class == last.class || !matches!(name.as_str(), "dst" | "match.dst"))
            .find_map(|name| Some((name.clone(), from(last, name)?.clone())));
        if let Some((name, filled)) = taken.filter(|(name, filled)| fits(spoken, name, filled)) {
            draft.slots.insert(name, Filled { tokens: None, ..filled });
        }
    }
    let same = draft.class == last.class
        && ["device", "devices", "target"].iter().any(|name| {
            let slot = draft.slots.get(*name);
            slot.is_some_and(|it| {
                it.tokens.is_none() && last.slots.get(*name).is_some_and(|old| old.matter == it.matter)
            })
        });
    if let Some(filled) = last
        .slots
        .get("protocol")
        .filter(|_| same && !draft.slots.contains_key("protocol"))
    {
        draft.slots.insert(
            "protocol".to_owned(),
            Filled {
                tokens: None,
                ..filled.clone()
            },
        );
    }
    finish::reverse(draft);
    draft.missing = finish::missing(draft, spoken);
}

/// `deny ssh from guests to servers but allow https`: who and where to go on being meant.
fn again(draft: &mut Draft, last: &Draft) {
    let open = ["src", "dst"].iter().all(|name| !draft.slots.contains_key(*name));
    if draft.class != last.class || !open {
        return;
    }
    for name in ["src", "dst"] {
        let filled = last.slots.get(name).cloned();
        draft
            .slots
            .extend(filled.map(|it| (name.to_owned(), Filled { tokens: None, ..it })));
    }
}

/// `everything else`: what the part before spoke of is left out.
fn others(draft: &mut Draft, last: &Draft, grounds: Grounds<'_>) {
    if draft.slots.contains_key("_else") && !draft.slots.contains_key("exceptions") {
        let own = |it: &&Filled| it.tokens.is_none_or(|tokens| tokens.0 < draft.span.0);
        let named = ["src", "match.src", "target"]
            .iter()
            .find_map(|name| from(last, name))
            .filter(own)
            .cloned();
        draft
            .slots
            .extend(named.map(|it| ("exceptions".to_owned(), Filled { tokens: None, ..it })));
    }
    let _ = grounds;
}

/// Who was spoken of goes on being spoken of: `office can reach the internet but not finance`.
fn subject(draft: &mut Draft, last: &Draft, (spoken, grounds): (&Spoken, Grounds<'_>)) {
    let open = |names: [&str; 2]| names.iter().all(|name| !draft.slots.contains_key(*name));
    let aims = !open(["dst", "match.dst"]);
    let name = ["src", "match.src"]
        .into_iter()
        .find(|name| spoken.slot(name).is_some());
    let Some(name) = name.filter(|_| aims && open(["src", "match.src"])) else {
        return;
    };
    if name == "match.src" && !refers(draft, grounds) {
        return;
    }
    let source = from(last, "src")
        .filter(|it| it.tokens.is_some_and(|it| it.0 < draft.span.0))
        .cloned();
    draft
        .slots
        .extend(source.map(|it| (name.to_owned(), Filled { tokens: None, ..it })));
}

/// Whether a part holds a word that refers back.
fn refers(draft: &Draft, grounds: Grounds<'_>) -> bool {
    let tokens = &grounds.sentence.text.tokens;
    (draft.span.0..draft.span.1).any(|at| grounds.sentence.lexicon.pronouns.longest(tokens, at).is_some())
}

fn fits(spoken: &Spoken, name: &str, filled: &Filled) -> bool {
    spoken
        .slot(name)
        .is_some_and(|slot| slot.takes.contains(&filled.kind) || slot.takes.is_empty())
}

/// `it` and `there` are what the part before named.
fn refer(draft: &mut Draft, last: &Draft, grounds: Grounds<'_>) {
    let names: Vec<String> = draft
        .slots
        .iter()
        .filter(|(_, it)| it.matter == Matter::Pronoun)
        .map(|(name, _)| name.clone())
        .collect();
    let Some(spoken) = grounds.index.classes.get(draft.class) else {
        return;
    };
    for name in names {
        let same = from(last, &name).cloned();
        let meant = same.or_else(|| any_place(last).cloned());
        draft.supposed += usize::from(meant.is_none() || from(last, &name).is_none() && places(last) > 1);
        match meant {
            Some(filled) => {
                draft.slots.insert(name, Filled { tokens: None, ..filled });
            }
            None => {
                draft.slots.remove(&name);
            }
        }
        for slot in ["interface", "interfaces"] {
            if let Some(interface) =
                from(last, slot).filter(|_| spoken.slot(slot).is_some() && !draft.slots.contains_key(slot))
            {
                draft.slots.insert(
                    slot.to_owned(),
                    Filled {
                        tokens: None,
                        ..interface.clone()
                    },
                );
            }
        }
    }
    draft.missing = finish::missing(draft, spoken);
}

/// The slot of an earlier part that means the same.
fn from<'a>(last: &'a Draft, name: &str) -> Option<&'a Filled> {
    let same = |slot: &str| slot == name || family(slot).is_some() && family(slot) == family(name);
    last.slots
        .iter()
        .find(|(slot, it)| same(slot) && it.matter != Matter::Pronoun)
        .map(|(_, it)| it)
}

/// How many different places an earlier part names.
fn places(last: &Draft) -> usize {
    let named = |it: &&Filled| it.tokens.is_some() && is_place(it.kind);
    last.slots.values().filter(named).count()
}

fn any_place(last: &Draft) -> Option<&Filled> {
    last.slots.values().find(|it| is_place(it.kind))
}

fn is_place(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Device
            | Kind::Host
            | Kind::Site
            | Kind::Devices
            | Kind::Hosts
            | Kind::Network
            | Kind::Tag
            | Kind::All
            | Kind::Prefix
    )
}

/// The number of the family of a slot.
#[must_use]
pub fn family(slot: &str) -> Option<usize> {
    FAMILIES.iter().position(|family| family.contains(&slot))
}

/// The slots of an earlier intent as a draft has them, so that a sentence can refer to it.
#[must_use]
pub fn remembered(slots: &Map<String, Value>, spoken: &Spoken, class: usize) -> Draft {
    let mut filled = BTreeMap::new();
    flatten("", slots, &mut filled);
    let kind = |name: &str| {
        spoken
            .slot(name)
            .and_then(|it| it.takes.first().copied())
            .unwrap_or(Kind::Word)
    };
    let slots = filled
        .into_iter()
        .map(|(name, value)| {
            let matter = if let Value::Array(items) = value {
                Matter::List(items.into_iter().map(Matter::Plain).collect())
            } else {
                Matter::Plain(value)
            };
            let filled = Filled {
                matter,
                kind: kind(&name),
                tokens: None,
            };
            (name, filled)
        })
        .collect();
    Draft {
        class,
        slots,
        ..Draft::default()
    }
}

fn flatten(before: &str, slots: &Map<String, Value>, all: &mut BTreeMap<String, Value>) {
    for (name, value) in slots {
        if let Value::Object(inner) = value
            && matches!(name.as_str(), "match" | "validity")
        {
            flatten(&format!("{name}."), inner, all);
        } else {
            all.insert(format!("{before}{name}"), value.clone());
        }
    }
}
