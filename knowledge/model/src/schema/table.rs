//! Reading the schema table, line by line.

use super::words::{Attributes, split, take, words};
use super::{Choice, Kind, Module, Node, Part, Schema};
use crate::types::Type;
use std::collections::HashMap;

/// What is wrong in a schema table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schema table, line {line}: {what}")]
pub struct TableError {
    /// Counted from one.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

pub(super) fn compile(table: &str) -> Result<Schema, TableError> {
    let mut schema = Schema {
        revision: Box::default(),
        modules: Vec::new(),
        nodes: Vec::new(),
        by_path: HashMap::new(),
        top: Vec::new(),
    };
    for (index, text) in table.lines().enumerate() {
        let text = text.trim();
        if !text.is_empty() && !text.starts_with('#') {
            read_line(&mut schema, text).map_err(|what| TableError { line: index + 1, what })?;
        }
    }
    mark_keys(&mut schema).map_err(|what| TableError {
        line: table.lines().count(),
        what,
    })?;
    Ok(schema)
}

fn read_line(schema: &mut Schema, text: &str) -> Result<(), String> {
    let mut words = words(text)?.into_iter();
    let (first, second) = (
        words.next().unwrap_or_default(),
        words.next().ok_or("a line has two words or more")?,
    );
    match first.as_str() {
        "revision" => schema.revision = second.into(),
        "module" => {
            let namespace = words.next().ok_or("a module has a namespace")?.into();
            schema.modules.push(Module {
                name: second.into(),
                namespace,
            });
        }
        _ => {
            let attributes = words.map(|it| split(&it)).collect();
            add_node(schema, &first, &second, attributes)?;
        }
    }
    Ok(())
}

fn add_node(schema: &mut Schema, path: &str, kind: &str, mut attributes: Attributes) -> Result<(), String> {
    if schema.by_path.contains_key(path) {
        return Err(format!("{path} stands here twice"));
    }
    let parent = match path.rsplit_once('/') {
        Some((parent, _)) => Some(
            *schema
                .by_path
                .get(parent)
                .ok_or_else(|| format!("{parent} comes after {path}"))?,
        ),
        None => None,
    };
    let module = match take(&mut attributes, "in") {
        Some(name) => schema
            .modules
            .iter()
            .position(|it| *it.name == *name)
            .ok_or_else(|| format!("no module {name}"))?,
        None => schema.nodes[parent.ok_or("a top-level node needs in=")?].module,
    };
    let kind = read_kind(kind, &mut attributes)?;
    let node = read_node(path, module, kind, attributes)?;
    let index = schema.nodes.len();
    schema.by_path.insert(path.into(), index);
    schema.nodes.push(node);
    parent
        .map_or(&mut schema.top, |it| &mut schema.nodes[it].children)
        .push(index);
    Ok(())
}

fn read_kind(kind: &str, attributes: &mut Attributes) -> Result<Kind, String> {
    Ok(match kind {
        "container" => Kind::Container,
        "presence" => Kind::Presence,
        "list" => {
            let keys = take(attributes, "keys").ok_or("a list has keys")?;
            let mut unique = Vec::new();
            while let Some(group) = take(attributes, "unique") {
                unique.push(group.split_whitespace().map(Box::from).collect());
            }
            Kind::List {
                keys: keys.split(',').map(Box::from).collect(),
                unique,
            }
        }
        "leaf" => Kind::Leaf(Type::read(attributes)?),
        "leaf-list" => Kind::LeafList(Type::read(attributes)?),
        other => return Err(format!("{other} is no kind of node")),
    })
}

fn read_node(path: &str, module: usize, kind: Kind, mut rest: Attributes) -> Result<Node, String> {
    let number = |text: Option<String>| text.map(|it| it.parse::<u32>().map_err(|_| format!("{it} is no number")));
    let mut node = Node {
        path: path.into(),
        module,
        children: Vec::new(),
        kind,
        state: take(&mut rest, "state").is_some(),
        mandatory: take(&mut rest, "mandatory").is_some(),
        secret: take(&mut rest, "secret").is_some(),
        distinct: take(&mut rest, "distinct").map(|it| read_part(&it)).transpose()?,
        key: false,
        defaults: Vec::new(),
        choices: take(&mut rest, "choice")
            .map(|it| read_choices(&it))
            .transpose()?
            .unwrap_or_default(),
        min: number(take(&mut rest, "min")).transpose()?.unwrap_or(0),
        max: number(take(&mut rest, "max")).transpose()?,
        refers: take(&mut rest, "ref").map(Into::into),
        units: take(&mut rest, "units").map(Into::into),
        about: take(&mut rest, "about").map(Into::into),
    };
    while let Some(default) = take(&mut rest, "default") {
        let of = node.value_type().ok_or("only leaves have defaults")?;
        let canonical = of
            .canonical(&default)
            .map_err(|expected| format!("default {default}: expected {expected}"))?;
        node.defaults.push(canonical.into());
    }
    match rest.first() {
        Some((name, _)) => Err(format!("{name} is no attribute of {path}")),
        None => Ok(node),
    }
}

fn read_part(text: &str) -> Result<Part, String> {
    match text {
        "value" => Ok(Part::Value),
        "address" => Ok(Part::Address),
        other => Err(format!("{other} is no part that is distinct")),
    }
}

fn read_choices(text: &str) -> Result<Vec<Choice>, String> {
    let one = |it: &str| {
        let (choice, case) = it.split_once(':').ok_or_else(|| format!("{it} is not CHOICE:CASE"))?;
        Ok(Choice {
            choice: choice.into(),
            case: case.into(),
        })
    };
    text.split(',').map(one).collect()
}

/// Marks key leaves and checks that every key of a list is a leaf of it.
fn mark_keys(schema: &mut Schema) -> Result<(), String> {
    for index in 0..schema.nodes.len() {
        for key in schema.nodes[index].keys().to_vec() {
            let path = format!("{}/{key}", schema.nodes[index].path);
            let leaf = *schema
                .by_path
                .get(&*path)
                .ok_or_else(|| format!("the key {path} is missing"))?;
            if !matches!(schema.nodes[leaf].kind, Kind::Leaf(_)) {
                return Err(format!("the key {path} is no leaf"));
            }
            schema.nodes[leaf].key = true;
        }
    }
    Ok(())
}
