//! Intents on one side, the network as it was read on the other: what has to change between them.

use std::collections::{BTreeMap, HashMap};

use intents::{Class, Envelope, Library, contribution};
use knowledge_model::document::nearest;
use knowledge_model::owners::{Ownership, Wish, plan as between};
use knowledge_model::{Schema, Tree};
use transaction::DeviceId;

use super::document::{DevicePlan, Plan, PlannedEntry, PlannedIntent, PlannedWish, Stood};
use crate::network::{Known, Network};

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The intents name what is not there, or ask for what the model forbids.
    #[error("{} faults, nothing was planned", .0.len())]
    Invalid(Vec<String>),
    /// The intents are at odds with others or with what was found.
    #[error("{} conflicts, nothing was planned", .0.len())]
    Conflict(Vec<String>),
}

/// An intent with the id that it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub envelope: Envelope,
}

/// What is asked of each device, before the devices were read.
#[derive(Debug, Clone)]
pub struct Drafted {
    intents: Vec<PlannedIntent>,
    withdraws: Vec<String>,
    risk: intents::Risk,
    wishes: BTreeMap<DeviceId, Vec<Wish>>,
    demands: BTreeMap<DeviceId, String>,
}

impl Drafted {
    /// The devices that must be read.
    pub fn devices(&self) -> Vec<DeviceId> {
        self.wishes.keys().copied().collect()
    }
}

/// Finds out what is asked of which device.
///
/// # Errors
/// Every name that is not in the inventory, and every slot that cannot be written.
pub fn draft(
    drafts: &[Draft],
    withdraws: &[String],
    library: &Library,
    network: &Network,
) -> Result<Drafted, PlanError> {
    let mut faults = Vec::new();
    let mut drafted = Drafted {
        intents: Vec::new(),
        withdraws: withdraws.to_vec(),
        risk: intents::Risk::Low,
        wishes: BTreeMap::new(),
        demands: BTreeMap::new(),
    };
    for draft in drafts {
        match library.class(&draft.envelope.class) {
            Some(class) => add(draft, class, network, &mut drafted, &mut faults),
            None => faults.push(format!("no class is named {}", draft.envelope.class)),
        }
    }
    // An intent that is asked for again may leave devices that it held.
    let held: Vec<String> = drafts
        .iter()
        .map(|draft| draft.id.clone())
        .chain(withdraws.iter().cloned())
        .collect();
    for device in network.devices().filter(|device| network.owns(device.id, &held)) {
        drafted.wishes.entry(device.id).or_default();
    }
    if faults.is_empty() {
        Ok(drafted)
    } else {
        Err(PlanError::Invalid(faults))
    }
}

fn add(draft: &Draft, class: &Class, network: &Network, drafted: &mut Drafted, faults: &mut Vec<String>) {
    let envelope = &draft.envelope;
    let devices = match targets(envelope, network) {
        Ok(devices) => devices,
        Err(unknown) => return faults.extend(unknown),
    };
    let wanted = match contribution(class, &envelope.slots) {
        Ok(wanted) => wanted,
        Err(error) => return faults.push(format!("{}: {error}", class.name)),
    };
    let Ok(priority) = i32::try_from(envelope.priority) else {
        return faults.push(format!("{}: priority {} is too large", class.name, envelope.priority));
    };
    drafted.risk = drafted.risk.max(class.risk);
    for device in &devices {
        let wish = Wish::new(draft.id.as_str(), priority, wanted.tree.clone());
        drafted.wishes.entry(device.id).or_default().push(wish);
        if let Some(guarantee) = &envelope.guarantee {
            demand(&mut drafted.demands, device.id, guarantee);
        }
    }
    drafted.intents.push(PlannedIntent {
        id: draft.id.clone(),
        name: envelope.name.clone(),
        class: class.name.clone(),
        slots: envelope
            .slots
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect(),
        targets: devices.iter().map(|device| device.name.clone()).collect(),
    });
}

/// The stronger of two demands counts.
fn demand(demands: &mut BTreeMap<DeviceId, String>, device: DeviceId, guarantee: &str) {
    let rank = |word: &str| {
        transaction::Guarantee::ALL
            .iter()
            .position(|class| class.to_string() == word)
    };
    let held = demands.entry(device).or_insert_with(|| guarantee.to_owned());
    if rank(guarantee) < rank(held) {
        guarantee.clone_into(held);
    }
}

/// A way of naming many devices: its word, the names that are wanted, those that a device has.
type Grouping<'a> = (&'static str, &'a [String], fn(&Known) -> &[String]);

/// The devices that an intent is for, each once, in the order of their names.
///
/// # Errors
/// Every name that is not in the inventory, with the nearest one that is.
pub fn targets<'a>(envelope: &Envelope, network: &'a Network) -> Result<Vec<&'a Known>, Vec<String>> {
    let scope = &envelope.scope;
    let mut unknown = Vec::new();
    let names = || network.devices().map(|device| device.name.as_str());
    for name in scope.devices.iter().filter(|name| network.named(name).is_none()) {
        let near = nearest(name, names()).map(|near| format!(" (did you mean {near}?)"));
        unknown.push(format!("no device is named {name}{}", near.unwrap_or_default()));
    }
    let groupings: [Grouping<'_>; 3] = [
        ("site", &scope.sites, |device| &device.sites),
        ("group", &scope.groups, |device| &device.groups),
        ("tag", &scope.tags, |device| &device.tags),
    ];
    for (kind, wanted, held) in groupings {
        let empty = wanted
            .iter()
            .filter(|name| network.devices().all(|device| !held(device).contains(name)));
        unknown.extend(empty.map(|name| format!("no device has the {kind} {name}")));
    }
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let meant = |device: &&Known| {
        let grouped = groupings
            .iter()
            .any(|(_, wanted, held)| wanted.iter().any(|name| held(device).contains(name)));
        grouped || scope.devices.contains(&device.name)
    };
    Ok(network.devices().filter(meant).collect())
}

/// The plan, from what was asked and what the devices hold.
///
/// # Errors
/// Every conflict with other intents or with what was found, and every entry that the model forbids.
pub fn finish(drafted: Drafted, read: &HashMap<DeviceId, Tree>, network: &Network) -> Result<Plan, PlanError> {
    let (mut devices, mut conflicts, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let empty = Tree::new();
    for device in network
        .devices()
        .filter(|device| drafted.wishes.contains_key(&device.id))
    {
        let wishes = drafted.wishes.get(&device.id).map_or(&[] as &[Wish], Vec::as_slice);
        let there = read.get(&device.id).unwrap_or(&empty);
        match device_plan(device, wishes, &drafted, there, network) {
            Ok(plan) => devices.push(plan),
            Err(PlanError::Conflict(more)) => conflicts.extend(more),
            Err(PlanError::Invalid(more)) => faults.extend(more),
        }
    }
    if !faults.is_empty() {
        return Err(PlanError::Invalid(faults));
    }
    if !conflicts.is_empty() {
        return Err(PlanError::Conflict(conflicts));
    }
    let weakest = devices.iter().filter(|device| !device.entries.is_empty());
    let rank = |word: &str| {
        transaction::Guarantee::ALL
            .iter()
            .position(|class| class.to_string() == word)
    };
    let guarantee = weakest
        .map(|device| device.guarantee.clone())
        .max_by_key(|word| rank(word));
    Ok(Plan {
        id: String::new(),
        hash: String::new(),
        intents: drafted.intents,
        withdraws: drafted.withdraws,
        devices,
        risk: drafted.risk.word().to_owned(),
        guarantee,
    })
}

fn device_plan(
    device: &Known,
    wishes: &[Wish],
    drafted: &Drafted,
    there: &Tree,
    network: &Network,
) -> Result<DevicePlan, PlanError> {
    let schema = Schema::canonical();
    let before = network.owners(device.id);
    let mut after = before.clone();
    let again = drafted.intents.iter().map(|intent| &intent.id);
    let leaving = again.filter(|id| wishes.iter().all(|wish| *wish.intent != ***id));
    for intent in drafted.withdraws.iter().chain(leaving) {
        after.withdraw(intent, schema);
    }
    let unsaid = device.unsaid(wishes.iter().flat_map(|wish| wish.entries.keys()));
    if !unsaid.is_empty() {
        return Err(PlanError::Invalid(unsaid));
    }
    for wish in wishes {
        let named = |fault: &knowledge_model::data::Fault| format!("{}: {fault}", device.name);
        after
            .contribute(wish.clone(), there, schema)
            .map_err(|faults| PlanError::Invalid(faults.iter().map(named).collect()))?;
    }
    let planned = between(before, &after, there, schema, &|tree| device.normal(tree));
    let named = |conflicts: Vec<knowledge_model::owners::Conflict>| {
        PlanError::Conflict(conflicts.iter().map(|it| format!("{}: {it}", device.name)).collect())
    };
    let planned = planned.map_err(named)?;
    let (preview, rollback) = device.preview(&planned.delta, there).map_err(PlanError::Invalid)?;
    let entries = planned
        .delta
        .iter()
        .map(|(path, edit)| PlannedEntry::of(path, edit, owners(&after, path)));
    Ok(DevicePlan {
        id: device.id.to_string(),
        name: device.name.clone(),
        guarantee: network.guarantee(device.id),
        demand: drafted.demands.get(&device.id).cloned(),
        wave: 0,
        entries: entries.collect(),
        preview,
        rollback,
        wishes: wishes.iter().map(PlannedWish::of).collect(),
        stood: planned
            .baseline
            .iter()
            .map(|(path, value)| Stood::of(path, value.as_ref()))
            .collect(),
    })
}

/// The intents that want something at a path.
fn owners(after: &Ownership, path: &knowledge_model::Path) -> Vec<String> {
    let wanting = after.wishes().filter(|wish| wish.entries.contains_key(path));
    wanting.map(|wish| wish.intent.to_string()).collect()
}
