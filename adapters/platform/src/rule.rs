//! One bidirectional rule: the command, its undo, and the pattern that reads it back.

use crate::net::{self, Piece};
use crate::pattern::Pattern;
use crate::slot::{Bindings, Slot, Source};
use crate::template::{Element, Place, Template};
use crate::text::Text;
use knowledge_model::{Path, Value};
use regex::Regex;
use std::collections::BTreeMap;

/// A rule, with its place in the file for those who explain it.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Which entries it is about.
    pub path: Pattern,
    pub subject: Subject,
    /// The headers of the blocks that its line stands in, the outermost first.
    pub context: Vec<usize>,
    /// The command that sets.
    pub line: Template,
    /// What the device shows for it.
    pub shown: Template,
    /// The command that takes it back; none if it goes with what is inside it.
    pub unset: Option<Template>,
    pub slots: BTreeMap<String, Slot>,
    pub traits: Traits,
    /// How its block is left, if it is a header and differs from the platform's way.
    pub leave: Option<String>,
    pub reader: Reader,
    /// Line and column in the file.
    pub place: (usize, usize),
}

/// What must be in the model for the line to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A list entry or a presence container.
    Entry,
    /// A leaf, whose value stands in the line.
    Value,
    /// A leaf with this value; with any other value the line is not there.
    Fixed(String),
    /// Anything at or inside the node, which is no entry itself.
    Container,
    /// The entry is *not* there, though the one around it is.
    Absence,
}

/// How a rule behaves among others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traits {
    /// It opens a block.
    pub header: bool,
    /// The device shows it only with something inside.
    pub implied: bool,
    /// Its undo takes along what its block holds.
    pub absorbs_block: bool,
    /// Its undo takes along every line about what is inside its entry.
    pub absorbs_entry: bool,
    /// Others refer to it: its undo comes last.
    pub referent: bool,
    /// A new value needs the old one gone.
    pub replace: bool,
}

/// The compiled pattern of what the device shows.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub regex: Regex,
    pub places: Vec<(String, Option<Piece>)>,
}

/// The way in which a template fails to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unprintable;

impl Rule {
    /// A template of this rule with these values.
    pub fn print(&self, template: &Template, bindings: &Bindings) -> Result<Text, Unprintable> {
        let mut text = Text::default();
        self.print_elements(template.elements(), bindings, &mut text)?;
        Ok(text)
    }

    fn print_elements(&self, elements: &[Element], bindings: &Bindings, text: &mut Text) -> Result<(), Unprintable> {
        for element in elements {
            match element {
                Element::Literal(literal) => text.push(literal),
                Element::Slot(place) => self.print_slot(place, bindings, text)?,
                Element::Group(inner) if is_whole(inner, bindings) => self.print_elements(inner, bindings, text)?,
                Element::Group(_) => {}
            }
        }
        Ok(())
    }

    fn print_slot(&self, place: &Place, bindings: &Bindings, text: &mut Text) -> Result<(), Unprintable> {
        let slot = self.slots.get(&place.slot).ok_or(Unprintable)?;
        let Some(value) = bindings.value(&place.slot) else {
            text.push(slot.absent.as_deref().ok_or(Unprintable)?);
            return Ok(());
        };
        if slot.secret {
            text.push_secret(value);
            return Ok(());
        }
        match place.piece {
            None => text.push(&slot.form.print(value).ok_or(Unprintable)?),
            Some(piece) => {
                let network = net::Network::parse(value, net::Family::Any).ok_or(Unprintable)?;
                text.push(&network.piece(piece));
            }
        }
        Ok(())
    }

    /// The entry that the values speak of.
    pub fn entry(&self, bindings: &Bindings) -> Option<Path> {
        self.path.path(bindings)
    }

    /// The entries of the model that an instance stands for.
    pub fn entries(&self, bindings: &Bindings) -> Vec<(Path, Value)> {
        let Some(entry) = self.entry(bindings) else { return Vec::new() };
        let mut entries = Vec::new();
        match &self.subject {
            Subject::Entry => entries.push((entry.clone(), Value::Present)),
            Subject::Fixed(value) => entries.push((entry.clone(), Value::scalar(value.as_str()))),
            Subject::Value | Subject::Container | Subject::Absence => {}
        }
        for (name, slot) in &self.slots {
            let Some(value) = bindings.value(name) else { continue };
            match &slot.source {
                Source::Key => {}
                Source::Own => entries.push((entry.clone(), Value::scalar(value))),
                Source::Leaf(leaf) => entries.push((below(&entry, leaf), Value::scalar(value))),
            }
        }
        entries
    }

    /// True if a line of this rule can be about the entry at this path.
    pub fn speaks_of(&self, path: &Path) -> bool {
        let own = self.subject != Subject::Container && self.path.bind(path).is_some();
        let leaf = || {
            let leaves = self.slots.values().filter_map(|slot| match &slot.source {
                Source::Leaf(leaf) => Some(leaf),
                Source::Key | Source::Own => None,
            });
            let mut leaves = leaves.filter(|leaf| self.path.with(leaf).bind(path).is_some());
            leaves.next().is_some()
        };
        own || leaf() || self.is_above(path)
    }

    /// True if the path is a list entry that comes with the entries of this rule.
    fn is_above(&self, path: &Path) -> bool {
        let mut pattern = self.path.parent();
        while !pattern.steps().is_empty() {
            if pattern.ends_in_keys() && pattern.bind(path).is_some() {
                return true;
            }
            pattern = pattern.parent();
        }
        false
    }

    /// The values of the keys, in the order of the path.
    pub fn keys(&self, bindings: &Bindings) -> Vec<String> {
        self.path
            .slots()
            .map(|(name, _)| bindings.value(name).unwrap_or_default().to_owned())
            .collect()
    }
}

/// True if every slot of a group has its value.
fn is_whole(elements: &[Element], bindings: &Bindings) -> bool {
    elements.iter().all(|element| match element {
        Element::Literal(_) | Element::Group(_) => true,
        Element::Slot(place) => bindings.value(&place.slot).is_some(),
    })
}

/// The leaf at a relative path such as `match/prefix-list`.
pub(crate) fn below(entry: &Path, leaf: &str) -> Path {
    leaf.split('/').fold(entry.clone(), |path, step| path.child(step))
}

impl Reader {
    /// Compiles the pattern of a template.
    pub fn compile(template: &Template, slots: &BTreeMap<String, Slot>) -> Result<Self, String> {
        let mut pattern = String::from("^");
        let mut places = Vec::new();
        append(template.elements(), slots, &mut pattern, &mut places)?;
        pattern.push('$');
        let regex = Regex::new(&pattern).map_err(|error| error.to_string())?;
        Ok(Self { regex, places })
    }

    /// The values in a line, as canonical values; none if it is another line. What stands at a secret is kept apart.
    pub fn read(&self, line: &str, slots: &BTreeMap<String, Slot>) -> Option<(Bindings, Option<String>)> {
        let captures = self.regex.captures(line)?;
        let mut bindings = Bindings::default();
        let mut pieces: BTreeMap<&str, Vec<(Piece, &str)>> = BTreeMap::new();
        let mut secret = None;
        for (index, (name, piece)) in self.places.iter().enumerate() {
            let Some(found) = captures.get(index + 1) else { continue };
            let slot = slots.get(name)?;
            match piece {
                Some(piece) => pieces.entry(name).or_default().push((*piece, found.as_str())),
                None if slot.absent.as_deref() == Some(found.as_str()) => {}
                None if slot.secret => secret = Some(found.as_str().to_owned()),
                None => bindings.bind(name, slot.form.read(found.as_str())?)?,
            }
        }
        for (name, pieces) in pieces {
            let joined = net::join(&pieces)?;
            bindings.bind(name, slots.get(name)?.form.read(&joined)?)?;
        }
        Some((bindings, secret))
    }
}

fn append(
    elements: &[Element],
    slots: &BTreeMap<String, Slot>,
    pattern: &mut String,
    places: &mut Vec<(String, Option<Piece>)>,
) -> Result<(), String> {
    for element in elements {
        match element {
            Element::Literal(text) => pattern.push_str(&regex::escape(text)),
            Element::Group(inner) => {
                pattern.push_str("(?:");
                append(inner, slots, pattern, places)?;
                pattern.push_str(")?");
            }
            Element::Slot(place) => {
                let slot = slots.get(&place.slot).ok_or_else(|| format!("{} is no slot", place.slot))?;
                let form = match place.piece {
                    Some(Piece::Length) => "[0-9]+".to_owned(),
                    Some(Piece::Mask | Piece::Wildcard) => net::Family::V4.pattern().to_owned(),
                    Some(Piece::Host) => net::Family::Any.pattern().to_owned(),
                    None if slot.secret => r"\S+".to_owned(),
                    None => slot.form.pattern(),
                };
                let absent = slot.absent.as_deref().filter(|it| !it.is_empty()).map(regex::escape);
                match absent {
                    Some(absent) => pattern.push_str(&format!("({absent}|{form})")),
                    None => pattern.push_str(&format!("({form})")),
                }
                places.push((place.slot.clone(), place.piece));
            }
        }
    }
    Ok(())
}
