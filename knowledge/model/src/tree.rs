//! The configuration of one device: a sorted map from path to value.

use crate::delta::{Delta, Edit, Mismatch};
use crate::path::Path;
use std::collections::BTreeMap;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// The entry is there and has no value of its own: a list entry, a presence container, a value of a leaf-list, a
    /// leaf of type empty.
    Present,
    /// The canonical lexical form of a leaf's value.
    Scalar(Box<str>),
}

impl Value {
    /// A scalar in the form that it is given.
    pub fn scalar(text: impl Into<Box<str>>) -> Self {
        Self::Scalar(text.into())
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Present => None,
            Self::Scalar(text) => Some(text),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Scalar(text.into())
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text().unwrap_or("present"))
    }
}

/// A configuration as entries in the order of their paths.
///
/// The map takes what it is given: that a path exists in the schema, that a value is of its type and that the entries
/// above it exist is for those who parse, plan and validate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<Path, Value>,
}

impl Tree {
    /// A configuration without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an entry and gives back what stood there. The root is no entry: it is ignored.
    pub fn insert(&mut self, path: Path, value: Value) -> Option<Value> {
        if path.is_root() {
            None
        } else {
            self.entries.insert(path, value)
        }
    }

    /// Puts an entry and the list entries that it stands in, where they are missing.
    pub fn plant(&mut self, path: Path, value: Value) {
        for above in path.ancestors() {
            if above.last().is_some_and(|it| !it.keys.is_empty()) && !self.entries.contains_key(&above) {
                self.entries.insert(above, Value::Present);
            }
        }
        self.insert(path, value);
    }

    /// Takes one entry away, not what is inside it, and gives it back.
    pub fn remove(&mut self, path: &Path) -> Option<Value> {
        self.entries.remove(path)
    }

    /// The value at a path.
    pub fn value(&self, path: &Path) -> Option<&Value> {
        self.entries.get(path)
    }

    /// The text of the scalar at a path.
    pub fn text(&self, path: &Path) -> Option<&str> {
        self.value(path)?.text()
    }

    /// True if there is an entry at the path.
    pub fn contains(&self, path: &Path) -> bool {
        self.entries.contains_key(path)
    }

    /// All entries in the order of their paths.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Path, &Value)> {
        self.entries.iter()
    }

    /// The entry at the path and those inside it.
    pub fn under<'a>(&'a self, path: &Path) -> impl DoubleEndedIterator<Item = (&'a Path, &'a Value)> + use<'a> {
        let from = self.entries.range(path..);
        let whole = path.is_root().then_some(from);
        let part = (!path.is_root()).then(|| self.entries.range(path.clone()..path.behind()));
        whole.into_iter().flatten().chain(part.into_iter().flatten())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Makes all edits of a delta, or none if one of them finds something else than it was made from.
    pub fn apply(&mut self, delta: &Delta) -> Result<(), Mismatch> {
        for (path, edit) in delta.iter() {
            let found = self.entries.get(path);
            if found != edit.before.as_ref() {
                return Err(Mismatch {
                    path: path.clone(),
                    expected: edit.before.clone(),
                    found: found.cloned(),
                });
            }
        }
        for (path, Edit { after, .. }) in delta.iter() {
            match after {
                Some(value) => self.insert(path.clone(), value.clone()),
                None => self.entries.remove(path),
            };
        }
        Ok(())
    }
}

impl FromIterator<(Path, Value)> for Tree {
    fn from_iter<I: IntoIterator<Item = (Path, Value)>>(entries: I) -> Self {
        let mut entries: BTreeMap<_, _> = entries.into_iter().collect();
        entries.remove(&Path::root());
        Self { entries }
    }
}

impl IntoIterator for Tree {
    type Item = (Path, Value);
    type IntoIter = std::collections::btree_map::IntoIter<Path, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}
