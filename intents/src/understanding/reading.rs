//! One part of a sentence, read as one class: which value goes into which slot, and what is left over.

mod fill;
mod left;
mod select;

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::entity::Matter;
use super::index::{Index, Spoken};
use super::matching::{Match, Sentence, find};
use super::pattern::Entry;
use super::world::Names;
use crate::words::Kind;

/// What a number that nobody asked for counts among the words that mean nothing.
const NUMBER: f64 = 1.1;

/// How many words a phrase must have so that one of them is no name.
const NAMELESS: usize = 2;

/// What one slot got, and from where.
#[derive(Debug, Clone)]
pub struct Filled {
    /// The value.
    pub matter: Matter,
    /// The kind of the value.
    pub kind: Kind,
    /// The tokens that say it; none where a phrase or an earlier part says it.
    pub tokens: Option<(usize, usize)>,
}

/// Two values that cannot both hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// The slot.
    pub slot: String,
    /// The values.
    pub between: Vec<Value>,
}

/// A part of a sentence as one class would have it.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The class, as the index numbers it.
    pub class: usize,
    /// The tokens that were read.
    pub span: (usize, usize),
    /// The slots.
    pub slots: BTreeMap<String, Filled>,
    /// What contradicts itself.
    pub contradictions: Vec<Contradiction>,
    /// Words that turn a meaning round (not, only, except) and were not understood.
    pub ignored: usize,
    /// How many words that refer back could mean several things.
    pub supposed: usize,
    /// How often phrases say different things of a slot, of which the longer one counts.
    pub clashes: usize,
    /// How much phrases speak for the class.
    pub weight: f64,
    /// How many words mean nothing.
    pub unknown: f64,
    /// Which words mean nothing.
    pub strange: Vec<usize>,
    /// How many words mean something.
    pub covered: f64,
    /// How many words were passed over as saying nothing.
    pub passed: f64,
    /// How many words stand in clauses that speak of nothing here.
    pub aside: f64,
    /// How many of them lead a value or qualify one, and no phrase took them up.
    pub hanging: f64,
    /// How many values without a cue stand behind such a word.
    pub orphans: usize,
    /// Which tokens of the sentence say something that stands.
    pub explained: Vec<bool>,
    /// Values that found no slot.
    pub loose: Vec<usize>,
    /// The literal words that spoke for the class.
    pub keys: Vec<usize>,
    /// Slots filled without a cue.
    pub guessed: usize,
    /// Whether no phrase speaks for the class here: it goes on with the one before.
    pub again: bool,
    /// Slots that are still empty, by need.
    pub missing: Vec<Vec<String>>,
}

/// What reading needs.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// The sentence.
    pub sentence: Sentence<'a>,
    /// The classes.
    pub index: &'a Index,
    /// The names.
    pub world: &'a Names,
    /// The words of the sentence.
    pub words: &'a HashSet<&'a str>,
}

impl Draft {
    /// How good a reading it is.
    #[must_use]
    pub fn score(&self) -> f64 {
        let filled = self.slots.values().filter(|it| it.tokens.is_some()).count() as f64;
        let guessed = self.guessed as f64;
        let weight = if self.again { -0.8 } else { self.weight };
        weight + 0.6 * filled
            - 0.2 * guessed
            - 1.5 * self.loose.len() as f64
            - if self.slots.contains_key("_else") && !self.slots.contains_key("exceptions") {
                3.0
            } else {
                0.0
            }
            - 0.8 * self.unknown
            - match self.missing.len() {
                0 => 0.0,
                more => 1.0 + 0.6 * more as f64,
            }
            - 0.8 * self.contradictions.len() as f64
            - 3.0 * self.clashes as f64
            - 1.2 * self.ignored as f64
    }
}

/// Reads the tokens of `span` as a class; `keys` are the phrases that speak for it.
pub fn read(grounds: Grounds<'_>, class: usize, keys: &[Match<'_>], span: (usize, usize)) -> Option<Draft> {
    let spoken = grounds.index.classes.get(class)?;
    let mut matches: Vec<Match<'_>> = keys
        .iter()
        .filter(|it| it.begin >= span.0 && it.end <= span.1)
        .cloned()
        .collect();
    let cues = spoken
        .cues
        .iter()
        .chain(&grounds.index.shared)
        .filter(|entry| entry.may_match(grounds.words));
    for entry in cues {
        matches.extend(find(grounds.sentence, spoken, entry, span));
    }
    let matches = select::not_void(select::outside_text(select::unquoted(matches, grounds)));
    let matches = select::without_words_as_names(matches, grounds);
    let mut reader = Reader {
        grounds,
        spoken,
        span,
        used: vec![false; grounds.sentence.text.tokens.len()],
        displaced: Vec::new(),
        literal: vec![false; grounds.sentence.text.tokens.len()],
        explained: vec![false; grounds.sentence.text.tokens.len()],
        draft: Draft {
            class,
            span,
            ..Draft::default()
        },
    };
    reader.weigh(&matches);
    let kept = select::ranked(matches);
    reader.fill(&kept);
    reader.explain(&kept);
    reader.guess();
    reader.loose();
    reader.unknown();
    reader.draft.explained = reader
        .explained
        .iter()
        .zip(&reader.used)
        .map(|(word, value)| *word || *value)
        .collect();
    super::finish::settle(&mut reader.draft, spoken, grounds.world);
    Some(reader.draft)
}

struct Reader<'a> {
    grounds: Grounds<'a>,
    spoken: &'a Spoken,
    span: (usize, usize),
    /// Tokens that say a value that was given to a slot.
    used: Vec<bool>,
    /// Values whose place another value has.
    displaced: Vec<usize>,
    /// Tokens that are words of phrases.
    literal: Vec<bool>,
    /// Tokens that are words of phrases which said something that stands.
    explained: Vec<bool>,
    draft: Draft,
}

impl<'a> Reader<'a> {
    fn tokens(&self) -> &'a [super::text::Token] {
        &self.grounds.sentence.text.tokens
    }

    /// Every word of a phrase speaks once, with the phrase that speaks loudest.
    fn weigh(&mut self, matches: &[Match<'_>]) {
        let mut speaking: Vec<&Match<'_>> = matches.iter().collect();
        speaking.sort_by(|a, b| {
            b.entry
                .weight
                .total_cmp(&a.entry.weight)
                .then(b.literals.len().cmp(&a.literals.len()))
        });
        let mut counted = vec![false; self.literal.len()];
        for one in speaking {
            let new = one.literals.iter().filter(|it| !counted[**it]).count();
            for token in &one.literals {
                self.literal[*token] = true;
                counted[*token] |= one.entry.weight > 0.0;
            }
            if one.entry.weight > 0.0 && !one.literals.is_empty() {
                self.draft.weight += one.entry.weight * new as f64 / one.literals.len() as f64;
                self.draft.keys.extend(&one.literals);
            }
        }
    }
}

/// The key phrases of a sentence, with the classes that they speak for.
pub fn keys<'a>(grounds: Grounds<'a>, entries: &[(usize, &'a Entry)]) -> BTreeMap<usize, Vec<Match<'a>>> {
    let whole = (0, grounds.sentence.text.tokens.len());
    let mut found: BTreeMap<usize, Vec<Match<'a>>> = BTreeMap::new();
    for (class, entry) in entries {
        if let Some(spoken) = grounds.index.classes.get(*class) {
            let matches = find(grounds.sentence, spoken, entry, whole);
            if !matches.is_empty() {
                found.entry(*class).or_default().extend(matches);
            }
        }
    }
    found
}
