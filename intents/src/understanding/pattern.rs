//! Phrases, ready to be compared: without endings, with the words that mean the same beside one another.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::contraction;
use super::lexicon::Lexicon;
use super::text::stem;
use crate::phrase::Element;
use crate::words::{Group, Kind};

/// A part of a phrase, ready to be compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A word without its ending.
    Word(String),
    /// One of several.
    Any(Vec<Vec<Part>>),
    /// What may be left out.
    Maybe(Vec<Part>),
    /// A few words.
    Gap,
    /// A value.
    Slot {
        /// The slot.
        name: String,
        /// The kind that it must be.
        kind: Option<Kind>,
    },
}

/// A phrase and what it says.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its parts.
    pub parts: Vec<Part>,
    /// How much it speaks for its class.
    pub weight: f64,
    /// What it says of slots.
    pub sets: Vec<(String, Value)>,
    /// Slots that make what it says void where they are filled.
    pub unless: Vec<String>,
    /// One of these words must be in the sentence.
    pub anchor: Vec<String>,
    /// The words that it may begin with; none where it begins with a value or a gap.
    pub first: Option<HashSet<String>>,
}

impl Entry {
    /// Whether the words of a sentence leave a chance.
    #[must_use]
    pub fn may_match(&self, words: &HashSet<&str>) -> bool {
        self.anchor.is_empty() || self.anchor.iter().any(|word| words.contains(word.as_str()))
    }
}

/// The compiled phrases of groups: cues, and keys.
#[must_use]
pub fn entries(groups: &[Group], lexicon: &Lexicon) -> (Vec<Entry>, Vec<Entry>) {
    let (mut cues, mut keys) = (Vec::new(), Vec::new());
    for group in groups {
        for phrase in &group.phrases {
            let parts = compile(&phrase.elements, lexicon);
            let mut entry = Entry {
                weight: group.weight,
                sets: group.sets.clone(),
                unless: group.unless.clone(),
                anchor: Vec::new(),
                first: None,
                parts,
            };
            entry.first = first(&entry.parts);
            entry.anchor = anchors(&entry.parts)
                .into_iter()
                .min_by_key(Vec::len)
                .unwrap_or_default();
            if entry.weight > 0.0 {
                keys.push(entry)
            } else {
                cues.push(entry)
            }
        }
    }
    (cues, keys)
}

fn compile(elements: &[Element], lexicon: &Lexicon) -> Vec<Part> {
    let elements = contraction::spelled_out(elements);
    let mut parts = Vec::new();
    let mut at = 0;
    while at < elements.len() {
        let run: Vec<String> = elements[at..].iter().map_while(word_of).collect();
        if let Some((length, others)) = lexicon.synonyms.of(&run) {
            let others = others
                .iter()
                .map(|words| words.iter().cloned().map(Part::Word).collect());
            parts.push(Part::Any(longest_first(others.collect())));
            at += length;
        } else {
            parts.push(part(&elements[at], lexicon));
            at += 1;
        }
    }
    parts
}

fn word_of(element: &Element) -> Option<String> {
    if let Element::Word(word) = element {
        return Some(stem(word));
    }
    None
}

fn part(element: &Element, lexicon: &Lexicon) -> Part {
    match element {
        Element::Word(word) => Part::Word(stem(word)),
        Element::Set(name) => {
            let words = lexicon.sets.get(name).cloned().unwrap_or_default();
            Part::Any(longest_first(
                words
                    .into_iter()
                    .map(|it| it.into_iter().map(Part::Word).collect())
                    .collect(),
            ))
        }
        Element::Gap => Part::Gap,
        Element::Slot { name, kind } => Part::Slot {
            name: name.clone(),
            kind: *kind,
        },
        Element::Any(alternatives) => Part::Any(longest_first(
            alternatives.iter().map(|it| compile(it, lexicon)).collect(),
        )),
        Element::Maybe(inner) => Part::Maybe(compile(inner, lexicon)),
    }
}

/// `md5 key` is tried before `md5`.
fn longest_first(mut alternatives: Vec<Vec<Part>>) -> Vec<Vec<Part>> {
    alternatives.sort_by_key(|it| std::cmp::Reverse(it.len()));
    alternatives
}

/// For each part that must be spoken, the words one of which must be there.
pub fn anchors(parts: &[Part]) -> Vec<Vec<String>> {
    let anchor = |part: &Part| match part {
        Part::Word(word) => Some(vec![word.clone()]),
        Part::Any(alternatives) => alternatives
            .iter()
            .map(|it| anchors(it).into_iter().min_by_key(Vec::len))
            .collect::<Option<Vec<Vec<String>>>>()
            .map(|all| all.concat()),
        Part::Maybe(_) | Part::Gap | Part::Slot { .. } => None,
    };
    parts.iter().filter_map(anchor).collect()
}

/// The words that a phrase may begin with.
fn first(parts: &[Part]) -> Option<HashSet<String>> {
    let mut words = HashSet::new();
    for part in parts {
        match part {
            Part::Word(word) => {
                words.insert(word.clone());
                return Some(words);
            }
            Part::Any(alternatives) => {
                for alternative in alternatives {
                    words.extend(first(alternative)?);
                }
                return Some(words);
            }
            Part::Maybe(inner) => words.extend(first(inner)?),
            Part::Gap | Part::Slot { .. } => return None,
        }
    }
    None
}

pub fn collect(parts: &[Part], words: &mut BTreeSet<String>) {
    for part in parts {
        match part {
            Part::Word(word) => {
                words.insert(word.clone());
            }
            Part::Any(alternatives) => alternatives.iter().for_each(|it| collect(it, words)),
            Part::Maybe(inner) => collect(inner, words),
            Part::Gap | Part::Slot { .. } => {}
        }
    }
}
