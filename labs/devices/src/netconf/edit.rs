//! edit-config: what the elements of a `<config>` do to a tree.

use std::fmt::Write as _;

use super::NS;
use super::error::RpcError;
use crate::schema::{Kind, ROOT, SCHEMA, Type};
use crate::store::Entry;
use crate::xml::Element;

/// What happens at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Combine with what is there.
    Merge,
    /// Take the place of what is there.
    Replace,
    /// Must not be there yet.
    Create,
    /// Must be there, and goes.
    Delete,
    /// Goes if it is there.
    Remove,
    /// Nothing, until an element says otherwise.
    None,
}

impl Operation {
    /// Reads the word of an `operation` attribute or of default-operation.
    pub fn read(word: &str) -> Option<Operation> {
        Some(match word {
            "merge" => Operation::Merge,
            "replace" => Operation::Replace,
            "create" => Operation::Create,
            "delete" => Operation::Delete,
            "remove" => Operation::Remove,
            "none" => Operation::None,
            _ => return None,
        })
    }
}

/// Applies every child of `config` to the tree; on an error the tree holds what came before it.
///
/// # Errors
/// The first refusal.
pub fn apply(tree: &mut Entry, config: &Element, default: Operation) -> Result<(), RpcError> {
    let default = match config.attribute(NS, "operation") {
        Some(word) => Operation::read(word).ok_or_else(|| bad_operation("/"))?,
        None => default,
    };
    inspect(config)?;
    for child in &config.children {
        apply_child(tree, child, default, "")?;
    }
    tree.prune();
    Ok(())
}

/// Reads a whole configuration, as copy-config gives it.
///
/// # Errors
/// The first element that the schema refuses.
pub fn read(config: &Element) -> Result<Entry, RpcError> {
    let mut tree = Entry::root();
    apply(&mut tree, config, Operation::Merge)?;
    Ok(tree)
}

fn apply_child(parent: &mut Entry, element: &Element, inherited: Operation, path: &str) -> Result<(), RpcError> {
    let path = format!("{path}/{}", element.name);
    let node = resolve(parent.node, element, &path)?;
    let operation = own_operation(element, &path)?.unwrap_or(inherited);
    let target = target(node, element, &path)?;
    let found = parent.children.iter().position(|entry| same(entry, &target));
    match (operation, found) {
        (Operation::Create, Some(_)) => Err(RpcError::application("data-exists", &path, "it is there already")),
        (Operation::Delete, None) => Err(RpcError::application(
            "data-missing",
            &path,
            "there is nothing to delete",
        )),
        (Operation::Delete | Operation::Remove, _) if is_key(parent.node, node) => Err(RpcError::application(
            "operation-not-supported",
            &path,
            "a key goes only with its entry",
        )),
        (Operation::Delete | Operation::Remove, Some(at)) => {
            parent.children.remove(at);
            Ok(())
        }
        (Operation::Remove, None) => Ok(()),
        (Operation::Replace, Some(at)) => {
            parent.children[at] = target;
            fill(&mut parent.children[at], element, operation, &path)
        }
        (Operation::Merge | Operation::None, Some(at)) => {
            if operation == Operation::Merge {
                parent.children[at].value = target.value;
            }
            fill(&mut parent.children[at], element, operation, &path)
        }
        (Operation::None, None) => Err(RpcError::application(
            "data-missing",
            &path,
            "the target has nothing at this level",
        )),
        (Operation::Merge | Operation::Create | Operation::Replace, None) => {
            leave_other_cases(parent, node);
            let mut entry = target;
            fill(&mut entry, element, operation, &path)?;
            parent.children.push(entry);
            Ok(())
        }
    }
}

fn fill(entry: &mut Entry, element: &Element, operation: Operation, path: &str) -> Result<(), RpcError> {
    let mut path = path.to_owned();
    for key in entry.keys() {
        let _ = write!(path, "['{key}']");
    }
    for child in &element.children {
        let node = resolve(entry.node, child, &path)?;
        match is_key(entry.node, node) && child.attribute(NS, "operation").is_none() {
            true => {}
            false => apply_child(entry, child, operation, &path)?,
        }
    }
    Ok(())
}

/// Checks names, values and operations everywhere, also below what goes, before anything happens.
///
/// # Errors
/// The first that the schema refuses.
pub fn inspect(config: &Element) -> Result<(), RpcError> {
    inspect_below(ROOT, config, "")
}

/// Does an element of it name this operation?
pub fn names(config: &Element, word: &str) -> bool {
    let own = |it: &Element| it.attribute(NS, "operation") == Some(word);
    config.children.iter().any(|it| own(it) || names(it, word))
}

fn inspect_below(node: usize, element: &Element, path: &str) -> Result<(), RpcError> {
    for child in &element.children {
        let path = format!("{path}/{}", child.name);
        let inner = resolve(node, child, &path)?;
        own_operation(child, &path)?;
        target(inner, child, &path)?;
        inspect_below(inner, child, &path)?;
    }
    Ok(())
}

/// The operation that the element itself names.
fn own_operation(element: &Element, path: &str) -> Result<Option<Operation>, RpcError> {
    let Some(word) = element.attribute(NS, "operation") else {
        return Ok(None);
    };
    match Operation::read(word) {
        Some(Operation::None) | None => Err(bad_operation(path)),
        Some(operation) => Ok(Some(operation)),
    }
}

fn resolve(parent: usize, element: &Element, path: &str) -> Result<usize, RpcError> {
    let known = SCHEMA.child(parent, &element.ns, &element.name);
    let known = known.filter(|node| SCHEMA.node(*node).config);
    known.ok_or_else(|| match SCHEMA.knows(&element.ns) {
        true => RpcError::application("unknown-element", path, "no such node of configuration").about(&element.name),
        false => RpcError::application("unknown-namespace", path, "no module has this namespace").about(&element.name),
    })
}

/// The entry that an element speaks of: its value, or its keys, and nothing else.
fn target(node: usize, element: &Element, path: &str) -> Result<Entry, RpcError> {
    let mut entry = Entry::new(node);
    match &SCHEMA.node(node).kind {
        Kind::Container { .. } => no_text(element, path)?,
        Kind::Leaf { value, .. } | Kind::LeafList { value } => {
            let going = matches!(element.attribute(NS, "operation"), Some("delete" | "remove"));
            if !(going && element.text.trim().is_empty()) {
                entry.value = canonical(value, element, path)?;
            }
        }
        Kind::List { keys } => {
            no_text(element, path)?;
            for key in keys {
                let missing = || RpcError::application("missing-element", path, "a key is missing").about(key);
                let child = element.child(key).ok_or_else(missing)?;
                let key_node = resolve(node, child, path)?;
                if let Kind::Leaf { value, .. } = &SCHEMA.node(key_node).kind {
                    entry
                        .children
                        .push(Entry::leaf(key_node, canonical(value, child, path)?));
                }
            }
        }
    }
    Ok(entry)
}

fn canonical(value: &Type, element: &Element, path: &str) -> Result<String, RpcError> {
    if let Some(child) = element.children.first() {
        return Err(RpcError::application("unknown-element", path, "a leaf has no children").about(&child.name));
    }
    value
        .canonical(&element.text, element.text_ns.as_deref(), &SCHEMA.identities)
        .ok_or_else(|| {
            RpcError::application(
                "invalid-value",
                path,
                format!("{:?} is no value of this leaf", element.text.trim()),
            )
        })
}

fn no_text(element: &Element, path: &str) -> Result<(), RpcError> {
    match element.text.trim().is_empty() {
        true => Ok(()),
        false => Err(RpcError::application(
            "invalid-value",
            path,
            "text stands where elements belong",
        )),
    }
}

fn same(entry: &Entry, target: &Entry) -> bool {
    entry.node == target.node
        && match &SCHEMA.node(target.node).kind {
            Kind::Container { .. } | Kind::Leaf { .. } => true,
            Kind::LeafList { .. } => entry.value == target.value,
            Kind::List { .. } => entry.keys() == target.keys(),
        }
}

fn is_key(parent: usize, node: usize) -> bool {
    match &SCHEMA.node(parent).kind {
        Kind::List { keys } => keys.contains(&SCHEMA.node(node).name),
        Kind::Container { .. } | Kind::Leaf { .. } | Kind::LeafList { .. } => false,
    }
}

/// A new node of one case ends the nodes of the others.
fn leave_other_cases(parent: &mut Entry, node: usize) {
    for choice in &SCHEMA.node(parent.node).choices {
        if let Some(own) = choice.cases.iter().find(|case| case.contains(&node)) {
            parent.children.retain(|child| {
                own.contains(&child.node) || !choice.cases.iter().any(|case| case.contains(&child.node))
            });
        }
    }
}

fn bad_operation(path: &str) -> RpcError {
    RpcError::application("bad-attribute", path, "no such operation").about("operation")
}
