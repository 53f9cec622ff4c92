//! What may stand on one device only once, wherever it stands: marked in the modules by `distinct`.
//!
//! YANG's `unique` sees the entries of one list, and a condition over all entries takes time in the square of their
//! number; this takes one pass.

use crate::libyang::{Compiled, Facts, names};
use knowledge_model::data::Fault;
use knowledge_model::{Path, Tree};
use std::collections::HashMap;
use std::net::IpAddr;

/// The rules, by the path of names of the list whose key is meant.
pub(crate) struct Distinct(HashMap<String, Part>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The whole value.
    Value,
    /// The address before the slash; loopback and link-local addresses may repeat.
    Address,
}

impl Distinct {
    pub(crate) fn of(compiled: &Compiled) -> Self {
        let marked = compiled.data_nodes().filter_map(|node| {
            let part = match Facts::of(&node).mark("distinct")? {
                "address" => Part::Address,
                _ => Part::Value,
            };
            let list = names(&node).rsplit_once('/')?.0.to_owned();
            node.is_list_key().then_some((list, part))
        });
        Self(marked.collect())
    }

    pub(crate) fn faults(&self, tree: &Tree) -> Vec<Fault> {
        let mut seen: HashMap<(&str, String), &Path> = HashMap::new();
        let mut faults = Vec::new();
        for (path, _) in tree.iter() {
            let Some((list, part)) = self.rule(path) else {
                continue;
            };
            let Some(key) = path.last().and_then(|it| it.keys.first().and_then(|it| part.of(it))) else {
                continue;
            };
            match seen.get(&(list, key.clone())) {
                Some(first) => faults.push(fault(path, &key, first)),
                None => {
                    seen.insert((list, key), path);
                }
            }
        }
        faults
    }

    fn rule(&self, path: &Path) -> Option<(&str, Part)> {
        let name = path.name();
        let (list, part) = self
            .0
            .iter()
            .find(|(list, _)| list.rsplit('/').next() == Some(name) && matches(path, list))?;
        Some((list.as_str(), *part))
    }
}

/// True if the path leads along these names.
fn matches(path: &Path, names: &str) -> bool {
    let mut steps = path.steps();
    names
        .split('/')
        .all(|name| steps.next().is_some_and(|it| it.name == name))
        && steps.next().is_none()
}

impl Part {
    fn of(self, key: &str) -> Option<String> {
        let address = match self {
            Self::Value => return Some(key.to_owned()),
            Self::Address => key.split('/').next().unwrap_or(key),
        };
        let repeats = match address.parse().ok()? {
            IpAddr::V4(it) => it.is_loopback() || it.is_link_local(),
            IpAddr::V6(it) => it.is_loopback() || it.is_unicast_link_local(),
        };
        (!repeats).then(|| address.to_owned())
    }
}

fn fault(path: &Path, key: &str, first: &Path) -> Fault {
    Fault {
        path: path.to_string(),
        line: 0,
        found: format!("{key} a second time"),
        expected: "what stands on one device once".to_owned(),
        hint: format!("it stands at {first} too"),
    }
}
