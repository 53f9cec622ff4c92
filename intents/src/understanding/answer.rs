//! What a sentence is answered with: intents, one question, or a refusal; and which words were read as what.

use serde_json::{Map, Value, json};

use super::apart::{apart, says_each};
use super::catalogue::{Catalogue, Language};
use super::chain::Chain;
use super::entity::Matter;
use super::evidence::Evidence;
use super::finish;
use super::index::Index;
use super::reading::{Draft, Grounds};
use crate::words::Kind;

/// What must speak for a class before it is believed.
const SPOKEN: f64 = 0.99;
/// The share of words without a meaning that is borne.
const NOISE: f64 = 0.34;
/// How many such words are borne at all.
const NOISY: f64 = 3.5;
/// Beyond how many such words it is asked.
const UNSURE: f64 = 1.0;
/// How much may speak against a reading that is believed; set by what right and wrong readings have (docs/intents.md).
const BAR: f64 = 1.0;
/// How many words beside all parts are borne: a reason, a greeting.
const ASIDE: f64 = 2.5;
/// How much better than another class a reading must be.
const MARGIN: f64 = 0.35;

/// A sentence as it was understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Intents, checked for sense but not against the network.
    Intents(Vec<Reading>),
    /// Something is missing or in doubt.
    Ask(Question),
    /// Nothing is understood.
    Refuse(Refusal),
}

/// An intent that was read out of a sentence.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Its class.
    pub class: String,
    /// Its slots in canonical form.
    pub slots: Map<String, Value>,
    /// Which words became what.
    pub origins: Vec<Origin>,
}

/// A slot and the words that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The slot.
    pub slot: String,
    /// The words; empty where they stand in an earlier part or follow from a phrase.
    pub said: String,
}

/// Why a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is said about a slot.
    Missing,
    /// A name does not exist.
    Unknown,
    /// One of several, and nobody says which.
    Ambiguous,
    /// Two values that cannot both hold.
    Contradiction,
    /// What is no possible value.
    Invalid,
    /// Words that were not understood, or that fit two classes.
    Doubt,
}

/// One question back.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Why.
    pub reason: Reason,
    /// About which slots; any one of them is an answer.
    pub slots: Vec<String>,
    /// The words in doubt.
    pub said: Option<String>,
    /// What could be meant.
    pub candidates: Vec<String>,
    /// What is certain already.
    pub so_far: Vec<Reading>,
    /// The question in the language of the sentence.
    pub text: String,
}

/// No.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The class that comes nearest.
    pub nearest: Option<String>,
    /// The answer in the language of the sentence.
    pub text: String,
}

/// Judges a chain: believed, asked about, or refused.
pub fn judge(chain: &Chain, grounds: Grounds<'_>, evidence: &Evidence, voice: (&Catalogue, Language)) -> Answer {
    let (catalogue, language) = voice;
    let spoken = chain.drafts.iter().all(|draft| draft.weight >= SPOKEN);
    let unknown: f64 = chain.unknown + chain.drafts.iter().map(|it| it.unknown).sum::<f64>();
    let covered: f64 = chain.drafts.iter().map(|it| it.covered).sum();
    let noisy = unknown > NOISY || unknown > NOISE * (covered + unknown);
    if !spoken || noisy {
        return refuse(chain, grounds.index, catalogue, language);
    }
    let readings = readings(chain, grounds);
    if let Some(question) = at_odds(chain, grounds, catalogue, language) {
        return Answer::Ask(Question {
            so_far: readings,
            ..question
        });
    }
    let unsure = unknown - chain.unknown > UNSURE || chain.unknown > ASIDE;
    for (at, draft) in chain.drafts.iter().enumerate() {
        if let Some(question) = question(draft, grounds, catalogue, language) {
            return Answer::Ask(Question {
                so_far: readings,
                ..question
            });
        }
        let rival = chain.rivals.get(at).copied().flatten();
        if let Some((other, score)) = rival.filter(|(_, score)| draft.score() - score < MARGIN) {
            let _ = score;
            return doubt(draft, other, readings, grounds.index, (catalogue, language));
        }
        if unsure || doubtful(draft, grounds) || draft.clashes > 0 || draft.ignored > 0 || !draft.loose.is_empty() {
            return left_over(draft, readings, grounds, (catalogue, language));
        }
    }
    let read = |at: &&usize| {
        let mut here = grounds.sentence.lattice.at(**at).map(|(_, it)| &it.matter);
        let mut slots = chain.drafts.iter().flat_map(|draft| draft.slots.values());
        here.any(|matter| slots.any(|it| it.matter == *matter || it.matter.items().contains(matter)))
    };
    if let Some(at) = chain.loose.iter().find(|at| !read(at)) {
        let mut draft = chain.drafts[0].clone();
        draft.loose = vec![*at];
        return left_over(&draft, readings, grounds, (catalogue, language));
    }
    if evidence.doubt() > BAR {
        let least = |it: &&Draft| it.unknown;
        let draft = chain.drafts.iter().max_by(|a, b| least(a).total_cmp(&least(b)));
        return left_over(
            draft.unwrap_or(&chain.drafts[0]),
            readings,
            grounds,
            (catalogue, language),
        );
    }
    Answer::Intents(readings)
}

/// Nothing is read; the class that comes nearest is named.
pub fn refuse(chain: &Chain, index: &Index, catalogue: &Catalogue, language: Language) -> Answer {
    let nearest = chain.drafts.iter().max_by(|a, b| a.weight.total_cmp(&b.weight));
    let nearest = nearest
        .and_then(|draft| index.classes.get(draft.class))
        .map(|class| class.name.clone());
    refusal(nearest, catalogue, language)
}

/// The refusal that names a class, or none.
pub fn refusal(nearest: Option<String>, catalogue: &Catalogue, language: Language) -> Answer {
    let text = match &nearest {
        Some(class) => catalogue.say(language, "refuse-nearest", &[("class", class)]),
        None => catalogue.say(language, "refuse", &[]),
    };
    Answer::Refuse(Refusal { nearest, text })
}

/// The intents of a chain; a slot whose values are intents of their own makes several of one part.
pub fn readings(chain: &Chain, grounds: Grounds<'_>) -> Vec<Reading> {
    let mut all: Vec<Reading> = Vec::new();
    for reading in chain.drafts.iter().flat_map(|draft| readings_of(draft, grounds)) {
        if !all
            .iter()
            .any(|it| it.class == reading.class && it.slots == reading.slots)
        {
            all.push(reading);
        }
    }
    all
}

fn readings_of(draft: &Draft, grounds: Grounds<'_>) -> Vec<Reading> {
    let Some(spoken) = grounds.index.classes.get(draft.class) else {
        return Vec::new();
    };
    let origin = |(slot, filled): (&String, &super::reading::Filled)| Origin {
        slot: slot.clone(),
        said: filled
            .tokens
            .map(|(begin, end)| grounds.sentence.text.said(begin, end))
            .unwrap_or_default(),
    };
    let doubtful = |slot: &str| draft.contradictions.iter().any(|it| it.slot == slot);
    let mut slots = finish::slots(draft, spoken);
    slots.retain(|slot, _| !doubtful(slot));
    let shown = draft.slots.iter().filter(|(slot, _)| !slot.starts_with('_'));
    let whole = Reading {
        class: spoken.name.clone(),
        slots,
        origins: shown.map(origin).collect(),
    };
    let each = spoken.slots.iter().find(|it| it.each).map(|it| it.name.clone());
    let several = each.and_then(|name| Some((whole.slots.get(&name)?.as_array()?.clone(), name)));
    let Some((values, name)) = several else {
        return apart(whole, spoken, grounds.sentence.text);
    };
    let one = |value: Value| {
        let mut reading = whole.clone();
        let other = |slot: &String| {
            let with = spoken.slot(slot).map(|it| it.with.as_slice()).unwrap_or_default();
            !with.is_empty() && !with.iter().any(|with| value == *with)
        };
        reading.slots.retain(|slot, _| !other(slot));
        reading.slots.insert(name.clone(), value.clone());
        reading
    };
    values.into_iter().map(one).collect()
}

/// The first thing about a draft that must be asked.
fn question(draft: &Draft, grounds: Grounds<'_>, catalogue: &Catalogue, language: Language) -> Option<Question> {
    let ask = |reason, slots: Vec<String>, said: Option<String>, candidates: Vec<String>| {
        let key = match reason {
            Reason::Missing => "missing",
            Reason::Unknown if candidates.is_empty() => "unknown",
            Reason::Unknown => "unknown-near",
            Reason::Ambiguous => "ambiguous",
            Reason::Contradiction => "contradiction",
            Reason::Invalid => "invalid",
            Reason::Doubt => "doubt",
        };
        let slot = slots.join(", ");
        let near = candidates.join(", ");
        let heard = said.clone().unwrap_or_default();
        let text = catalogue.say(language, key, &[("slot", &slot), ("said", &heard), ("near", &near)]);
        Some(Question {
            reason,
            slots,
            said,
            candidates,
            so_far: Vec::new(),
            text,
        })
    };
    for (slot, filled) in &draft.slots {
        for item in filled.matter.items() {
            let slots = vec![slot.clone()];
            match item {
                Matter::Unknown { said, near } => return ask(Reason::Unknown, slots, Some(said.clone()), near.clone()),
                Matter::Ambiguous { said, candidates } => {
                    return ask(Reason::Ambiguous, slots, Some(said.clone()), candidates.clone());
                }
                Matter::Invalid { said } => {
                    let slots = vec![asked(slot).to_owned()];
                    return ask(Reason::Invalid, slots, Some(said.clone()), Vec::new());
                }
                Matter::Pronoun => return ask(Reason::Missing, vec![slot.clone()], None, Vec::new()),
                Matter::Plain(_) | Matter::Service { .. } | Matter::Interface { .. } | Matter::List(_) => {}
            }
        }
    }
    if let Some(contradiction) = draft.contradictions.first() {
        let between = contradiction.between.iter().map(text_of).collect();
        return ask(Reason::Contradiction, vec![contradiction.slot.clone()], None, between);
    }
    ask(Reason::Missing, missing(draft, grounds)?, None, Vec::new())
}

/// The first slots that are missing; where a value stands there that lacks a part of its own, that part.
fn missing(draft: &Draft, grounds: Grounds<'_>) -> Option<Vec<String>> {
    let spoken = grounds.index.classes.get(draft.class)?;
    let need = draft.missing.first()?;
    let takes = |kind| {
        need.iter()
            .filter_map(|name| spoken.slot(name))
            .any(|slot| slot.takes.contains(&kind))
    };
    let stands = |kind| {
        let lattice = grounds.sentence.lattice;
        draft
            .loose
            .iter()
            .any(|at| lattice.at(*at).any(|(_, it)| it.kind == kind))
    };
    let counted = || {
        let free = |at: &usize| {
            !draft
                .slots
                .values()
                .any(|it| it.tokens.is_some_and(|(begin, end)| (begin..end).contains(at)))
        };
        let entities = grounds.sentence.lattice.entities.iter();
        let inside = |it: &&super::entity::Entity| it.begin >= draft.span.0 && it.end <= draft.span.1;
        entities
            .filter(inside)
            .any(|it| it.kind == Kind::Number && free(&it.begin) && it.matter.number().is_some_and(|it| it > 1.0))
    };
    if takes(Kind::Rate) && (stands(Kind::Number) || counted()) {
        return Some(vec!["unit".to_owned()]);
    }
    if takes(Kind::Prefix) && !takes(Kind::Address) && stands(Kind::Address) {
        return Some(vec!["prefix_length".to_owned()]);
    }
    Some(need.clone())
}

/// Whether something was supposed: what a word refers to, which of several values counts, a slot that is named and empty.
fn doubtful(draft: &Draft, grounds: Grounds<'_>) -> bool {
    let Some(spoken) = grounds.index.classes.get(draft.class) else {
        return false;
    };
    let single = |kind: Kind| {
        matches!(
            kind,
            Kind::Address | Kind::Number | Kind::Rate | Kind::Percent | Kind::As
        )
    };
    let crowded = draft.slots.iter().any(|(name, filled)| {
        let list = spoken.slot(name).is_some_and(|it| it.list || it.gathers || it.several);
        single(filled.kind) && !list && filled.matter.items().len() > 1
    });
    draft.supposed > 0 || crowded && !says_each(grounds.sentence.text)
}

/// The name under which a slot is asked for.
fn asked(slot: &str) -> &str {
    match slot {
        "protocol" => "ports",
        other => other.split('.').next().unwrap_or(other),
    }
}

/// Two parts that say different things of the very same: `limit labs to 10M and to 20M`.
fn at_odds(chain: &Chain, grounds: Grounds<'_>, catalogue: &Catalogue, language: Language) -> Option<Question> {
    let pairs = chain.drafts.iter().zip(chain.drafts.iter().skip(1));
    for (one, other) in pairs.filter(|(one, other)| one.class == other.class) {
        if let Some(question) = shut_out(one, other, (catalogue, language)) {
            return Some(question);
        }
        let spoken = grounds.index.classes.get(one.class)?;
        let names: std::collections::BTreeSet<&String> = one.slots.keys().chain(other.slots.keys()).collect();
        let matter = |draft: &Draft, name: &str| draft.slots.get(name).map(|it| it.matter.clone());
        let apart: Vec<&String> = names
            .into_iter()
            .filter(|name| matter(one, name) != matter(other, name))
            .collect();
        let number = |draft: &Draft, name: &str| matter(draft, name).and_then(|it| it.number());
        let rates = |a: &Draft, b: &Draft| number(a, "min").zip(number(b, "max")).filter(|(min, max)| min > max);
        let crossed = rates(one, other).or_else(|| rates(other, one));
        if let Some((min, max)) = crossed.filter(|_| apart.iter().all(|it| matches!(it.as_str(), "min" | "max"))) {
            let near = format!("{min}, {max}");
            let text = catalogue.say(
                language,
                "contradiction",
                &[("slot", "max"), ("said", ""), ("near", &near)],
            );
            return Some(Question {
                reason: Reason::Contradiction,
                slots: vec!["max".to_owned(), "min".to_owned()],
                said: None,
                candidates: vec![min.to_string(), max.to_string()],
                so_far: Vec::new(),
                text,
            });
        }
        let [name] = apart[..] else { continue };
        let single = |slot: &crate::words::SpokenSlot| {
            !slot.each && !slot.list && (slot.contradicts || slot.takes.contains(&Kind::Rate) || slot.least.is_some())
        };
        let both = matter(one, name).zip(matter(other, name));
        let Some((first, second)) = both.filter(|_| spoken.slot(name).is_some_and(single)) else {
            continue;
        };
        let between: Vec<String> = [first, second]
            .iter()
            .filter_map(Matter::json)
            .map(|it| text_of(&it))
            .collect();
        let near = between.join(", ");
        let text = catalogue.say(
            language,
            "contradiction",
            &[("slot", name), ("said", ""), ("near", &near)],
        );
        return Some(Question {
            reason: Reason::Contradiction,
            slots: vec![name.clone()],
            said: None,
            candidates: between,
            so_far: Vec::new(),
            text,
        });
    }
    None
}

/// `via edge2` in one part, and not over edge2 in the next.
fn shut_out(one: &Draft, other: &Draft, voice: (&Catalogue, Language)) -> Option<Question> {
    let matter = |draft: &Draft, name: &str| draft.slots.get(name).map(|it| it.matter.clone());
    let meets = |a: &Draft, b: &Draft| matter(a, "via").is_some_and(|via| matter(b, "avoid") == Some(via));
    let way = matter(one, "via")
        .or_else(|| matter(other, "via"))
        .filter(|_| meets(one, other) || meets(other, one))?;
    let near = way.json().map(|it| text_of(&it)).unwrap_or_default();
    let text = voice.0.say(
        voice.1,
        "contradiction",
        &[("slot", "via, avoid"), ("said", ""), ("near", &near)],
    );
    Some(Question {
        reason: Reason::Contradiction,
        slots: vec!["via".to_owned(), "avoid".to_owned()],
        said: None,
        candidates: vec![near],
        so_far: Vec::new(),
        text,
    })
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Two classes fit nearly as well.
fn doubt(draft: &Draft, other: usize, so_far: Vec<Reading>, index: &Index, voice: (&Catalogue, Language)) -> Answer {
    let name = |class: usize| index.classes.get(class).map(|it| it.name.clone()).unwrap_or_default();
    let candidates = vec![name(draft.class), name(other)];
    let text = voice.0.say(voice.1, "which", &[("near", &candidates.join(", "))]);
    Answer::Ask(Question {
        reason: Reason::Doubt,
        slots: vec!["class".to_owned()],
        said: None,
        candidates,
        so_far,
        text,
    })
}

/// A value was said that has no place in the class.
fn left_over(draft: &Draft, so_far: Vec<Reading>, grounds: Grounds<'_>, voice: (&Catalogue, Language)) -> Answer {
    let said = draft
        .loose
        .first()
        .and_then(|at| grounds.sentence.lattice.at(*at).next());
    let said = said.map(|(_, entity)| grounds.sentence.text.said(entity.begin, entity.end));
    let said = said.or_else(|| {
        let strange = &draft.strange;
        let end = (1..strange.len())
            .find(|at| strange[*at] != strange[at - 1] + 1)
            .unwrap_or(strange.len());
        let (first, last) = (strange.first()?, strange.get(end.checked_sub(1)?)?);
        Some(grounds.sentence.text.said(*first, last + 1))
    });
    let key = if said.is_some() { "doubt" } else { "confirm" };
    let text = voice
        .0
        .say(voice.1, key, &[("said", said.as_deref().unwrap_or_default())]);
    Answer::Ask(Question {
        reason: Reason::Doubt,
        slots: Vec::new(),
        said,
        candidates: Vec::new(),
        so_far,
        text,
    })
}

impl Reading {
    /// The reading as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let from: Vec<Value> = self
            .origins
            .iter()
            .map(|it| json!({ "slot": it.slot, "said": it.said }))
            .collect();
        json!({ "class": self.class, "slots": self.slots, "from": from })
    }
}
