//! What a model's answer is worth: checked as an intent, held to what was said, compared with the reading of the rules.

use std::collections::BTreeSet;

use intents::{Answer, Lesson, Library, Reading, SlotKind, read_one, read_right};
use knowledge_model::document;
use serde_json::Value;

use super::Said;

/// The most bytes of an answer that are read.
const LONGEST: usize = 32 * 1024;
/// The most intents of an answer.
const MOST: usize = 8;
/// How far a reading is believed that is the model's alone, whatever the model claims.
const CAP: f64 = 0.5;
/// How far a reading must be believed to be committed without a person's yes.
#[cfg(test)]
const SURE: f64 = 0.9;
/// Words behind which secrets stand.
const SECRETIVE: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "psk",
    "key",
    "community",
    "token",
    "credential",
    "密码",
    "口令",
    "密钥",
];

/// What the model says.
#[derive(Debug, Clone, PartialEq)]
pub struct Advised {
    /// The intents; none where it understood nothing.
    pub readings: Vec<Reading>,
    /// What it claims.
    pub confidence: f64,
}

/// The reading of the model beside that of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighed {
    /// Both read the same.
    Agrees,
    /// Neither reads an intent.
    Silent,
    /// Only the model reads an intent.
    Alone,
    /// They read different things, or the model reads nothing where the rules do.
    Differs,
}

/// The word of a sentence behind which a secret may stand.
pub fn secretive(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let words: BTreeSet<&str> = lower.split(|it: char| !it.is_alphanumeric()).collect();
    let said = |word: &&&str| match word.is_ascii() {
        true => words.iter().any(|it| it.strip_suffix('s').unwrap_or(it) == **word),
        false => lower.contains(**word),
    };
    SECRETIVE.iter().find(said).copied()
}

/// Whether Chinese is spoken.
pub fn is_chinese(text: &str) -> bool {
    text.chars().any(|it| matches!(it, '\u{4e00}'..='\u{9fff}'))
}

/// Reads what the model said: nothing but class and slots, valid, and of nothing that was not said.
pub fn check(answer: &str, said: Said<'_>, rules: &Answer) -> Result<Advised, String> {
    if answer.len() > LONGEST {
        return Err(format!("its answer has {} bytes, more than {LONGEST}", answer.len()));
    }
    let value: Value = serde_json::from_str(answer).map_err(|error| format!("its answer is no JSON: {error}"))?;
    let whole = value.as_object().ok_or("its answer is no object")?;
    if let Some(other) = whole.keys().find(|it| !matches!(it.as_str(), "intents" | "confidence")) {
        return Err(format!("its answer has {other:?}, which nobody asked for"));
    }
    let items = whole.get("intents").and_then(Value::as_array);
    let items = items.ok_or("its answer has no list of intents")?;
    if items.len() > MOST {
        return Err(format!("it reads {} intents, more than {MOST}", items.len()));
    }
    let known = spoken(said, rules);
    let readings = items.iter().map(|item| intent(item, said, &known));
    Ok(Advised {
        readings: readings.collect::<Result<_, String>>()?,
        confidence: whole.get("confidence").and_then(Value::as_f64).unwrap_or(0.0),
    })
}

fn intent(item: &Value, said: Said<'_>, known: &Known) -> Result<Reading, String> {
    let fields = item.as_object().ok_or("one of its intents is no object")?;
    // Gate, guarantee, labels, scope: how a change is guarded is never the model's to say.
    if let Some(other) = fields.keys().find(|it| !matches!(it.as_str(), "class" | "slots")) {
        return Err(format!("it sets {other:?}, which is not its to say"));
    }
    let listed = |faults: Vec<document::Fault>| {
        let faults: Vec<String> = faults.iter().take(3).map(ToString::to_string).collect();
        format!("its reading is no intent: {}", faults.join("; "))
    };
    let node = document::read(&item.to_string()).map_err(listed)?;
    let envelope = read_one(&node, said.library).map_err(listed)?;
    let class = said.library.class(&envelope.class).ok_or("its class is gone")?;
    let slots = fields
        .get("slots")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for (name, value) in &slots {
        if class.own_slots().all(|slot| slot.name != *name) && !BESIDE.contains(&name.as_str()) {
            return Err(format!("it sets {name:?}, which is not its to say"));
        }
        let kind = class.slot(name).map(|slot| &slot.kind);
        for text in kind.map(|kind| texts(kind, value)).unwrap_or_default() {
            if !known.holds(&text) {
                return Err(format!("it names {text:?}, which was not said"));
            }
        }
    }
    Ok(Reading {
        class: envelope.class,
        slots,
        origins: Vec::new(),
    })
}

/// Slots of every class that say what is meant, not how it is guarded.
const BESIDE: &[&str] = &["target", "schedule", "validity", "exceptions"];

/// The texts of a value that name something, or that stand for themselves; numbers and words of a few are the grammar's.
fn texts(kind: &SlotKind, value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(|it| texts(kind, it)).collect(),
        Value::Object(fields) => {
            let SlotKind::Object(slots) = kind else {
                return fields.values().flat_map(|it| texts(kind, it)).collect();
            };
            let inner = |(name, value): (&String, &Value)| {
                let kind = slots.iter().find(|slot| slot.name == *name).map(|slot| &slot.kind);
                kind.map(|kind| texts(kind, value)).unwrap_or_default()
            };
            fields.iter().flat_map(inner).collect()
        }
        Value::String(text) => match kind {
            SlotKind::Device
            | SlotKind::Interface
            | SlotKind::Name
            | SlotKind::Place
            | SlotKind::NextHop
            | SlotKind::Address
            | SlotKind::InterfaceAddress
            | SlotKind::Prefix
            | SlotKind::Text { .. }
            | SlotKind::Secret
            | SlotKind::Free
            | SlotKind::Object(_) => vec![text.clone()],
            SlotKind::Integer { .. }
            | SlotKind::Rate
            | SlotKind::Choice(_)
            | SlotKind::Truth
            | SlotKind::Port
            | SlotKind::Seconds(_)
            | SlotKind::Clock
            | SlotKind::Moment
            | SlotKind::Area
            | SlotKind::Number
            | SlotKind::Service => Vec::new(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// What the speaker said, in this sentence or before.
struct Known {
    sentence: String,
    values: BTreeSet<String>,
}

fn spoken(said: Said<'_>, rules: &Answer) -> Known {
    let mut values = BTreeSet::new();
    let read: &[Reading] = match rules {
        Answer::Intents(readings) => readings,
        Answer::Ask(question) => &question.so_far,
        Answer::Refuse(_) => &[],
    };
    for reading in read.iter().chain(&said.conversation.confirmed) {
        reading.slots.values().for_each(|it| leaves(it, &mut values));
    }
    Known {
        sentence: said.text.to_lowercase(),
        values,
    }
}

fn leaves(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            into.insert(text.to_lowercase());
        }
        Value::Array(items) => items.iter().for_each(|it| leaves(it, into)),
        Value::Object(fields) => fields.values().for_each(|it| leaves(it, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Known {
    /// Whether a text was said: as it is, or as `device:interface` part by part.
    fn holds(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        let said = |text: &str| !text.is_empty() && (self.values.contains(text) || self.stands(text));
        said(&text)
            || text
                .split_once(':')
                .is_some_and(|(device, interface)| said(device) && said(interface))
    }

    /// Whether the sentence holds it as a word: the r1 of `r12` was not said.
    fn stands(&self, text: &str) -> bool {
        let word = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric());
        let inner = (word(text.chars().next()), word(text.chars().next_back()));
        self.sentence.match_indices(text).any(|(at, found)| {
            let before = self.sentence[..at].chars().next_back();
            let after = self.sentence[at + found.len()..].chars().next();
            !(inner.0 && word(before) || inner.1 && word(after))
        })
    }
}

/// Compares the two readings.
pub fn weigh(rules: &Answer, model: &[Reading], library: &Library) -> Weighed {
    match (rules, model.is_empty()) {
        (Answer::Intents(_), true) => Weighed::Differs,
        (Answer::Intents(_), false) => {
            let lesson = Lesson {
                say: String::new(),
                means: model.iter().map(|it| (it.class.clone(), it.slots.clone())).collect(),
                source: String::new(),
            };
            match read_right(rules, &lesson, library) {
                true => Weighed::Agrees,
                false => Weighed::Differs,
            }
        }
        (Answer::Ask(_) | Answer::Refuse(_), true) => Weighed::Silent,
        (Answer::Ask(_) | Answer::Refuse(_), false) => Weighed::Alone,
    }
}

/// How far the model's reading is believed.
pub fn confidence(weighed: Weighed, claimed: f64) -> f64 {
    match weighed {
        Weighed::Agrees => 1.0,
        Weighed::Silent => 0.0,
        Weighed::Alone | Weighed::Differs if claimed.is_finite() => claimed.clamp(0.0, CAP),
        Weighed::Alone | Weighed::Differs => 0.0,
    }
}

#[cfg(test)]
mod tests;
