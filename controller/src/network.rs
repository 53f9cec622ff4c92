//! The devices of the inventory, and who owns what on each of them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use adapters_platform::{Platform, builtin};
use anyhow::{Context, Result};
use knowledge_model::inventory::{self, Inventory};
use knowledge_model::owners::Ownership;
use knowledge_model::{Delta, Edit, Schema, Tree, Value};
use transaction::DeviceId;

use crate::command::{faulty, read};
use crate::plan::{DevicePlan, Plan};
use crate::store::{Store, StoreError};

/// The revision of the canonical model in which ownership is kept.
pub const MODEL: &str = "2026-11-21";

/// A device of the inventory.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its id, which never changes.
    pub id: DeviceId,
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its platforms.
    pub platforms: Vec<String>,
    /// The sites that it stands in.
    pub sites: Vec<String>,
    /// The groups that it belongs to.
    pub groups: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// Every device with its owners.
#[derive(Debug)]
pub struct Network {
    inventory: Inventory,
    devices: Vec<Known>,
    owners: HashMap<DeviceId, Ownership>,
    guarantees: HashMap<DeviceId, String>,
    nobody: Ownership,
}

impl Network {
    /// The devices of an inventory's file; nobody owns anything yet.
    pub fn load(file: &Path) -> Result<Self> {
        let inventory = Inventory::read_for(&read(file)?, Schema::canonical(), &platforms());
        Ok(Self::of(inventory.map_err(|faults| faulty(file, &faults))?))
    }

    /// The devices of an inventory; nobody owns anything yet.
    pub fn of(inventory: Inventory) -> Self {
        let mut devices: Vec<Known> = inventory
            .devices
            .iter()
            .map(|device| known(device, &inventory))
            .collect();
        devices.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            inventory,
            devices,
            owners: HashMap::new(),
            guarantees: HashMap::new(),
            nobody: Ownership::new(),
        }
    }

    /// The same network with the owners that were kept.
    pub fn with_owners(mut self, kept: &[(String, String)]) -> Result<Self> {
        for (device, body) in kept {
            let id: DeviceId = device.parse().with_context(|| format!("read the owners of {device}"))?;
            let (owners, _) = Ownership::from_stored(body).with_context(|| format!("read the owners of {device}"))?;
            self.owners.insert(id, owners);
        }
        Ok(self)
    }

    /// What there is.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// A configuration as it would be if this intent had never come: without what it made and nobody else wants.
    pub fn without(&self, device: DeviceId, intent: &str, there: &Tree) -> Tree {
        let owners = self.owners(device);
        let mut tree = there.clone();
        let mut others = owners.clone();
        if others.withdraw(intent, Schema::canonical()).is_none() {
            return tree;
        }
        for path in owners.paths() {
            let made = owners.found(path) == Some(&None);
            if made && others.found(path).is_none() {
                tree.remove(path);
            }
        }
        tree
    }

    /// The devices in the order of their names.
    pub fn devices(&self) -> impl Iterator<Item = &Known> {
        self.devices.iter()
    }

    /// The device of this name.
    pub fn named(&self, name: &str) -> Option<&Known> {
        self.devices.iter().find(|device| device.name == name)
    }

    /// Who owns what on a device.
    pub fn owners(&self, device: DeviceId) -> &Ownership {
        self.owners.get(&device).unwrap_or(&self.nobody)
    }

    /// Whether one of these intents wants something of a device.
    pub fn owns(&self, device: DeviceId, intents: &[String]) -> bool {
        self.owners(device)
            .wishes()
            .any(|wish| intents.iter().any(|intent| **intent == *wish.intent))
    }

    /// Takes in what agents say that their devices promise.
    pub fn promise(&mut self, guarantees: HashMap<DeviceId, String>) {
        self.guarantees = guarantees;
    }

    /// What a device promises, where its agent said it.
    pub fn promised(&self, device: DeviceId) -> Option<&str> {
        self.guarantees.get(&device).map(String::as_str)
    }

    /// What a device promises, as its agent said; the least where none has.
    pub fn guarantee(&self, device: DeviceId) -> String {
        self.guarantees
            .get(&device)
            .cloned()
            .unwrap_or_else(|| "plain".to_owned())
    }

    /// Remembers that a plan is true now.
    pub async fn took(&mut self, plan: &Plan, store: &Store) -> Result<(), StoreError> {
        let schema = Schema::canonical();
        let mut kept = Vec::with_capacity(plan.devices.len());
        for device in &plan.devices {
            // What was written by this program can be read by it; anything else was refused when it was kept.
            let Ok(id) = device.id.parse() else { continue };
            let owners = self.owners.entry(id).or_default();
            for intent in leaving(plan, device) {
                owners.withdraw(intent, schema);
            }
            let stood = device.stood.iter().filter_map(|it| it.entry().ok());
            let there: Tree = stood.filter_map(|(path, value)| Some((path, value?))).collect();
            for wish in device.wishes.iter().filter_map(|wish| wish.wish().ok()) {
                if let Err(faults) = owners.contribute(wish, &there, schema) {
                    tracing::error!(device = device.name, ?faults, "cannot remember what an intent wants");
                }
            }
            kept.extend(written(&device.id, owners));
        }
        store.keep_ownership(&kept).await
    }

    /// Replaces who owns what on a device.
    pub async fn own(&mut self, device: DeviceId, owners: Ownership, store: &Store) -> Result<(), StoreError> {
        let kept = written(&device.to_string(), &owners);
        store.keep_ownership(kept.as_slice()).await?;
        self.owners.insert(device, owners);
        Ok(())
    }
}

/// The names of the platforms that there are.
pub fn platforms() -> Vec<&'static str> {
    builtin::all().map(Platform::name).collect()
}

fn known(device: &inventory::Device, inventory: &Inventory) -> Known {
    let belongs = |group: &&String| {
        inventory
            .in_group(group)
            .is_some_and(|all| all.contains(device.name.as_str()))
    };
    Known {
        id: DeviceId(device.id.0),
        name: device.name.clone(),
        address: device.address.clone(),
        platforms: device.platforms.iter().map(|platform| platform.name.clone()).collect(),
        sites: device.site.iter().cloned().collect(),
        groups: inventory.groups.keys().filter(belongs).cloned().collect(),
        tags: device.tags.iter().cloned().collect(),
    }
}

/// Who owns what on a device, as it is kept.
fn written(device: &str, owners: &Ownership) -> Option<(String, String)> {
    match owners.to_stored(MODEL) {
        Ok(body) => Some((device.to_owned(), body)),
        Err(error) => {
            tracing::error!(device, %error, "cannot write who owns what");
            None
        }
    }
}

/// The intents that a plan takes from a device: those that it withdraws, and those that no longer want it.
pub fn leaving<'a>(plan: &'a Plan, device: &'a DevicePlan) -> impl Iterator<Item = &'a String> {
    let again = plan.intents.iter().map(|intent| &intent.id);
    let without = again.filter(|id| device.wishes.iter().all(|wish| wish.intent != **id));
    plan.withdraws.iter().chain(without)
}

/// Whether a platform has words for an entry at this path.
fn says(platform: &Platform, path: &knowledge_model::Path) -> bool {
    platform
        .native()
        .map_or_else(|| platform.supports(path), |native| native.supports(path))
}

/// A change in a device's own language, or why it has none there.
type Written = Result<String, String>;

/// Which platform of a device writes a path: the first that has words for it.
fn owner(parts: &[&Platform], path: &knowledge_model::Path) -> Option<usize> {
    parts.iter().position(|it| says(it, path))
}

/// Whether a path is for this platform of a device; what none has words for is for the first to refuse.
fn is_of(parts: &[&Platform], at: usize, path: &knowledge_model::Path) -> bool {
    owner(parts, path).unwrap_or(0) == at
}

fn normal_in(platform: &Platform, tree: &Tree) -> Tree {
    match platform.native() {
        Some(native) => native.normal(tree),
        None => platform.normal(tree),
    }
}

fn write_in(platform: &Platform, delta: &Delta, from: &Tree) -> Written {
    match platform.native() {
        Some(native) => native.edit(delta).map_err(|error| error.to_string()),
        None => platform
            .render(delta, from)
            .map(|script| script.to_string())
            .map_err(|error| error.to_string()),
    }
}

impl Known {
    /// The platforms that speak for the device: the command lines that it is composed of, the first one foremost. Another
    /// platform of a device with NETCONF is no part of it but the other way to the same thing.
    fn parts(&self) -> Vec<&'static Platform> {
        let mut named = self.platforms.iter().filter_map(|name| builtin::named(name));
        let first = named.next();
        let is_composed = first.is_some_and(|it| it.native().is_none());
        let beside = named.filter(|it| is_composed && it.native().is_none());
        first.into_iter().chain(beside).collect()
    }

    /// Whether the device can be asked for an observation.
    pub fn observes(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        let platforms = self.platforms.iter().filter_map(|name| builtin::named(name));
        platforms.into_iter().any(|it| it.state().observes(name, labels))
    }

    /// How long after a change the device may take to act on it.
    pub fn settle(&self) -> Duration {
        let platforms = self.platforms.iter().filter_map(|name| builtin::named(name));
        platforms.map(|it| it.state().settle()).max().unwrap_or_default()
    }

    /// What the device's platform cannot say of these paths, with the platforms that can.
    pub fn unsaid<'a>(&self, paths: impl Iterator<Item = &'a knowledge_model::Path>) -> Vec<String> {
        let parts = self.parts();
        if parts.is_empty() {
            let (name, named, known) = (&self.name, self.platforms.join(" and "), platforms().join(", "));
            return vec![format!(
                "{name}: no platform {named}: name one of {known} in the inventory"
            )];
        }
        let unsaid = paths.filter(|path| owner(&parts, path).is_none());
        let names = parts.iter().map(|it| it.name()).collect::<Vec<_>>().join(" and ");
        let others = |path| {
            let able = builtin::all()
                .filter(|other| says(other, path))
                .map(Platform::name)
                .collect::<Vec<_>>();
            if able.is_empty() {
                "no platform can".to_owned()
            } else {
                format!("those that can: {}", able.join(", "))
            }
        };
        unsaid
            .map(|path| format!("{}: {names} cannot say {path} ({})", self.name, others(path)))
            .collect()
    }

    /// A configuration in the normal form of the device's platform.
    pub fn normal(&self, tree: &Tree) -> Tree {
        let parts = self.parts();
        match parts.as_slice() {
            [] => tree.clone(),
            [only] => normal_in(only, tree),
            several => {
                let mut whole = Tree::new();
                for (at, part) in several.iter().enumerate() {
                    let own = tree.iter().filter(|(path, _)| is_of(several, at, path));
                    let own: Tree = own.map(|(path, value)| (path.clone(), value.clone())).collect();
                    for (path, value) in normal_in(part, &own).iter() {
                        whole.insert(path.clone(), value.clone());
                    }
                }
                whole
            }
        }
    }

    /// Whether the device shows nothing where this value stands: it is what holds there anyway.
    pub fn hides(&self, path: &knowledge_model::Path, value: &Value) -> bool {
        let native = self.parts().first().and_then(|it| it.native());
        native.is_some_and(|native| native.hides(path, value))
    }

    /// A change as the device will show it: what holds there anyway is not set but taken away, for nobody would read it
    /// back.
    pub fn shown(&self, delta: &Delta) -> Delta {
        let shown = |path: &knowledge_model::Path, edit: &Edit| Edit {
            before: edit.before.clone(),
            after: edit.after.clone().filter(|value| !self.hides(path, value)),
        };
        let edits = delta.iter().map(|(path, edit)| (path.clone(), shown(path, edit)));
        edits.filter(|(_, edit)| edit.before != edit.after).collect()
    }

    /// The change and the way back in the device's own language; empty where no platform is known.
    ///
    /// # Errors
    /// What the platform cannot express.
    pub fn preview(&self, delta: &Delta, there: &Tree) -> Result<(String, String), Vec<String>> {
        let parts = self.parts();
        if parts.is_empty() || delta.is_empty() {
            return Ok((String::new(), String::new()));
        }
        let mut then = there.clone();
        if then.apply(delta).is_err() {
            return Err(vec![format!(
                "{}: the plan does not follow from what was read",
                self.name
            )]);
        }
        let write = |delta: &Delta, from: &Tree| -> Written {
            let mut written = Vec::new();
            for (at, part) in parts.iter().enumerate() {
                let own = delta.iter().filter(|(path, _)| is_of(&parts, at, path));
                let own: Delta = own.map(|(path, edit)| (path.clone(), edit.clone())).collect();
                if !own.is_empty() {
                    written.push(write_in(part, &own, from)?);
                }
            }
            Ok(written.join("\n"))
        };
        let both = write(delta, there).and_then(|forth| Ok((forth, write(&delta.inverse(), &then)?)));
        both.map_err(|reason| vec![format!("{}: {reason}", self.name)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(platforms: &[&str]) -> Known {
        Known {
            id: DeviceId(1),
            name: "r1".to_owned(),
            address: String::new(),
            platforms: platforms.iter().map(|it| (*it).to_owned()).collect(),
            sites: Vec::new(),
            groups: Vec::new(),
            tags: Vec::new(),
        }
    }

    #[test]
    fn each_command_line_of_a_device_writes_what_it_has_words_for() {
        let (mtu, description) = ("interface[eth1]/mtu", "interface[eth1]/description");
        let paths = [mtu, description].map(|it| it.parse::<knowledge_model::Path>().unwrap());
        let unsaid = |platforms: &[&str]| device(platforms).unsaid(paths.iter());
        assert!(unsaid(&["frr", "linux"]).is_empty());
        assert!(unsaid(&["frr"])[0].starts_with("r1: frr cannot say interface[eth1]/mtu (those that can: "));
        assert!(unsaid(&["linux"])[0].starts_with("r1: linux cannot say interface[eth1]/description ("));

        let tree: Tree = [
            (paths[0].clone(), Value::scalar("9000")),
            (paths[1].clone(), Value::scalar("all")),
        ]
        .into_iter()
        .collect();
        let composed = device(&["frr", "linux"]).normal(&tree);
        assert!(paths.iter().all(|it| composed.value(it).is_some()), "{composed:?}");
        assert!(device(&["linux"]).normal(&tree).value(&paths[1]).is_none());
    }

    #[test]
    fn the_other_way_to_a_device_is_no_part_of_it() {
        let names = |platforms: &[&str]| device(platforms).parts().iter().map(|it| it.name()).collect::<Vec<_>>();
        assert_eq!(names(&["ietf", "yangcli"]), ["ietf"]);
        assert_eq!(names(&["nowhere", "frr", "linux"]), ["frr", "linux"]);
        assert!(names(&[]).is_empty());
    }
}
