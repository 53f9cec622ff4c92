//! A whole sentence: where it is cut, which class reads each part, and what a part takes over from the one before.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::entity::Matter;
use super::finish;
use super::index::Spoken;
use super::matching::Match;
use super::reading::{Draft, Filled, Grounds, read};
use crate::words::Kind;

/// The most places at which a sentence is cut.
const CUTS: usize = 12;
/// What a further part costs.
const PART: f64 = 0.9;
/// How many classes are tried for one part.
const TRIED: usize = 5;

/// Slots that mean the same place in different classes.
const FAMILIES: &[&[&str]] = &[
    &["device", "devices", "target", "scope", "where"],
    &["interface", "interfaces", "match.interface"],
    &["src", "match.src"],
    &["dst", "match.dst"],
    &["prefix", "prefixes", "match.prefix"],
];

/// The parts of a sentence with the classes that read them, and the runner-up of each.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// The parts.
    pub drafts: Vec<Draft>,
    /// The score of all.
    pub score: f64,
    /// Words outside all parts that mean nothing.
    pub unknown: f64,
    /// For each part the best score of another class over the same words.
    pub rivals: Vec<Option<(usize, f64)>>,
}

/// Reads a sentence in the best way of cutting it.
#[must_use]
pub fn best(grounds: Grounds<'_>, keys: &BTreeMap<usize, Vec<Match<'_>>>) -> Option<Chain> {
    let length = grounds.sentence.text.tokens.len();
    let cuts = cuts(grounds);
    let mut chains: Vec<Option<Chain>> = vec![None; cuts.len()];
    chains[0] = Some(Chain::default());
    for to in 1..cuts.len() {
        for from in 0..to {
            let Some(before) = chains[from].clone() else { continue };
            let span = (cuts[from], cuts[to]);
            let Some(chain) = extend(grounds, keys, before, span) else {
                continue;
            };
            if chains[to].as_ref().is_none_or(|best| chain.score > best.score) {
                chains[to] = Some(chain);
            }
        }
    }
    debug_assert_eq!(cuts.last(), Some(&length));
    chains.pop().flatten().filter(|chain| !chain.drafts.is_empty())
}

/// The places at which a sentence may be cut, its ends among them.
fn cuts(grounds: Grounds<'_>) -> Vec<usize> {
    let tokens = &grounds.sentence.text.tokens;
    let mut cuts = vec![0];
    for (at, token) in tokens.iter().enumerate().skip(1) {
        let sign = matches!(
            token.text.as_str(),
            "," | ";"
                | "."
                | "!"
                | "?"
                | "and"
                | "but"
                | "then"
                | "while"
                | "plus"
                | "并"
                | "但"
                | "再"
                | "另"
                | "还"
                | "然"
                | "同"
                | "而"
                | "且"
                | "和"
                | "也"
                | "with"
        );
        let quoted = grounds.sentence.quoted.get(at).copied().unwrap_or(false);
        let inside = token.text == "." && tokens.get(at + 1).is_some_and(|it| it.glued) && token.glued;
        if sign && !quoted && !inside && cuts.len() < CUTS && cuts.last() != Some(&at) {
            cuts.push(at);
        }
    }
    cuts.push(tokens.len());
    cuts
}

/// The best reading of one more part.
fn extend(
    grounds: Grounds<'_>,
    keys: &BTreeMap<usize, Vec<Match<'_>>>,
    before: Chain,
    span: (usize, usize),
) -> Option<Chain> {
    let last = before.drafts.last();
    let mut drafts: Vec<Draft> = candidates(grounds, keys, span, last)
        .into_iter()
        .filter_map(|class| {
            let empty = Vec::new();
            let mut draft = read(grounds, class, keys.get(&class).unwrap_or(&empty), span)?;
            take_over(&mut draft, last, grounds);
            if draft.weight < 1.0 && signed(grounds, &grounds.index.classes[class], span, last) {
                draft.weight = 1.0;
            }
            Some(draft)
        })
        .collect();
    let own = |last: &&Draft| !drafts.iter().any(|it| it.class == last.class && it.weight >= 1.0);
    drafts.extend(
        last.filter(own)
            .filter(|_| !splits_list(grounds, span.0))
            .and_then(|last| go_on(grounds, last, span)),
    );
    drafts.sort_by(|a, b| b.score().total_cmp(&a.score()));
    let rival = drafts.first().and_then(|best| {
        let other = drafts.iter().find(|it| it.class != best.class)?;
        Some((other.class, other.score()))
    });
    let Some(best) = (!drafts.is_empty()).then(|| drafts.remove(0)) else {
        return silent(grounds, before, span);
    };
    let mut chain = before;
    chain.score += best.score() - if chain.drafts.is_empty() { 0.0 } else { PART };
    chain.drafts.push(best);
    chain.rivals.push(rival);
    Some(chain)
}

/// A part that says nothing of any class: politeness, a reason, or what nobody understands.
fn silent(grounds: Grounds<'_>, mut before: Chain, span: (usize, usize)) -> Option<Chain> {
    let lexicon = grounds.sentence.lexicon;
    let tokens = &grounds.sentence.text.tokens;
    let mut at = span.0;
    let mut unknown = 0.0;
    while at < span.1 {
        let filler = lexicon
            .fillers
            .longest(tokens, at)
            .or_else(|| lexicon.nouns.longest(tokens, at));
        let value = grounds.sentence.lattice.at(at).find(|(_, it)| !it.faint);
        match (filler, value) {
            (Some((end, ())), _) => at = end,
            (None, Some((_, entity))) => {
                unknown += 1.0;
                at = entity.end;
            }
            (None, None) => {
                unknown += match tokens[at].shape {
                    super::text::Shape::Han => 0.5,
                    super::text::Shape::Sign => 0.0,
                    super::text::Shape::Word => 1.0,
                };
                at += 1;
            }
        }
    }
    before.score -= 0.8 * unknown + 0.1;
    before.unknown += unknown;
    Some(before)
}

/// The classes that phrases or values in the span speak for, the loudest first.
fn candidates(
    grounds: Grounds<'_>,
    keys: &BTreeMap<usize, Vec<Match<'_>>>,
    span: (usize, usize),
    last: Option<&Draft>,
) -> Vec<usize> {
    let inside = |it: &&Match<'_>| it.begin >= span.0 && it.end <= span.1;
    let mut found: Vec<(f64, usize)> = keys
        .iter()
        .map(|(class, matches)| (matches.iter().filter(inside).map(|it| it.entry.weight).sum(), *class))
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(TRIED);
    let mut classes: Vec<usize> = found.into_iter().map(|(_, class)| class).collect();
    for class in &grounds.index.signed {
        if !classes.contains(class) && signed(grounds, &grounds.index.classes[*class], span, last) {
            classes.push(*class);
        }
    }
    classes
}

/// Whether values of kinds that speak for a class stand together, one of them at least in this part.
fn signed(grounds: Grounds<'_>, spoken: &Spoken, span: (usize, usize), last: Option<&Draft>) -> bool {
    let entities = &grounds.sentence.lattice.entities;
    let here = |kind: &Kind| {
        entities
            .iter()
            .any(|it| it.kind == *kind && it.begin >= span.0 && it.end <= span.1 && !it.faint)
    };
    let before = |kind: &Kind| last.is_some_and(|last| last.slots.values().any(|it| it.kind == *kind));
    let speaks = |sign: &Vec<Kind>| sign.iter().any(here) && sign.iter().all(|kind| here(kind) || before(kind));
    spoken.signs.iter().any(speaks)
}

/// Whether a list of values goes on across a place.
fn splits_list(grounds: Grounds<'_>, at: usize) -> bool {
    let list = |it: &super::entity::Entity| matches!(it.matter, Matter::List(_)) && it.begin < at && at < it.end;
    grounds.sentence.lattice.entities.iter().any(list)
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
    subject(draft, last, spoken);
    for need in draft.missing.clone() {
        let taken = need
            .iter()
            .find_map(|name| Some((name.clone(), from(last, name)?.clone())));
        if let Some((name, filled)) = taken.filter(|(name, filled)| fits(spoken, name, filled)) {
            draft.slots.insert(name, Filled { tokens: None, ..filled });
        }
    }
    finish::reverse(draft);
    draft.missing = finish::missing(draft, spoken);
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
fn subject(draft: &mut Draft, last: &Draft, spoken: &Spoken) {
    let open = |names: [&str; 2]| names.iter().all(|name| !draft.slots.contains_key(*name));
    let aims = !open(["dst", "match.dst"]);
    if !aims || !open(["src", "match.src"]) || spoken.slot("src").is_none() {
        return;
    }
    let source = from(last, "src")
        .filter(|it| it.tokens.is_some_and(|it| it.0 < draft.span.0))
        .cloned();
    draft
        .slots
        .extend(source.map(|it| ("src".to_owned(), Filled { tokens: None, ..it })));
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
        let meant = from(last, &name).or_else(|| any_place(last)).cloned();
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

fn any_place(last: &Draft) -> Option<&Filled> {
    let place = |kind| {
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
    };
    last.slots.values().find(|it| place(it.kind))
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
        span: (0, 0),
        slots,
        contradictions: Vec::new(),
        clashes: 0,
        ignored: 0,
        weight: 0.0,
        unknown: 0.0,
        covered: 0.0,
        loose: Vec::new(),
        keys: Vec::new(),
        guessed: 0,
        again: false,
        missing: Vec::new(),
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
