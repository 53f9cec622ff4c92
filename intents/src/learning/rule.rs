//! A rule: one phrase with the slots that it fills, and the correction that it was made from.

use std::collections::BTreeMap;

use knowledge_model::document::{self, Fault, Faults, Mark};
use serde_json::{Map, Value, json};

use crate::class::Class;
use crate::library::Library;
use crate::phrase::Phrase;
use crate::slot::{SlotKind, SlotValue};
use crate::understanding::TextError;
use crate::words::{Group, check_phrase};

/// How much a learned phrase speaks for its class: it was said of a whole sentence, and beats what its words say apart.
const WEIGHT: f64 = 6.0;
/// The most characters of a sentence that is learned from.
const SENTENCE: usize = 300;
/// The most characters of a phrase.
const PHRASE: usize = 300;
/// The most slots of a meaning.
const SLOTS: usize = 24;

/// What an operator says that a sentence means.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// The sentence.
    pub say: String,
    /// The class that is meant.
    pub class: String,
    /// Its slots, as a reading has them.
    pub slots: Map<String, Value>,
}

/// A phrase that was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The phrase, in the notation of the library.
    pub phrase: String,
    /// What it says of slots without naming a value.
    pub sets: Map<String, Value>,
    /// What it was made from.
    pub correction: Correction,
}

/// Why nothing is learned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// The sentence cannot be read at all.
    #[error("the sentence cannot be learned from")]
    Text(#[from] TextError),
    /// It is too long.
    #[error("{what} has {found} characters, more than {most}: say less at once")]
    Long {
        /// What.
        what: &'static str,
        /// How many it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// The class does not exist, or is never read out of sentences.
    #[error("no class of sentences is named {name:?}{}", hint(.near.as_deref()))]
    Class {
        /// As it was said.
        name: String,
        /// One like it.
        near: Option<String>,
    },
    /// What is meant is no intent of the class.
    #[error("what is meant has faults")]
    Meaning(Vec<Fault>),
    /// A value is meant that the sentence does not say.
    #[error(
        "the sentence does not say {slot} = {value}: a rule would claim it of every sentence; say it, or leave it out"
    )]
    Unsaid {
        /// The slot.
        slot: String,
        /// Its value.
        value: String,
    },
    /// A value is said that the meaning lacks.
    #[error("the sentence says {said:?}, which what is meant does not hold: a rule would know this one sentence only")]
    Unmeant {
        /// The words.
        said: String,
    },
    /// A secret would be kept.
    #[error("slot {0} holds a secret: what is learned is kept and shown")]
    Secret(String),
    /// Nothing in it tells what is meant.
    #[error("no word of {0:?} tells what is meant: it would swallow other sentences; use a word of your own")]
    Wordless(String),
    /// What stands in it cannot be part of a phrase.
    #[error("{0:?} cannot stand in a phrase: leave it out")]
    Sign(String),
    /// The phrase has faults.
    #[error("the phrase has faults")]
    Phrase(Vec<Fault>),
    /// The rule does not even read its own sentence as it is meant.
    #[error("with the rule the sentence would still not be read as meant: {0}")]
    Misread(String),
    /// What was kept is no rule.
    #[error("what was kept is no rule: {0}")]
    Kept(&'static str),
}

fn hint(near: Option<&str>) -> String {
    near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default()
}

impl LearnError {
    /// Every fault in words, one for each that is wrong.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        match self {
            Self::Meaning(faults) | Self::Phrase(faults) => faults.iter().map(ToString::to_string).collect(),
            Self::Text(error) => vec![error.to_string()],
            Self::Long { .. }
            | Self::Class { .. }
            | Self::Unsaid { .. }
            | Self::Unmeant { .. }
            | Self::Secret(_)
            | Self::Wordless(_)
            | Self::Sign(_)
            | Self::Misread(_)
            | Self::Kept(_) => Vec::new(),
        }
    }
}

impl Correction {
    /// The class that is meant, checked to be one that sentences are read as.
    pub(crate) fn class<'a>(&self, library: &'a Library) -> Result<&'a Class, LearnError> {
        let spoken = library.class(&self.class).filter(|it| !it.words.groups.is_empty());
        spoken.ok_or_else(|| LearnError::Class {
            name: self.class.clone(),
            near: library.nearest(&self.class).map(str::to_owned),
        })
    }

    /// The slots in canonical form; the whole is bounded, and holds no secret.
    pub(crate) fn meaning(&self, class: &Class) -> Result<BTreeMap<String, SlotValue>, LearnError> {
        let long = |what, found, most| LearnError::Long { what, found, most };
        let letters = self.say.chars().count();
        if letters > SENTENCE {
            return Err(long("the sentence", letters, SENTENCE));
        }
        if self.slots.len() > SLOTS {
            return Err(long("what is meant", self.slots.len(), SLOTS));
        }
        let secret = |name: &&String| class.slot(name).is_some_and(|slot| slot.kind == SlotKind::Secret);
        if let Some(name) = self.slots.keys().find(secret) {
            return Err(LearnError::Secret(name.clone()));
        }
        canonical(class, &self.slots).map_err(LearnError::Meaning)
    }
}

/// Slots in the form in which they are compared.
pub(crate) fn canonical(class: &Class, slots: &Map<String, Value>) -> Result<BTreeMap<String, SlotValue>, Vec<Fault>> {
    let faults = Faults::default();
    let mut all = BTreeMap::new();
    for (name, value) in slots {
        let Some(slot) = class.slot(name) else {
            let what = format!("{} has no slot `{name}`", class.name);
            faults.add(Mark { line: 1, column: 1 }, what, "as `entente class show` has them");
            continue;
        };
        let node = document::read(&value.to_string())?;
        all.extend(slot.read(&node, &faults).map(|value| (name.clone(), value)));
    }
    faults.settle(Some(all))
}

impl Rule {
    /// The group of phrases that it is to the reader.
    ///
    /// # Errors
    /// Where the class is not there, or the phrase is none of it.
    pub(crate) fn group(&self, class: &Class) -> Result<Group, LearnError> {
        let at = Mark { line: 1, column: 1 };
        let fault = |what: String| {
            LearnError::Phrase(vec![Fault {
                at,
                what,
                hint: String::new(),
            }])
        };
        let letters = self.phrase.chars().count();
        if letters > PHRASE {
            return Err(LearnError::Long {
                what: "the phrase",
                found: letters,
                most: PHRASE,
            });
        }
        if let Some(control) = self.phrase.chars().find(|it| it.is_control()) {
            return Err(fault(format!("control character U+{:04X}", u32::from(control))));
        }
        let phrase = Phrase::read(&self.phrase).map_err(|error| fault(error.to_string()))?;
        if !phrase.is_spoken() {
            return Err(LearnError::Wordless(self.phrase.clone()));
        }
        let faults = Faults::default();
        check_phrase(&phrase.elements, at, &class.words.slots, &faults);
        faults.settle(Some(())).map_err(LearnError::Phrase)?;
        Ok(Group {
            phrases: vec![phrase],
            weight: WEIGHT,
            sets: self
                .sets
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            unless: Vec::new(),
        })
    }

    /// As it is kept.
    #[must_use]
    pub fn json(&self) -> Value {
        let Correction { say, class, slots } = &self.correction;
        json!({ "class": class, "phrase": self.phrase, "sets": self.sets, "say": say, "slots": slots })
    }

    /// From what was kept.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(kept: &Value) -> Result<Self, LearnError> {
        let text = |name: &'static str| kept[name].as_str().map(str::to_owned).ok_or(LearnError::Kept(name));
        let map = |name: &'static str| kept[name].as_object().cloned().ok_or(LearnError::Kept(name));
        Ok(Self {
            phrase: text("phrase")?,
            sets: map("sets")?,
            correction: Correction {
                say: text("say")?,
                class: text("class")?,
                slots: map("slots")?,
            },
        })
    }
}
