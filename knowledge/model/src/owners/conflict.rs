//! Where two bids cannot both be met.

use crate::path::Path;
use crate::tree::Value;
use std::fmt;

/// Who bids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bidder {
    /// What was there before any intent.
    Found,
    /// An intent.
    Intent {
        /// Its name.
        name: Box<str>,
        /// Its priority.
        priority: i32,
    },
}

/// Two bidders at odds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// Where.
    pub path: Path,
    /// About what.
    pub reason: Reason,
    /// One of them; where one has the higher priority, that one.
    pub one: Bidder,
    /// The other.
    pub other: Bidder,
}

/// What bidders are at odds about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Different values for one entry; none is absence.
    Value {
        /// What `one` wants.
        one: Option<Value>,
        /// What `other` wants.
        other: Option<Value>,
    },
    /// Different cases of one choice.
    Choice {
        /// The choice.
        choice: Box<str>,
        /// The case of `one`.
        one: Box<str>,
        /// The case of `other`.
        other: Box<str>,
    },
    /// Two entries of a list have the same values where they must be unique.
    Unique {
        /// The other entry.
        with: Path,
    },
    /// An entry cannot go: something inside was not made by an intent.
    Inside {
        /// What is inside.
        foreign: Path,
    },
    /// A list that no intent made is attached where a list would be composed, and nobody adopts it.
    Attached {
        /// The list.
        list: Path,
    },
    /// A list to be adopted is attached elsewhere too.
    Shared {
        /// The other place.
        with: Path,
    },
    /// More rules than a list has numbers for.
    Full,
}

impl fmt::Display for Bidder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found => f.write_str("what was found"),
            Self::Intent { name, priority } => write!(f, "{name} (priority {priority})"),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            reason,
            one,
            other,
        } = self;
        match reason {
            Reason::Value { one: a, other: b } => {
                write!(f, "{path}: {one} wants {}, {other} wants {}", shown(a), shown(b))
            }
            Reason::Choice {
                choice,
                one: a,
                other: b,
            } => {
                write!(f, "{path}: of {choice}, {one} picks {a}, {other} picks {b}")
            }
            Reason::Unique { with } => write!(f, "{path} of {one} repeats what {with} of {other} has for itself"),
            Reason::Inside { foreign } => write!(f, "{path} cannot go for {one}: {foreign} inside is of {other}"),
            Reason::Attached { list } => {
                write!(
                    f,
                    "{path}: {one} would compose a list, {list} of {other} is attached: adopt it or detach it"
                )
            }
            Reason::Shared { with } => write!(f, "{path}: {one} cannot adopt a list that {with} uses too"),
            Reason::Full => write!(f, "{path}: {one} and {other} have more rules than a list has numbers"),
        }
    }
}

fn shown(value: &Option<Value>) -> String {
    value.as_ref().map_or_else(|| "it absent".to_owned(), Value::to_string)
}
