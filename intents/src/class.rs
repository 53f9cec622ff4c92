//! An intent class, read from its file and checked whole.

use knowledge_model::document::{self, Fault, Faults, Fields, Node};

use crate::contribution::Pattern;
use crate::slot::{Slot, SlotKind};
use crate::words::{Words, read_words};

/// What may go wrong when an intent of a class is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Nothing that carries traffic changes.
    Low,
    /// Traffic of those who asked may change.
    Medium,
    /// Traffic of others may change.
    High,
}

impl Risk {
    /// The word in files and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A text in the two languages that operators of the library speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Titles {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// An intent class.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Its name, such as `routing.static`.
    pub name: String,
    /// Rises whenever the meaning of the file changes.
    pub version: u32,
    /// What operators call it.
    pub title: Titles,
    /// What it does.
    pub description: Titles,
    /// Where it is used.
    pub scenario: Titles,
    /// What may go wrong.
    pub risk: Risk,
    /// Its elements.
    pub slots: Vec<Slot>,
    /// Of each of these groups exactly one slot must be filled.
    pub one_of: Vec<Vec<String>>,
    /// How operators speak of it; without words it is never read out of a sentence.
    pub words: Words,
    /// What it contributes to each target.
    pub(crate) configures: Vec<Pattern>,
}

impl Class {
    /// Reads the file of a class.
    ///
    /// # Errors
    /// Every fault of the file with its place.
    pub fn read(text: &str) -> Result<Self, Vec<Fault>> {
        let node = document::read(text)?;
        let faults = Faults::default();
        let class = read_class(&node, &faults);
        faults.settle(class)
    }

    /// The slot of this name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.name == name)
    }
}

fn read_class(node: &Node, faults: &Faults) -> Option<Class> {
    let fields = node.fields(faults)?;
    let name = fields.required("class").and_then(|it| class_name(it, faults));
    let version = fields.required("version").and_then(|it| version(it, faults));
    let title = titles(&fields, "title", faults);
    let description = titles(&fields, "description", faults);
    let scenario = titles(&fields, "scenario", faults);
    let risk = fields.required("risk").and_then(|it| risk(it, faults));
    let slots = fields
        .required("slots")
        .and_then(|it| read_slots(it, faults))
        .unwrap_or_default();
    let one_of = fields
        .optional("one-of")
        .map(|it| groups(it, &slots, faults))
        .unwrap_or_default();
    let configures = fields
        .required("configures")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let configures = configures
        .iter()
        .filter_map(|it| Pattern::read(it, &slots, faults))
        .collect();
    let words = fields
        .optional("words")
        .and_then(|it| read_words(it, faults))
        .unwrap_or_default();
    fields.end();
    Some(Class {
        name: name?,
        version: version?,
        title: title?,
        description: description?,
        scenario: scenario?,
        risk: risk?,
        slots,
        one_of,
        words,
        configures,
    })
}

fn class_name(node: &Node, faults: &Faults) -> Option<String> {
    let name = node.text(faults)?;
    let words = name
        .split('.')
        .all(|word| !word.is_empty() && word.chars().all(|it| it.is_ascii_lowercase() || it == '-'));
    if !words {
        faults.add(
            node.at,
            format!("{name:?} is no class name"),
            "lower-case words joined by dots: routing.static",
        );
    }
    words.then_some(name)
}

fn version(node: &Node, faults: &Faults) -> Option<u32> {
    let number = node.integer(faults)?;
    let version = u32::try_from(number).ok().filter(|number| *number > 0);
    if version.is_none() {
        faults.add(node.at, format!("{number} is no version"), "versions count from 1");
    }
    version
}

fn risk(node: &Node, faults: &Faults) -> Option<Risk> {
    let word = node.text(faults)?;
    let found = [Risk::Low, Risk::Medium, Risk::High]
        .into_iter()
        .find(|risk| risk.word() == word);
    if found.is_none() {
        faults.add(node.at, format!("{word:?} is no risk"), "low, medium or high");
    }
    found
}

fn titles(fields: &Fields<'_>, name: &'static str, faults: &Faults) -> Option<Titles> {
    let inner = fields.required(name)?.fields(faults)?;
    let en = inner.required("en").and_then(|it| it.text(faults));
    let zh = inner.required("zh").and_then(|it| it.text(faults));
    inner.end();
    Some(Titles { en: en?, zh: zh? })
}

fn read_slots(node: &Node, faults: &Faults) -> Option<Vec<Slot>> {
    let entries = node.entries(faults)?;
    Some(
        entries
            .iter()
            .filter_map(|(name, node)| read_slot(name, node, faults))
            .collect(),
    )
}

fn read_slot(name: &str, node: &Node, faults: &Faults) -> Option<Slot> {
    let fields = node.fields(faults)?;
    let kind = read_kind(&fields, faults);
    let truth = |name| fields.optional(name).and_then(|it| it.truth(faults)).unwrap_or(false);
    let (required, many) = (truth("required"), truth("many"));
    let description = fields.required("description").and_then(|it| it.text(faults));
    let default = fields.optional("default");
    let mut slot = Slot {
        name: name.to_owned(),
        kind: kind?,
        many,
        required,
        default: None,
        description: description?,
    };
    slot.default = default.and_then(|it| slot.read(it, faults));
    fields.end();
    Some(slot)
}

fn read_kind(fields: &Fields<'_>, faults: &Faults) -> Option<SlotKind> {
    let node = fields.required("type")?;
    let bound = |name| fields.optional(name).and_then(|it| it.integer(faults));
    let kind = match node.text(faults)?.as_str() {
        "device" => SlotKind::Device,
        "interface" => SlotKind::Interface,
        "address" => SlotKind::Address,
        "interface-address" => SlotKind::InterfaceAddress,
        "prefix" => SlotKind::Prefix,
        "rate" => SlotKind::Rate,
        "truth" => SlotKind::Truth,
        "secret" => SlotKind::Secret,
        "integer" => SlotKind::Integer {
            least: bound("least").unwrap_or(0),
            greatest: bound("greatest").unwrap_or(i64::from(u32::MAX)),
        },
        "text" => SlotKind::Text {
            longest: bound("longest").and_then(|it| usize::try_from(it).ok()).unwrap_or(255),
        },
        "choice" => {
            let words = fields.required("words")?.list(faults)?;
            SlotKind::Choice(words.iter().filter_map(|word| word.text(faults)).collect())
        }
        other => {
            let known = "device interface address interface-address prefix integer rate choice text truth secret";
            faults.add(
                node.at,
                format!("{other:?} is no type of a slot"),
                format!("known: {known}"),
            );
            return None;
        }
    };
    Some(kind)
}

fn groups(node: &Node, slots: &[Slot], faults: &Faults) -> Vec<Vec<String>> {
    let known = |item: &Node| {
        let name = item.text(faults)?;
        let found = slots.iter().any(|slot| slot.name == name);
        if !found {
            faults.add(item.at, format!("no slot is named {name:?}"), "");
        }
        found.then_some(name)
    };
    let groups = node.list(faults).unwrap_or_default();
    groups
        .iter()
        .filter_map(|group| Some(group.list(faults)?.iter().filter_map(known).collect()))
        .collect()
}
