//! From an intent to what it wants: entries and rules on devices, or an answer.

use std::collections::{BTreeMap, BTreeSet};

use knowledge_model::Tree;
use knowledge_model::owners::Composed;

use crate::call::Call;
use crate::class::Class;
use crate::envelope::Envelope;
use crate::line::{Values, Wanted};
use crate::resolve::{Row, Unresolved, World, devices};
use crate::slot::SlotValue;

/// What an intent wants on one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contribution {
    /// The entries, list entries above them included.
    pub tree: Tree,
    /// Its share of lists that several intents fill.
    pub composed: Vec<Composed>,
}

/// What an intent comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiled {
    /// Configuration, by the names of devices. Empty where everything is as it should be already.
    Configuration(BTreeMap<String, Contribution>),
    /// Something that the controller answers or does.
    Call(Call),
}

/// Why an intent comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It depends on what these devices hold, and nobody has read them.
    #[error("{} must be read first", .0.iter().cloned().collect::<Vec<_>>().join(", "))]
    Unread(BTreeSet<String>),
    /// It names what is not there, or what cannot be; every reason.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl From<Unresolved> for CompileError {
    fn from(error: Unresolved) -> Self {
        match error {
            Unresolved::Unread(devices) => Self::Unread(devices),
            Unresolved::Faults(faults) => Self::Invalid(faults),
        }
    }
}

/// What an intent of `class` comes to in this network.
///
/// # Errors
/// Which devices must be read first, or everything that cannot be.
pub fn compile(class: &Class, envelope: &Envelope, world: &World<'_>) -> Result<Compiled, CompileError> {
    if let Some(kind) = class.call {
        return Call::new(kind, class, envelope)
            .map(Compiled::Call)
            .map_err(CompileError::Invalid);
    }
    let refused = class.refusals(&envelope.slots);
    if !refused.is_empty() {
        return Err(CompileError::Invalid(refused));
    }
    let targets = targets(class, envelope, world)?;
    let mut rows: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    let (mut unread, mut faults) = (BTreeSet::new(), Vec::new());
    for used in &class.resolves {
        match used.rows(&envelope.slots, world) {
            Ok(found) => drop(rows.insert(&used.name, found)),
            Err(Unresolved::Unread(more)) => unread.extend(more),
            Err(Unresolved::Faults(more)) => faults.extend(more),
        }
    }
    if !faults.is_empty() {
        faults.dedup();
        return Err(CompileError::Invalid(faults));
    }
    if !unread.is_empty() {
        return Err(CompileError::Unread(unread));
    }
    fill(class, envelope, &targets, &rows)
}

/// The devices for which lines stand that no resolver fills.
fn targets(class: &Class, envelope: &Envelope, world: &World<'_>) -> Result<Vec<String>, CompileError> {
    if !class.wants_target() {
        return Ok(Vec::new());
    }
    let scope = &envelope.scope;
    let mut faults = Vec::new();
    let grouped = [("site", &scope.sites), ("group", &scope.groups), ("tag", &scope.tags)];
    for (kind, names) in grouped {
        for name in names {
            let known = match kind {
                "site" => world.inventory.sites.contains_key(name),
                "group" => world.inventory.groups.contains_key(name),
                _ => !world.inventory.with_tag(name).is_empty(),
            };
            if !known {
                faults.push(format!("no device has the {kind} {name}"));
            }
        }
    }
    for name in &scope.devices {
        if world.inventory.device(name).is_none() {
            let known = world.inventory.devices.iter().map(|it| it.name.as_str());
            let near = knowledge_model::document::nearest(name, known).map(|it| format!(" (did you mean {it}?)"));
            faults.push(format!("no device is named {name}{}", near.unwrap_or_default()));
        }
    }
    if !faults.is_empty() {
        return Err(CompileError::Invalid(faults));
    }
    let named = scope
        .devices
        .iter()
        .chain(&scope.sites)
        .chain(&scope.groups)
        .chain(&scope.tags);
    devices(named.chain(&scope.places), world.inventory).map_err(CompileError::Invalid)
}

fn fill(
    class: &Class,
    envelope: &Envelope,
    targets: &[String],
    rows: &BTreeMap<&str, Vec<Row>>,
) -> Result<Compiled, CompileError> {
    let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
    let wrong = |error: knowledge_model::PathError| {
        CompileError::Invalid(vec![format!(
            "{} cannot be written for these slots: {error}",
            class.name
        )])
    };
    for (index, line) in class.configures.iter().enumerate() {
        match &line.rows {
            None => {
                for device in targets {
                    let wanted = wanted.entry(device.clone()).or_default();
                    line.plant(&envelope.slots, 0, wanted).map_err(wrong)?;
                }
            }
            Some(name) => {
                for row in rows.get(name.as_str()).into_iter().flatten() {
                    let values = values(&envelope.slots, name, row);
                    let wanted = wanted.entry(row.device.clone()).or_default();
                    // Rules of one line stand in the order of its rows, lines in the order of the file.
                    line.plant(&values, index * RULES + row.rule, wanted).map_err(wrong)?;
                }
            }
        }
    }
    let whole: BTreeMap<String, Contribution> = wanted
        .into_iter()
        .map(|(device, it)| {
            (
                device,
                Contribution {
                    composed: it.composed(),
                    tree: it.tree,
                },
            )
        })
        .filter(|(_, it)| !it.tree.is_empty() || !it.composed.is_empty())
        .collect();
    // Where resolvers found that nothing is lacking, the intent is true already.
    let lacking = rows.is_empty() || rows.values().any(|it| !it.is_empty());
    if whole.is_empty() && lacking {
        return Err(CompileError::Invalid(vec![format!(
            "{} asks for nothing with these slots",
            class.name
        )]));
    }
    Ok(Compiled::Configuration(whole))
}

/// More rules than one intent has for a list.
const RULES: usize = 1 << 20;

fn values(slots: &Values, name: &str, row: &Row) -> Values {
    let mut values = slots.clone();
    for (field, value) in &row.values {
        values.insert(format!("{name}.{field}"), SlotValue::One(value.clone()));
    }
    values
}
