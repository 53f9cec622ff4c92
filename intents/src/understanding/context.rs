//! What a sentence takes from the conversation: `the same for r2`, `the third one`, `make it 30M`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Origin, Question, Reading, Reason};
use super::carry::{self, go_on, remembered};
use super::catalogue::{Catalogue, Language};
use super::chain::Chain;
use super::entity::{Entity, Matter};
use super::finish;
use super::matching::find;
use super::number;
use super::reading::{Draft, Filled, Grounds, read};
use super::scan::Lattice;
use super::text::Text;
use super::{Conversation, Names};
use crate::words::Kind;

/// The class of intents about intents.
pub const ABOUT: &str = "intent.lifecycle";
/// Words without a meaning that a sentence about the conversation may hold.
const NOISY: f64 = 1.0;

const ORDINALS: &[(&str, usize)] = &[
    ("first", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("fifth", 5),
    ("sixth", 6),
    ("1st", 1),
    ("2nd", 2),
    ("3rd", 3),
    ("4th", 4),
    ("5th", 5),
];

/// Adds what points at an intent of the conversation: `the second one`, 第三个, `it`.
pub fn point_back(lattice: &mut Lattice, text: &Text, conversation: &Conversation) {
    let count = conversation.confirmed.len();
    if count == 0 {
        return;
    }
    for at in 0..text.tokens.len() {
        let Some((end, number)) = ordinal(text, at, count) else {
            continue;
        };
        let faint = end == at + 1 && !matches!(text.tokens[at].text.as_str(), "@");
        if (1..=count).contains(&number) {
            let matter = Matter::Plain(json!(format!("@{number}")));
            lattice.add(Entity {
                begin: at,
                end,
                kind: Kind::Intent,
                matter,
                faint,
            });
        }
    }
}

/// The number of the intent that the words at a token point at, and the token behind them.
fn ordinal(text: &Text, at: usize, count: usize) -> Option<(usize, usize)> {
    let word = |far: usize| text.tokens.get(at + far).map_or("", |it| it.text.as_str());
    let noun = |far: usize| {
        matches!(
            word(far),
            "one" | "intent" | "rule" | "limit" | "request" | "entry" | "条" | "个" | "项" | "意"
        )
    };
    if word(0) == "@" {
        return Some((at + 2, word(1).parse().ok()?));
    }
    if let Some((_, number)) = ORDINALS.iter().find(|(name, _)| *name == word(0)) {
        return noun(1).then_some((at + 2, *number));
    }
    let (last, previous) = (matches!(word(0), "last" | "latest"), matches!(word(0), "previous"));
    if (last || previous) && noun(1) {
        return Some((at + 2, count));
    }
    if word(0) == "number" || word(0) == "no" || word(0) == "#" {
        return Some((at + 2, word(1).parse().ok().filter(|it| *it <= count)?));
    }
    if word(0) == "第" {
        let letter = text.tokens.get(at + 1)?.begin;
        let (value, behind) = number::number(&text.folded, letter)?;
        let end = text.token_at(behind)?;
        let end = if noun(end - at) { end + 1 } else { end };
        return Some((end, value as usize));
    }
    let final_one = [
        &["最", "后", "一"][..],
        &["刚", "才", "那"],
        &["刚", "才", "的"],
        &["上", "一"],
        &["上", "面", "那"],
    ];
    for words in final_one {
        if words.iter().enumerate().all(|(far, said)| word(far) == *said) {
            let end = at + words.len();
            let end = if noun(words.len()) { end + 1 } else { end };
            return Some((end, count));
        }
    }
    let pronoun =
        matches!(word(0), "it" | "that" | "this" | "它") && !matches!(word(1), "router" | "device" | "interface");
    pronoun.then_some((at + 1, count))
}

/// `the same for r2`, `and the other way round`: an intent of the conversation again, with other values.
pub fn refer(grounds: Grounds<'_>, conversation: &Conversation, voice: (&Catalogue, Language)) -> Option<Answer> {
    let what = aside(grounds)?;
    let Some(last) = conversation.confirmed.last() else {
        let words: HashSet<&str> = grounds.words.clone();
        let alone = grounds.index.keys(&words).is_empty()
            || super::reading::keys(grounds, &grounds.index.keys(&words)).is_empty();
        return alone.then(|| no_context(voice));
    };
    let (class, last) = memory(grounds, last)?;
    if what == "reverse" {
        let mut draft = last;
        swap(&mut draft.slots, "src", "dst");
        swap(&mut draft.slots, "match.src", "match.dst");
        return Some(Answer::Intents(vec![reading(&draft, grounds, class)]));
    }
    let whole = (0, grounds.sentence.text.tokens.len());
    let mut draft = read(grounds, class, &[], whole)?;
    if draft.unknown > NOISY {
        return None;
    }
    align(&mut draft, &last);
    let draft = go_on(grounds, &renamed(last.clone(), &draft), whole).map(|mut again| {
        align(&mut again, &last);
        again
    })?;
    let asked = draft
        .slots
        .values()
        .flat_map(|it| it.matter.items())
        .any(|it| it.json().is_none());
    (!asked).then(|| Answer::Intents(vec![reading(&draft, grounds, class)]))
}

/// The earlier intent with its place under the name that this sentence uses.
fn renamed(mut last: Draft, draft: &Draft) -> Draft {
    for name in draft
        .slots
        .keys()
        .filter(|name| !last.slots.contains_key(*name))
        .cloned()
        .collect::<Vec<String>>()
    {
        let same = |slot: &&String| carry::family(slot).is_some() && carry::family(slot) == carry::family(&name);
        let other = last.slots.keys().find(same).cloned();
        if let Some(filled) = other.and_then(|other| last.slots.remove(&other)) {
            last.slots.insert(name, filled);
        }
    }
    last
}

/// What the sentence says of the conversation, if it does.
fn aside(grounds: Grounds<'_>) -> Option<String> {
    let spoken = grounds.index.classes.first()?;
    let whole = (0, grounds.sentence.text.tokens.len());
    let entry = grounds
        .index
        .aside
        .iter()
        .find(|entry| entry.may_match(grounds.words) && !find(grounds.sentence, spoken, entry, whole).is_empty())?;
    entry
        .sets
        .iter()
        .find(|(name, _)| name == "_do")
        .and_then(|(_, value)| value.as_str())
        .map(str::to_owned)
}

fn no_context(voice: (&Catalogue, Language)) -> Answer {
    Answer::Ask(Question {
        reason: Reason::Missing,
        slots: vec!["context".to_owned()],
        said: None,
        candidates: Vec::new(),
        so_far: Vec::new(),
        text: voice.0.say(voice.1, "context", &[]),
    })
}

fn memory(grounds: Grounds<'_>, last: &Reading) -> Option<(usize, Draft)> {
    let class = grounds.index.classes.iter().position(|it| it.name == last.class)?;
    Some((class, remembered(&last.slots, &grounds.index.classes[class], class)))
}

fn reading(draft: &Draft, grounds: Grounds<'_>, class: usize) -> Reading {
    let spoken = &grounds.index.classes[class];
    let said = |filled: &Filled| {
        filled
            .tokens
            .map(|(begin, end)| grounds.sentence.text.said(begin, end))
            .unwrap_or_default()
    };
    let origins = draft.slots.iter().map(|(slot, filled)| Origin {
        slot: slot.clone(),
        said: said(filled),
    });
    Reading {
        class: spoken.name.clone(),
        slots: finish::slots(draft, spoken),
        origins: origins.collect(),
    }
}

fn swap(slots: &mut std::collections::BTreeMap<String, Filled>, one: &str, other: &str) {
    let (first, second) = (slots.remove(one), slots.remove(other));
    slots.extend(first.map(|it| (other.to_owned(), it)));
    slots.extend(second.map(|it| (one.to_owned(), it)));
}

/// A value that was guessed into a slot which the earlier intent does not have goes where that has one of its kind.
fn align(draft: &mut Draft, last: &Draft) {
    let said: Vec<String> = draft
        .slots
        .iter()
        .filter(|(_, it)| it.tokens.is_some())
        .map(|(name, _)| name.clone())
        .collect();
    for name in said.iter().filter(|name| !last.slots.contains_key(*name)) {
        let Some(kind) = draft.slots.get(name).map(|it| it.kind) else {
            continue;
        };
        let rate = kind == Kind::Rate;
        let other = last
            .slots
            .iter()
            .find(|(slot, it)| rate && it.kind == kind && !said.contains(slot))
            .map(|(slot, _)| slot.clone());
        if let Some(other) = other
            && let Some(filled) = draft.slots.remove(name)
        {
            draft.slots.insert(other, filled);
        }
    }
}

/// What a sentence leaves open, the conversation may say: `and now back up that router`.
#[must_use]
pub fn resolve(mut chain: Chain, grounds: Grounds<'_>, conversation: &Conversation) -> Chain {
    let Some(last) = conversation.confirmed.last().and_then(|last| memory(grounds, last)) else {
        return chain;
    };
    for draft in &mut chain.drafts {
        let open = draft.slots.values().any(|it| it.matter == Matter::Pronoun);
        if open {
            carry::take_over(draft, Some(&last.1), grounds);
        }
    }
    chain
}

/// New values for an intent of the conversation: `make it 30M`, 第三个改成200M, 不过只在8点到16点生效.
pub fn change(
    grounds: Grounds<'_>,
    conversation: &Conversation,
    chain: &Chain,
    voice: (&Catalogue, Language),
) -> Option<Answer> {
    let pointed = grounds
        .sentence
        .lattice
        .entities
        .iter()
        .find(|it| it.kind == Kind::Intent && !it.faint);
    let count = conversation.confirmed.len();
    let number = match pointed.map(|it| &it.matter) {
        Some(Matter::Plain(Value::String(name))) => name.strip_prefix('@')?.parse().ok()?,
        Some(_) => return None,
        None => count,
    };
    let last = conversation.confirmed.get(usize::checked_sub(number, 1)?)?;
    let strong = chain
        .drafts
        .iter()
        .any(|it| it.weight >= 2.0 && grounds.index.classes[it.class].name != ABOUT && it.missing.is_empty());
    let (class, last) = memory(grounds, last)?;
    if strong && class != chain.drafts[0].class {
        return None;
    }
    let _ = voice;
    let changes = changes(grounds, class, &last)?;
    let name = format!("@{number}");
    Some(Answer::Intents(vec![modified(&name, changes, grounds)]))
}

/// The slots that a sentence gives new values for an intent of a class.
pub fn changes(grounds: Grounds<'_>, class: usize, last: &Draft) -> Option<Map<String, Value>> {
    let whole = (0, grounds.sentence.text.tokens.len());
    let keys = super::reading::keys(grounds, &grounds.index.keys(grounds.words));
    let empty = Vec::new();
    let mut draft = read(grounds, class, keys.get(&class).unwrap_or(&empty), whole)?;
    draft
        .slots
        .retain(|_, it| it.kind != Kind::Intent && it.matter != Matter::Pronoun);
    align(&mut draft, last);
    let sure = draft
        .slots
        .values()
        .flat_map(|it| it.matter.items())
        .all(|it| it.json().is_some());
    let spoken = grounds.index.classes.get(class)?;
    let changes = finish::slots(&draft, spoken);
    let loose = draft
        .loose
        .iter()
        .any(|at| grounds.sentence.lattice.at(*at).all(|(_, it)| it.kind != Kind::Intent));
    let plain = draft.unknown <= NOISY && draft.ignored == 0 && draft.clashes == 0;
    (sure && !changes.is_empty() && plain && !loose).then_some(changes)
}

/// The intent that changes another.
#[must_use]
pub fn modified(name: &str, changes: Map<String, Value>, grounds: Grounds<'_>) -> Reading {
    let mut slots = Map::new();
    slots.insert("operation".to_owned(), json!("modify"));
    slots.insert("intent".to_owned(), json!(name));
    slots.insert("changes".to_owned(), Value::Object(changes));
    let said = grounds.sentence.text.said(0, grounds.sentence.text.tokens.len());
    Reading {
        class: ABOUT.to_owned(),
        slots,
        origins: vec![Origin {
            slot: "changes".to_owned(),
            said,
        }],
    }
}

/// The class of an intent, whether it holds or was agreed in the conversation.
#[must_use]
pub fn class_of<'a>(name: &str, world: &'a Names, conversation: &'a Conversation) -> Option<&'a str> {
    match name.strip_prefix('@') {
        Some(number) => {
            let number: usize = number.parse().ok()?;
            conversation
                .confirmed
                .get(number.checked_sub(1)?)
                .map(|it| it.class.as_str())
        }
        None => world.class_of(name),
    }
}
