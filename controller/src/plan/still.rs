//! Whether a plan is still what its intents want, after others were planned and committed beside it.

use knowledge_model::owners::Ownership;
use knowledge_model::{Path, Schema, Tree, Value};

use super::document::{DevicePlan, Plan};
use crate::network::{Network, leaving};

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
        let hides = |path: &Path, value: &Value| known.is_some_and(|it| it.hides(path, value));
        let differing = differing(device, (&before, &after), &hides);
        gone.extend(differing.iter().map(|path| format!("{} {path}", device.name)));
    }
    gone
}

/// What a plan makes of who owns what on a device.
fn take(owners: &mut Ownership, plan: &Plan, device: &DevicePlan) {
    let schema = Schema::canonical();
    for intent in leaving(plan, device) {
        owners.withdraw(intent, schema);
    }
    let stood = device.stood.iter().filter_map(|it| it.entry().ok());
    let there: Tree = stood.filter_map(|(path, value)| Some((path, value?))).collect();
    for wish in device.wishes.iter().filter_map(|wish| wish.wish().ok()) {
        // Wishes were checked when the plan was made; one that does not fit any more shows in what is desired.
        let _ = owners.contribute(wish, &there, schema);
    }
}

/// The planned entries whose end is neither what is desired, as the device shows it, nor what was found.
fn differing(
    device: &DevicePlan,
    (before, after): (&Ownership, &Ownership),
    hides: &dyn Fn(&Path, &Value) -> bool,
) -> Vec<Path> {
    let desired = after.desired(Schema::canonical());
    let delta = device.delta().unwrap_or_default();
    let wrong = |path: &Path, end: &Option<Value>| match desired.entries.get(path) {
        Some(bid) => bid.value.as_ref().filter(|value| !hides(path, value)) != end.as_ref(),
        None => before.found(path) != Some(end),
    };
    let gone = delta.iter().filter(|(path, edit)| wrong(path, &edit.after));
    gone.map(|(path, _)| path.clone()).collect()
}
