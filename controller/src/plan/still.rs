//! Whether a plan is still what its intents want, after others were planned and committed beside it.

use knowledge_model::owners::Ownership;
use knowledge_model::{Path, Schema, Tree, Value};

use super::document::{DevicePlan, Plan};
use crate::network::{Known, Network, leaving};

/// The entries of a plan that would no longer be right once it is true, as device and path: `others` are plans under way
/// that count as true already.
pub fn gone(plan: &Plan, others: &[Plan], network: &Network) -> Vec<String> {
    let mut gone = Vec::new();
    for device in &plan.devices {
        let Ok(id) = device.id.parse() else { continue };
        let mut before = network.owners(id).clone();
        for other in others {
            for share in other.devices.iter().filter(|it| it.id == device.id) {
                take(&mut before, other, share);
            }
        }
        let mut after = before.clone();
        take(&mut after, plan, device);
        let known = network.devices().find(|it| it.id == id);
        let differing = differing(device, (&before, &after), known);
        gone.extend(differing.iter().map(|path| format!("{} {path}", device.name)));
    }
    gone
}

/// What a plan makes of who owns what on a device.
pub(super) fn take(owners: &mut Ownership, plan: &Plan, device: &DevicePlan) {
    let schema = Schema::canonical();
    for intent in leaving(plan, device) {
        owners.withdraw(intent, schema);
    }
    let there = standing(device);
    for wish in device.wishes.iter().filter_map(|wish| wish.wish().ok()) {
        // Wishes were checked when the plan was made; one that does not fit any more shows in what is desired.
        let _ = owners.contribute(wish, &there, schema);
    }
}

/// The entries that a plan was made for and that would not end as they are desired: neither those that it changes, nor those
/// that it found to be right.
fn differing(device: &DevicePlan, (before, after): (&Ownership, &Ownership), known: Option<&Known>) -> Vec<Path> {
    let desired = after.desired(Schema::canonical());
    let delta = device.delta().unwrap_or_default();
    let hides = |path: &Path, value: &Value| known.is_some_and(|it| it.hides(path, value));
    let wrong = |path: &Path, end: &Option<Value>| match desired.entries.get(path) {
        Some(bid) => bid.value.as_ref().filter(|value| !hides(path, value)) != end.as_ref(),
        None => before.found(path) != Some(end),
    };
    let edited = delta.iter().filter(|(path, edit)| wrong(path, &edit.after));
    let mut differing: Vec<Path> = edited.map(|(path, _)| path.clone()).collect();
    // What a path should be by now; nothing is said of one on which no bid counts, or that nobody ever had.
    let target = |path: &Path| match desired.entries.get(path) {
        Some(bid) => Some(bid.value.clone()),
        None if after.found(path).is_some() => None,
        None => before.found(path).cloned(),
    };
    let stood = device.untouched();
    let mut then: Tree = standing(device);
    for (path, edit) in delta.iter() {
        put(&mut then, path, &edit.after);
    }
    let mut aim = then.clone();
    for path in stood.keys() {
        if let Some(target) = target(path) {
            put(&mut aim, path, &target);
        }
    }
    let normal = |tree: &Tree| known.map_or_else(|| tree.clone(), |it| it.normal(tree));
    let (then, aim) = (normal(&then), normal(&aim));
    let other = stood.into_keys().filter(|path| then.value(path) != aim.value(path));
    differing.extend(other);
    differing
}

fn put(tree: &mut Tree, path: &Path, value: &Option<Value>) {
    match value {
        Some(value) => tree.insert(path.clone(), value.clone()),
        None => tree.remove(path),
    };
}

/// What stood where a plan looked.
fn standing(device: &DevicePlan) -> Tree {
    let stood = device.stood.iter().filter_map(|it| it.entry().ok());
    stood.filter_map(|(path, value)| Some((path, value?))).collect()
}
