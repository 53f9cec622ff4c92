//! What can be said of an inventory only when all of it is read: names that refer to nothing or stand twice.

use super::read::Marks;
use super::{Device, Inventory, Link};
use crate::document::{Faults, Mark, nearest};
use std::collections::{BTreeMap, BTreeSet};

impl Inventory {
    pub(super) fn check(&self, marks: &Marks, faults: &Faults) {
        let check = Check {
            inventory: self,
            faults,
        };
        check.names(marks);
        for (device, at) in self.devices.iter().zip(&marks.devices) {
            check.device(device, *at);
        }
        for (site, at) in self.hosts.iter().map(|it| &it.site).zip(&marks.hosts) {
            check.site(site.as_deref(), *at);
        }
        let nodes: BTreeSet<&str> = self.nodes().collect();
        let known: BTreeSet<&str> = nodes
            .iter()
            .copied()
            .chain(self.groups.keys().map(|it| &**it))
            .collect();
        for (name, group) in &self.groups {
            check.known("member", &group.members, &known, marks.groups.get(name));
        }
        for (name, prefixes) in &self.prefixes {
            check.known("device or host", &prefixes.at, &nodes, marks.prefixes.get(name));
        }
        check.links(marks, &nodes);
    }
}

struct Check<'a> {
    inventory: &'a Inventory,
    faults: &'a Faults,
}

impl Check<'_> {
    /// Names and ids stand once.
    fn names(&self, marks: &Marks) {
        let (mut names, mut ids): (BTreeMap<&str, Mark>, BTreeMap<_, Mark>) = Default::default();
        for (name, at) in self.inventory.nodes().zip(marks.devices.iter().chain(&marks.hosts)) {
            if let Some(first) = names.insert(name, *at) {
                self.faults.add(
                    *at,
                    format!("the name {name:?} stands in line {} too", first.line),
                    "rename one",
                );
            }
        }
        for (device, at) in self.inventory.devices.iter().zip(&marks.devices) {
            if let Some(first) = ids.insert(device.id, *at) {
                let what = format!("the id of {:?} stands in line {} too", device.name, first.line);
                self.faults.add(*at, what, "give the newer device an id of its own");
            }
        }
    }

    fn device(&self, device: &Device, at: Mark) {
        self.site(device.site.as_deref(), at);
        if device.platforms.is_empty() {
            self.faults.add(
                at,
                format!("{:?} has no platform", device.name),
                "name one under `platforms`",
            );
        }
        if device.protocols.is_empty() {
            self.faults.add(
                at,
                format!("{:?} has no protocol", device.name),
                "name one under `protocols`",
            );
        }
        let mut protocols = BTreeSet::new();
        for channel in device.protocols.iter().filter(|it| !protocols.insert(it.protocol)) {
            self.faults.add(
                at,
                format!("{:?} has {} twice", device.name, channel.protocol.word()),
                "keep one",
            );
        }
        let rest: Vec<_> = device
            .platforms
            .iter()
            .filter(|it| it.owns.is_empty())
            .map(|it| &*it.name)
            .collect();
        if rest.len() > 1 {
            let what = format!("{} of {:?} would own the same", rest.join(" and "), device.name);
            self.faults
                .add(at, what, "say under `owns` what each is for; one may own the rest");
        }
        let mut owned = BTreeMap::new();
        for (path, platform) in device
            .platforms
            .iter()
            .flat_map(|it| it.owns.iter().map(move |path| (path, &it.name)))
        {
            if let Some(other) = owned.insert(path, platform) {
                let what = format!("{other} and {platform} of {:?} both own {path}", device.name);
                self.faults.add(at, what, "leave it to one");
            }
        }
    }

    fn site(&self, site: Option<&str>, at: Mark) {
        let sites = &self.inventory.sites;
        if let Some(site) = site.filter(|it| !sites.contains_key(*it)) {
            self.unknown("site", site, at, sites.keys().map(|it| &**it));
        }
    }

    fn known(&self, what: &str, names: &BTreeSet<String>, known: &BTreeSet<&str>, at: Option<&Mark>) {
        for name in names.iter().filter(|it| !known.contains(&***it)) {
            self.unknown(what, name, at.copied().unwrap_or_default(), known.iter().copied());
        }
    }

    fn unknown<'k>(&self, what: &str, name: &str, at: Mark, known: impl Iterator<Item = &'k str>) {
        let hint = nearest(name, known).map_or_else(
            || format!("add it, or take the {what} out"),
            |it| format!("did you mean {it}?"),
        );
        self.faults.add(at, format!("no {what} is called {name:?}"), hint);
    }

    fn links(&self, marks: &Marks, nodes: &BTreeSet<&str>) {
        let mut used = BTreeMap::new();
        for (Link { ends, .. }, at) in self.inventory.links.iter().zip(&marks.links) {
            for end in ends {
                if !nodes.contains(&*end.node) {
                    self.unknown("device or host", &end.node, *at, nodes.iter().copied());
                }
                if let Some(first) = used.insert(end, *at) {
                    let what = format!(
                        "{}:{} ends the link in line {} too",
                        end.node, end.interface, first.line
                    );
                    self.faults.add(*at, what, "an interface ends one link");
                }
            }
        }
    }
}
