//! What a device says of itself, as data: which command or node yields an observation, and how it is read there.

mod json;
pub(crate) mod load;
mod words;

use crate::form::Form;
use crate::native::Native;
use knowledge_model::{Path, Tree, Value};
use regex::Regex;
use std::collections::BTreeMap;
use std::time::Duration;

pub use words::{ENTITIES, Entity};

/// The largest answer that is read.
const LENGTH: usize = 32 * 1024 * 1024;
/// What stands in a path for a label that an observation does not have.
const NONE: &str = "-";
/// The most observations that one answer holds.
const MOST: usize = 100_000;

/// The state section of a platform.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(crate) settle: Duration,
    pub(crate) senses: Vec<Sense>,
    pub(crate) native: Option<Native>,
}

/// One command and what its output says.
#[derive(Debug, Clone)]
pub struct Sense {
    pub(crate) command: Vec<Piece>,
    pub(crate) lasts: Option<Duration>,
    pub(crate) reader: Reader,
    pub(crate) labels: BTreeMap<String, Form>,
    pub(crate) observes: Vec<Observes>,
}

/// A piece of a command.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(String),
    Slot(String, Form),
}

/// How an output is taken apart.
#[derive(Debug, Clone)]
pub(crate) enum Reader {
    /// JSON: the way to each item, and fields that an item must have.
    Json {
        steps: Vec<Step>,
        only: Vec<(String, String)>,
        fields: BTreeMap<String, String>,
    },
    /// Text: each match is an item, its named groups are the fields.
    Text(Regex),
}

/// One step on the way to the items of a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    Label(String),
    Each,
}

/// One observation of an item.
#[derive(Debug, Clone)]
pub(crate) struct Observes {
    pub name: String,
    pub value: From,
}

/// Where the value of an observation comes from.
#[derive(Debug, Clone)]
pub(crate) enum From {
    /// A number in a field, of which so many make one.
    Number { field: String, per: f64 },
    /// A word in a field: the first pattern that fits says which word of ours it is, else the last resort.
    Word {
        field: String,
        words: Vec<(Regex, String)>,
        other: String,
    },
    /// Always the same: that there is an item says all.
    Always(String),
}

/// One observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its canonical name: `bgp-session/state`.
    pub name: String,
    /// What it belongs to: `neighbor → 192.0.2.1`.
    pub labels: BTreeMap<String, String>,
    /// What was seen.
    pub value: Measure,
}

/// The value of an observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// A quantity.
    Number(f64),
    /// A word.
    Word(String),
}

/// A command that is ready to be typed.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The line.
    pub line: String,
    /// After how long it is interrupted, where it does not end by itself.
    pub lasts: Option<Duration>,
    sense: &'a Sense,
    labels: BTreeMap<String, String>,
}

impl State {
    /// How long after a change the device may take to act on it.
    pub fn settle(&self) -> Duration {
        self.settle
    }

    /// The same over NETCONF: state paths and the nodes that they stand for.
    pub fn native(&self) -> Option<&Native> {
        self.native.as_ref()
    }

    /// Whether anything here yields an observation of this name, for these labels.
    pub fn observes(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        let native = self.native.iter().flat_map(|it| &it.rules);
        let native = native.into_iter().any(|rule| named(&path_name(rule), name));
        native || self.asks(name, labels).next().is_some()
    }

    /// The commands that yield observations of this name or below it. Labels fill the slots of the commands; a command
    /// with a slot that no label fills is left out.
    pub fn asks<'a>(
        &'a self,
        name: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> impl Iterator<Item = Ask<'a>> + 'a {
        let wanted = move |sense: &&Sense| sense.observes.iter().any(|it| named(&it.name, name));
        self.senses
            .iter()
            .filter(wanted)
            .filter_map(move |sense| sense.ask(labels))
    }
}

/// The name of what a node yields: its path without keys.
pub(crate) fn path_name(rule: &crate::native::NativeRule) -> String {
    let names: Vec<&str> = rule.path.steps().iter().map(|step| step.name.as_str()).collect();
    names.join("/")
}

/// Whether a name is the wanted one or below it.
fn named(name: &str, wanted: &str) -> bool {
    name.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Sense {
    fn ask(&self, given: &BTreeMap<String, String>) -> Option<Ask<'_>> {
        let (mut line, mut labels) = (String::new(), BTreeMap::new());
        for piece in &self.command {
            match piece {
                Piece::Text(text) => line.push_str(text),
                Piece::Slot(name, form) => {
                    // Only what has the slot's form gets into a command.
                    let value = form.canonical(given.get(name)?)?;
                    line.push_str(&form.print(&value)?);
                    labels.insert(name.clone(), value);
                }
            }
        }
        Some(Ask {
            line,
            lasts: self.lasts,
            sense: self,
            labels,
        })
    }
}

impl Ask<'_> {
    /// What the output says; nothing where it says nothing of the kind.
    ///
    /// # Errors
    /// Why the output cannot be read.
    pub fn read(&self, output: &str) -> Result<Vec<Seen>, String> {
        if output.len() > LENGTH {
            return Err(format!("{} bytes are more than {LENGTH}", output.len()));
        }
        let items = match &self.sense.reader {
            Reader::Json { steps, only, fields } => json::items(output, steps, only, fields)?,
            Reader::Text(regex) => texts(regex, output),
        };
        let mut seen = Vec::new();
        for item in items.into_iter().take(MOST) {
            let Some(labels) = self.labels(&item) else { continue };
            seen.extend(self.sense.observes.iter().filter_map(|it| it.see(&item, &labels)));
        }
        Ok(seen)
    }

    /// The labels of an item; none where one of them is of another form, or of something that was not asked for.
    fn labels(&self, item: &Item) -> Option<BTreeMap<String, String>> {
        let mut labels = self.labels.clone();
        for (name, text) in &item.labels {
            let value = match self.sense.labels.get(name) {
                Some(form) => form.read(text)?,
                None => text.clone(),
            };
            if labels.get(name).is_some_and(|known| *known != value) {
                return None;
            }
            labels.insert(name.clone(), value);
        }
        Some(labels)
    }
}

/// One item of an output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    labels: BTreeMap<String, String>,
    fields: BTreeMap<String, String>,
}

fn texts(regex: &Regex, output: &str) -> Vec<Item> {
    let names: Vec<&str> = regex.capture_names().flatten().collect();
    let item = |found: regex::Captures<'_>| {
        let mut item = Item::default();
        for name in &names {
            let Some(text) = found.name(name) else { continue };
            let is_label = words::is_label(name);
            let place = if is_label { &mut item.labels } else { &mut item.fields };
            place.insert((*name).to_owned(), text.as_str().to_owned());
        }
        item
    };
    regex.captures_iter(output).take(MOST).map(item).collect()
}

impl Observes {
    fn see(&self, item: &Item, labels: &BTreeMap<String, String>) -> Option<Seen> {
        let value = match &self.value {
            From::Number { field, per } => Measure::Number(item.fields.get(field)?.parse::<f64>().ok()? / per),
            From::Word { field, words, other } => {
                let text = item.fields.get(field)?;
                let found = words.iter().find(|(pattern, _)| pattern.is_match(text));
                Measure::Word(found.map_or_else(|| other.clone(), |(_, word)| word.clone()))
            }
            From::Always(word) => Measure::Word(word.clone()),
        };
        Some(Seen {
            name: self.name.clone(),
            labels: labels.clone(),
            value,
        })
    }
}

impl Seen {
    /// The observation as an entry: `bgp-session[192.0.2.1][ipv4-unicast]/state`. None for a name that nobody knows.
    pub fn entry(&self) -> Option<(Path, Value)> {
        let (entity, leaf) = words::split(&self.name)?;
        let keys = entity
            .labels
            .iter()
            .map(|label| self.labels.get(*label).map_or(NONE, String::as_str));
        let path = Path::root().try_keyed(entity.name, keys).ok()?.child(leaf);
        let value = match &self.value {
            Measure::Number(number) => Value::scalar(number.to_string()),
            Measure::Word(word) => Value::scalar(word.as_str()),
        };
        Some((path, value))
    }

    /// The observation that an entry is.
    pub fn of(path: &Path, value: &Value) -> Option<Self> {
        let mut steps = path.steps();
        let (first, leaf) = (steps.next()?, steps.next()?);
        let (entity, _) = words::split(&format!("{}/{}", first.name, leaf.name))?;
        let labels = entity.labels.iter().zip(first.keys.iter());
        let labels = labels
            .filter(|(_, key)| **key != NONE)
            .map(|(label, key)| ((*label).to_owned(), (*key).to_owned()));
        let text = value.text()?;
        Some(Self {
            name: format!("{}/{}", first.name, leaf.name),
            labels: labels.collect(),
            value: text
                .parse()
                .map_or_else(|_| Measure::Word(text.to_owned()), Measure::Number),
        })
    }

    /// All observations that a tree of entries holds.
    pub fn all(tree: &Tree) -> Vec<Self> {
        tree.iter().filter_map(|(path, value)| Self::of(path, value)).collect()
    }
}

#[cfg(test)]
mod tests;
