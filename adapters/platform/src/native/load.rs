//! The `native` section of a platform file.

use super::{Name, Native, NativeRule, NodeStep, Place};
use crate::form::Form;
use crate::net::Piece;
use crate::pattern::Pattern;
use knowledge_model::document::{Faults, Node};
use std::collections::BTreeMap;

/// Reads the section.
pub(crate) fn read(node: &Node, faults: &Faults) -> Option<Native> {
    let fields = node.fields(faults)?;
    let namespaces = fields
        .required("namespaces")
        .and_then(|it| it.entries(faults))
        .unwrap_or_default();
    let namespaces: BTreeMap<String, String> = namespaces
        .iter()
        .filter_map(|(prefix, node)| Some((prefix.clone(), node.text(faults)?)))
        .collect();
    let rules = fields
        .required("rules")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let rules = rules
        .iter()
        .filter_map(|it| read_rule(it, &namespaces, faults))
        .collect();
    fields.end();
    Some(Native { namespaces, rules })
}

pub(crate) fn read_rule(node: &Node, namespaces: &BTreeMap<String, String>, faults: &Faults) -> Option<NativeRule> {
    let fields = node.fields(faults)?;
    let wrong = |at: &Node, what: String| faults.add(at.at, what, "");
    let path = fields.required("path").and_then(|it| {
        let parsed = Pattern::parse(&it.text(faults)?, &Form::named);
        parsed.map_err(|error| wrong(it, error)).ok()
    });
    let steps = fields.required("node").and_then(|it| {
        let parsed = parse_node(&it.text(faults)?, namespaces);
        parsed.map_err(|error| wrong(it, error)).ok()
    });
    let pairs = |name: &'static str| {
        let entries = fields
            .optional(name)
            .and_then(|it| it.entries(faults))
            .unwrap_or_default();
        entries.iter().filter_map(|(name, value)| {
            let parsed = parse_name(name, namespaces).map_err(|error| wrong(value, error)).ok()?;
            Some((parsed, value.text(faults)?))
        })
    };
    let leaves = pairs("leaves").map(|(name, text)| (name, parse_place(&text))).collect();
    let create = pairs("create").collect();
    let fixed = fields.optional("value").and_then(|it| it.text(faults));
    let default = fields.optional("default").and_then(|it| it.text(faults));
    let form = fields.optional("form").and_then(|it| {
        let name = it.text(faults)?;
        let form = Form::named(&name);
        if form.is_none() {
            wrong(it, format!("{name} is no form"));
        }
        form
    });
    fields.end();
    let (path, steps) = (path?, steps?);
    let leaf = !path.ends_in_keys() && fixed.is_none();
    Some(NativeRule {
        value: leaf.then(|| form.unwrap_or(Form::Word)),
        path,
        node: steps,
        leaves,
        create,
        fixed,
        default,
    })
}

/// Reads `if:interfaces/if:interface[if:name={name}]`. A slash inside a bracket belongs to the key.
fn parse_node(text: &str, namespaces: &BTreeMap<String, String>) -> Result<Vec<NodeStep>, String> {
    let mut steps = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, it) in text.char_indices().chain([(text.len(), '/')]) {
        match it {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                steps.push(parse_step(&text[start..at], namespaces)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    Ok(steps)
}

fn parse_step(text: &str, namespaces: &BTreeMap<String, String>) -> Result<NodeStep, String> {
    let mut parts = text.split('[');
    let name = parse_name(parts.next().unwrap_or_default(), namespaces)?;
    let keys = parts.map(|part| {
        let inner = part
            .strip_suffix(']')
            .ok_or_else(|| format!("a bracket in {text} is not closed"))?;
        let (name, value) = inner
            .split_once('=')
            .ok_or_else(|| format!("{inner} is no key=value"))?;
        Ok((parse_name(name, namespaces)?, parse_place(value)))
    });
    Ok(NodeStep {
        name,
        keys: keys.collect::<Result<Vec<_>, String>>()?,
    })
}

fn parse_name(text: &str, namespaces: &BTreeMap<String, String>) -> Result<Name, String> {
    let (prefix, local) = text.split_once(':').ok_or_else(|| format!("{text} has no prefix"))?;
    if !namespaces.contains_key(prefix) {
        return Err(format!("the prefix {prefix} has no namespace"));
    }
    Ok(Name {
        prefix: prefix.to_owned(),
        local: local.to_owned(),
    })
}

fn parse_place(text: &str) -> Place {
    let Some(inner) = text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) else {
        return Place::Literal(text.to_owned());
    };
    match inner
        .split_once('.')
        .and_then(|(slot, piece)| Some((slot, Piece::named(piece)?)))
    {
        Some((slot, piece)) => Place::Slot(slot.to_owned(), Some(piece)),
        None => Place::Slot(inner.to_owned(), None),
    }
}
