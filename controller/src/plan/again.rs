//! A past transaction taken back: what its intents wanted before becomes what they want now.

use std::collections::{BTreeMap, BTreeSet};

use knowledge_model::owners::{Ownership, Wish};
use knowledge_model::{Path, Schema, Tree};
use transaction::DeviceId;

use super::document::{Plan, PlannedIntent};
use super::make::Drafted;
use crate::network::Network;

/// What a transaction changed about one intent on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The device.
    pub device: DeviceId,
    /// The intent's id.
    pub intent: String,
    /// What it wanted before; nothing if it was not there.
    pub wish: Option<Wish>,
    /// The intent as it was; nothing if it was not active.
    pub body: Option<PlannedIntent>,
}

/// What has to be asked so that everything is wanted as it was before.
pub fn again(plan: &Plan, taken: &[Taken]) -> Drafted {
    let mut drafted = Drafted {
        intents: Vec::new(),
        withdraws: Vec::new(),
        risk: risk(&plan.risk),
        dry_run: false,
        wishes: BTreeMap::new(),
        demands: BTreeMap::new(),
        // What was promised was promised for another time: what must not break is looked at.
        words: BTreeMap::new(),
    };
    let mut seen = BTreeSet::new();
    for it in taken {
        let wishes = drafted.wishes.entry(it.device).or_default();
        wishes.extend(it.wish.clone());
        if seen.insert(&it.intent) {
            match &it.body {
                Some(body) => drafted.intents.push(body.clone()),
                None => drafted.withdraws.push(it.intent.clone()),
            }
        }
    }
    drafted
}

fn risk(word: &str) -> intents::Risk {
    let known = [intents::Risk::Low, intents::Risk::Medium];
    known
        .into_iter()
        .find(|it| it.word() == word)
        .unwrap_or(intents::Risk::High)
}

/// Who stands on what a transaction did: its own intents that want something else by now, and `later` intents that want
/// what it changed. Each as device, intent and path; a path is missing where the intent itself was changed.
pub fn standing(
    plan: &Plan,
    taken: &[Taken],
    later: &BTreeSet<(DeviceId, String)>,
    network: &Network,
) -> Vec<(String, String, Option<Path>)> {
    let own: BTreeSet<&str> = taken.iter().map(|it| it.intent.as_str()).collect();
    let mut standing = Vec::new();
    for device in &plan.devices {
        let Ok(id) = device.id.parse::<DeviceId>() else {
            continue;
        };
        let owners = network.owners(id);
        for it in taken.iter().filter(|it| it.device == id) {
            let put = device.wishes.iter().find(|wish| wish.intent == it.intent);
            let put = put.and_then(|wish| wish.wish().ok()).and_then(settled);
            let now = owners.wishes().find(|wish| *wish.intent == *it.intent).cloned();
            if put != now {
                standing.push((device.name.clone(), it.intent.clone(), None));
            }
        }
        let changed: Vec<Path> = device.entries.iter().filter_map(|it| it.path.parse().ok()).collect();
        let others = owners
            .wishes()
            .filter(|wish| !own.contains(&*wish.intent) && later.contains(&(id, wish.intent.to_string())));
        for wish in others {
            if let Some(path) = changed.iter().find(|path| wish.entries.contains_key(*path)) {
                standing.push((device.name.clone(), wish.intent.to_string(), Some(path.clone())));
            }
        }
    }
    standing
}

/// A wish in the form in which owners keep it.
fn settled(wish: Wish) -> Option<Wish> {
    let (name, mut owners) = (wish.intent.clone(), Ownership::new());
    owners.contribute(wish, &Tree::new(), Schema::canonical()).ok()?;
    owners.wishes().find(|it| it.intent == name).cloned()
}
