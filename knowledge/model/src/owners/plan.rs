//! The change that takes a device from one ownership to the next.

use super::conflict::{Bidder, Conflict, Reason};
use super::desired::{Desired, cases};
use super::{Ownership, unique};
use crate::delta::{Delta, Edit};
use crate::path::Path;
use crate::schema::Schema;
use crate::tree::{Tree, Value};
use std::collections::BTreeMap;

/// What has to change on a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// The edits, all of them on paths that an intent owns or owned.
    pub delta: Delta,
    /// What stood on the device at each path that was looked at. Staging compares the edits alone: that an entry which needed
    /// no edit still stands is not asked again.
    pub baseline: BTreeMap<Path, Option<Value>>,
}

/// The change from what was desired `before` to what is desired `after`, compared with what is on the device.
///
/// Paths whose desire did not change are left alone; what the device has already is no edit. `normal` is the normal form
/// of the platform: two configurations that it makes equal are equal on the device.
pub fn plan(
    before: &Ownership,
    after: &Ownership,
    device: &Tree,
    schema: &Schema,
    normal: &dyn Fn(&Tree) -> Tree,
) -> Result<Planned, Vec<Conflict>> {
    let (was, is) = (before.desired(schema), after.desired(schema));
    if !is.conflicts.is_empty() {
        return Err(is.conflicts);
    }
    let targets = targets(before, &was, &is);
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
    let judge = Judge {
        before,
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

/// The paths whose desire changed, with what is wanted now: the highest bid, or what was found when nobody bids.
fn targets(before: &Ownership, was: &Desired, is: &Desired) -> BTreeMap<Path, Option<Value>> {
    let mut targets = BTreeMap::new();
    for path in before.paths() {
        if !is.entries.contains_key(path) {
            targets.insert(path.clone(), before.found(path).cloned().flatten());
        }
    }
    for (path, bid) in &is.entries {
        if was.entries.get(path).map(|it| &it.value) != Some(&bid.value) {
            targets.insert(path.clone(), bid.value.clone());
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
        conflicts.extend(unique::conflicts(delta, self.aim, self.schema, &bidder));
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
