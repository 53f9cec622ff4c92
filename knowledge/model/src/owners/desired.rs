//! From bids to one configuration of the owned paths.

use super::Ownership;
use super::conflict::{Bidder, Conflict, Reason};
use crate::path::Path;
use crate::schema::Schema;
use crate::tree::Value;
use std::collections::BTreeMap;

/// The bid that holds at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bid {
    /// What is wanted; none is absence.
    pub value: Option<Value>,
    /// The intent.
    pub intent: Box<str>,
    /// Its priority.
    pub priority: i32,
}

/// What the wishes make of the owned paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// The highest bid of each owned path.
    pub entries: BTreeMap<Path, Bid>,
    /// Bids of equal priority that are at odds, and lists that cannot be composed: nothing is planned before these are
    /// resolved.
    pub conflicts: Vec<Conflict>,
    /// Bids that a higher priority overrides.
    pub overridden: Vec<Conflict>,
}

impl Bid {
    fn bidder(&self) -> Bidder {
        Bidder::Intent {
            name: self.intent.clone(),
            priority: self.priority,
        }
    }
}

/// All bids, the highest priority first, then by the names of the intents.
pub(super) fn bids(owners: &Ownership, schema: &Schema) -> BTreeMap<Path, Vec<Bid>> {
    let mut bids: BTreeMap<Path, Vec<Bid>> = BTreeMap::new();
    let mut add = |path: &Path, value: Option<Value>, intent: &str| {
        let Some(wish) = owners.wishes.get(intent) else { return };
        let bid = Bid {
            value,
            intent: intent.into(),
            priority: wish.priority,
        };
        bids.entry(path.clone()).or_default().push(bid);
    };
    for wish in owners.wishes.values() {
        for (path, value) in &wish.entries {
            add(path, value.clone(), &wish.intent);
        }
    }
    for (at, place) in &owners.places {
        for entry in place.entries(at, &owners.wishes, schema) {
            add(&entry.path, entry.value, &entry.wish);
        }
    }
    for bids in bids.values_mut() {
        bids.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.intent.cmp(&b.intent)));
    }
    bids
}

pub(super) fn desired(owners: &Ownership, schema: &Schema) -> Desired {
    let mut desired = Desired::default();
    for (at, place) in &owners.places {
        desired.conflicts.extend(place.conflicts(at, &owners.wishes));
    }
    let mut bids = bids(owners, schema);
    pick_cases(&mut bids, schema, &mut desired);
    for (path, bids) in bids {
        pick_value(path, bids, &mut desired);
    }
    clear_below_absent(&mut desired);
    desired.conflicts.sort();
    desired.conflicts.dedup();
    desired.overridden.sort();
    desired.overridden.dedup();
    desired
}

/// The choice that a step of a path decides: its parent, the names of the choices around it, and the case.
pub(super) fn cases<'a>(path: &Path, schema: &'a Schema) -> Vec<(Path, String, &'a str)> {
    let mut cases = Vec::new();
    let places = std::iter::successors(Some(path.clone()), Path::parent).filter(|it| !it.is_root());
    for place in places {
        let (Some(node), Some(parent)) = (schema.node(&place), place.parent()) else {
            continue;
        };
        let mut around = String::new();
        for choice in &node.choices {
            around.push_str(&choice.choice);
            cases.push((parent.clone(), around.clone(), &*choice.case));
            around.push('/');
        }
    }
    cases
}

/// Where wishes pick different cases of a choice, the highest priority wins and the bids of the others are dropped.
fn pick_cases(bids: &mut BTreeMap<Path, Vec<Bid>>, schema: &Schema, desired: &mut Desired) {
    let mut picked: BTreeMap<(Path, String), (Bid, String)> = BTreeMap::new();
    for (path, bids) in bids.iter() {
        for bid in bids.iter().filter(|it| it.value.is_some()) {
            for (parent, choice, case) in cases(path, schema) {
                let held = picked
                    .entry((parent, choice))
                    .or_insert_with(|| (bid.clone(), case.to_owned()));
                if (bid.priority, &held.0.intent) > (held.0.priority, &bid.intent) {
                    *held = (bid.clone(), case.to_owned());
                }
            }
        }
    }
    for (path, bids) in bids.iter_mut() {
        let cases = cases(path, schema);
        bids.retain(|bid| {
            let lost = cases
                .iter()
                .filter(|_| bid.value.is_some())
                .find_map(|(parent, choice, case)| {
                    let (holder, held) = picked.get(&(parent.clone(), choice.clone()))?;
                    (held != case).then(|| (parent.clone(), choice, holder.clone(), held, *case))
                });
            let Some((parent, choice, holder, held, case)) = lost else {
                return true;
            };
            let reason = Reason::Choice {
                choice: choice.as_str().into(),
                one: held.as_str().into(),
                other: case.into(),
            };
            desired.note(Conflict {
                path: parent,
                reason,
                one: holder.bidder(),
                other: bid.bidder(),
            });
            false
        });
    }
}

/// The highest bid; bids that differ are noted.
fn pick_value(path: Path, bids: Vec<Bid>, desired: &mut Desired) {
    let mut bids = bids.into_iter();
    let Some(highest) = bids.next() else { return };
    for bid in bids.filter(|it| it.value != highest.value) {
        let reason = Reason::Value {
            one: highest.value.clone(),
            other: bid.value.clone(),
        };
        desired.note(Conflict {
            path: path.clone(),
            reason,
            one: highest.bidder(),
            other: bid.bidder(),
        });
    }
    desired.entries.insert(path, highest);
}

/// Where an entry is wanted absent, so is what is inside it.
fn clear_below_absent(desired: &mut Desired) {
    let mut absent: Option<(Path, Bid)> = None;
    for (path, bid) in &mut desired.entries {
        match &absent {
            Some((above, of)) if path.starts_with(above) => *bid = of.clone(),
            Some(_) | None => absent = bid.value.is_none().then(|| (path.clone(), bid.clone())),
        }
    }
}

impl Desired {
    /// A conflict where priorities are equal, else an override.
    fn note(&mut self, conflict: Conflict) {
        let equal = match (&conflict.one, &conflict.other) {
            (Bidder::Intent { priority: a, .. }, Bidder::Intent { priority: b, .. }) => a == b,
            (Bidder::Found, _) | (_, Bidder::Found) => true,
        };
        if equal {
            self.conflicts.push(conflict)
        } else {
            self.overridden.push(conflict)
        }
    }
}
