//! The same corpus with every name, address and number replaced by others, so that nothing is known by heart.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::corpus::{Corpus, Grounds, Line};
use crate::syllables::{chinese, latin};

/// What becomes of the first part of an IPv4 address; parts that are not here stay.
const FIRST: &[(&str, &str)] = &[
    ("10", "21"),
    ("172", "182"),
    ("192", "193"),
    ("198", "199"),
    ("203", "204"),
    ("100", "101"),
    ("179", "185"),
];
/// What a unit may make of a number.
const SCALES: &[f64] = &[
    1.0, 1e3, 1e6, 1e9, 8e3, 8e6, 8e9, 1e-3, 60.0, 3_600.0, 86_400.0, 604_800.0,
];
/// Slots whose numbers stand to one another, or are said as times: they stay.
const KEPT: &[&str] = &["weights", "paths", "schedule", "validity", "time", "prepend"];

/// Other names for all names.
#[derive(Debug, Clone, Default)]
pub struct Renamed {
    names: BTreeMap<String, String>,
}

impl Renamed {
    /// Other names for those of an inventory and of the intents that hold.
    pub fn new(grounds: &Grounds) -> Self {
        let inventory = &grounds.inventory;
        let devices = inventory.devices.iter().map(|it| &it.name);
        let tags = inventory.devices.iter().flat_map(|it| &it.tags);
        let all: BTreeSet<&String> = devices
            .chain(inventory.hosts.iter().map(|it| &it.name))
            .chain(inventory.sites.keys())
            .chain(inventory.groups.keys())
            .chain(inventory.prefixes.keys())
            .chain(tags)
            .chain(grounds.holding.iter().map(|(name, _)| name))
            .collect();
        let mut stems = BTreeMap::new();
        let mut names = BTreeMap::new();
        let mut counts = [0; 2];
        for name in all {
            let other = if name.is_ascii() {
                latin(name, &mut stems)
            } else {
                chinese(name, &mut counts)
            };
            names.insert(name.clone(), other);
        }
        Self { names }
    }

    /// A text, such as an inventory, with all names and addresses replaced.
    pub fn text(&self, text: &str) -> String {
        addresses(&replace(text, &self.names))
    }

    /// A corpus with all of that replaced in its sentences and labels.
    pub fn corpus(&self, corpus: &Corpus) -> Corpus {
        Corpus {
            name: corpus.name.clone(),
            lines: corpus.lines.iter().map(|line| self.line(line)).collect(),
        }
    }

    fn line(&self, line: &Line) -> Line {
        let mut names = self.names.clone();
        let mut said = BTreeSet::new();
        strings(&line.label, &mut said);
        // A name that is also a word is one only where the label says so: `list all access rules`.
        names.retain(|name, _| said.iter().any(|it| it.contains(name.as_str())) || !is_word(name));
        let mut label = line.label.clone();
        let mut text = line.text.clone();
        if let Some(wrong) = label["ask"]["said"].as_str().map(str::to_owned)
            && label["ask"]["reason"] == "unknown"
            && let Some(near) = label["ask"]["candidates"]
                .as_array()
                .and_then(|it| it.first()?.as_str().map(str::to_owned))
            && let Some(other) = self.names.get(&near)
        {
            names.insert(wrong, misspelt(other));
        }
        text = addresses(&replace(&text, &names));
        for place in ["intents", "context"] {
            if let Some(intents) = label[place].as_array_mut() {
                intents.iter_mut().for_each(|it| relabel(&mut it["slots"], &names));
            }
        }
        numbers(&mut text, &mut label);
        label["text"] = json!(text);
        Line {
            text,
            label,
            ..line.clone()
        }
    }
}

/// Whether a name is also a word that means something else.
fn is_word(name: &str) -> bool {
    name.chars().all(|it| it.is_ascii_lowercase()) || !name.is_ascii() && name.chars().count() < 3
}

/// A name with its last letter changed.
fn misspelt(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = if name.is_ascii() {
        letters.len() - 1
    } else {
        letters.len() / 2
    };
    letters[at] = match letters[at] {
        it if it.is_ascii_digit() => '9',
        it if it.is_ascii() => 'x',
        _ => '某',
    };
    letters.into_iter().collect()
}

/// All texts of a label that can hold names.
fn strings(value: &Value, all: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            all.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|it| strings(it, all)),
        Value::Object(fields) => {
            let open = fields
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "id" | "text" | "class" | "beyond" | "nearest"));
            open.for_each(|(_, it)| strings(it, all));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn relabel(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => *text = addresses(&replace(text, names)),
        Value::Array(items) => items.iter_mut().for_each(|it| relabel(it, names)),
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(key, _)| !matches!(key.as_str(), "operation" | "metric" | "class" | "filter"))
            .for_each(|(_, it)| relabel(it, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text with names replaced where they stand as whole words; the longest first.
fn replace(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut ordered: Vec<(&String, &String)> = names.iter().collect();
    ordered.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut out = String::new();
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(next) = rest.chars().next() {
        let fits = |name: &str| {
            let here = rest.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name));
            let open = |letter: Option<char>| !name.is_ascii() || !letter.is_some_and(|it| it.is_ascii_alphanumeric());
            here && open(before) && open(rest[name.len()..].chars().next())
        };
        if let Some((name, other)) = ordered.iter().find(|(name, _)| fits(name)) {
            out.push_str(other);
            before = name.chars().last();
            rest = &rest[name.len()..];
        } else {
            out.push(next);
            before = Some(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// A text with addresses replaced: the first part of IPv4, `2001:db8` of IPv6.
fn addresses(text: &str) -> String {
    let text = text.replace("2001:db8", "2001:db9").replace("2001:DB8", "2001:DB9");
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < letters.len() {
        let run: String = letters[at..]
            .iter()
            .take_while(|it| it.is_ascii_digit() || **it == '.')
            .collect();
        let fresh = at == 0 || !(letters[at - 1].is_ascii_alphanumeric() || letters[at - 1] == '.');
        let quad = run.trim_end_matches('.').split('.').count() == 4;
        if fresh && quad && !run.starts_with('.') {
            let (first, rest) = run.split_once('.').unwrap_or((&run, ""));
            let other = FIRST
                .iter()
                .find(|(it, _)| *it == first)
                .map_or(first, |(_, other)| other);
            out.push_str(&format!("{other}.{rest}"));
            at += run.len();
        } else {
            out.push(letters[at]);
            at += 1;
        }
    }
    out
}

/// One more for every number of the sentence that the label repeats, in both.
fn numbers(text: &mut String, label: &mut Value) {
    for number in literals(text) {
        let Ok(value) = number.parse::<f64>() else { continue };
        let other = value + 1.0;
        let mut changed = false;
        for place in ["intents", "context"] {
            for intent in label[place].as_array_mut().into_iter().flatten() {
                changed |= raise(&mut intent["slots"], &number, value, other);
            }
        }
        if changed {
            *text = swap(text, &number, &format!("{other}"));
        }
    }
}

/// Raises the number in a label wherever it stands for `value` in some unit.
fn raise(value: &mut Value, said: &str, old: f64, new: f64) -> bool {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            let scale = SCALES
                .iter()
                .find(|it| (old * **it - number).abs() < 1e-9 * number.abs().max(1.0));
            if let Some(scale) = scale {
                *value = json!(new * scale);
            }
            scale.is_some()
        }
        Value::String(text) if text == said => {
            *value = json!(format!("{new}"));
            true
        }
        Value::Array(items) => items.iter_mut().fold(false, |any, it| any | raise(it, said, old, new)),
        Value::Object(fields) => raise_all(fields, said, old, new),
        Value::String(_) | Value::Null | Value::Bool(_) => false,
    }
}

fn raise_all(fields: &mut Map<String, Value>, said: &str, old: f64, new: f64) -> bool {
    let open = fields.iter_mut().filter(|(key, _)| !KEPT.contains(&key.as_str()));
    open.fold(false, |any, (_, it)| any | raise(it, said, old, new))
}

/// The numbers of two digits or more, and fractions, that stand alone.
fn literals(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let (mut all, mut at) = (BTreeSet::new(), 0);
    while at < letters.len() {
        let end = number_end(&letters, at);
        if end > at {
            let number: String = letters[at..end].iter().collect();
            if number.len() > 1 && alone(&letters, at, end) {
                all.insert(number);
            }
            at = end;
        } else {
            at += 1;
        }
    }
    all.into_iter().rev().collect()
}

fn number_end(letters: &[char], at: usize) -> usize {
    let digits = |from: usize| letters[from..].iter().take_while(|it| it.is_ascii_digit()).count();
    let whole = at + digits(at);
    if whole > at && letters.get(whole) == Some(&'.') && whole + 1 < letters.len() && digits(whole + 1) > 0 {
        return whole + 1 + digits(whole + 1);
    }
    whole
}

/// Whether a number is no part of a name, a time, an address or a range.
fn alone(letters: &[char], at: usize, end: usize) -> bool {
    let before = at.checked_sub(1).map(|it| letters[it]);
    let after = letters.get(end).copied();
    let joined = |it: Option<char>| it.is_some_and(|it| matches!(it, '.' | ':' | '/' | '-' | '_' | '点' | '时'));
    let word = before.is_some_and(|it| it.is_ascii_alphabetic() || it == '-');
    let ends = after == Some('.') && letters.get(end + 1).is_none_or(|it| it.is_whitespace());
    !word
        && !joined(before)
        && (!joined(after) || ends || after == Some('/') && letters.get(end + 1).is_some_and(|it| it.is_alphabetic()))
}

fn swap(text: &str, number: &str, other: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while at < letters.len() {
        let end = number_end(&letters, at).max(at + 1);
        let run: String = letters[at..end].iter().collect();
        out.push_str(if run == number && alone(&letters, at, end) {
            other
        } else {
            &run
        });
        at = end;
    }
    out
}
