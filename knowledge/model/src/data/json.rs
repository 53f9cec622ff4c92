//! Reading JSON by the schema. Where the keys of a list entry do not come first, the reader looks ahead for them, so that
//! every path is known when a value is read and nothing is kept back.

use super::build::{Build, End, shown};
use super::cursor::{Cursor, Scalar, Syntax};
use super::{Invalid, Limits, Places, Reading};
use crate::document::control;
use crate::path::Path;
use crate::schema::{Kind, Node, Schema};
use crate::tree::Value;
use crate::types::JsonForm;
use std::collections::BTreeSet;

pub(super) fn read(bytes: &[u8], schema: &Schema, limits: &Limits) -> Reading {
    match run(bytes, schema, limits) {
        Ok((build, ended)) => build.settle(ended),
        Err(invalid) => invalid.into(),
    }
}

/// Where entries begin.
pub(super) fn places(bytes: &[u8], schema: &Schema, limits: &Limits, paths: &BTreeSet<Path>) -> Places {
    run(bytes, schema, limits).map_or_else(|_| Places::new(), |it| it.0.places(paths))
}

/// Reads as far as it goes, and whether it ended early.
fn run<'s, 't>(bytes: &'t [u8], schema: &'s Schema, limits: &Limits) -> Result<(Build<'s, 't>, bool), Invalid> {
    let (build, text) = Build::new(bytes, schema, limits)?;
    let mut reader = Reader {
        cursor: Cursor::new(text, limits.depth),
        build,
    };
    let result = reader
        .members(&Path::root(), None, 0)
        .and_then(|()| match reader.cursor.peek() {
            None => Ok(()),
            Some(_) => Err(Stop::Syntax(reader.cursor.wrong("the end"))),
        });
    let ended = result.is_err();
    if let Err(Stop::Syntax(syntax)) = result {
        let (found, hint) = found(&text[syntax.at..]);
        let hint = if syntax.deep { "a bracket too many?" } else { hint };
        reader.build.fault("", syntax.at, found, (&*syntax.expected, hint));
    }
    Ok((reader.build, ended))
}

/// What stands where no more can be read, and what to do about it.
fn found(text: &str) -> (String, &'static str) {
    let Some(first) = text.chars().next() else {
        return ("the end".to_owned(), "the text is cut off, or no JSON");
    };
    match (control(first), first) {
        (Some(what), _) => (what, "take it out: the file is text"),
        (None, '\n' | '\r') => (
            "the end of the line".to_owned(),
            "in JSON a line break in a text is written \\n",
        ),
        (None, '\t') => ("a tab".to_owned(), "in JSON a tab in a text is written \\t"),
        (None, other) => (format!("{other:?}"), "the text is no JSON that can be read"),
    }
}

/// Why the reading ends early.
enum Stop {
    Syntax(Syntax),
    Build,
}

impl From<Syntax> for Stop {
    fn from(syntax: Syntax) -> Self {
        Self::Syntax(syntax)
    }
}

impl From<End> for Stop {
    fn from(_: End) -> Self {
        Self::Build
    }
}

struct Reader<'s, 't> {
    cursor: Cursor<'t>,
    build: Build<'s, 't>,
}

impl<'s> Reader<'s, '_> {
    /// An object whose members are children of a node, or of the root.
    fn members(&mut self, path: &Path, node: Option<&'s Node>, depth: usize) -> Result<(), Stop> {
        if self.cursor.peek() != Some(b'{') {
            return self.unfit(path, "an object");
        }
        if depth >= self.build.limits.depth {
            return Err(self.cursor.too_deep().into());
        }
        self.cursor.take(b'{');
        if self.cursor.take(b'}') {
            return Ok(());
        }
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let at = self.cursor.place();
            self.build.go_on()?;
            let name = self.cursor.name()?;
            match self.child(node, &name) {
                None => {
                    self.build.unknown(path, node, &name, at);
                    self.cursor.skip()?;
                }
                Some(child) if seen.contains(&child.name()) => {
                    self.build.fault(path, at, format!("{name} twice"), "each name once");
                    self.cursor.skip()?;
                }
                Some(child) => {
                    seen.push(child.name());
                    self.value(path, child, depth)?;
                }
            }
            if !self.cursor.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// The child that a member's name means: with its module where that is not the parent's, else with or without.
    fn child(&self, parent: Option<&'s Node>, name: &str) -> Option<&'s Node> {
        let schema = self.build.schema;
        let (module, bare) = name
            .split_once(':')
            .map_or((None, name), |(module, bare)| (Some(module), bare));
        let child = schema.child(parent, bare)?;
        let fits = match module {
            Some(module) => *schema.module(child).name == *module,
            None => parent.is_some_and(|it| schema.module(it) == schema.module(child)),
        };
        fits.then_some(child)
    }

    fn value(&mut self, parent: &Path, node: &'s Node, depth: usize) -> Result<(), Stop> {
        match &node.kind {
            Kind::Container => self.members(&parent.joined(node.name()), Some(node), depth + 1),
            Kind::Presence => {
                let (path, at) = (parent.joined(node.name()), self.cursor.place());
                self.build.entry(path.clone(), Value::Present, at)?;
                self.members(&path, Some(node), depth + 1)
            }
            Kind::Leaf(_) if node.key => Ok(self.cursor.skip()?),
            Kind::Leaf(_) => {
                let (path, at) = (parent.joined(node.name()), self.cursor.place());
                match self.scalar(&path, node)? {
                    Some(text) if text.is_empty() && self.is_empty(node) => {
                        self.build.entry(path, Value::Present, at)?;
                    }
                    Some(text) => self.build.entry(path, Value::scalar(text), at)?,
                    None => {}
                }
                Ok(())
            }
            Kind::List { .. } | Kind::LeafList(_) => self.items(parent, node, depth),
        }
    }

    fn is_empty(&self, node: &Node) -> bool {
        node.value_type().is_some_and(|it| it.json_form("") == JsonForm::Null)
    }

    /// An array of list entries or of values of a leaf-list.
    fn items(&mut self, parent: &Path, node: &'s Node, depth: usize) -> Result<(), Stop> {
        if self.cursor.peek() != Some(b'[') {
            return self.unfit(&parent.joined(node.name()), "an array");
        }
        self.cursor.take(b'[');
        if self.cursor.take(b']') {
            return Ok(());
        }
        loop {
            let at = self.cursor.place();
            self.build.go_on()?;
            if node.is_leaf() {
                let value = self.scalar(&parent.joined(node.name()), node)?;
                let path = value.and_then(|it| self.build.instance(parent, node, &[it], at));
                if let Some(path) = path {
                    self.build.entry(path, Value::Present, at)?;
                }
            } else {
                self.list_entry(parent, node, depth)?;
            }
            if !self.cursor.more(b']')? {
                return Ok(());
            }
        }
    }

    fn list_entry(&mut self, parent: &Path, node: &'s Node, depth: usize) -> Result<(), Stop> {
        let at = self.cursor.place();
        if self.cursor.peek() != Some(b'{') {
            return self.unfit(&parent.joined(node.name()), "an object");
        }
        let keys = self.keys(parent, node)?;
        let path = keys.and_then(|it| self.build.instance(parent, node, &it, at));
        match path {
            Some(path) => {
                self.build.entry(path.clone(), Value::Present, at)?;
                self.members(&path, Some(node), depth + 1)
            }
            None => Ok(self.cursor.skip()?),
        }
    }

    /// Looks ahead in the object that begins here for the keys of the list; the cursor stays. Nothing if one is missing
    /// or wrong.
    fn keys(&mut self, parent: &Path, node: &'s Node) -> Result<Option<Vec<String>>, Stop> {
        let start = self.cursor.clone();
        let mut found: Vec<Option<String>> = vec![None; node.keys().len()];
        let (mut left, mut wrong) = (found.len(), false);
        self.cursor.take(b'{');
        let mut more = self.cursor.peek() != Some(b'}');
        while more && left > 0 {
            let name = self.cursor.name()?;
            let key = self.child(Some(node), &name).filter(|it| it.key);
            let index = key.and_then(|key| node.keys().iter().position(|it| **it == *key.name()));
            match key.zip(index) {
                Some((key, index)) if found[index].is_none() => {
                    let value = self.scalar(&parent.joined(node.name()).joined(key.name()), key)?;
                    wrong |= value.is_none();
                    found[index] = Some(value.unwrap_or_default());
                    left -= 1;
                }
                Some(_) | None => self.cursor.skip()?,
            }
            more = self.cursor.more(b'}')?;
        }
        self.cursor = start;
        for (key, _) in node.keys().iter().zip(&found).filter(|(_, value)| value.is_none()) {
            let at = self.cursor.place();
            let path = parent.joined(node.name());
            self.build
                .fault(path, at, format!("an entry without {key}"), "every key of the list");
        }
        Ok(if wrong { None } else { found.into_iter().collect() })
    }

    /// A scalar in the form that RFC 7951 gives to the type of the node, as canonical text; none and a fault otherwise.
    fn scalar(&mut self, path: &Path, node: &Node) -> Result<Option<String>, Stop> {
        let at = self.cursor.place();
        let Some(of) = node.value_type() else { return Ok(None) };
        if self.cursor.peek() == Some(b'[') && self.is_empty(node) {
            return Ok(self.null(path, at)?.then(String::new));
        }
        let (form, text) = match self.cursor.scalar()? {
            Some(Scalar::Text(text)) => (JsonForm::Text, text),
            Some(Scalar::Number(text)) => (JsonForm::Number, text.into()),
            Some(Scalar::Boolean(text)) => (JsonForm::Boolean, text.into()),
            Some(Scalar::Null) => (JsonForm::Null, "".into()),
            None => {
                self.unfit(path, &of.to_string())?;
                return Ok(None);
            }
        };
        let Some(canonical) = self.build.canonical(path, node, &text, at) else {
            return Ok(None);
        };
        let expected = of.json_form(&canonical);
        if form != JsonForm::Null && (form == expected || of.is_union()) {
            return Ok(Some(canonical));
        }
        let found = if node.secret {
            "a secret in another form".to_owned()
        } else {
            shown(&text)
        };
        let (expected, hint) = match expected {
            JsonForm::Text => ("a string", "64-bit and decimal numbers stand in quotes"),
            JsonForm::Number => ("a number", "without quotes"),
            JsonForm::Boolean => ("true or false", "without quotes"),
            JsonForm::Null => ("[null]", ""),
        };
        self.build.fault(path, at, found, (expected, hint));
        Ok(None)
    }

    /// `[null]`, the value of a leaf of type empty.
    fn null(&mut self, path: &Path, at: usize) -> Result<bool, Stop> {
        let start = self.cursor.clone();
        self.cursor.take(b'[');
        if self.cursor.peek() == Some(b'n') {
            self.cursor.scalar()?;
            if self.cursor.take(b']') {
                return Ok(true);
            }
        }
        self.cursor = start;
        self.cursor.skip()?;
        self.build.fault(path, at, "an array", "[null]");
        Ok(false)
    }

    /// Notes that a value of another kind stands here and steps over it. One that is too deep for that is told so alone.
    fn unfit(&mut self, path: &Path, expected: &str) -> Result<(), Stop> {
        let at = self.cursor.place();
        let found = match self.cursor.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(_) => "a scalar",
            None => return Err(self.cursor.wrong(expected.to_owned()).into()),
        };
        let skipped = self.cursor.skip();
        if !matches!(&skipped, Err(syntax) if syntax.deep) {
            self.build.fault(path, at, found, expected);
        }
        Ok(skipped?)
    }
}
