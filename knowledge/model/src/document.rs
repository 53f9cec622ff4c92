//! Files that people write: YAML (and so JSON) read with line and column, and every fault reported at once.
//!
//! A reader takes the fields that it knows out of a mapping; what is missing, of the wrong kind or unknown is put on one
//! list, each with its place and how to mend it.

mod receive;
mod syntax;

use std::cell::{Cell, RefCell};
use std::fmt;

use saphyr::{MarkedYaml, Marker, Scalar, YamlData};
use saphyr_parser::Parser;

pub(crate) use syntax::control;
use syntax::syntax;

/// The largest document that is read.
const LENGTH: usize = 16 * 1024 * 1024;

/// The most faults that are listed.
pub const LISTED: usize = 1000;

/// A place in a file, counted from one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Something that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub at: Mark,
    /// What is wrong.
    pub what: String,
    /// How to mend it; empty where there is nothing to say.
    pub hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.at.line, self.at.column, self.what)?;
        if self.hint.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.hint)
        }
    }
}

/// The list of faults that a reader fills. Further ones than a person mends in one go are counted.
#[derive(Debug, Default)]
pub struct Faults {
    listed: RefCell<Vec<Fault>>,
    more: Cell<usize>,
}

impl Faults {
    /// Puts a fault on the list.
    pub fn add(&self, at: Mark, what: impl Into<String>, hint: impl Into<String>) {
        let mut listed = self.listed.borrow_mut();
        if listed.len() >= LISTED {
            self.more.set(self.more.get() + 1);
            return;
        }
        listed.push(Fault {
            at,
            what: what.into(),
            hint: hint.into(),
        });
    }

    /// True if nothing is on the list.
    pub fn is_empty(&self) -> bool {
        self.listed.borrow().is_empty()
    }

    /// The value if nothing is on the list, else the list in the order of the file.
    ///
    /// # Errors
    /// Every fault that was added.
    pub fn settle<T>(self, value: Option<T>) -> Result<T, Vec<Fault>> {
        let (mut faults, more) = (self.listed.into_inner(), self.more.get());
        faults.sort_by_key(|fault| fault.at);
        if more > 0 {
            faults.push(Fault {
                at: faults.last().map(|it| it.at).unwrap_or_default(),
                what: format!("{more} more faults"),
                hint: "mend those above first".to_owned(),
            });
        }
        match value {
            Some(value) if faults.is_empty() => Ok(value),
            Some(_) | None => Err(faults),
        }
    }
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub at: Mark,
    /// Where the key begins that names it; itself, where none does.
    pub named: Mark,
    /// What it is.
    pub value: Content,
    /// How it is written, where that is no text but a number or a truth value: `0123` is more than 123.
    pub written: Option<Box<str>>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file; every key is text.
    Map(Vec<(String, Node)>),
}

/// What kind of value is expected.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Integer,
    Truth,
    List,
    Map,
}

/// Reads one document that holds nothing but what a file of ours may.
///
/// # Errors
/// Where the text is no YAML, or holds what a file of ours never does: several documents, tags, keys that are not text,
/// the same key twice.
pub fn read(text: &str) -> Result<Node, Vec<Fault>> {
    let (node, faults) = open(text)?;
    faults.settle(Some(node))
}

/// Reads one document for a reader that will go on with the list of faults: what could be read, and what is wrong so far.
///
/// # Errors
/// Where nothing can be read: the text is no YAML, too long, or several documents.
pub fn open(text: &str) -> Result<(Node, Faults), Vec<Fault>> {
    let faults = Faults::default();
    if text.len() > LENGTH {
        let what = format!("{} bytes are more than {LENGTH}", text.len());
        faults.add(Mark { line: 1, column: 1 }, what, "split the file");
        return faults.settle(None);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    syntax::controls(text, &faults);
    if !faults.is_empty() {
        return faults.settle(None);
    }
    // A parser keeps the tokens of what stands in brackets until they are closed, so that these are counted before.
    let values = text.bytes().filter(|it| matches!(it, b',' | b'[' | b'{')).count();
    if values > receive::VALUES {
        faults.add(Mark { line: 1, column: 1 }, receive::too_many(), "split the file");
        return faults.settle(None);
    }
    let documents = match receive::documents(Parser::new_from_str(text), &faults) {
        Ok(documents) => documents,
        Err(error) => {
            let (at, what, hint) = syntax(error.info(), text, place(*error.marker()));
            faults.add(at, what, hint);
            return faults.settle(None);
        }
    };
    let node = match documents.as_slice() {
        [] => Node {
            at: Mark { line: 1, column: 1 },
            named: Mark { line: 1, column: 1 },
            value: Content::Null,
            written: None,
        },
        [one] => convert(one, &faults),
        [_, second, ..] => {
            faults.add(mark(second), "a second document begins here", "one document a file");
            return faults.settle(None);
        }
    };
    Ok((node, faults))
}

/// Where the parser stands, as people count.
fn place(marker: Marker) -> Mark {
    Mark {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

fn mark(node: &MarkedYaml<'_>) -> Mark {
    place(node.span.start)
}

fn convert(node: &MarkedYaml<'_>, faults: &Faults) -> Node {
    let at = mark(node);
    let mut written = None;
    let value = match &node.data {
        YamlData::Representation(text, style, tag) => {
            let core = tag.as_ref().is_none_or(|it| it.is_yaml_core_schema());
            let known = Scalar::parse_from_cow_and_metadata(text.clone(), *style, tag.as_ref().filter(|_| core));
            if !core || known.is_none() {
                tagged(at, faults);
            }
            let value = known.map_or(Content::Null, scalar);
            written = (!matches!(value, Content::Text(_) | Content::Null)).then(|| text.as_ref().into());
            value
        }
        YamlData::Value(it) => scalar(it.clone()),
        YamlData::Sequence(items) => Content::List(items.iter().map(|item| convert(item, faults)).collect()),
        YamlData::Mapping(entries) => Content::Map(
            entries
                .iter()
                .filter_map(|(key, value)| {
                    let named = mark(key);
                    let node = convert(value, faults);
                    Some((key_of(key, faults)?, Node { named, ..node }))
                })
                .collect(),
        ),
        YamlData::Tagged(_, inner) => {
            tagged(at, faults);
            let inner = convert(inner, faults);
            written = inner.written;
            inner.value
        }
        // A repetition that stands inside of what it repeats.
        YamlData::Alias(_) | YamlData::BadValue => {
            faults.add(at, "repeats what it stands in, without end", "write out what is meant");
            Content::Null
        }
    };
    Node {
        at,
        named: at,
        value,
        written,
    }
}

fn scalar(it: Scalar<'_>) -> Content {
    match it {
        Scalar::Null => Content::Null,
        Scalar::Boolean(it) => Content::Bool(it),
        Scalar::Integer(it) => Content::Integer(it),
        Scalar::FloatingPoint(it) => Content::Float(it.into_inner()),
        Scalar::String(it) => Content::Text(it.into_owned()),
    }
}

fn tagged(at: Mark, faults: &Faults) {
    let hint = "write it without !tag: tags have no meaning here";
    faults.add(at, "not a plain value", hint);
}

fn key_of(key: &MarkedYaml<'_>, faults: &Faults) -> Option<String> {
    let node = convert(key, faults);
    let key_is = match node.value {
        Content::Text(text) => return Some(text),
        Content::Integer(_) => return node.text(faults),
        Content::Bool(_) | Content::Float(_) => node.text(faults).unwrap_or_default(),
        Content::Null | Content::List(_) | Content::Map(_) => node.kind().to_owned(),
    };
    faults.add(mark(key), format!("a key is {key_is}, not text"), "put it in quotes");
    None
}

impl Node {
    /// What kind of value it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Content::Null => "nothing",
            Content::Bool(_) => "true or false",
            Content::Integer(_) => "a whole number",
            Content::Float(_) => "a number",
            Content::Text(_) => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }

    fn too_large(&self, faults: &Faults) {
        let hint = format!("whole numbers are at most {}", i64::MAX);
        faults.add(self.at, "the number is out of range", hint);
    }

    fn wrong(&self, expected: Form, faults: &Faults) {
        let (expected, hint) = match expected {
            Form::Text => ("text", "write a word, or text in quotes"),
            Form::Integer => ("a whole number", "write digits alone, without quotes"),
            Form::Truth => ("true or false", "write true or false, without quotes"),
            Form::List => ("a list", "write [a, b], or each item on a line of its own behind '- '"),
            Form::Map => (
                "a mapping",
                "write {key: value}, or each key on a line of its own: `key: value`",
            ),
        };
        faults.add(self.at, format!("expected {expected}, found {}", self.kind()), hint);
    }

    /// The text of a scalar: what stands in the file, numbers and truth values included.
    pub fn text(&self, faults: &Faults) -> Option<String> {
        match &self.value {
            Content::Text(text) => Some(text.clone()),
            Content::Integer(_) | Content::Float(_) | Content::Bool(_) => Some(
                self.written
                    .as_deref()
                    .map_or_else(|| self.json().to_string(), str::to_owned),
            ),
            Content::Null | Content::List(_) | Content::Map(_) => {
                self.wrong(Form::Text, faults);
                None
            }
        }
    }

    /// A whole number.
    pub fn integer(&self, faults: &Faults) -> Option<i64> {
        let Content::Integer(number) = self.value else {
            let digits = |it: &&str| it.trim_start_matches(['-', '+']).bytes().all(|it| it.is_ascii_digit());
            match self.written.as_deref().filter(digits) {
                Some(_) => self.too_large(faults),
                None => self.wrong(Form::Integer, faults),
            }
            return None;
        };
        Some(number)
    }

    /// A truth value.
    pub fn truth(&self, faults: &Faults) -> Option<bool> {
        let Content::Bool(truth) = self.value else {
            self.wrong(Form::Truth, faults);
            return None;
        };
        Some(truth)
    }

    /// The items of a list.
    pub fn list(&self, faults: &Faults) -> Option<&[Node]> {
        let Content::List(items) = &self.value else {
            self.wrong(Form::List, faults);
            return None;
        };
        Some(items)
    }

    /// The entries of a mapping whose keys are names that the writer chose.
    pub fn entries(&self, faults: &Faults) -> Option<&[(String, Node)]> {
        let Content::Map(entries) = &self.value else {
            self.wrong(Form::Map, faults);
            return None;
        };
        Some(entries)
    }

    /// The fields of a mapping whose keys we define.
    pub fn fields<'a>(&'a self, faults: &'a Faults) -> Option<Fields<'a>> {
        let entries = self.entries(faults)?;
        Some(Fields {
            at: self.at,
            entries,
            taken: RefCell::default(),
            faults,
        })
    }

    /// The value as JSON, for what is kept as it came.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match &self.value {
            Content::Null => serde_json::Value::Null,
            Content::Bool(it) => (*it).into(),
            Content::Integer(it) => (*it).into(),
            Content::Float(it) => (*it).into(),
            Content::Text(it) => it.as_str().into(),
            Content::List(items) => items.iter().map(Node::json).collect(),
            Content::Map(entries) => {
                serde_json::Value::Object(entries.iter().map(|(key, node)| (key.clone(), node.json())).collect())
            }
        }
    }
}

/// The fields of one mapping, taken by name; what nobody took is unknown.
#[derive(Debug)]
pub struct Fields<'a> {
    at: Mark,
    entries: &'a [(String, Node)],
    taken: RefCell<Vec<&'static str>>,
    faults: &'a Faults,
}

impl<'a> Fields<'a> {
    /// A field that may be missing.
    pub fn optional(&self, name: &'static str) -> Option<&'a Node> {
        self.taken.borrow_mut().push(name);
        let found = self.entries.iter().find(|(key, _)| key == name).map(|(_, node)| node)?;
        (found.value != Content::Null).then_some(found)
    }

    /// A field that must be there.
    pub fn required(&self, name: &'static str) -> Option<&'a Node> {
        self.needed(name, &format!("add `{name}: …`"))
    }

    /// A field that must be there, and how to write it where it is not.
    pub fn needed(&self, name: &'static str, hint: &str) -> Option<&'a Node> {
        let found = self.optional(name);
        if found.is_none() {
            self.faults.add(self.at, format!("`{name}` is missing"), hint);
        }
        found
    }

    /// What stands under a name that is unknown and most like this one, once all others were asked for.
    pub fn alike(&self, name: &'static str) -> Option<&'a Node> {
        let taken = self.taken.borrow();
        let unknown = self.entries.iter().filter(|(key, _)| !taken.contains(&key.as_str()));
        let mut meant = unknown.filter(|(key, _)| nearest(key, taken.iter().copied()) == Some(name));
        meant.next().map(|it| &it.1)
    }

    /// Ends the reading: every field that nobody asked for is a fault.
    pub fn end(self) {
        let taken = self.taken.into_inner();
        for (key, node) in self.entries.iter().filter(|(key, _)| !taken.contains(&key.as_str())) {
            let hint = nearest(key, taken.iter().copied()).map(|known| format!("did you mean `{known}`?"));
            let hint = hint.unwrap_or_else(|| format!("known here: {}", taken.join(", ")));
            self.faults.add(node.named, format!("unknown field `{key}`"), hint);
        }
    }
}

/// The known word that is most like `word`, if one is like it at all.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let closest = known.map(|other| (distance(word, other), other)).min()?;
    (closest.0 <= 1 + word.chars().count() / 4).then_some(closest.1)
}

/// How many letters must be put in, taken out, replaced or swapped with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests;
