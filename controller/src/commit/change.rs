//! One device's part as it stands in the journal and travels to the agent.

use std::collections::BTreeMap;

use knowledge_model::{Delta, Edit, Path, Value};
use serde::{Deserialize, Serialize};

/// A delta in the form that is written down.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// The digest of the plan that it is a part of.
    pub plan: String,
    /// What changes, in the order of the paths.
    pub entries: Vec<Entry>,
    /// What has to stand as it does for the plan to be true, and is not changed, in the order of the paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stands: Vec<Stand>,
}

/// An entry that has to stand, or must not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stand {
    /// Where.
    pub path: String,
    /// What stands there; nothing if there is no entry.
    pub there: Option<Content>,
}

/// One entry and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands.
    pub path: String,
    /// What stands there before; nothing if there is no entry.
    pub before: Option<Content>,
    /// What stands there afterwards; nothing if the entry goes.
    pub after: Option<Content>,
}

/// The value of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// The entry is there and has no value of its own.
    Present,
    /// The canonical form of a scalar.
    Scalar(String),
}

impl Change {
    /// The written form of a delta.
    pub fn of(plan: &str, delta: &Delta) -> Self {
        let entry = |(path, edit): (&Path, &Edit)| Entry {
            path: path.to_string(),
            before: edit.before.as_ref().map(Content::of),
            after: edit.after.as_ref().map(Content::of),
        };
        Self {
            plan: plan.to_owned(),
            entries: delta.iter().map(entry).collect(),
            stands: Vec::new(),
        }
    }

    /// What changes; nothing where a kept path is none.
    pub fn delta(&self) -> Option<Delta> {
        let edit = |entry: &Entry| {
            let edit = Edit {
                before: entry.before.as_ref().map(Content::value),
                after: entry.after.as_ref().map(Content::value),
            };
            Some((entry.path.parse().ok()?, edit))
        };
        self.entries.iter().map(edit).collect()
    }

    /// The same change where these entries stand.
    #[must_use]
    pub fn where_stand(self, stands: &BTreeMap<Path, Option<Value>>) -> Self {
        let stand = |(path, value): (&Path, &Option<Value>)| Stand {
            path: path.to_string(),
            there: value.as_ref().map(Content::of),
        };
        Self {
            stands: stands.iter().map(stand).collect(),
            ..self
        }
    }
}

impl Content {
    /// The value.
    fn value(&self) -> Value {
        match self {
            Self::Present => Value::Present,
            Self::Scalar(text) => Value::from(text.as_str()),
        }
    }

    /// The written form of a value.
    pub fn of(value: &Value) -> Self {
        value.text().map_or(Self::Present, |text| Self::Scalar(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_written_entry_by_entry() {
        let edit = Edit {
            before: Some(Value::from("1500")),
            after: Some(Value::from("9000")),
        };
        let gone = Edit {
            before: Some(Value::Present),
            after: None,
        };
        let path = |text: &str| text.parse::<Path>().unwrap();
        let delta: Delta = [
            (path("interface[e\\]]/mtu"), edit),
            (path("static-route[10.0.0.0/8]"), gone),
        ]
        .into_iter()
        .collect();
        let stands = BTreeMap::from([(path("interface[e\\]]/enabled"), None)]);
        let change = Change::of("p", &delta).where_stand(&stands);
        assert_eq!(change.delta(), Some(delta));
        let written = serde_json::to_value(&change).unwrap();
        assert_eq!(written["stands"][0]["path"], "interface[e\\]]/enabled");
        let older = serde_json::json!({ "plan": "p", "entries": written["entries"] });
        let older: Change = serde_json::from_value(older).unwrap();
        assert_eq!(
            older,
            Change {
                stands: Vec::new(),
                ..change
            },
            "what an older program wrote demands nothing more"
        );
        assert_eq!(written["entries"][0]["path"], "interface[e\\]]/mtu");
        assert_eq!(written["entries"][0]["after"]["scalar"], "9000");
        assert_eq!(written["entries"][1]["before"], "present");
        assert!(written["entries"][1]["after"].is_null());
    }
}
