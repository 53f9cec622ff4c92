//! From words to intents: deterministic, without a model, with the reading shown.
//!
//! A sentence is normalised and cut into words ([`text`]); every value in it is found, each place in all ways in which it
//! can be read ([`scan`]); phrases of the classes are found between them ([`matching`]); each part of the sentence is
//! read by the classes that its phrases speak for ([`reading`]), the best way of cutting the sentence wins ([`chain`]),
//! and what is left in doubt decides whether it is believed, asked about or refused ([`answer`]).

mod about;
mod amend;
mod answer;
mod apart;
mod carry;
mod catalogue;
mod chain;
mod context;
mod contraction;
mod entity;
mod evidence;
mod finish;
mod index;
mod learn;
mod lexicon;
mod matching;
mod number;
mod pattern;
mod profile;
mod reading;
mod scan;
mod synonyms;
mod text;
mod world;

use std::collections::HashSet;

use knowledge_model::document::Fault;

pub use answer::{Answer, Origin, Question, Reading, Reason, Refusal};
pub use catalogue::Language;
pub use evidence::Evidence;
pub use text::{LENGTH, TextError};
pub use world::Names;

use crate::library::Library;
use answer::{judge, refusal};
use catalogue::Catalogue;
use index::Index;
use lexicon::Lexicon;
use matching::Sentence;
use reading::Grounds;
use scan::Scan;
use text::{Shape, Text, Token};

/// Reads sentences; made once from a library.
#[derive(Debug, Clone)]
pub struct Reader {
    lexicon: Lexicon,
    index: Index,
    catalogue: Catalogue,
}

/// How often a speaker may take something back in one sentence.
const AMENDED: usize = 3;

/// What was agreed so far in a conversation, the oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// The confirmed intents.
    pub confirmed: Vec<Reading>,
}

impl Reader {
    /// Compiles the words of a library.
    ///
    /// # Errors
    /// Faults of the lexicon that comes with the program.
    pub fn new(library: &Library) -> Result<Self, Vec<Fault>> {
        let lexicon = Lexicon::load()?;
        let index = Index::new(library, &lexicon);
        Ok(Self {
            lexicon,
            index,
            catalogue: Catalogue::load()?,
        })
    }

    /// Understands a sentence.
    #[must_use]
    pub fn read(&self, sentence: &str, world: &Names, conversation: &Conversation) -> Answer {
        self.weighed(sentence, world, conversation).0
    }

    /// The same, with what speaks for and against the reading; nothing where it comes from the conversation.
    #[must_use]
    pub fn weighed(&self, sentence: &str, world: &Names, conversation: &Conversation) -> (Answer, Evidence) {
        let text = match Text::read(sentence) {
            Ok(text) => text,
            Err(error) => return (self.unreadable(&error, sentence), Evidence::default()),
        };
        self.attend(text, world, conversation, AMENDED)
    }

    /// Understands a text; what is taken back in it is taken back first, so often at most.
    fn attend(&self, mut text: Text, world: &Names, conversation: &Conversation, often: usize) -> (Answer, Evidence) {
        self.mend(&mut text, world);
        let known = |token: &Token| self.index.knows(&token.stem) || self.index.knows(&token.text);
        let scan = Scan {
            text: &text,
            lexicon: &self.lexicon,
            world,
            known: &known,
            found: Vec::new(),
        };
        let mut lattice = scan.run();
        context::point_back(&mut lattice, &text, conversation);
        let quoted = quoted(&text);
        let amended = (often > 0)
            .then(|| amend::amended(&text, &lattice, &self.lexicon, &quoted))
            .flatten();
        if let Some(text) = amended.and_then(|it| Text::read(&it).ok()) {
            return self.attend(text, world, conversation, often - 1);
        }
        let words: HashSet<&str> = text.tokens.iter().map(|token| token.stem.as_str()).collect();
        let sentence = Sentence {
            text: &text,
            lattice: &lattice,
            lexicon: &self.lexicon,
            quoted: &quoted,
        };
        let grounds = Grounds {
            sentence,
            index: &self.index,
            world,
            words: &words,
        };
        self.understand(grounds, conversation)
    }

    fn understand(&self, grounds: Grounds<'_>, conversation: &Conversation) -> (Answer, Evidence) {
        let language = if grounds.sentence.text.is_chinese() {
            Language::Chinese
        } else {
            Language::English
        };
        let voice = (&self.catalogue, language);
        if let Some(answer) = context::refer(grounds, conversation, voice) {
            return (answer, Evidence::default());
        }
        let keys = reading::keys(grounds, &self.index.keys(grounds.words));
        if let Some(answer) = about::read(grounds, &keys, conversation, voice) {
            return (answer, Evidence::default());
        }
        let chain = chain::best(grounds, &keys).unwrap_or_default();
        if let Some(topic) = self.beyond(grounds, &chain) {
            let nearest = self.lexicon.beyond.get(topic).and_then(|it| it.nearest.clone());
            return (refusal(nearest, &self.catalogue, language), Evidence::default());
        }
        let chain = context::resolve(chain, grounds, conversation);
        if chain.drafts.is_empty() {
            return (refusal(None, &self.catalogue, language), Evidence::default());
        }
        let evidence = evidence::weigh(&chain, grounds);
        let answer = judge(&chain, grounds, &evidence, voice);
        if matches!(answer, Answer::Intents(_)) {
            return (answer, evidence);
        }
        match context::change(grounds, conversation, &chain, voice) {
            Some(answer) => (answer, Evidence::default()),
            None => (answer, evidence),
        }
    }

    /// The topic beyond all classes that the sentence is about.
    fn beyond(&self, grounds: Grounds<'_>, chain: &chain::Chain) -> Option<usize> {
        let spoken = self.index.classes.first()?;
        let free = |at: &usize| {
            let said = |it: &reading::Filled| {
                matches!(
                    it.kind,
                    crate::words::Kind::Rest | crate::words::Kind::Quoted | crate::words::Kind::Word
                ) && it.tokens.is_some_and(|(begin, end)| (begin..end).contains(at))
            };
            !chain.drafts.iter().flat_map(|draft| draft.slots.values()).any(said)
        };
        let whole = (0, grounds.sentence.text.tokens.len());
        let whole_reading = !chain.drafts.is_empty()
            && chain.drafts.iter().all(|it| {
                it.weight > 1.5
                    && it.slots.values().all(|slot| slot.matter.json().is_some())
                    && it.missing.is_empty()
                    && it.loose.is_empty()
                    && it.contradictions.is_empty()
            });
        let strong = |topic: &usize| !whole_reading || self.lexicon.beyond.get(*topic).is_some_and(|it| !it.weak);
        self.index
            .beyond
            .iter()
            .filter(|(topic, _)| strong(topic))
            .find_map(|(topic, entry)| {
                if !entry.may_match(grounds.words) {
                    return None;
                }
                let found = matching::find(grounds.sentence, spoken, entry, whole);
                found.iter().any(|it| it.literals.iter().all(free)).then_some(*topic)
            })
    }

    fn unreadable(&self, error: &TextError, sentence: &str) -> Answer {
        let chinese = sentence.chars().take(LENGTH).any(crate::phrase::is_han);
        let language = if chinese { Language::Chinese } else { Language::English };
        let text = self
            .catalogue
            .say(language, "unreadable", &[("why", &error.to_string())]);
        Answer::Refuse(Refusal { nearest: None, text })
    }

    /// Mends typing slips of words of the library; a name is never mended.
    fn mend(&self, text: &mut Text, world: &Names) {
        for at in 0..text.tokens.len() {
            let token = &text.tokens[at];
            let hyphen = |at: Option<usize>| {
                at.and_then(|at| text.tokens.get(at))
                    .is_some_and(|it| it.text == "-" || it.text == "@")
            };
            let joined = hyphen(at.checked_sub(1)) && token.glued
                || hyphen(Some(at + 1)) && text.tokens.get(at + 1).is_some_and(|it| it.glued);
            let plain = token.shape == Shape::Word && !self.index.knows(&token.stem) && !self.index.knows(&token.text);
            if !plain || joined || !world.at(&text.tokens, at).is_empty() {
                continue;
            }
            let name = world
                .near(&token.text)
                .first()
                .is_some_and(|it| world::distance(&token.text, &it.name.to_lowercase()) < 2);
            if let Some(meant) = self
                .index
                .meant(&token.stem)
                .or_else(|| self.index.meant(&token.text))
                .filter(|_| !name)
            {
                let meant = meant.to_owned();
                text.tokens[at].text.clone_from(&meant);
                text.tokens[at].stem = meant;
                text.mended += 1;
            }
        }
    }
}

/// Which tokens stand in quotes.
fn quoted(text: &Text) -> Vec<bool> {
    let mut quoted = vec![false; text.tokens.len()];
    let marks: Vec<usize> = (0..text.tokens.len())
        .filter(|at| text.tokens[*at].text == "\"")
        .collect();
    for pair in marks.chunks_exact(2) {
        quoted[pair[0]..=pair[1]].fill(true);
    }
    quoted
}
