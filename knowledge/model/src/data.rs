//! Configurations as text: JSON (RFC 7951) and XML (RFC 7950), both ways, driven by the schema.
//!
//! Readers are strict, list all faults of the content at once, and hold no more than the text and the entries: what is
//! too long, too deep or too much is refused where it begins. A fault of the syntax ends the reading.

mod build;
mod cursor;
mod json;
mod print;
mod xml;

use crate::path::Path;
use crate::schema::Schema;
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How much is read at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Levels of nesting.
    pub depth: usize,
    /// Entries of the tree.
    pub entries: usize,
    /// Faults listed; further ones are counted.
    pub faults: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 128 << 20,
            depth: 32,
            entries: 4_000_000,
            faults: 200,
        }
    }
}

/// What was expected where something is nested more deeply than is read.
fn deeper_than(limit: usize) -> String {
    format!("at most {limit} levels of nesting")
}

/// One thing that is wrong in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The path of the entry, as far as it is known; empty for the whole.
    pub path: String,
    /// The line it was found in, from one; zero if the content did not come as text.
    pub line: usize,
    /// The column in that line, in characters from one; zero where the line is.
    pub column: usize,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// How to mend it; may be empty.
    pub hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "found {}, expected {}", self.found, self.expected)?;
        if self.hint.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.hint)
        }
    }
}

/// A text is no configuration of the schema: every reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.faults, *.more, *.unread))]
pub struct Invalid {
    /// What is wrong, in the order of the text.
    pub faults: Vec<Fault>,
    /// How many more faults there are.
    pub more: usize,
    /// There were so many faults that the rest of the text was not read.
    pub unread: bool,
}

/// Line and column of entries.
pub type Places = BTreeMap<Path, (usize, usize)>;

/// As much of a text as could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The entries that are sound by themselves.
    pub tree: Tree,
    /// The reading ended early: what stands behind is not in the tree.
    pub ended: bool,
    /// What is wrong with the text, if anything is.
    pub invalid: Option<Invalid>,
}

impl Reading {
    /// Reads JSON as [`Tree::from_json`] does, and keeps what could be read beside the faults.
    pub fn of_json(text: &[u8], schema: &Schema, limits: &Limits) -> Self {
        json::read(text, schema, limits)
    }

    /// Reads XML as [`Tree::from_xml`] does, and keeps what could be read beside the faults.
    pub fn of_xml(text: &[u8], schema: &Schema, limits: &Limits) -> Self {
        xml::read(text, schema, limits)
    }

    /// Where in a text of JSON the entries of these paths begin: line and column. It is read up to its first fault of
    /// syntax.
    pub fn places_in_json(text: &[u8], schema: &Schema, limits: &Limits, paths: &BTreeSet<Path>) -> Places {
        json::places(text, schema, limits, paths)
    }

    /// As [`Reading::places_in_json`], of XML.
    pub fn places_in_xml(text: &[u8], schema: &Schema, limits: &Limits, paths: &BTreeSet<Path>) -> Places {
        xml::places(text, schema, limits, paths)
    }

    /// The tree of a text with which nothing is wrong.
    fn whole(self) -> Result<Tree, Invalid> {
        self.invalid.map_or(Ok(self.tree), Err)
    }
}

impl From<Invalid> for Reading {
    fn from(invalid: Invalid) -> Self {
        Self {
            tree: Tree::new(),
            ended: true,
            invalid: Some(invalid),
        }
    }
}

fn listed(faults: &[Fault], more: usize, unread: bool) -> String {
    let mut lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    if unread {
        lines.push("and the rest was not read: mend these first".to_owned());
    }
    lines.join("\n")
}

/// A tree has an entry that the schema does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is not in the schema")]
pub struct Unknown {
    /// The path of the entry.
    pub path: String,
}

impl Tree {
    /// Reads JSON as RFC 7951 has it: names of modules where they change, 64-bit numbers as strings, `[null]` for empty.
    pub fn from_json(text: &[u8], schema: &Schema, limits: &Limits) -> Result<Self, Invalid> {
        json::read(text, schema, limits).whole()
    }

    /// Reads XML: top-level elements side by side, or inside `data` or `config` of NETCONF or a whole `rpc-reply`. Entities other than the five
    /// of XML itself and document types are refused.
    pub fn from_xml(text: &[u8], schema: &Schema, limits: &Limits) -> Result<Self, Invalid> {
        xml::read(text, schema, limits).whole()
    }

    /// Prints JSON as RFC 7951 has it, on one line, keys first.
    pub fn to_json(&self, schema: &Schema) -> Result<String, Unknown> {
        print::print(self, schema, &mut print::Json::default())
    }

    /// Prints XML: top-level elements side by side, each with its namespace, keys first.
    pub fn to_xml(&self, schema: &Schema) -> Result<String, Unknown> {
        print::print(self, schema, &mut print::Xml::default())
    }
}

#[cfg(test)]
mod tests;
