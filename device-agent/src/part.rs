//! One device's part of a transaction, in the form in which the agent keeps it on disk.

use std::collections::BTreeMap;

use knowledge_model::{Delta, Edit, Path, PathError, Tree, Value};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version of the stored form. A newer one is refused.
pub const FORMAT: u32 = 2;
/// What a part without conditions is written as, which older programs read too.
const PLAIN: u32 = 1;

/// What changes on one device, from what to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Part {
    /// The revision of the model in which the paths are written.
    pub revision: String,
    /// Each touched path with what the plan saw there and what it wants.
    pub delta: Delta,
    /// What has to stand as the plan saw it, and is not touched: where it does not, nothing is staged.
    pub stands: BTreeMap<Path, Option<Value>>,
}

impl Part {
    /// The touched paths as they were before.
    pub fn before(&self) -> Tree {
        let mut tree = Tree::new();
        for (path, edit) in self.delta.iter() {
            if let Some(value) = &edit.before {
                tree.insert(path.clone(), value.clone());
            }
        }
        tree
    }

    /// The touched paths.
    pub fn paths(&self) -> Vec<Path> {
        self.delta.iter().map(|(path, _)| path.clone()).collect()
    }

    /// The touched paths on which the device is neither before nor after.
    pub fn foreign(&self, seen: &Tree) -> Vec<Path> {
        let strange = |(path, edit): &(&Path, &Edit)| {
            let value = seen.value(path);
            value != edit.before.as_ref() && value != edit.after.as_ref()
        };
        self.delta
            .iter()
            .filter(strange)
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// What is left to do on a device that is on each path before or after.
    pub fn rest(&self, seen: &Tree) -> Delta {
        let mut delta = Delta::new();
        for (path, edit) in self
            .delta
            .iter()
            .filter(|(path, edit)| seen.value(path) != edit.after.as_ref())
        {
            delta.insert(path.clone(), edit.clone());
        }
        delta
    }
}

/// Why a stored part is of no use.
#[derive(Debug, Error)]
pub enum PartError {
    /// A newer program wrote it.
    #[error("a change of format {0}, this program reads up to {FORMAT}")]
    Newer(u32),
    /// It names a path that is none.
    #[error("a change names {path:?}, which is no path")]
    Path {
        /// As it stands there.
        path: String,
        /// Why.
        source: PathError,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    revision: String,
    delta: BTreeMap<String, (Option<Leaf>, Option<Leaf>)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    stands: BTreeMap<String, Option<Leaf>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Leaf {
    Present,
    Scalar(Box<str>),
}

impl From<Part> for Stored {
    fn from(part: Part) -> Self {
        let leaf = |value: &Option<Value>| {
            value.as_ref().map(|value| match value {
                Value::Present => Leaf::Present,
                Value::Scalar(text) => Leaf::Scalar(text.clone()),
            })
        };
        let delta = part
            .delta
            .iter()
            .map(|(path, it)| (path.to_string(), (leaf(&it.before), leaf(&it.after))));
        let stands = part.stands.iter().map(|(path, it)| (path.to_string(), leaf(it)));
        Self {
            format: if part.stands.is_empty() { PLAIN } else { FORMAT },
            revision: part.revision,
            delta: delta.collect(),
            stands: stands.collect(),
        }
    }
}

impl TryFrom<Stored> for Part {
    type Error = PartError;

    fn try_from(stored: Stored) -> Result<Self, PartError> {
        if stored.format > FORMAT {
            return Err(PartError::Newer(stored.format));
        }
        let value = |leaf: Option<Leaf>| {
            leaf.map(|leaf| match leaf {
                Leaf::Present => Value::Present,
                Leaf::Scalar(text) => Value::Scalar(text),
            })
        };
        let path = |path: String| path.parse::<Path>().map_err(|source| PartError::Path { path, source });
        let mut delta = Delta::new();
        for (at, (before, after)) in stored.delta {
            delta.insert(
                path(at)?,
                Edit {
                    before: value(before),
                    after: value(after),
                },
            );
        }
        let stands = stored
            .stands
            .into_iter()
            .map(|(at, there)| Ok((path(at)?, value(there))));
        Ok(Self {
            revision: stored.revision,
            delta,
            stands: stands.collect::<Result<_, PartError>>()?,
        })
    }
}
