//! Entries that have the same values where the schema wants them unique: among the entries of one list, or on the device.

use super::conflict::{Bidder, Conflict, Reason};
use crate::delta::Delta;
use crate::distinct::{is_distinct, repeated};
use crate::path::Path;
use crate::schema::{Kind, Node, Schema};
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

/// What a change brings to a device, `aim` being the device as it would be, although it may be there only once and is there
/// already or comes twice. `bidder` says whose an entry is.
pub fn repeats(delta: &Delta, aim: &Tree, schema: &Schema, bidder: &dyn Fn(&Path) -> Bidder) -> Vec<Conflict> {
    let lists = lists(delta, schema);
    let judged = lists
        .iter()
        .filter_map(|(parent, node)| Some((parent, schema.at(node)?)));
    let mut conflicts: Vec<_> = judged
        .flat_map(|(parent, node)| within(parent, node, aim, bidder))
        .collect();
    conflicts.extend(anywhere(delta, aim, schema, bidder));
    conflicts
}

/// Whether a change brings anything that may be on a device only once.
pub fn may_repeat(delta: &Delta, schema: &Schema) -> bool {
    !new(delta, schema).is_empty() || !lists(delta, schema).is_empty()
}

/// The lists with unique leaves into which a change writes, each as the place where it is and the path of its node.
fn lists(delta: &Delta, schema: &Schema) -> BTreeSet<(Path, String)> {
    let mut lists = BTreeSet::new();
    for (path, _) in delta.iter().filter(|it| it.1.after.is_some()) {
        for place in path.ancestors().chain([path.clone()]) {
            if let (Some(node), Some(parent)) = (schema.node(&place), place.parent())
                && !groups(node).is_empty()
            {
                lists.insert((parent, node.path().to_owned()));
            }
        }
    }
    lists
}

/// The new entries of a change that hold what a device may hold once.
fn new<'d>(delta: &'d Delta, schema: &Schema) -> BTreeSet<&'d Path> {
    let new = delta.iter().filter(|it| it.1.before.is_none() && it.1.after.is_some());
    new.map(|it| it.0).filter(|it| is_distinct(it, schema)).collect()
}

/// The entries of a device that repeat each other where one of them is new.
fn anywhere(delta: &Delta, aim: &Tree, schema: &Schema, bidder: &dyn Fn(&Path) -> Bidder) -> Vec<Conflict> {
    let new = new(delta, schema);
    if new.is_empty() {
        return Vec::new();
    }
    let conflict = |path: &Path, first: &Path| Conflict {
        path: path.clone(),
        reason: Reason::Unique { with: first.clone() },
        one: bidder(path),
        other: bidder(first),
    };
    let twice = repeated(aim, schema);
    let brought = twice
        .iter()
        .filter(|it| new.contains(it.path) || new.contains(it.first));
    brought.map(|it| conflict(it.path, it.first)).collect()
}

fn groups(node: &Node) -> &[Vec<Box<str>>] {
    match &node.kind {
        Kind::List { unique, .. } => unique,
        Kind::Container | Kind::Presence | Kind::Leaf(_) | Kind::LeafList(_) => &[],
    }
}

/// The entries of one list that repeat each other.
fn within(parent: &Path, node: &Node, aim: &Tree, bidder: &dyn Fn(&Path) -> Bidder) -> Vec<Conflict> {
    let depth = parent.steps().count() + 1;
    let entries: Vec<&Path> = aim
        .under(&parent.joined(node.name()))
        .map(|it| it.0)
        .filter(|it| it.steps().count() == depth)
        .collect();
    let mut conflicts = Vec::new();
    for group in groups(node) {
        let mut seen: BTreeMap<Vec<&str>, (&Path, Path)> = BTreeMap::new();
        for entry in &entries {
            let leaves = group
                .iter()
                .map(|it| it.split('/').fold((*entry).clone(), |path, name| path.joined(name)));
            let leaves: Vec<_> = leaves.collect();
            let Some(values) = leaves.iter().map(|it| aim.text(it)).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let Some(leaf) = leaves.into_iter().next() else {
                continue;
            };
            match seen.get(&values) {
                Some((with, other)) => conflicts.push(Conflict {
                    path: (*entry).clone(),
                    reason: Reason::Unique { with: (*with).clone() },
                    one: bidder(&leaf),
                    other: bidder(other),
                }),
                None => {
                    seen.insert(values, (entry, leaf));
                }
            }
        }
    }
    conflicts
}
