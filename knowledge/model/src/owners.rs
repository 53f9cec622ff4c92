//! Who wants what of a device's configuration.
//!
//! Each intent makes a [`Wish`]. What stood at a path when it was first touched is kept as the bid of `found`, the
//! lowest of all; when the last wish for a path leaves, that comes back. What no wish names is nobody's business here:
//! it is in no plan and in no drift.
//!
//! An [`Ownership`] is a value: a planner copies it, contributes or withdraws, asks for the [`plan`] between the two,
//! and keeps the copy once the plan is true on the device.

mod compose;
mod conflict;
mod desired;
mod drift;
mod plan;
mod stored;
mod unique;

pub use compose::Composed;
pub use conflict::{Bidder, Conflict, Reason};
pub use desired::{Bid, Desired};
pub use drift::drift;
pub use plan::{Planned, Turn, plan};
pub use stored::StoredError;
pub use unique::{may_repeat, repeats};

use crate::data::Fault;
use crate::path::Path;
use crate::schema::Schema;
use crate::tree::{Tree, Value};
use compose::Place;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What one intent wants of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// The name of the intent, which stands in conflicts.
    pub intent: Box<str>,
    /// A higher priority wins over a lower one; equal ones that differ are a conflict.
    pub priority: i32,
    /// Entries that it wants, or wants absent (none). The list entries above them are wanted with them.
    pub entries: BTreeMap<Path, Option<Value>>,
    /// Its share of composed lists.
    pub composed: Vec<Composed>,
}

impl Wish {
    /// A wish for the entries of a tree.
    pub fn new(intent: impl Into<Box<str>>, priority: i32, tree: Tree) -> Self {
        let entries = tree.into_iter().map(|(path, value)| (path, Some(value))).collect();
        Self {
            intent: intent.into(),
            priority,
            entries,
            composed: Vec::new(),
        }
    }
}

/// The wishes for one device and what they found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    wishes: BTreeMap<Box<str>, Wish>,
    found: BTreeMap<Path, Option<Value>>,
    places: BTreeMap<Path, Place>,
}

impl Ownership {
    /// Nobody wants anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a wish, in the place of an earlier one of the same intent. `device` is the configuration at this moment:
    /// what stands there on paths touched for the first time is what was found.
    pub fn contribute(&mut self, wish: Wish, device: &Tree, schema: &Schema) -> Result<(), Vec<Fault>> {
        let wish = checked(wish, schema)?;
        let new: Vec<&Path> = wish.composed.iter().map(|it| &it.at).collect();
        if new.iter().any(|at| !self.places.contains_key(at)) {
            let before = self.before_all(device);
            for at in new {
                let place = self.places.entry(at.clone());
                place.or_insert_with(|| Place::touched(at, &before, schema));
            }
        }
        self.wishes.insert(wish.intent.clone(), wish);
        self.settle(device, schema);
        Ok(())
    }

    /// Takes the wish of an intent away and gives it back.
    pub fn withdraw(&mut self, intent: &str, schema: &Schema) -> Option<Wish> {
        let wish = self.wishes.remove(intent)?;
        self.settle(&Tree::new(), schema);
        Some(wish)
    }

    /// A device with what was found where somebody owns it: a list that an intent detached was attached all the same.
    fn before_all<'a>(&self, device: &'a Tree) -> Cow<'a, Tree> {
        let mut before = Cow::Borrowed(device);
        for (path, value) in self.found.iter().filter(|it| device.value(it.0) != it.1.as_ref()) {
            match value {
                Some(value) => before.to_mut().insert(path.clone(), value.clone()),
                None => before.to_mut().remove(path),
            };
        }
        before
    }

    /// The wishes, by the names of their intents.
    pub fn wishes(&self) -> impl Iterator<Item = &Wish> {
        self.wishes.values()
    }

    /// What stood at an owned path when it was first touched; the outer none for a path that nobody owns.
    pub fn found(&self, path: &Path) -> Option<&Option<Value>> {
        self.found.get(path)
    }

    /// The paths that somebody owns.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.found.keys()
    }

    /// What the highest bids make of the owned paths, and where bids are at odds.
    pub fn desired(&self, schema: &Schema) -> Desired {
        desired::desired(self, schema)
    }

    /// Numbers the rules of composed lists, forgets what nobody touches any more and notes what is touched now.
    fn settle(&mut self, device: &Tree, schema: &Schema) {
        let wishes = &self.wishes;
        self.places
            .retain(|at, _| wishes.values().flat_map(|it| &it.composed).any(|it| it.at == *at));
        for (at, place) in &mut self.places {
            place.number(at, wishes);
        }
        let mut found = std::mem::take(&mut self.found);
        let touched = desired::bids(self, schema).into_keys();
        self.found = touched
            .map(|path| {
                let value = found.remove(&path).unwrap_or_else(|| device.value(&path).cloned());
                (path, value)
            })
            .collect();
    }
}

/// The wish with all paths and values in canonical form, the list entries above included, or every fault.
fn checked(wish: Wish, schema: &Schema) -> Result<Wish, Vec<Fault>> {
    let (mut faults, mut entries) = (Vec::new(), BTreeMap::new());
    for (path, value) in wish.entries {
        let checked = match &value {
            Some(value) => schema.check(&path, value).map(|(path, value)| (path, Some(value))),
            None => schema.check_path(&path).map(|path| (path, None)),
        };
        match checked {
            Ok((path, value)) => {
                if value.is_some() {
                    entries.extend(above(&path, schema).map(|it| (it, Some(Value::Present))));
                }
                entries.insert(path, value);
            }
            Err(fault) => faults.push(fault),
        }
    }
    let composed: Vec<_> = wish
        .composed
        .into_iter()
        .filter_map(|it| it.checked(schema).map_err(|more| faults.extend(more)).ok())
        .collect();
    if faults.is_empty() {
        Ok(Wish {
            entries,
            composed,
            ..wish
        })
    } else {
        Err(faults)
    }
}

/// The entries above a path: list entries and presence containers.
fn above<'a>(path: &'a Path, schema: &'a Schema) -> impl Iterator<Item = Path> + 'a {
    path.ancestors()
        .filter(|it| schema.node(it).is_some_and(|node| node.is_entry()))
}

#[cfg(test)]
mod tests;
