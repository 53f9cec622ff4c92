//! What the readers of JSON and XML share: collecting entries and faults within limits.

use super::{Fault, Invalid, Limits, Reading};
use crate::path::Path;
use crate::schema::{Node, Schema};
use crate::tree::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The longest piece of the text that a fault repeats.
const SHOWN: usize = 60;

/// The reading has to end: the fault is on the list.
pub(super) struct End;

/// What should have stood there, with or without a hint.
pub(super) struct Expected {
    what: String,
    hint: String,
}

impl From<&str> for Expected {
    fn from(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            hint: String::new(),
        }
    }
}

impl From<String> for Expected {
    fn from(what: String) -> Self {
        Self {
            what,
            hint: String::new(),
        }
    }
}

impl<H: Into<String>> From<(&str, H)> for Expected {
    fn from((what, hint): (&str, H)) -> Self {
        Self {
            what: what.to_owned(),
            hint: hint.into(),
        }
    }
}

/// How many times more faults than are listed are looked for: behind them, hardly anything is as it should be.
const PAST: usize = 10;

/// Entries and faults so far, with the places where they begin, in bytes.
pub(super) struct Build<'s, 't> {
    pub(super) schema: &'s Schema,
    pub(super) limits: Limits,
    bytes: &'t [u8],
    entries: Vec<(Path, Value, u32)>,
    faults: BTreeMap<Fault, Noted>,
    /// How many faults there were in all.
    all: usize,
    more: usize,
    unread: bool,
}

/// Where a fault is, how many were listed before it, and how often there is another like it.
struct Noted {
    at: usize,
    before: usize,
    again: usize,
}

impl<'s, 't> Build<'s, 't> {
    /// Begins, unless the text is too long or no text.
    pub(super) fn new(bytes: &'t [u8], schema: &'s Schema, limits: &Limits) -> Result<(Self, &'t str), Invalid> {
        let mut build = Self {
            schema,
            limits: *limits,
            bytes,
            entries: Vec::new(),
            faults: BTreeMap::new(),
            all: 0,
            more: 0,
            unread: false,
        };
        if bytes.len() > limits.bytes {
            let expected = format!("at most {} bytes", limits.bytes);
            build.fault("", 0, format!("{} bytes", bytes.len()), expected);
            return Err(build.invalid());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok((build, text)),
            Err(error) => {
                let at = error.valid_up_to();
                build.fault("", at, format!("a byte at {at} that is not UTF-8"), "UTF-8");
                Err(build.invalid())
            }
        }
    }

    /// Notes a fault; what is wrong in the same way at the same path is counted.
    pub(super) fn fault(
        &mut self,
        path: impl ToString,
        at: usize,
        found: impl Into<String>,
        expected: impl Into<Expected>,
    ) {
        let Expected { what: expected, hint } = expected.into();
        let fault = Fault {
            path: path.to_string(),
            line: 0,
            column: 0,
            found: found.into(),
            expected,
            hint,
        };
        self.all += 1;
        if let Some(noted) = self.faults.get_mut(&fault) {
            noted.again += 1;
        } else if self.faults.len() < self.limits.faults {
            let before = self.faults.len();
            self.faults.insert(fault, Noted { at, before, again: 0 });
        } else {
            self.more += 1;
        }
    }

    /// Ends the reading where there are far more faults than are listed.
    pub(super) fn go_on(&mut self) -> Result<(), End> {
        self.unread = self.all >= self.limits.faults.saturating_mul(PAST).max(PAST);
        if self.unread { Err(End) } else { Ok(()) }
    }

    /// A name that no node has here.
    pub(super) fn unknown(&mut self, parent: &Path, node: Option<&Node>, name: &str, at: usize) {
        let bare = name.rsplit(':').next().unwrap_or(name);
        let known: Vec<_> = self.schema.children(node).map(Node::name).collect();
        let hint = match crate::document::nearest(bare, known.iter().copied()) {
            Some(near) if near == bare => {
                let child = self.schema.child(node, near).map(|it| self.schema.module(it));
                child.map_or_else(String::new, |it| {
                    format!("it is in module {}, namespace {}", it.name, it.namespace)
                })
            }
            Some(near) => format!("did you mean {near}?"),
            None => format!("known here: {}", known[..known.len().min(20)].join(", ")),
        };
        let shown = shown(name);
        self.fault(
            parent,
            at,
            format!("unknown node {shown}"),
            ("a node of the schema", hint),
        );
    }

    /// Keeps an entry; ends where there are too many.
    pub(super) fn entry(&mut self, path: Path, value: Value, at: usize) -> Result<(), End> {
        if self.entries.len() >= self.limits.entries {
            let expected = format!("at most {} entries", self.limits.entries);
            self.fault(&path, at, "one entry more", expected);
            // None of them is of use any more.
            self.entries = Vec::new();
            return Err(End);
        }
        self.entries.push((path, value, u32::try_from(at).unwrap_or(u32::MAX)));
        Ok(())
    }

    /// The instance of a list or leaf-list with these keys, if they are keys; the keys in canonical form.
    pub(super) fn instance(&mut self, parent: &Path, node: &Node, keys: &[String], at: usize) -> Option<Path> {
        match parent.try_keyed(node.name(), keys) {
            Ok(path) => Some(path),
            Err(error) => {
                self.fault(parent, at, error.to_string(), "keys without control characters");
                None
            }
        }
    }

    /// The canonical form of a value; a fault is noted.
    pub(super) fn canonical(&mut self, path: &Path, node: &Node, text: &str, at: usize) -> Option<String> {
        let of = node.value_type()?;
        match of.canonical(text) {
            Ok(canonical) => Some(canonical),
            Err(expected) => {
                let found = if node.secret {
                    "a secret that is not allowed".to_owned()
                } else {
                    shown(text)
                };
                self.fault(path, at, found, expected);
                None
            }
        }
    }

    /// The entries, and every fault in the order of the text. Entries that stand twice are found here.
    pub(super) fn settle(mut self, ended: bool) -> Reading {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for pair in entries.windows(2).filter(|it| it[0].0 == it[1].0) {
            if self.go_on().is_err() {
                break;
            }
            self.fault(
                &pair[1].0,
                pair[1].2 as usize,
                "the same entry twice",
                "each entry once",
            );
        }
        let sound = self.faults.is_empty();
        Reading {
            ended,
            tree: entries.into_iter().map(|(path, value, _)| (path, value)).collect(),
            invalid: (!sound).then(|| self.invalid()),
        }
    }

    /// Where the entries of these paths begin, as far as they were read.
    pub(super) fn places(self, paths: &BTreeSet<Path>) -> BTreeMap<Path, (usize, usize)> {
        let entries = self.entries.into_iter().filter(|it| paths.contains(&it.0));
        let mut found: Vec<(Path, usize)> = entries.map(|(path, _, at)| (path, at as usize)).collect();
        found.sort_by_key(|it| it.1);
        let mut ruler = Ruler::new(self.bytes);
        let mut places = BTreeMap::new();
        for (path, at) in found {
            let place = ruler.place(at);
            places.entry(path).or_insert(place);
        }
        places
    }

    /// Every fault so far, in the order of the text.
    fn invalid(self) -> Invalid {
        let mut noted: Vec<(Fault, Noted)> = self.faults.into_iter().collect();
        noted.sort_by_key(|(_, it)| (it.at, it.before));
        let mut ruler = Ruler::new(self.bytes);
        let placed = noted.into_iter().map(|(mut fault, noted)| {
            (fault.line, fault.column) = ruler.place(noted.at);
            if noted.again > 0 {
                let stop = if fault.hint.is_empty() { "" } else { "; " };
                fault.hint = format!("{}{stop}{} more like it", fault.hint, noted.again);
            }
            fault
        });
        Invalid {
            faults: placed.collect(),
            more: self.more,
            unread: self.unread,
        }
    }
}

/// Lines and columns of ever later places of a text.
struct Ruler<'t> {
    bytes: &'t [u8],
    at: usize,
    line: usize,
    column: usize,
}

impl<'t> Ruler<'t> {
    fn new(bytes: &'t [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            line: 1,
            column: 1,
        }
    }

    fn place(&mut self, at: usize) -> (usize, usize) {
        let at = at.clamp(self.at, self.bytes.len());
        for byte in &self.bytes[self.at..at] {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // Inside of a character.
                0x80..=0xbf => {}
                _ => self.column += 1,
            }
        }
        self.at = at;
        (self.line, self.column)
    }
}

/// A piece of foreign text, quoted and cut.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
