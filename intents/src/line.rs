//! The lines of a class's `configures`: entries, and rules of lists that several intents share.
//!
//! A slot stands between braces, `{prefix}`, and so does a value that a resolver found, `{hop.next_hop}`; a line with a
//! value that is not there contributes nothing; a value of many repeats the line for each. Keys are put into the path as
//! keys, so that no value can forge a step.

use std::collections::BTreeMap;
use std::fmt;

use knowledge_model::document::{Content, Faults, Fields, Node};
use knowledge_model::owners::Composed;
use knowledge_model::{Path, PathError, Tree, Value};

use crate::resolve::Use;
use crate::slot::{Slot, SlotValue};

/// The values that a line is filled with: slots, and the row that it is filled for.
pub(crate) type Values = BTreeMap<String, SlotValue>;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The rows that it is filled for; once for each target where there are none.
    pub(crate) rows: Option<String>,
    when: When,
    unless: When,
    at: Place,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// An entry, with its value where it has one.
    Entry(Option<Piece>),
    /// A rule of the list that is attached at the place, and what is done where no rule matches.
    Rule { rule: Vec<Part>, last: Vec<Part> },
}

/// A leaf or an entry inside a rule.
type Part = (Place, Option<Piece>);

/// A path with slots in its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    written: String,
    steps: Vec<(String, Vec<Piece>)>,
}

/// Text with at most one slot: `ge-{port}` is `before` + slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    before: String,
    pub(crate) slot: Option<String>,
    after: String,
}

impl Line {
    /// Reads one line; every slot and row that it names must exist.
    pub(crate) fn read(node: &Node, slots: &[Slot], uses: &[Use], faults: &Faults) -> Option<Self> {
        let fields = node.fields(faults)?;
        let rows = fields.optional("for").and_then(|it| known_rows(it, uses, faults));
        let conditions = |name| {
            fields
                .optional(name)
                .map(|it| read_when(it, faults))
                .unwrap_or_default()
        };
        let (when, unless) = (conditions("when"), conditions("unless"));
        let composes = fields.optional("composes");
        let (at, what) = match composes {
            Some(at) => (Place::read(at, faults), read_rule(&fields, faults)),
            None => (
                fields.required("at").and_then(|at| Place::read(at, faults)),
                What::Entry(
                    fields
                        .optional("value")
                        .and_then(|it| it.text(faults))
                        .map(|text| Piece::read(&text)),
                ),
            ),
        };
        fields.end();
        let line = Self {
            rows,
            when,
            unless,
            at: at?,
            what,
        };
        for name in line.names() {
            line.check(&name, node, (slots, uses), faults);
        }
        Some(line)
    }

    fn check(&self, name: &str, node: &Node, (slots, uses): (&[Slot], &[Use]), faults: &Faults) {
        let Some((row, value)) = name.split_once('.') else {
            if slots.iter().all(|slot| slot.name != name) {
                faults.add(
                    node.at,
                    format!("no slot is named {name:?}"),
                    "declare it under `slots`",
                );
            }
            return;
        };
        // A value of an object, `match.prefix`, is none of a row.
        let resolver = uses.iter().find(|it| it.name == row).map(|it| it.resolver);
        match resolver {
            Some(resolver) if self.rows.as_deref() == Some(row) && resolver.gives().contains(&value) => {}
            Some(resolver) if self.rows.as_deref() == Some(row) => {
                let hint = format!("{} gives: {}", resolver.name(), resolver.gives().join(", "));
                faults.add(node.at, format!("{row} has no {value:?}"), hint);
            }
            Some(_) | None => {
                faults.add(
                    node.at,
                    format!("{name:?} is of no row of this line"),
                    "say `for` and a name of `resolves`",
                );
            }
        }
    }

    /// Whether it stands for itself on every target.
    pub(crate) fn is_everywhere(&self) -> bool {
        self.rows.is_none()
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        let (rule, last): (&[Part], &[Part]) = match &self.what {
            What::Entry(_) => (&[], &[]),
            What::Rule { rule, last } => (rule, last),
        };
        rule.iter().chain(last)
    }

    /// The slots and values that it names.
    fn names(&self) -> Vec<String> {
        let value = match &self.what {
            What::Entry(value) => value.as_ref(),
            What::Rule { .. } => None,
        };
        let inside = self.parts().flat_map(|(place, value)| place.pieces().chain(value));
        let pieces = self.at.pieces().chain(value).chain(inside);
        let mut names: Vec<String> = pieces.filter_map(|piece| piece.slot.clone()).collect();
        names.extend(self.when.iter().chain(&self.unless).map(|(name, _)| name.clone()));
        names.sort();
        names.dedup();
        names
    }

    fn applies(&self, values: &Values) -> bool {
        applies(&self.when, values) && (self.unless.is_empty() || !applies(&self.unless, values))
    }

    /// Plants what it says into `wanted`; `rule` tells the rules of one list apart.
    pub(crate) fn plant(&self, values: &Values, rule: usize, wanted: &mut Wanted) -> Result<(), PathError> {
        if !self.applies(values) {
            return Ok(());
        }
        match &self.what {
            What::Entry(value) => plant_part(&self.at, value.as_ref(), values, &mut wanted.tree),
            What::Rule { rule: parts, last } => {
                let mut said = Tree::new();
                plant_parts(parts, values, &mut said)?;
                for at in self.at.fill(values)?.into_iter().filter(|_| !said.is_empty()) {
                    let share = wanted.shares.entry(at).or_default();
                    plant_parts(last, values, &mut share.last)?;
                    plant_parts(parts, values, share.rules.entry(rule).or_default())?;
                }
                Ok(())
            }
        }
    }
}

fn plant_parts(parts: &[Part], values: &Values, tree: &mut Tree) -> Result<(), PathError> {
    parts
        .iter()
        .try_for_each(|(place, value)| plant_part(place, value.as_ref(), values, tree))
}

fn plant_part(place: &Place, value: Option<&Piece>, values: &Values, tree: &mut Tree) -> Result<(), PathError> {
    let names = place.pieces().chain(value).filter_map(|piece| piece.slot.as_deref());
    for one in expand(values, names) {
        let path = place.path(&one)?;
        let value = value.map_or(Value::Present, |piece| Value::scalar(piece.fill(&one)));
        tree.plant(path, value);
    }
    Ok(())
}

/// What an intent wants on one device, while it is put together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) tree: Tree,
    shares: BTreeMap<Path, Share>,
}

#[derive(Debug, Clone, Default)]
struct Share {
    rules: BTreeMap<usize, Tree>,
    last: Tree,
}

impl Wanted {
    /// The shares of composed lists.
    pub(crate) fn composed(&self) -> Vec<Composed> {
        let composed = |(at, share): (&Path, &Share)| Composed {
            at: at.clone(),
            rules: share.rules.values().cloned().collect(),
            last: share.last.clone(),
            adopt: false,
        };
        self.shares.iter().map(composed).collect()
    }
}

impl Place {
    fn read(node: &Node, faults: &Faults) -> Option<Self> {
        let text = node.text(faults)?;
        Self::parse(&text, node, faults)
    }

    fn parse(text: &str, node: &Node, faults: &Faults) -> Option<Self> {
        match text.parse::<Path>() {
            Ok(path) => {
                let pieces = |keys: Vec<&str>| keys.into_iter().map(Piece::read).collect();
                let steps = path.steps().map(|step| (step.name.to_owned(), pieces(step.keys)));
                Some(Self {
                    written: text.to_owned(),
                    steps: steps.collect(),
                })
            }
            Err(error) => {
                let hint = "for example interface[{interface}]/mtu";
                faults.add(node.at, format!("{text:?} is no path: {error}"), hint);
                None
            }
        }
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.steps.iter().flat_map(|(_, keys)| keys)
    }

    fn path(&self, one: &BTreeMap<&str, String>) -> Result<Path, PathError> {
        self.steps.iter().try_fold(Path::root(), |path, (name, keys)| {
            path.try_keyed(name, keys.iter().map(|key| key.fill(one)))
        })
    }

    /// The paths for every choice of values.
    fn fill(&self, values: &Values) -> Result<Vec<Path>, PathError> {
        let names = self.pieces().filter_map(|piece| piece.slot.as_deref());
        expand(values, names).iter().map(|one| self.path(one)).collect()
    }
}

/// Every choice of one value for each of the named slots; none where one is empty.
fn expand<'a>(values: &Values, names: impl Iterator<Item = &'a str>) -> Vec<BTreeMap<&'a str, String>> {
    let mut choices: Vec<BTreeMap<&str, String>> = vec![BTreeMap::new()];
    for name in names {
        if choices.iter().any(|choice| choice.contains_key(name)) {
            continue;
        }
        let held = values.get(name).map(SlotValue::values).unwrap_or_default();
        let with = |choice: &BTreeMap<&'a str, String>, value: &String| {
            let mut choice = choice.clone();
            choice.insert(name, value.clone());
            choice
        };
        choices = choices
            .iter()
            .flat_map(|choice| held.iter().map(move |value| with(choice, value)))
            .collect();
    }
    choices
}

impl Piece {
    pub(crate) fn read(text: &str) -> Self {
        let opened = text
            .split_once('{')
            .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
        let (before, slot, after) = match opened {
            Some((before, (slot, after))) => (before, Some(slot.to_owned()), after),
            None => (text, None, ""),
        };
        Self {
            before: before.to_owned(),
            slot,
            after: after.to_owned(),
        }
    }

    fn fill(&self, one: &BTreeMap<&str, String>) -> String {
        let value = self.slot.as_deref().and_then(|name| one.get(name));
        format!("{}{}{}", self.before, value.map_or("", String::as_str), self.after)
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot.as_ref().map(|it| format!("{{{it}}}")).unwrap_or_default();
        write!(f, "{}{slot}{}", self.before, self.after)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<Piece>| value.as_ref().map(|it| format!(" = {it}")).unwrap_or_default();
        match &self.what {
            What::Entry(it) => write!(f, "{}{}", self.at.written, value(it)),
            What::Rule { rule, .. } => {
                let parts: Vec<String> = rule
                    .iter()
                    .map(|(at, it)| format!("{}{}", at.written, value(it)))
                    .collect();
                write!(f, "a rule of the list at {}: {}", self.at.written, parts.join(", "))
            }
        }
    }
}

fn known_rows(node: &Node, uses: &[Use], faults: &Faults) -> Option<String> {
    let name = node.text(faults)?;
    if uses.iter().all(|it| it.name != name) {
        faults.add(
            node.at,
            format!("nothing resolves {name:?}"),
            "declare it under `resolves`",
        );
    }
    Some(name)
}

/// Conditions: a slot that is filled, or one that holds this word.
pub(crate) type When = Vec<(String, Option<String>)>;

/// Whether all conditions hold.
pub(crate) fn applies(when: &When, values: &Values) -> bool {
    when.iter().all(|(name, word)| {
        let held = values.get(name).map(SlotValue::values).unwrap_or_default();
        match word {
            Some(word) => held.iter().any(|it| it == word),
            None => !held.is_empty() && held != ["false"],
        }
    })
}

/// `when: slot`, or `when: {slot: word}`.
pub(crate) fn read_when(node: &Node, faults: &Faults) -> When {
    if let Content::Map(entries) = &node.value {
        let read = |(name, word): &(String, Node)| Some((name.clone(), Some(word.text(faults)?)));
        return entries.iter().filter_map(read).collect();
    }
    node.text(faults).map(|name| (name, None)).into_iter().collect()
}

fn read_rule(fields: &Fields<'_>, faults: &Faults) -> What {
    let parts = |node: &Node| -> Vec<Part> {
        let entries = node.entries(faults).unwrap_or_default();
        let part = |(at, value): &(String, Node)| {
            let place = Place::parse(at, value, faults)?;
            let present = value.value == Content::Null;
            let piece = if present {
                None
            } else {
                Some(Piece::read(&value.text(faults)?))
            };
            Some((place, piece))
        };
        entries.iter().filter_map(part).collect()
    };
    What::Rule {
        rule: fields.required("rule").map(parts).unwrap_or_default(),
        last: fields.optional("last").map(parts).unwrap_or_default(),
    }
}

/// A name for what equals `text`, the same on every machine and in every version.
pub(crate) fn short(kind: &str, text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, it| {
        (hash ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{kind}-{hash:016x}")
}
