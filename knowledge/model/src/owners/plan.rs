//! The change that takes a device from one ownership to the next.

use super::conflict::{Bidder, Conflict, Reason};
use super::desired::{Bid, Desired, bids, cases};
use super::{Ownership, above, unique};
use crate::delta::{Delta, Edit};
use crate::path::Path;
use crate::schema::Schema;
use crate::tree::{Tree, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What has to change on a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// The edits, all of them on paths that an intent owns or owned.
    pub delta: Delta,
    /// What stood on the device at each path that was looked at: where something changes, and where nothing has to because
    /// it is as wanted. Staging compares all of it, so that a device that moved on is noticed.
    pub baseline: BTreeMap<Path, Option<Value>>,
}

/// From whom to whom a device changes hands.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    before: &'a Ownership,
    after: &'a Ownership,
    asked: &'a [&'a str],
}

impl<'a> Turn<'a> {
    /// From one ownership to the next.
    pub fn new(before: &'a Ownership, after: &'a Ownership) -> Self {
        Self {
            before,
            after,
            asked: &[],
        }
    }

    /// These intents are asked for now: what they want is looked at also where it is what was wanted before, for the
    /// device may have something else.
    #[must_use]
    pub fn asking(self, asked: &'a [&'a str]) -> Self {
        Self { asked, ..self }
    }
}

/// The change from what was desired before a turn to what is desired after it, compared with what is on the device.
///
/// Paths whose desire did not change and that nobody asks for are left alone; what the device has already is no edit.
/// `normal` is the normal form of the platform: two configurations that it makes equal are equal on the device.
pub fn plan(
    turn: &Turn<'_>,
    device: &Tree,
    schema: &Schema,
    normal: &dyn Fn(&Tree) -> Tree,
) -> Result<Planned, Vec<Conflict>> {
    let (was, is) = (turn.before.desired(schema), turn.after.desired(schema));
    if !is.conflicts.is_empty() {
        return Err(is.conflicts);
    }
    let sought = sought(turn, device, schema);
    let targets = targets((turn.before, &was, &is), &sought, schema);
    let mut aim = device.clone();
    for (path, target) in &targets {
        match target {
            Some(value) => aim.insert(path.clone(), value.clone()),
            None => aim.remove(path),
        };
    }
    let (there, wanted) = (normal(device), normal(&aim));
    let mut planned = Planned::default();
    for (path, target) in targets {
        let found = device.value(&path).cloned();
        if there.value(&path) != wanted.value(&path) {
            planned.delta.insert(
                path.clone(),
                Edit {
                    before: found.clone(),
                    after: target,
                },
            );
        }
        planned.baseline.insert(path, found);
    }
    for path in sought {
        let found = device.value(&path).cloned();
        planned.baseline.entry(path).or_insert(found);
    }
    let judge = Judge {
        before: turn.before,
        is: &is,
        aim: &aim,
        schema,
    };
    let conflicts = judge.conflicts(&planned.delta);
    if conflicts.is_empty() {
        Ok(planned)
    } else {
        Err(conflicts)
    }
}

/// The paths that the intents asked for bid on, whoever wins there. What a device shows of a secret cannot be compared with
/// a reference to it: a secret that stands is believed.
fn sought(turn: &Turn<'_>, device: &Tree, schema: &Schema) -> BTreeSet<Path> {
    if turn.asked.is_empty() {
        return BTreeSet::new();
    }
    let hidden = |path: &Path| device.contains(path) && schema.node(path).is_some_and(|it| it.secret);
    let asked = |bid: &Bid| turn.asked.contains(&&*bid.intent);
    let bids = bids(turn.after, schema).into_iter();
    bids.filter(|(path, bids)| bids.iter().any(asked) && !hidden(path))
        .map(|(path, _)| path)
        .collect()
}

/// The paths whose desire changed, those sought, and the entries above that somebody wants there; with what is wanted now:
/// the highest bid, or what was found when nobody bids.
fn targets(
    (before, was, is): (&Ownership, &Desired, &Desired),
    sought: &BTreeSet<Path>,
    schema: &Schema,
) -> BTreeMap<Path, Option<Value>> {
    let mut targets = BTreeMap::new();
    for path in before.paths() {
        if !is.entries.contains_key(path) {
            targets.insert(path.clone(), before.found(path).cloned().flatten());
        }
    }
    for (path, bid) in &is.entries {
        let changed = was.entries.get(path).map(|it| &it.value) != Some(&bid.value);
        if changed || sought.contains(path) {
            targets.insert(path.clone(), bid.value.clone());
        }
    }
    let stay = targets.iter().filter(|(_, target)| target.is_some());
    let above: Vec<Path> = stay.flat_map(|(path, _)| above(path, schema)).collect();
    for path in above {
        if let Some(bid) = is.entries.get(&path) {
            targets.entry(path).or_insert_with(|| bid.value.clone());
        }
    }
    targets
}

/// Looks for what a change would do to entries that are not its own.
struct Judge<'a> {
    before: &'a Ownership,
    is: &'a Desired,
    aim: &'a Tree,
    schema: &'a Schema,
}

impl Judge<'_> {
    fn conflicts(&self, delta: &Delta) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for (path, edit) in delta.iter() {
            match edit.after {
                None => conflicts.extend(self.inside(path)),
                Some(_) => conflicts.extend(self.case_of_others(path)),
            }
        }
        let bidder = |path: &Path| self.bidder(path);
        conflicts.extend(unique::repeats(delta, self.aim, self.schema, &bidder));
        conflicts.sort();
        conflicts.dedup();
        conflicts
    }

    /// An entry goes and something stays inside. A leaf that only says its default is nobody's work.
    fn inside(&self, path: &Path) -> Option<Conflict> {
        let says_default = |path: &Path, value: &Value| {
            let node = self.schema.node(path);
            node.is_some_and(|it| {
                it.state || it.defaults.first().map(|it| &**it) == value.text() && value.text().is_some()
            })
        };
        let mut inside = self
            .aim
            .under(path)
            .filter(|(it, value)| *it != path && !says_default(it, value));
        let foreign = inside.next()?.0.clone();
        let other = self.bidder(&foreign);
        Some(Conflict {
            path: path.clone(),
            reason: Reason::Inside { foreign },
            one: self.bidder(path),
            other,
        })
    }

    /// An entry of one case comes where entries of another case stand that nobody owns.
    fn case_of_others(&self, path: &Path) -> Option<Conflict> {
        for (parent, choice, case) in cases(path, self.schema) {
            for (other, _) in self.aim.under(&parent) {
                let held = cases(other, self.schema)
                    .into_iter()
                    .find(|it| it.0 == parent && it.1 == choice);
                if let Some((_, _, held)) = held.filter(|it| it.2 != case) {
                    let reason = Reason::Choice {
                        choice: choice.into(),
                        one: case.into(),
                        other: held.into(),
                    };
                    return Some(Conflict {
                        path: parent,
                        reason,
                        one: self.bidder(path),
                        other: self.bidder(other),
                    });
                }
            }
        }
        None
    }

    /// Who wants what stands at a path now, or wanted it before.
    fn bidder(&self, path: &Path) -> Bidder {
        let intent = |name: &str, priority| Bidder::Intent {
            name: name.into(),
            priority,
        };
        if let Some(bid) = self.is.entries.get(path) {
            return intent(&bid.intent, bid.priority);
        }
        let wished = self.before.wishes().find(|it| it.entries.contains_key(path));
        wished.map_or(Bidder::Found, |it| intent(&it.intent, it.priority))
    }
}
