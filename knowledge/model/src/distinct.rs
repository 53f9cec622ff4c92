//! What may stand on one device only once, wherever it stands: keys that the schema marks as `distinct`.
//!
//! YANG's `unique` sees the entries of one list, and a condition over all entries takes time in the square of their
//! number; this takes one pass.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::path::Path;
use crate::schema::{Part, Schema};
use crate::tree::Tree;

/// An entry that holds what another one holds already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated<'t> {
    /// The entry.
    pub path: &'t Path,
    /// The one before it in the order of the paths.
    pub first: &'t Path,
    /// What both hold.
    pub what: String,
}

/// Every entry that repeats what may stand on a device once, in the order of the paths.
pub fn repeated<'t>(tree: &'t Tree, schema: &Schema) -> Vec<Repeated<'t>> {
    let rules = rules(schema);
    let mut seen: HashMap<(&str, String), &Path> = HashMap::new();
    let mut repeated = Vec::new();
    for (path, _) in tree.iter() {
        let Some((list, part)) = rule(&rules, path) else {
            continue;
        };
        let Some(what) = path.last().and_then(|it| part.of(it.keys.first()?)) else {
            continue;
        };
        match seen.get(&(list, what.clone())) {
            Some(first) => repeated.push(Repeated { path, first, what }),
            None => {
                seen.insert((list, what), path);
            }
        }
    }
    repeated
}

/// True if an entry at the path holds something that may stand on a device once.
pub(crate) fn is_distinct(path: &Path, schema: &Schema) -> bool {
    let key = schema
        .node(path)
        .and_then(|it| schema.child(Some(it), it.keys().first()?));
    key.is_some_and(|it| it.distinct.is_some())
}

/// The lists whose first key is distinct, as paths of names.
fn rules(schema: &Schema) -> Vec<(&str, Part)> {
    let marked = schema.nodes().filter_map(|it| Some((it.path(), it.distinct?)));
    marked
        .filter_map(|(leaf, part)| Some((leaf.rsplit_once('/')?.0, part)))
        .collect()
}

fn rule<'s>(rules: &[(&'s str, Part)], path: &Path) -> Option<(&'s str, Part)> {
    let name = path.name();
    let fits = |list: &str| list.rsplit('/').next() == Some(name) && leads(path, list);
    rules.iter().find(|it| fits(it.0)).copied()
}

/// True if the path leads along these names.
fn leads(path: &Path, names: &str) -> bool {
    let mut steps = path.steps();
    let along = names
        .split('/')
        .all(|name| steps.next().is_some_and(|it| it.name == name));
    along && steps.next().is_none()
}

impl Part {
    /// What is compared of a value; nothing for what may repeat.
    fn of(self, value: &str) -> Option<String> {
        let address = match self {
            Self::Value => return Some(value.to_owned()),
            Self::Address => value.split('/').next().unwrap_or(value),
        };
        let repeats = match address.parse().ok()? {
            IpAddr::V4(it) => it.is_loopback() || it.is_link_local(),
            IpAddr::V6(it) => it.is_loopback() || it.is_unicast_link_local(),
        };
        (!repeats).then(|| address.to_owned())
    }
}
