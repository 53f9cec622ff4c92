//! Validation of a whole configuration: what must be there is there.

use super::error::RpcError;
use crate::schema::{Kind, SCHEMA};
use crate::store::Entry;

/// The first thing that a complete configuration misses.
///
/// # Errors
/// A mandatory leaf or choice that is missing.
pub fn check(tree: &Entry) -> Result<(), RpcError> {
    check_below(tree, "")
}

fn check_below(entry: &Entry, path: &str) -> Result<(), RpcError> {
    let node = SCHEMA.node(entry.node);
    for child in &node.children {
        let mandatory = matches!(SCHEMA.node(*child).kind, Kind::Leaf { mandatory: true, .. });
        if mandatory && entry.child(*child).is_none() {
            return Err(missing(path, &SCHEMA.node(*child).name));
        }
    }
    for choice in node.choices.iter().filter(|choice| choice.mandatory) {
        let nodes = || choice.cases.iter().flatten();
        if !nodes().any(|node| entry.child(*node).is_some()) {
            let name = nodes().next().map_or("", |node| SCHEMA.node(*node).name.as_str());
            return Err(missing(path, name));
        }
    }
    for child in &entry.children {
        check_below(child, &format!("{path}/{}", SCHEMA.node(child.node).name))?;
    }
    Ok(())
}

fn missing(path: &str, name: &str) -> RpcError {
    RpcError::application("data-missing", path, format!("{name} is missing")).about(name)
}
