//! The phrases of all classes, compiled once: found by a word that each must hold, so that a sentence meets only those
//! classes that it may speak of.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::lexicon::{Lexicon, stems};
use super::pattern::{Entry, anchors, collect, entries};
use super::profile::Profile;
use super::text::{Text, stem};
use crate::library::Library;
use crate::words::{Kind, SpokenSlot, Want, Words};

/// A class as the reader sees it.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// Its name.
    pub name: String,
    /// Its slots, then those of every class.
    pub slots: Vec<SpokenSlot>,
    /// What must be filled.
    pub needs: Vec<Vec<String>>,
    /// What must be filled beside something else.
    pub wants: Vec<Want>,
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
    /// The words of classes.
    pub profile: Profile,
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
            for example in &class.examples {
                if let Ok(text) = Text::read(&example.say) {
                    index.profile.add(index.classes.len(), &text.tokens, 1.0);
                }
            }
            index.add(&class.name, &class.words, lexicon);
        }
        index.profile.settle();
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
        for entry in keys.iter().chain(&cues) {
            self.profile.add_phrase(class, &entry.parts, 0.5);
        }
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
            wants: words.wants.clone(),
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
            &lexicon.idle,
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
        if let Some(meant) = self.swapped(stem) {
            return Some(meant);
        }
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

    /// A short word of which two neighbouring letters are swapped: `bpg`, `mut`.
    fn swapped(&self, stem: &str) -> Option<&str> {
        const SHORT: [&str; 10] = ["bgp", "mtu", "dns", "ntp", "bfd", "cpu", "ssh", "udp", "tcp", "med"];
        let (letters, plain) = (stem.as_bytes(), stem.len() == 3 && stem.is_ascii() && !self.knows(stem));
        let swaps = |word: &&&str| {
            let word = word.as_bytes();
            plain && (letters == [word[1], word[0], word[2]] || letters == [word[0], word[2], word[1]])
        };
        let meant = SHORT.iter().find(swaps)?;
        self.known.get(*meant).map(String::as_str)
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
