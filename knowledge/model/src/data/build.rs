//! What the readers of JSON and XML share: collecting entries and faults within limits.

use super::{Fault, Invalid, Limits, Reading};
use crate::path::Path;
use crate::schema::{Node, Schema};
use crate::tree::Value;

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

/// Entries and faults so far.
pub(super) struct Build<'s> {
    pub(super) schema: &'s Schema,
    pub(super) limits: Limits,
    entries: Vec<(Path, Value, u32)>,
    faults: Vec<Fault>,
    more: usize,
}

impl<'s> Build<'s> {
    /// Begins, unless the text is too long or no text.
    pub(super) fn new<'t>(bytes: &'t [u8], schema: &'s Schema, limits: &Limits) -> Result<(Self, &'t str), Invalid> {
        let mut build = Self {
            schema,
            limits: *limits,
            entries: Vec::new(),
            faults: Vec::new(),
            more: 0,
        };
        if bytes.len() > limits.bytes {
            let expected = format!("at most {} bytes", limits.bytes);
            build.fault("", 1, format!("{} bytes", bytes.len()), expected);
            return Err(build.invalid());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok((build, text)),
            Err(error) => {
                let line = 1 + bytes[..error.valid_up_to()].iter().filter(|it| **it == b'\n').count();
                let found = format!("a byte at {} that is not UTF-8", error.valid_up_to());
                build.fault("", line, found, "UTF-8");
                Err(build.invalid())
            }
        }
    }

    pub(super) fn fault(
        &mut self,
        path: impl ToString,
        line: usize,
        found: impl Into<String>,
        expected: impl Into<Expected>,
    ) {
        if self.faults.len() < self.limits.faults {
            let Expected { what: expected, hint } = expected.into();
            self.faults.push(Fault {
                path: path.to_string(),
                line,
                found: found.into(),
                expected,
                hint,
            });
        } else {
            self.more += 1;
        }
    }

    /// A name that no node has here.
    pub(super) fn unknown(&mut self, parent: &Path, node: Option<&Node>, name: &str, line: usize) {
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
            line,
            format!("unknown node {shown}"),
            ("a node of the schema", hint),
        );
    }

    /// Keeps an entry; ends where there are too many.
    pub(super) fn entry(&mut self, path: Path, value: Value, line: usize) -> Result<(), End> {
        if self.entries.len() >= self.limits.entries {
            let expected = format!("at most {} entries", self.limits.entries);
            self.fault(&path, line, "one entry more", expected);
            return Err(End);
        }
        self.entries
            .push((path, value, u32::try_from(line).unwrap_or(u32::MAX)));
        Ok(())
    }

    /// The instance of a list or leaf-list with these keys, if they are keys; the keys in canonical form.
    pub(super) fn instance(&mut self, parent: &Path, node: &Node, keys: &[String], line: usize) -> Option<Path> {
        match parent.try_keyed(node.name(), keys) {
            Ok(path) => Some(path),
            Err(error) => {
                self.fault(parent, line, error.to_string(), "keys without control characters");
                None
            }
        }
    }

    /// The canonical form of a value; a fault is noted.
    pub(super) fn canonical(&mut self, path: &Path, node: &Node, text: &str, line: usize) -> Option<String> {
        let of = node.value_type()?;
        match of.canonical(text) {
            Ok(canonical) => Some(canonical),
            Err(expected) => {
                let found = if node.secret {
                    "a secret that is not allowed".to_owned()
                } else {
                    shown(text)
                };
                self.fault(path, line, found, expected);
                None
            }
        }
    }

    /// The entries, and every fault in the order of the text. Entries that stand twice are found here.
    pub(super) fn settle(mut self, ended: bool) -> Reading {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for pair in entries.windows(2).filter(|it| it[0].0 == it[1].0) {
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

    /// Every fault so far, in the order of the text.
    fn invalid(mut self) -> Invalid {
        self.faults.sort_by_key(|it| it.line);
        Invalid {
            faults: self.faults,
            more: self.more,
        }
    }
}

/// A piece of foreign text, quoted and cut.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
