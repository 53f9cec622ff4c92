//! What differs between two configurations, entry by entry, and the way back.

use crate::path::Path;
use crate::tree::{Tree, Value};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What happens to one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What stands there before; none if there is no entry.
    pub before: Option<Value>,
    /// What stands there afterwards; none if the entry goes.
    pub after: Option<Value>,
}

impl Edit {
    /// The edit that undoes this one.
    pub fn inverse(&self) -> Self {
        Self {
            before: self.after.clone(),
            after: self.before.clone(),
        }
    }
}

/// An entry is not what a delta was made from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is {}, expected {}", shown(.found), shown(.expected))]
pub struct Mismatch {
    /// Which entry.
    pub path: Path,
    /// What the delta was made from.
    pub expected: Option<Value>,
    /// What stands there.
    pub found: Option<Value>,
}

fn shown(value: &Option<Value>) -> String {
    value.as_ref().map_or_else(|| "absent".to_owned(), Value::to_string)
}

/// Edits in the order of their paths. An edit that changes nothing is never kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    edits: BTreeMap<Path, Edit>,
}

impl Delta {
    /// A delta that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an edit, and takes away one that stood there if this one changes nothing.
    pub fn insert(&mut self, path: Path, edit: Edit) {
        if edit.before == edit.after || path.is_root() {
            self.edits.remove(&path);
        } else {
            self.edits.insert(path, edit);
        }
    }

    /// The edit of one entry.
    pub fn edit(&self, path: &Path) -> Option<&Edit> {
        self.edits.get(path)
    }

    /// All edits in the order of their paths.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Path, &Edit)> {
        self.edits.iter()
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// How many entries change.
    pub fn len(&self) -> usize {
        self.edits.len()
    }

    /// The delta that takes back what this one does.
    pub fn inverse(&self) -> Self {
        Self {
            edits: self
                .edits
                .iter()
                .map(|(path, edit)| (path.clone(), edit.inverse()))
                .collect(),
        }
    }
}

impl FromIterator<(Path, Edit)> for Delta {
    fn from_iter<I: IntoIterator<Item = (Path, Edit)>>(edits: I) -> Self {
        let mut delta = Self::new();
        for (path, edit) in edits {
            delta.insert(path, edit);
        }
        delta
    }
}

/// The smallest delta that makes `after` of `before`: one walk through both maps.
pub fn diff(before: &Tree, after: &Tree) -> Delta {
    let mut delta = Delta::new();
    let (mut left, mut right) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return delta,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let old = if order.is_le() { left.next() } else { None };
        let new = if order.is_ge() { right.next() } else { None };
        let (was, is) = (old.map(|it| it.1), new.map(|it| it.1));
        if was != is
            && let Some((path, _)) = old.or(new)
        {
            delta.edits.insert(
                path.clone(),
                Edit {
                    before: was.cloned(),
                    after: is.cloned(),
                },
            );
        }
    }
}

#[cfg(test)]
mod tests;
