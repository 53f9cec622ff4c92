//! From a sentence and what it means to a phrase: values give way to the slots that they fill, the words between stay.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::entity::{Entity, Matter};
use super::index::Spoken;
use super::pattern::{anchors, collect, entries};
use super::scan::{Lattice, Scan};
use super::text::{Shape, Text, Token};
use super::world::{Names, distance};
use super::{Answer, Conversation, Reader};
use crate::class::Class;
use crate::learning::{Correction, LearnError, Lesson, Rule, read_right};
use crate::library::Library;
use crate::slot::{Slot, SlotKind, SlotValue};
use crate::words::Kind;

/// Signs that the notation of phrases keeps for itself.
const RESERVED: &[&str] = &["(", ")", "[", "]", "{", "}", "|", "<", "…"];

/// What a rule reaches.
#[derive(Debug, Clone, Default)]
pub struct Touch {
    /// One word of each must be there for its phrase to be.
    needs: Vec<Vec<String>>,
    /// Words that mean something only since.
    fresh: Vec<String>,
}

impl Touch {
    /// Whether a sentence may be read otherwise.
    #[must_use]
    pub fn reaches(&self, say: &str) -> bool {
        let Ok(text) = Text::read(say) else { return false };
        // A slip of one letter is mended, so a word counts as there where its neighbour is.
        let there = |word: &String| {
            let like = |said: &str| said == word || word.len() > 3 && distance(said, word) <= 1;
            let near = |token: &Token| like(&token.stem) || like(&token.text);
            text.tokens.iter().any(near)
        };
        self.fresh.iter().any(there) || self.needs.iter().all(|words| words.iter().any(there))
    }
}

/// A slot of the meaning, dots leading into objects.
struct Leaf {
    name: String,
    value: SlotValue,
    said: bool,
}

impl Reader {
    /// Makes a rule of a correction: of `phrase` where the operator gave one, else of the sentence itself.
    ///
    /// # Errors
    /// Why nothing can be learned from it; also where the sentence would not be read as it is meant.
    pub fn learn(
        &self,
        correction: Correction,
        phrase: Option<&str>,
        library: &Library,
        names: &Names,
    ) -> Result<Rule, LearnError> {
        let text = Text::read(&correction.say)?;
        let class = correction.class(library)?;
        let mut leaves = Vec::new();
        for (name, value) in correction.meaning(class)? {
            flatten(name, value, &mut leaves);
        }
        let missing = || LearnError::Class {
            name: class.name.clone(),
            near: None,
        };
        let spoken = self.index.classes.iter().find(|it| it.name == class.name);
        let sentence = self.phrase_of(&text, (class, spoken.ok_or_else(missing)?), names, &mut leaves);
        let (phrase, sets) = match phrase {
            // What the operator wrote is his own; the meaning need not be found in the sentence word by word.
            Some(phrase) => (phrase.to_owned(), settled(class, &leaves).0),
            None => {
                let phrase = sentence?;
                let (sets, unsaid) = settled(class, &leaves);
                if let Some(error) = unsaid {
                    return Err(error);
                }
                (phrase, sets)
            }
        };
        let rule = Rule {
            phrase,
            sets,
            correction,
        };
        rule.group(class)?;
        self.tells(&rule.phrase)?;
        Ok(rule)
    }

    /// Whether `taught`, the library with the rule in it, reads the sentence of the rule as it is meant.
    ///
    /// # Errors
    /// What it is read as instead.
    pub fn keeps(&self, rule: &Rule, taught: &Library, names: &Names) -> Result<(), LearnError> {
        let lesson = rule.lesson(String::new());
        let answer = self.read(&lesson.say, names, &Conversation::default());
        if read_right(&answer, &lesson, taught) {
            return Ok(());
        }
        Err(LearnError::Misread(answer.short()))
    }

    /// Which sentences a rule may change: those that hold all its words, and those with words that nobody knew before.
    #[must_use]
    pub fn touch(&self, before: &Self, rule: &Rule, library: &Library) -> Touch {
        let group = library
            .class(&rule.correction.class)
            .and_then(|class| rule.group(class).ok());
        let (_, keys) = entries(group.as_slice(), &self.lexicon);
        let mut words = BTreeSet::new();
        keys.iter().for_each(|it| collect(&it.parts, &mut words));
        Touch {
            needs: keys.first().map(|it| anchors(&it.parts)).unwrap_or_default(),
            fresh: words.into_iter().filter(|it| !before.index.knows(it)).collect(),
        }
    }

    fn phrase_of(
        &self,
        text: &Text,
        (class, spoken): (&Class, &Spoken),
        names: &Names,
        leaves: &mut [Leaf],
    ) -> Result<String, LearnError> {
        let known = |token: &Token| self.index.knows(&token.stem) || self.index.knows(&token.text);
        let scan = Scan {
            text,
            lexicon: &self.lexicon,
            world: names,
            known: &known,
            found: Vec::new(),
        };
        let lattice = scan.run();
        let (first, last) = self.core(text);
        let mut parts = Vec::new();
        let mut at = 0;
        while at < text.tokens.len() {
            let value = lattice.at(at).find_map(|(_, entity)| {
                let slot = fill(entity, (class, spoken), leaves)?;
                Some((entity.end, slot))
            });
            if let Some((end, slot)) = value {
                parts.push(format!("{{{slot}}}"));
                at = end;
                continue;
            }
            let token = &text.tokens[at];
            let counts = (first..last).contains(&at) && !self.lexicon.light.contains(&token.text);
            if counts {
                parts.push(literal(token, at, &lattice)?);
            }
            at += 1;
        }
        Ok(parts.join(" "))
    }

    /// The sentence without courtesies before it and signs behind it.
    fn core(&self, text: &Text) -> (usize, usize) {
        let tokens = &text.tokens;
        let (mut first, mut last) = (0, tokens.len());
        while let Some((end, ())) = self
            .lexicon
            .fillers
            .longest(tokens, first)
            .filter(|(end, ())| *end < last)
        {
            first = end;
        }
        while last > first && matches!(tokens[last - 1].text.as_str(), "." | "!" | "?") {
            last -= 1;
        }
        (first, last)
    }

    /// Whether some word of a phrase is more than courtesy, reference or grammar.
    fn tells(&self, phrase: &str) -> Result<(), LearnError> {
        let mut plain = String::new();
        let mut inside = false;
        for letter in phrase.chars() {
            match letter {
                '{' | '<' => inside = true,
                '}' | '>' => inside = false,
                '(' | ')' | '[' | ']' | '|' | '.' | '…' | '?' => plain.push(' '),
                other if !inside => plain.push(other),
                _ => {}
            }
            if inside {
                plain.push(' ');
            }
        }
        let wordless = || LearnError::Wordless(phrase.to_owned());
        let text = Text::read(&plain).map_err(|_| wordless())?;
        let lexicon = &self.lexicon;
        let sequences = [
            &lexicon.fillers,
            &lexicon.everything,
            &lexicon.pronouns,
            &lexicon.joins,
            &lexicon.nouns,
        ];
        let empty = |at: usize| {
            let token = &text.tokens[at];
            let short = token.shape == Shape::Word && token.text.chars().count() < 3;
            token.shape == Shape::Sign
                || short
                || lexicon.light.contains(&token.text)
                || lexicon.noise.contains(&token.text)
                || sequences.iter().any(|it| it.longest(&text.tokens, at).is_some())
        };
        let telling: Vec<&Token> = (0..text.tokens.len())
            .filter(|at| !empty(*at))
            .map(|at| &text.tokens[at])
            .collect();
        let words = telling.iter().filter(|it| it.shape == Shape::Word).count();
        if words == 0 && telling.len() < 2 {
            return Err(wordless());
        }
        Ok(())
    }
}

impl Rule {
    /// The correction as a sentence that must go on being read so.
    #[must_use]
    pub fn lesson(&self, source: String) -> Lesson {
        Lesson {
            say: self.correction.say.clone(),
            means: vec![(self.correction.class.clone(), self.correction.slots.clone())],
            source,
        }
    }
}

impl Answer {
    /// The answer in one line.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Intents(readings) => {
                let one = |it: &super::Reading| format!("{} {}", it.class, Value::Object(it.slots.clone()));
                readings.iter().map(one).collect::<Vec<String>>().join("; ")
            }
            Self::Ask(question) => format!("asked back: {}", question.text),
            Self::Refuse(refusal) => format!("refused: {}", refusal.text),
        }
    }
}

/// Which slot a value of the sentence fills; the leaf counts as said from then on.
fn fill(entity: &Entity, (class, spoken): (&Class, &Spoken), leaves: &mut [Leaf]) -> Option<String> {
    let takes = |name: &str, kind: Kind| spoken.slot(name).is_some_and(|slot| slot.takes.contains(&kind));
    if let Matter::Service { protocol, ports } = &entity.matter {
        let at = leaves
            .iter()
            .position(|it| !it.said && it.name.ends_with("protocol") && takes(&it.name, entity.kind));
        if let Some(at) = at {
            return service(at, (protocol.as_deref(), ports), leaves);
        }
    }
    if let Matter::Interface {
        device: Some(device),
        name,
    } = &entity.matter
    {
        let holds = |leaf: &Leaf, names: &[&str], value: &str| {
            !leaf.said && names.contains(&leaf.name.as_str()) && leaf.value.values() == [value.to_owned()]
        };
        let device = leaves.iter().position(|it| holds(it, &["device", "target"], device));
        let interface = leaves.iter().position(|it| holds(it, &["interface"], name));
        if let Some((device, interface)) = device.zip(interface) {
            leaves[device].said = true;
            leaves[interface].said = true;
            return Some("interface".to_owned());
        }
    }
    let value = entity.matter.json()?;
    let says = |leaf: &&mut Leaf| {
        let same = || {
            slot_of(class, &leaf.name)
                .and_then(|slot| read(slot, &value))
                .is_some_and(|it| {
                    let (mut one, mut other) = (it.values().to_vec(), leaf.value.values().to_vec());
                    one.sort();
                    other.sort();
                    !one.is_empty() && one == other || it == leaf.value
                })
        };
        !leaf.said && takes(&leaf.name, entity.kind) && same()
    };
    let leaf = leaves.iter_mut().find(says)?;
    leaf.said = true;
    Some(leaf.name.clone())
}

/// A protocol with its ports fills two leaves at once.
fn service(at: usize, (protocol, ports): (Option<&str>, &[String]), leaves: &mut [Leaf]) -> Option<String> {
    let name = leaves[at].name.clone();
    let beside = format!("{}ports", name.strip_suffix("protocol").unwrap_or_default());
    let other = leaves.iter().position(|it| it.name == beside);
    let same = leaves[at].value.first() == Some(protocol.unwrap_or("tcp"))
        && other.map_or(ports.is_empty(), |other| leaves[other].value.values() == ports);
    if !same {
        return None;
    }
    leaves[at].said = true;
    if let Some(other) = other {
        leaves[other].said = true;
    }
    Some(name)
}

fn flatten(name: String, value: SlotValue, leaves: &mut Vec<Leaf>) {
    match value {
        SlotValue::Object(fields) => {
            for (field, value) in fields {
                flatten(format!("{name}.{field}"), value, leaves);
            }
        }
        SlotValue::One(_) | SlotValue::Many(_) => leaves.push(Leaf {
            name,
            value,
            said: false,
        }),
    }
}

/// The slot that a dotted name leads to.
fn slot_of<'a>(class: &'a Class, name: &str) -> Option<&'a Slot> {
    let mut names = name.split('.');
    let mut slot = class.slot(names.next()?)?;
    for name in names {
        let SlotKind::Object(fields) = &slot.kind else {
            return None;
        };
        slot = fields.iter().find(|it| it.name == name)?;
    }
    Some(slot)
}

fn read(slot: &Slot, value: &Value) -> Option<SlotValue> {
    let node = knowledge_model::document::read(&value.to_string()).ok()?;
    let faults = knowledge_model::document::Faults::default();
    let value = slot.read(&node, &faults);
    faults.settle(value).ok()
}

/// What no value of the sentence says is said by the phrase itself, where it is a word of a few; else it is unsaid.
fn settled(class: &Class, leaves: &[Leaf]) -> (Map<String, Value>, Option<LearnError>) {
    let word = |leaf: &&Leaf| {
        slot_of(class, &leaf.name).is_some_and(|it| matches!(it.kind, SlotKind::Choice(_) | SlotKind::Truth))
    };
    let (words, values): (Vec<&Leaf>, Vec<&Leaf>) = leaves.iter().filter(|leaf| !leaf.said).partition(word);
    let unsaid = values.first().map(|leaf| LearnError::Unsaid {
        slot: leaf.name.clone(),
        value: leaf.value.to_string(),
    });
    let sets = words.iter().map(|leaf| (leaf.name.clone(), leaf.value.to_json()));
    (sets.collect(), unsaid)
}

/// A word of the sentence as a word of the phrase.
fn literal(token: &Token, at: usize, lattice: &Lattice) -> Result<String, LearnError> {
    use Kind::{
        Address, As, Community, Device, Devices, Host, Hosts, Intent, Interface, Network, Number, Percent, Prefix,
        Rate, Site, Tag, Volume,
    };
    let named = |it: &Entity| {
        let value = matches!(
            it.kind,
            Device
                | Devices
                | Host
                | Hosts
                | Site
                | Tag
                | Network
                | Intent
                | Interface
                | Address
                | Prefix
                | Rate
                | Volume
                | Number
                | Percent
                | As
                | Community
        );
        value && !it.faint && !matches!(it.matter, Matter::Pronoun | Matter::Unknown { .. })
    };
    let value = lattice.at(at).any(|(_, it)| named(it)) || token.text.chars().any(|it| it.is_ascii_digit());
    if value {
        return Err(LearnError::Unmeant {
            said: token.text.clone(),
        });
    }
    if RESERVED.contains(&token.text.as_str()) {
        return Err(LearnError::Sign(token.text.clone()));
    }
    Ok(token.text.clone())
}
