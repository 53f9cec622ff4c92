//! Subtree filters (RFC 6241 §6) over a tree of entries.

use crate::schema::{Kind, SCHEMA};
use crate::store::Entry;
use crate::xml::Element;

/// What of the tree the filter selects.
pub fn select(tree: &Entry, filter: &Element) -> Entry {
    let mut selected = Entry::new(tree.node);
    for child in &tree.children {
        let parts = filter
            .children
            .iter()
            .filter(|part| names(part, child))
            .filter_map(|part| pick(child, part));
        if let Some(merged) = parts.reduce(union) {
            selected.children.push(merged);
        }
    }
    selected
}

fn names(part: &Element, entry: &Entry) -> bool {
    let node = SCHEMA.node(entry.node);
    part.name == node.name && (part.ns.is_empty() || part.ns == node.ns || &*part.ns == super::NS)
}

fn pick(entry: &Entry, part: &Element) -> Option<Entry> {
    if part.children.is_empty() {
        let content = part.text.trim();
        return (content.is_empty() || matches(entry, part)).then(|| entry.clone());
    }
    let (content, selection): (Vec<&Element>, Vec<&Element>) = part.children.iter().partition(|it| is_match(it));
    let holds = |it: &&Element| {
        entry
            .children
            .iter()
            .any(|child| names(it, child) && matches(child, it))
    };
    if !content.iter().all(holds) {
        return None;
    }
    if selection.is_empty() {
        return Some(entry.clone());
    }
    let mut picked = Entry::leaf(entry.node, entry.value.clone());
    for child in &entry.children {
        let parts = selection
            .iter()
            .filter(|it| names(it, child))
            .filter_map(|it| pick(child, it));
        if is_key(entry, child) || content.iter().any(|it| names(it, child)) {
            picked.children.push(child.clone());
        } else if let Some(merged) = parts.reduce(union) {
            picked.children.push(merged);
        }
    }
    let only_keys = picked
        .children
        .iter()
        .all(|child| is_key(entry, child) && !asked(&selection, child));
    (!only_keys || !content.is_empty()).then_some(picked)
}

fn asked(selection: &[&Element], child: &Entry) -> bool {
    selection.iter().any(|it| names(it, child))
}

fn is_match(part: &Element) -> bool {
    part.children.is_empty() && !part.text.trim().is_empty()
}

fn matches(entry: &Entry, part: &Element) -> bool {
    let wanted = part.text.trim();
    let value = match &SCHEMA.node(entry.node).kind {
        Kind::Leaf { value, .. } | Kind::LeafList { value } => value,
        Kind::Container { .. } | Kind::List { .. } => return false,
    };
    value
        .canonical(wanted, part.text_ns.as_deref(), &SCHEMA.identities)
        .is_some_and(|it| it == entry.value)
}

fn is_key(parent: &Entry, child: &Entry) -> bool {
    match &SCHEMA.node(parent.node).kind {
        Kind::List { keys } => keys.contains(&SCHEMA.node(child.node).name),
        Kind::Container { .. } | Kind::Leaf { .. } | Kind::LeafList { .. } => false,
    }
}

/// Both selections of one entry, nothing twice.
fn union(mut first: Entry, second: Entry) -> Entry {
    for child in second.children {
        let twin = first
            .children
            .iter_mut()
            .find(|known| known.node == child.node && known.keys() == child.keys() && known.value == child.value);
        match twin {
            Some(known) => *known = union(std::mem::replace(known, Entry::root()), child),
            None => first.children.push(child),
        }
    }
    first
}
