//! What is asked about a device's state, and what it reports by itself.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which observations are wanted, by canonical name (`resource/cpu`, `interface/rate`), or everything below a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Query {
    /// Canonical names or prefixes of them.
    pub names: Vec<String>,
    /// What they are about, where a device has to be told: `address → 192.0.2.1`.
    pub labels: BTreeMap<String, String>,
}

impl Query {
    /// Everything below one name.
    pub fn of(name: &str) -> Self {
        Self {
            names: vec![name.to_owned()],
            labels: BTreeMap::new(),
        }
    }

    /// The same, about this.
    #[must_use]
    pub fn about(mut self, label: &str, value: &str) -> Self {
        self.labels.insert(label.to_owned(), value.to_owned());
        self
    }
}

/// One value that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Canonical name.
    pub name: String,
    /// What it belongs to: `interface → eth1`.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub reading: Reading,
}

/// The value of an observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// A quantity, in the base unit of its name.
    Number(f64),
    /// A word from a fixed set: `up`, `established`.
    Word(String),
    /// The device hides it or does not have it: never the same as absent.
    Unknown,
}

/// Something a device reported by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The device's own time, as it wrote it.
    pub time: String,
    /// What kind of event, as the device names it.
    pub kind: String,
    /// The body as it came, within limits.
    pub body: String,
}
