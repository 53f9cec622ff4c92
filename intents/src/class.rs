//! An intent class, read from its file and checked whole.

use std::collections::BTreeMap;

use knowledge_model::document::{self, Fault, Faults, Fields, Node};

use crate::call::CallKind;
use crate::check::{Checks, read_checks};
use crate::example::{Example, read_examples};
use crate::line::{Line, When, applies, read_when};
use crate::resolve::{Use, read_uses};
use crate::shared;
use crate::slot::{Slot, SlotKind, SlotValue};
use crate::stirs::Stirs;
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
    /// Its elements: its own, then those of every class.
    pub slots: Vec<Slot>,
    /// How many of the slots are its own.
    own: usize,
    /// Of each of these groups exactly one slot must be filled.
    pub one_of: Vec<Vec<String>>,
    /// How operators speak of it; without words it is never read out of a sentence.
    pub words: Words,
    /// Of each of these groups at least one slot must be filled.
    pub any_of: Vec<Vec<String>>,
    /// What it asks of the controller, where it configures nothing.
    pub call: Option<CallKind>,
    /// What is checked before, between apply and decision, and as long as it holds.
    pub checks: Checks,
    /// What operators say, and what it means.
    pub examples: Vec<Example>,
    /// What it stirs meanwhile.
    pub stirs: Stirs,
    /// What it cannot do, and why, whatever the platform.
    pub(crate) refuses: Vec<(When, String)>,
    /// What is found out before the lines are filled.
    pub(crate) resolves: Vec<Use>,
    /// What it contributes.
    pub(crate) configures: Vec<Line>,
}

impl Class {
    /// Reads the file of a class.
    ///
    /// # Errors
    /// Every fault of the file with its place.
    pub fn read(text: &str) -> Result<Self, Vec<Fault>> {
        let (node, faults) = document::open(text)?;
        let class = read_class(&node, &faults);
        faults.settle(class)
    }

    /// The slot of this name, shared ones included.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.name == name)
    }

    /// The slots of the class alone, without those that every class has.
    pub fn own_slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots[..self.own].iter()
    }

    /// Whether an intent must say for which devices it is: some line stands for itself on each of them.
    #[must_use]
    pub fn wants_target(&self) -> bool {
        self.call.is_none() && self.configures.iter().any(Line::is_everywhere)
    }

    /// What it cannot do with these slots, whatever the platform.
    #[must_use]
    pub fn refusals(&self, slots: &BTreeMap<String, SlotValue>) -> Vec<String> {
        let refused = self.refuses.iter().filter(|(when, _)| applies(when, slots));
        refused
            .map(|(_, because)| format!("{}: {because}", self.name))
            .collect()
    }

    /// What it finds out, and by which resolver.
    pub fn resolvers(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.resolves.iter().map(|it| (it.name.as_str(), it.resolver.name()))
    }

    /// The lines of its configuration, as they stand in the file.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.configures.iter().map(ToString::to_string)
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
    let mut slots = fields
        .required("slots")
        .and_then(|it| read_slots(it, faults))
        .unwrap_or_default();
    let own = slots.len();
    let more = shared::shared_slots();
    slots.extend(
        more.into_iter()
            .filter(|it| slots_lack(&slots[..own], &it.name))
            .collect::<Vec<_>>(),
    );
    let group = |name| {
        fields
            .optional(name)
            .map(|it| groups(it, &slots, faults))
            .unwrap_or_default()
    };
    let (one_of, any_of) = (group("one-of"), group("any-of"));
    let resolves = fields
        .optional("resolves")
        .map(|it| read_uses(it, &slots, faults))
        .unwrap_or_default();
    let call = fields.optional("calls").and_then(|it| CallKind::read(it, faults));
    let configures = read_lines(&fields, node, &slots, &resolves, faults);
    let examples = fields
        .optional("examples")
        .map(|it| read_examples(it, &slots, faults))
        .unwrap_or_default();
    let refuses = fields
        .optional("refuses")
        .map(|it| read_refusals(it, &slots, faults))
        .unwrap_or_default();
    let stirs = crate::stirs::read(&fields, faults);
    let checks = fields
        .optional("checks")
        .map(|it| read_checks(it, &slots, faults))
        .unwrap_or_default();
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
        own,
        one_of,
        words,
        any_of,
        call,
        checks,
        examples,
        stirs,
        refuses,
        resolves,
        configures,
    })
}

fn slots_lack(slots: &[Slot], name: &str) -> bool {
    slots.iter().all(|slot| slot.name != name)
}

/// `refuses: [{when: {slot: word}, because: …}]`.
fn read_refusals(node: &Node, slots: &[Slot], faults: &Faults) -> Vec<(When, String)> {
    let items = node.list(faults).unwrap_or_default();
    let read = |item: &Node| {
        let fields = item.fields(faults)?;
        let when = fields.required("when").map(|it| read_when(it, faults));
        let because = fields.required("because").and_then(|it| it.text(faults));
        fields.end();
        let when = when?;
        for (name, _) in when.iter().filter(|(name, _)| slots_lack(slots, name)) {
            faults.add(
                item.at,
                format!("no slot is named {name:?}"),
                "declare it under `slots`",
            );
        }
        Some((when, because?))
    };
    items.iter().filter_map(read).collect()
}

/// The lines of `configures`; a class has them, or it `calls`.
fn read_lines(fields: &Fields<'_>, node: &Node, slots: &[Slot], resolves: &[Use], faults: &Faults) -> Vec<Line> {
    let given = fields.optional("configures");
    let calls = fields.optional("calls").is_some();
    if given.is_some() == calls {
        let hint = "either it configures something, or it calls for something";
        faults.add(node.at, "a class has either `configures` or `calls`", hint);
    }
    let lines = given.and_then(|it| it.list(faults)).unwrap_or_default();
    lines
        .iter()
        .filter_map(|it| Line::read(it, slots, resolves, faults))
        .collect()
}

fn class_name(node: &Node, faults: &Faults) -> Option<String> {
    let name = node.text(faults)?;
    let words = name.split('.').all(|word| {
        let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        !word.is_empty() && word.chars().all(plain)
    });
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
        "name" => SlotKind::Name,
        "place" => SlotKind::Place,
        "next-hop" => SlotKind::NextHop,
        "port" => SlotKind::Port,
        "clock" => SlotKind::Clock,
        "moment" => SlotKind::Moment,
        "area" => SlotKind::Area,
        "number" => SlotKind::Number,
        "service" => SlotKind::Service,
        "match" => shared::traffic(),
        "free" => SlotKind::Free,
        "seconds" => SlotKind::Seconds(
            fields
                .optional("words")
                .and_then(|it| it.list(faults))
                .unwrap_or_default()
                .iter()
                .filter_map(|word| word.text(faults))
                .collect(),
        ),
        "choice" => {
            let words = fields.required("words")?.list(faults)?;
            SlotKind::Choice(words.iter().filter_map(|word| word.text(faults)).collect())
        }
        other => {
            let known = "device interface address interface-address prefix integer rate choice text truth secret name \
                         place next-hop port clock moment area number service match seconds free";
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
