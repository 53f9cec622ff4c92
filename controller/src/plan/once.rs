//! What may stand on a device only once, asked again where others were planned, committed or merged beside a plan.

use std::collections::{BTreeMap, HashMap};

use knowledge_model::owners::{Bidder, Conflict, Ownership, may_repeat, repeats};
use knowledge_model::{Delta, Path, Schema, Tree};
use transaction::DeviceId;

use super::document::Plan;
use super::still::take;
use crate::network::Network;

/// The devices to which a plan brings something that may be there only once.
pub fn brings_once(plan: &Plan) -> Vec<DeviceId> {
    let brings = |delta: &Delta| may_repeat(delta, Schema::canonical());
    let devices = plan.devices.iter();
    let devices = devices.filter(|device| device.delta().is_ok_and(|delta| brings(&delta)));
    devices.filter_map(|device| device.id.parse().ok()).collect()
}

/// What a plan would put on a device although it may be there once and somebody has it there: one of the intents that hold,
/// one of `others`, plans under way that count as true already, or, on devices that were read, whoever put it there.
pub fn twice(plan: &Plan, others: &[Plan], network: &Network, read: &HashMap<DeviceId, Tree>) -> Vec<String> {
    let schema = Schema::canonical();
    let mut twice = Vec::new();
    for id in brings_once(plan) {
        let Some(device) = plan.devices.iter().find(|it| it.id == id.to_string()) else {
            continue;
        };
        let mut owners = network.owners(id).clone();
        for other in others {
            for share in other.devices.iter().filter(|it| it.id == device.id) {
                take(&mut owners, other, share);
            }
        }
        take(&mut owners, plan, device);
        let delta = device.delta().unwrap_or_default();
        let wanted = owners.desired(schema).entries.into_iter();
        let wanted: Tree = wanted.filter_map(|(path, bid)| Some((path, bid.value?))).collect();
        let mut found = repeats(&delta, &wanted, schema, &|path| bidder(&owners, path));
        if let Some(there) = read.get(&id) {
            let mut there = there.clone();
            put(&mut there, &delta);
            found.extend(repeats(&delta, &there, schema, &|path| bidder(&owners, path)));
        }
        found.sort();
        found.dedup();
        twice.extend(found.iter().map(|it: &Conflict| format!("{}: {it}", device.name)));
    }
    twice
}

/// Whether changes that are made together bring to their device twice what may be there once.
pub fn once_together(delta: &Delta) -> bool {
    let (schema, mut aim) = (Schema::canonical(), Tree::new());
    put(&mut aim, delta);
    repeats(delta, &aim, schema, &|_| Bidder::Found).is_empty()
}

/// The same lines with what operators call the intents in the place of their ids.
pub fn named(lines: Vec<String>, names: &BTreeMap<String, String>) -> Vec<String> {
    let rename = |text: String| names.iter().fold(text, |text, (id, name)| text.replace(id, name));
    lines.into_iter().map(rename).collect()
}

fn put(tree: &mut Tree, delta: &Delta) {
    for (path, edit) in delta.iter() {
        match &edit.after {
            Some(value) => tree.insert(path.clone(), value.clone()),
            None => tree.remove(path),
        };
    }
}

/// Whose an entry is; of what no intent wants it is whoever was there before.
fn bidder(owners: &Ownership, path: &Path) -> Bidder {
    let wish = owners.wishes().find(|wish| wish.entries.contains_key(path));
    wish.map_or(Bidder::Found, |wish| Bidder::Intent {
        name: wish.intent.clone(),
        priority: wish.priority,
    })
}
