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
    /// Keys that stand in at most one entry: an interface is in one area.
    pub unique: Vec<String>,
    /// How its block is left, if it is a header and differs from the platform's way.
    pub leave: Option<String>,
    /// The pattern of what the device shows.
    pub reader: Reader,
    /// The pattern of the command.
    pub writer: Reader,
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
    /// A leaf that another rule speaks of: the line goes along and says nothing by itself.
    Companion,
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
    /// Where a value that the line needs is missing, there is no line, and nothing is wrong.
    pub optional: bool,
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
    /// How the rule is called where people read of it: its entry and its command.
    pub fn name(&self) -> String {
        format!("{} = {}", self.path, self.line)
    }

    /// True if the tree has another entry with the same unique keys.
    pub fn is_taken(&self, entry: &Path, tree: &knowledge_model::Tree) -> bool {
        if self.unique.is_empty() {
            return false;
        }
        let Some(own) = self.path.bind_prefix(entry) else {
            return false;
        };
        let same = |other: &Bindings| self.unique.iter().all(|key| own.value(key) == other.value(key));
        let base = self.path.base();
        let mut others = tree.under(&base).filter_map(|(path, _)| self.path.bind(path));
        others.any(|other| same(&other) && other != own)
    }

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
            None if matches!(slot.source, Source::List(_)) => {
                let words: Option<Vec<String>> = value.split(' ').map(|it| slot.form.print(it)).collect();
                text.push(&words.ok_or(Unprintable)?.join(" "));
            }
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
        let Some(entry) = self.entry(bindings) else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        match &self.subject {
            Subject::Entry => entries.push((entry.clone(), Value::Present)),
            Subject::Fixed(value) => entries.push((entry.clone(), Value::scalar(value.as_str()))),
            Subject::Companion => return Vec::new(),
            Subject::Value | Subject::Container | Subject::Absence => {}
        }
        for (name, slot) in &self.slots {
            let Some(value) = bindings.value(name) else { continue };
            match &slot.source {
                Source::Key => {}
                Source::Own => entries.push((entry.clone(), Value::scalar(value))),
                Source::Leaf(leaf) => entries.push((below(&entry, leaf), Value::scalar(value))),
                Source::List(leaf) => {
                    entries.extend(value.split(' ').map(|it| (item(&entry, leaf, it), Value::Present)))
                }
            }
        }
        entries
    }

    /// True if a line of this rule can be about the entry at this path.
    pub fn speaks_of(&self, path: &Path) -> bool {
        let own = self.subject != Subject::Container && self.path.bind(path).is_some();
        let leaf = || {
            let leaves = self.slots.values().filter_map(|slot| match &slot.source {
                Source::Leaf(leaf) => Some(self.path.with(leaf)),
                Source::List(leaf) => Some(self.path.with(leaf).listed(&slot.form)),
                Source::Key | Source::Own => None,
            });
            let mut leaves = leaves.filter(|leaf| leaf.bind(path).is_some());
            leaves.next().is_some()
        };
        own || leaf() || self.is_above(path)
    }

    /// True if the device says nothing where the leaf at this path has this value.
    pub fn is_silent_about(&self, path: &Path, value: &str) -> bool {
        if let Subject::Fixed(fixed) = &self.subject {
            let other = matches!((fixed.as_str(), value), ("true", "false") | ("false", "true"));
            return other && self.path.bind(path).is_some();
        }
        self.slots
            .values()
            .filter(|slot| slot.hidden.as_deref() == Some(value))
            .any(|slot| match &slot.source {
                Source::Own => self.path.bind(path).is_some(),
                Source::Leaf(leaf) => self.path.with(leaf).bind(path).is_some(),
                Source::Key | Source::List(_) => false,
            })
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

/// The leaf at a relative path such as `match/prefix-list` or `../summary`.
pub(crate) fn below(entry: &Path, leaf: &str) -> Path {
    leaf.split('/').fold(entry.clone(), |path, step| match step {
        ".." => path.parent().unwrap_or_else(Path::root),
        name => path.child(name),
    })
}

/// A value of a leaf-list at a relative path.
pub(crate) fn item(entry: &Path, leaf: &str, value: &str) -> Path {
    let whole = below(entry, leaf);
    whole.parent().unwrap_or_else(Path::root).keyed(whole.name(), [value])
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
                None if matches!(slot.source, Source::List(_)) => {
                    let words: Option<Vec<String>> = found.as_str().split(' ').map(|it| slot.form.read(it)).collect();
                    bindings.bind(name, words?.join(" "))?;
                }
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
                let slot = slots
                    .get(&place.slot)
                    .ok_or_else(|| format!("{} is no slot", place.slot))?;
                let form = match place.piece {
                    Some(Piece::Length) => "[0-9]+".to_owned(),
                    Some(Piece::Mask | Piece::Wildcard) => net::Family::V4.pattern().to_owned(),
                    Some(Piece::Host) => net::Family::Any.pattern().to_owned(),
                    None if slot.secret => r"\S+".to_owned(),
                    None if matches!(slot.source, Source::List(_)) => {
                        format!("{form}(?: {form})*", form = slot.form.pattern())
                    }
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
