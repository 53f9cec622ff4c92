//! A small dialect for the tests: interfaces with description and enabled, in ietf-interfaces.

use adapters_netconf::xml::{Element, escape};
use adapters_netconf::{Dialect, DialectError};
use knowledge_model::{Delta, Edit, Path, Tree, Value, diff};
use std::collections::{BTreeMap, BTreeSet};

const SPACE: &str = "urn:ietf:params:xml:ns:yang:ietf-interfaces";
const LEAVES: [&str; 2] = ["description", "enabled"];

pub struct Ietf;

impl Dialect for Ietf {
    fn filter(&self, paths: &[Path]) -> Result<String, DialectError> {
        let names: BTreeSet<String> = paths
            .iter()
            .map(|it| split(it).map(|(name, _)| name))
            .collect::<Result<_, _>>()?;
        let entries: String = names
            .iter()
            .map(|it| format!("<interface><name>{}</name></interface>", escape(it)))
            .collect();
        Ok(format!("<interfaces xmlns=\"{SPACE}\">{entries}</interfaces>"))
    }

    fn edit(&self, delta: &Delta) -> Result<String, DialectError> {
        let mut entries: BTreeMap<String, Vec<(Option<String>, &Edit)>> = BTreeMap::new();
        for (path, edit) in delta.iter() {
            let (name, leaf) = split(path)?;
            entries.entry(name).or_default().push((leaf, edit));
        }
        let entries: String = entries.iter().map(|(name, edits)| entry(name, edits)).collect();
        let base = adapters_netconf::xml::BASE;
        Ok(format!(
            "<interfaces xmlns=\"{SPACE}\" xmlns:nc=\"{base}\">{entries}</interfaces>"
        ))
    }

    fn read(&self, data: &Element) -> Result<Tree, DialectError> {
        let mut tree = Tree::new();
        let interfaces = data
            .child_in(SPACE, "interfaces")
            .map(|it| it.children.as_slice())
            .unwrap_or_default();
        for interface in interfaces {
            let name = interface
                .child_text("name")
                .ok_or_else(|| DialectError::Data("no name".into()))?;
            let path = Path::root().keyed("interface", [name]);
            tree.insert(path.clone(), Value::Present);
            for leaf in LEAVES {
                if let Some(text) = interface.child(leaf) {
                    tree.insert(path.child(leaf), Value::scalar(text.text.as_str()));
                }
            }
        }
        Ok(tree)
    }
}

fn entry(name: &str, edits: &[(Option<String>, &Edit)]) -> String {
    let whole = edits.iter().find(|(leaf, _)| leaf.is_none()).map(|(_, edit)| *edit);
    let name = escape(name);
    if whole.is_some_and(|it| it.after.is_none()) {
        return format!("<interface nc:operation=\"delete\"><name>{name}</name></interface>");
    }
    let created = whole.is_some_and(|it| it.before.is_none());
    let kind = "<type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:ethernetCsmacd</type>";
    let leaves: String = edits
        .iter()
        .filter_map(|(leaf, edit)| leaf.as_ref().map(|it| one(it, edit)))
        .collect();
    format!(
        "<interface><name>{name}</name>{}{leaves}</interface>",
        if created { kind } else { "" }
    )
}

fn one(leaf: &str, edit: &Edit) -> String {
    match edit.after.as_ref().and_then(Value::text) {
        Some(text) => format!("<{leaf}>{}</{leaf}>", escape(text)),
        None => format!("<{leaf} nc:operation=\"delete\"/>"),
    }
}

fn split(path: &Path) -> Result<(String, Option<String>), DialectError> {
    let mut steps = path.steps();
    match (steps.next(), steps.next(), steps.next()) {
        (Some(list), leaf, None) if list.name == "interface" && list.keys.len() == 1 => {
            Ok((list.keys[0].to_owned(), leaf.map(|it| it.name.to_owned())))
        }
        _ => Err(DialectError::Unmapped(path.clone())),
    }
}

/// A tree of interfaces with descriptions.
pub fn described(interfaces: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (name, description) in interfaces {
        let path = Path::root().keyed("interface", [name]);
        tree.insert(path.child("description"), Value::scalar(*description));
        tree.insert(path, Value::Present);
    }
    tree
}

/// From one such tree to another.
pub fn between(before: &[(&str, &str)], after: &[(&str, &str)]) -> Delta {
    diff(&described(before), &described(after))
}
