//! The phrases of all classes, compiled once: found by a word that each must hold, so that a sentence meets only those
//! classes that it may speak of.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::lexicon::{Lexicon, stems};
use super::text::stem;
use crate::library::Library;
use crate::phrase::Element;
use crate::words::{Group, Kind, SpokenSlot, Words};

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
    anchor: Vec<String>,
    /// The words that it may begin with; none where it begins with a value or a gap.
    pub first: Option<HashSet<String>>,
}

/// A class as the reader sees it.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// Its name.
    pub name: String,
    /// Its slots, then those of every class.
    pub slots: Vec<SpokenSlot>,
    /// What must be filled.
    pub needs: Vec<Vec<String>>,
    /// Kinds of value that speak for it together.
    pub signs: Vec<Vec<Kind>>,
    /// Phrases that are no more than cues.
    pub cues: Vec<Entry>,
}

impl Spoken {
    /// The slot of this name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&SpokenSlot> {
        self.slots.iter().find(|slot| slot.name == name)
    }
}

/// All that is spoken of classes.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The classes.
    pub classes: Vec<Spoken>,
    /// Cues of every class.
    pub shared: Vec<Entry>,
    /// Classes that values alone may speak for.
    pub signed: Vec<usize>,
    /// What refers to the conversation.
    pub aside: Vec<Entry>,
    /// What no class is for, and which topic it is.
    pub beyond: Vec<(usize, Entry)>,
    keys: Vec<(usize, Entry)>,
    postings: HashMap<String, Vec<usize>>,
    /// The words of all phrases, by what is left when one letter is missing.
    slips: HashMap<String, Vec<String>>,
    known: HashSet<String>,
}

impl Index {
    /// Compiles the words of a library.
    #[must_use]
    pub fn new(library: &Library, lexicon: &Lexicon) -> Self {
        let mut index = Self::default();
        for class in library.iter().filter(|class| !class.words.groups.is_empty()) {
            index.add(&class.name, &class.words, lexicon);
        }
        let (shared, _) = entries(&lexicon.shared.groups, lexicon);
        index.shared = shared;
        index.aside = entries(&lexicon.aside.groups, lexicon).1;
        for (topic, words) in lexicon.beyond.iter().enumerate() {
            index.beyond.extend(
                entries(&words.words.groups, lexicon)
                    .1
                    .into_iter()
                    .map(|entry| (topic, entry)),
            );
        }
        index.post();
        index.learn_words(lexicon);
        index
    }

    fn add(&mut self, name: &str, words: &Words, lexicon: &Lexicon) {
        let (cues, keys) = entries(&words.groups, lexicon);
        let class = self.classes.len();
        self.keys.extend(keys.into_iter().map(|entry| (class, entry)));
        let mut slots = words.slots.clone();
        let more = lexicon
            .shared
            .slots
            .iter()
            .filter(|slot| words.slot(&slot.name).is_none());
        slots.extend(more.cloned());
        self.classes.push(Spoken {
            name: name.to_owned(),
            slots,
            needs: words.needs.clone(),
            signs: words.signs.clone(),
            cues,
        });
        if !words.signs.is_empty() {
            self.signed.push(class);
        }
    }

    /// Each key phrase is posted under the rarest of the words that it must hold.
    fn post(&mut self) {
        let mut often: HashMap<String, usize> = HashMap::new();
        for (_, entry) in &self.keys {
            for word in anchors(&entry.parts).into_iter().flatten() {
                *often.entry(word).or_default() += 1;
            }
        }
        for (id, (_, entry)) in self.keys.iter_mut().enumerate() {
            let cost = |set: &Vec<String>| {
                set.iter()
                    .map(|word| often.get(word).copied().unwrap_or(0))
                    .sum::<usize>()
            };
            entry.anchor = anchors(&entry.parts).into_iter().min_by_key(cost).unwrap_or_default();
            for word in &entry.anchor {
                self.postings.entry(word.clone()).or_default().push(id);
            }
        }
        for entry in self
            .shared
            .iter_mut()
            .chain(self.classes.iter_mut().flat_map(|class| &mut class.cues))
        {
            entry.anchor = anchors(&entry.parts)
                .into_iter()
                .min_by_key(Vec::len)
                .unwrap_or_default();
        }
    }

    fn learn_words(&mut self, lexicon: &Lexicon) {
        let mut all: BTreeSet<String> = BTreeSet::new();
        for (_, entry) in &self.keys {
            collect(&entry.parts, &mut all);
        }
        for entry in self
            .shared
            .iter()
            .chain(self.classes.iter().flat_map(|class| &class.cues))
        {
            collect(&entry.parts, &mut all);
        }
        all.extend(lexicon.services.words().cloned());
        for word in all.iter().filter(|word| word.len() > 3 && word.is_ascii()) {
            for shorter in slips(word) {
                self.slips.entry(shorter).or_default().push(word.clone());
            }
        }
        self.known.extend(all);
        let others = [
            &lexicon.fillers,
            &lexicon.nouns,
            &lexicon.everything,
            &lexicon.pronouns,
            &lexicon.joins,
        ];
        self.known.extend(others.into_iter().flat_map(|it| it.words().cloned()));
        self.known.extend(lexicon.light.iter().map(|word| stem(word)));
        self.known.extend(lexicon.noise.iter().map(|word| stem(word)));
        self.known.extend(
            lexicon
                .prefixes
                .words()
                .chain(lexicon.outside.iter().flat_map(|it| it.words()))
                .cloned(),
        );
        self.known
            .extend(lexicon.days.words().chain(lexicon.ratios.words()).cloned());
        for (unit, _) in &lexicon.durations {
            self.known.extend(stems(&unit.iter().collect::<String>()));
        }
        let mut aside = BTreeSet::new();
        self.beyond
            .iter()
            .map(|(_, entry)| entry)
            .chain(&self.aside)
            .for_each(|entry| collect(&entry.parts, &mut aside));
        self.known.extend(aside);
    }

    /// Whether a word means something here.
    #[must_use]
    pub fn knows(&self, stem: &str) -> bool {
        self.known.contains(stem)
    }

    /// The word of the library that was meant, where one letter is wrong, missing, too many, or two are swapped.
    #[must_use]
    pub fn meant(&self, stem: &str) -> Option<&str> {
        if stem.len() < 4 || !stem.is_ascii() || stem.bytes().any(|it| it.is_ascii_digit()) {
            return None;
        }
        let near = slips(stem).into_iter().filter_map(|it| self.slips.get(&it)).flatten();
        let near = near.filter(|word| super::world::distance(stem, word) <= 1);
        near.min_by_key(|word| {
            (
                word.as_bytes().first() != stem.as_bytes().first(),
                word.len() < stem.len(),
                word.as_str(),
            )
        })
        .map(String::as_str)
    }

    /// The key phrases that a sentence with these words may hold, with their classes.
    pub fn keys<'a>(&'a self, words: &'a HashSet<&str>) -> Vec<(usize, &'a Entry)> {
        let mut ids: Vec<usize> = words
            .iter()
            .filter_map(|word| self.postings.get(*word))
            .flatten()
            .copied()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter()
            .filter_map(|id| self.keys.get(id))
            .map(|(class, entry)| (*class, entry))
            .collect()
    }
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
    let part = |element: &Element| match element {
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
    };
    elements.iter().map(part).collect()
}

/// `md5 key` is tried before `md5`.
fn longest_first(mut alternatives: Vec<Vec<Part>>) -> Vec<Vec<Part>> {
    alternatives.sort_by_key(|it| std::cmp::Reverse(it.len()));
    alternatives
}

/// For each part that must be spoken, the words one of which must be there.
fn anchors(parts: &[Part]) -> Vec<Vec<String>> {
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

fn collect(parts: &[Part], words: &mut BTreeSet<String>) {
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

/// A word, and what is left of it when any one letter is missing.
fn slips(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let without = |at: usize| {
        letters
            .iter()
            .enumerate()
            .filter(|(it, _)| *it != at)
            .map(|(_, letter)| *letter)
            .collect()
    };
    std::iter::once(word.to_owned())
        .chain((0..letters.len()).map(without))
        .collect()
}
