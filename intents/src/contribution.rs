//! From an intent to the entries that it wants on one device.

use std::collections::BTreeMap;

use knowledge_model::document::{Faults, Node};
use knowledge_model::{Path, PathError, Tree, Value};

use crate::class::Class;
use crate::slot::{Slot, SlotValue};

/// What an intent wants on one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contribution {
    /// The entries, list entries above them included.
    pub tree: Tree,
}

/// Why an intent yields no entries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A slot's value cannot stand in a path.
    #[error("{class} cannot be written for these slots")]
    Path {
        /// The class.
        class: String,
        /// What is wrong with the path.
        source: PathError,
    },
    /// Nothing is left to configure.
    #[error("{class} asks for nothing with these slots")]
    Empty {
        /// The class.
        class: String,
    },
}

/// One line of a class's `configures`: a path with slots in its keys, and a value.
///
/// A slot stands between braces; a line with a slot that is empty contributes nothing; a slot of many values repeats
/// the line for each. Keys are put into the path as keys, so that no value can forge a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    steps: Vec<(String, Vec<Piece>)>,
    value: Option<Piece>,
    when: Vec<String>,
}

/// Text with at most one slot: `ge-{port}` is `before` + slot.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    before: String,
    slot: Option<String>,
    after: String,
}

/// What an intent of `class` with these checked slots contributes to each of its targets.
///
/// # Errors
/// Where a value cannot stand in a path, or nothing is asked for.
pub fn contribution(class: &Class, slots: &BTreeMap<String, SlotValue>) -> Result<Contribution, CompileError> {
    let mut tree = Tree::new();
    for pattern in &class.configures {
        pattern.plant(slots, &mut tree).map_err(|source| CompileError::Path {
            class: class.name.clone(),
            source,
        })?;
    }
    if tree.is_empty() {
        Err(CompileError::Empty {
            class: class.name.clone(),
        })
    } else {
        Ok(Contribution { tree })
    }
}

impl Pattern {
    /// Reads `{at, value, when}`; every slot that it names must exist.
    pub(crate) fn read(node: &Node, slots: &[Slot], faults: &Faults) -> Option<Self> {
        let fields = node.fields(faults)?;
        let at = fields.required("at");
        let steps = at.and_then(|at| read_steps(at, faults));
        let value = fields
            .optional("value")
            .and_then(|it| it.text(faults))
            .map(|text| Piece::read(&text));
        let when = fields.optional("when").and_then(|it| it.text(faults));
        fields.end();
        let pattern = Self {
            steps: steps?,
            value,
            when: when.into_iter().collect(),
        };
        for name in pattern
            .slots()
            .filter(|name| slots.iter().all(|slot| slot.name != **name))
        {
            faults.add(
                node.at,
                format!("no slot is named {name:?}"),
                "declare it under `slots`",
            );
        }
        Some(pattern)
    }

    /// The slots that it names.
    fn slots(&self) -> impl Iterator<Item = &String> {
        let pieces = self.steps.iter().flat_map(|(_, keys)| keys).chain(&self.value);
        pieces.filter_map(|piece| piece.slot.as_ref()).chain(&self.when)
    }

    fn plant(&self, slots: &BTreeMap<String, SlotValue>, tree: &mut Tree) -> Result<(), PathError> {
        let filled = self.slots().all(|name| slots.contains_key(name));
        let off = self
            .when
            .iter()
            .any(|name| slots.get(name).is_some_and(|value| value.values() == ["false"]));
        if !filled || off {
            return Ok(());
        }
        for one in expand(slots, self.slots()) {
            let mut path = Path::root();
            for (name, keys) in &self.steps {
                path = path.try_keyed(name, keys.iter().map(|key| key.fill(&one)))?;
            }
            let value = self
                .value
                .as_ref()
                .map_or(Value::Present, |piece| Value::scalar(piece.fill(&one)));
            tree.plant(path, value);
        }
        Ok(())
    }
}

/// Every choice of one value for each of the named slots.
fn expand<'a>(
    slots: &BTreeMap<String, SlotValue>,
    names: impl Iterator<Item = &'a String>,
) -> Vec<BTreeMap<&'a str, String>> {
    let mut choices = vec![BTreeMap::new()];
    for name in names {
        let values = slots.get(name).map(SlotValue::values).unwrap_or_default();
        if choices
            .iter()
            .all(|choice: &BTreeMap<&str, String>| choice.contains_key(name.as_str()))
        {
            continue;
        }
        let with = |choice: &BTreeMap<&'a str, String>, value: &String| {
            let mut choice = choice.clone();
            choice.insert(name.as_str(), value.clone());
            choice
        };
        choices = choices
            .iter()
            .flat_map(|choice| values.iter().map(move |value| with(choice, value)))
            .collect();
    }
    choices
}

impl Piece {
    fn read(text: &str) -> Self {
        let opened = text
            .split_once('{')
            .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
        match opened {
            Some((before, (slot, after))) => Self {
                before: before.to_owned(),
                slot: Some(slot.to_owned()),
                after: after.to_owned(),
            },
            None => Self {
                before: text.to_owned(),
                slot: None,
                after: String::new(),
            },
        }
    }

    fn fill(&self, slots: &BTreeMap<&str, String>) -> String {
        let value = self
            .slot
            .as_ref()
            .and_then(|name| slots.get(name.as_str()))
            .map_or("", String::as_str);
        format!("{}{value}{}", self.before, self.after)
    }
}

fn read_steps(node: &Node, faults: &Faults) -> Option<Vec<(String, Vec<Piece>)>> {
    let text = node.text(faults)?;
    let path: Path = match text.parse() {
        Ok(path) => path,
        Err(error) => {
            faults.add(
                node.at,
                format!("{text:?} is no path: {error}"),
                "for example interface[{interface}]/mtu",
            );
            return None;
        }
    };
    let steps = path.steps().map(|step| {
        (
            step.name.to_owned(),
            step.keys.iter().map(|key| Piece::read(key)).collect(),
        )
    });
    Some(steps.collect())
}
