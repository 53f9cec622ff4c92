//! Deltas and paths become XML.

use super::document::{Operation, Outgoing};
use super::{Name, Native, NativeError, NativeRule, NodeStep, Place};
use crate::pattern::{Key, Pattern, PatternStep};
use crate::slot::Bindings;
use knowledge_model::{Delta, Path, Value};

/// The children of an edit's `config` element.
pub(super) fn edit(native: &Native, delta: &Delta) -> Result<String, NativeError> {
    let mut root = Outgoing::default();
    let gone: Vec<&Path> = delta
        .iter()
        .filter(|(_, edit)| edit.after.is_none())
        .map(|(path, _)| path)
        .collect();
    for (path, edit) in delta.iter() {
        let (rule, bindings) = native
            .rule(path)
            .ok_or_else(|| NativeError::Unsupported { path: path.clone() })?;
        let inside_gone = gone
            .iter()
            .any(|it| *it != path && path.starts_with(it) && native.rule(it).is_some());
        if inside_gone {
            continue;
        }
        let element = descend(&mut root, rule, &bindings, path)?;
        match &edit.after {
            None => element.operation = Operation::Remove,
            Some(value) => put(element, rule, &bindings, value, (path, edit.before.is_none()))?,
        }
    }
    Ok(root.write(native))
}

fn descend<'a>(
    root: &'a mut Outgoing,
    rule: &NativeRule,
    bindings: &Bindings,
    path: &Path,
) -> Result<&'a mut Outgoing, NativeError> {
    let mut element = root;
    for step in &rule.node {
        let keys = keys(step, bindings).ok_or_else(|| NativeError::Inexpressible { path: path.clone() })?;
        element = element.child(&step.name, keys);
    }
    Ok(element)
}

fn keys(step: &NodeStep, bindings: &Bindings) -> Option<Vec<(Name, String)>> {
    step.keys
        .iter()
        .map(|(name, place)| Some((name.clone(), place.print(bindings)?)))
        .collect()
}

fn put(
    element: &mut Outgoing,
    rule: &NativeRule,
    bindings: &Bindings,
    value: &Value,
    (path, fresh): (&Path, bool),
) -> Result<(), NativeError> {
    let inexpressible = || NativeError::Inexpressible { path: path.clone() };
    element.text = match (&rule.value, &rule.fixed) {
        (Some(form), _) => Some(
            value
                .text()
                .and_then(|it| form.canonical(it))
                .ok_or_else(inexpressible)?,
        ),
        (None, Some(fixed)) => Some(fixed.clone()),
        (None, None) => None,
    };
    for (name, place) in &rule.leaves {
        let text = place.print(bindings).ok_or_else(inexpressible)?;
        element.child(name, Vec::new()).text = Some(text);
    }
    for (name, text) in rule.create.iter().filter(|_| fresh) {
        element.child(name, Vec::new()).text = Some(text.clone());
    }
    Ok(())
}

/// The children of a subtree filter.
pub(super) fn filter(native: &Native, paths: &[Path]) -> Result<String, NativeError> {
    let mut root = Outgoing::default();
    for path in paths {
        let mut known = false;
        for rule in &native.rules {
            if let Some(bindings) = related(&rule.path, path) {
                known = true;
                select(&mut root, &rule.node, &bindings);
            }
        }
        if !known {
            return Err(NativeError::Unsupported { path: path.clone() });
        }
    }
    Ok(root.write(native))
}

/// The keys that a path gives to a pattern above it, at it or inside it; none if they are apart.
fn related(pattern: &Pattern, path: &Path) -> Option<Bindings> {
    let mut bindings = Bindings::default();
    for (wanted, step) in pattern.steps().iter().zip(path.steps()) {
        related_step(wanted, &step, &mut bindings)?;
    }
    Some(bindings)
}

fn related_step(wanted: &PatternStep, step: &knowledge_model::Step<'_>, bindings: &mut Bindings) -> Option<()> {
    if wanted.name != step.name {
        return None;
    }
    for (key, text) in wanted.keys.iter().zip(&step.keys) {
        match key {
            Key::Literal(literal) => (literal == text).then_some(())?,
            Key::Slot(name, form) => bindings.bind(name, form.canonical(text)?)?,
        }
    }
    Some(())
}

/// Asks for the outermost list entry whose keys are known, or for what is around it.
fn select(root: &mut Outgoing, node: &[NodeStep], bindings: &Bindings) {
    let mut element = root;
    for step in node {
        let named = step.keys.iter().any(|(_, place)| matches!(place, Place::Slot(..)));
        match keys(step, bindings) {
            Some(keys) => element = element.child(&step.name, keys),
            None => {
                element.child(&step.name, Vec::new());
                return;
            }
        }
        if named {
            return;
        }
    }
}
