//! One device's part as it stands in the journal and travels to the agent.

use knowledge_model::{Delta, Edit, Path, Value};
use serde::{Deserialize, Serialize};

/// A delta in the form that is written down.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// The digest of the plan that it is a part of.
    pub plan: String,
    /// What changes, in the order of the paths.
    pub entries: Vec<Entry>,
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
        }
    }
}

impl Content {
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
        let written = serde_json::to_value(Change::of("p", &delta)).unwrap();
        assert_eq!(written["entries"][0]["path"], "interface[e\\]]/mtu");
        assert_eq!(written["entries"][0]["after"]["scalar"], "9000");
        assert_eq!(written["entries"][1]["before"], "present");
        assert!(written["entries"][1]["after"].is_null());
    }
}
