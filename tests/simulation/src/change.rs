//! The change that simulated transactions carry.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place in a simulated configuration.
pub type Path = u8;

/// What stands there. Every value is written once, so that it tells who wrote it.
pub type Value = u64;

/// From what to what, on each touched path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Change {
    /// Path → (before, after).
    pub edits: BTreeMap<Path, (Value, Value)>,
    /// What has to stand and is not changed: all there is where a device only looks on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stands: BTreeMap<Path, Value>,
}

/// How the touched paths stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// All as before.
    Before,
    /// All as after.
    After,
    /// Some before, some after.
    Mixed,
    /// Something else.
    Foreign,
}

impl Change {
    /// Whether nothing changes.
    pub fn looks_on(&self) -> bool {
        self.edits.is_empty()
    }

    /// How this configuration stands to the change.
    pub fn image(&self, read: impl Fn(Path) -> Value) -> Image {
        let at = |(path, (before, after)): (&Path, &(Value, Value))| match read(*path) {
            it if it == *before => Image::Before,
            it if it == *after => Image::After,
            _ => Image::Foreign,
        };
        self.edits.iter().map(at).reduce(Image::and).unwrap_or(Image::After)
    }
}

impl Image {
    fn and(self, other: Self) -> Self {
        if self == other {
            self
        } else if self == Self::Foreign || other == Self::Foreign {
            Self::Foreign
        } else {
            Self::Mixed
        }
    }
}
