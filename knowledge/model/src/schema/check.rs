//! Is one entry of the schema, and what is its canonical form?

use super::{Kind, Schema};
use crate::data::Fault;
use crate::path::Path;
use crate::tree::Value;
use crate::types::JsonForm;

impl Schema {
    /// The entry with its keys and value in canonical form, or what is wrong with it. Dangling references, mandatory
    /// nodes and conditions span entries: libyang judges them.
    pub fn check(&self, path: &Path, value: &Value) -> Result<(Path, Value), Fault> {
        let canonical = self.check_path(path)?;
        let fault = |found: String, expected: String| fault(path, found, expected);
        let node = self.node(&canonical).filter(|it| it.is_entry());
        let node = node.ok_or_else(|| fault("no entry".to_owned(), "the path of an entry".to_owned()))?;
        match (&node.kind, value) {
            (Kind::Leaf(of), Value::Scalar(text)) => {
                let found = if node.secret {
                    "a secret that is not allowed".to_owned()
                } else {
                    format!("{text:?}")
                };
                let text = of.canonical(text).map_err(|expected| fault(found, expected))?;
                Ok((canonical, Value::scalar(text)))
            }
            (Kind::Leaf(of), Value::Present) if of.json_form("") == JsonForm::Null => Ok((canonical, Value::Present)),
            (Kind::Leaf(of), Value::Present) => Err(fault("no value".to_owned(), of.to_string())),
            (_, Value::Present) => Ok((canonical, Value::Present)),
            (_, Value::Scalar(text)) => Err(fault(format!("{text:?}"), "an entry without a value".to_owned())),
        }
    }

    /// The path with its keys in canonical form, or what is wrong with it. A path of plain containers is allowed too.
    pub fn check_path(&self, path: &Path) -> Result<Path, Fault> {
        let (mut canonical, mut node) = (Path::root(), None);
        for step in path.steps() {
            let Some(next) = self.child(node, step.name) else {
                let known = self.children(node).map(super::Node::name);
                let mut fault = fault(
                    path,
                    format!("unknown node {}", step.name),
                    "a node of the schema".to_owned(),
                );
                if let Some(near) = crate::document::nearest(step.name, known) {
                    fault.hint = format!("did you mean {near}?");
                }
                return Err(fault);
            };
            if step.keys.len() != next.key_count() {
                let found = format!("{} keys of {}", step.keys.len(), step.name);
                return Err(fault(path, found, next.key_count().to_string()));
            }
            let types: Vec<_> = match &next.kind {
                Kind::LeafList(of) => vec![of],
                Kind::List { keys, .. } => keys
                    .iter()
                    .filter_map(|it| self.child(Some(next), it)?.value_type())
                    .collect(),
                Kind::Container | Kind::Presence | Kind::Leaf(_) => Vec::new(),
            };
            let mut keys = Vec::with_capacity(types.len());
            for (of, key) in types.iter().zip(&step.keys) {
                keys.push(
                    of.canonical(key)
                        .map_err(|expected| fault(path, format!("the key {key:?}"), expected))?,
                );
            }
            canonical = canonical.keyed(step.name, keys);
            node = Some(next);
        }
        Ok(canonical)
    }
}

fn fault(path: &Path, found: String, expected: String) -> Fault {
    Fault {
        path: path.to_string(),
        line: 0,
        column: 0,
        found,
        expected,
        hint: String::new(),
    }
}
