//! What can be said of an inventory only when all of it is read: names that refer to nothing or stand twice.

use super::read::{Draft, Marks};
use super::{End, Inventory};
use crate::document::{Faults, Mark, nearest};
use std::collections::{BTreeMap, BTreeSet};

impl Inventory {
    pub(super) fn check(&self, marks: &Marks, faults: &Faults) {
        let check = Check { marks, faults };
        check.names();
        for device in &marks.devices {
            check.device(device);
        }
        for draft in marks.devices.iter().chain(&marks.hosts) {
            check.site(draft);
        }
        let nodes: BTreeSet<&str> = check.nodes().map(|it| it.0).collect();
        let groups = marks.groups.keys().map(|it| &**it);
        let known: BTreeSet<&str> = nodes.iter().copied().chain(groups).collect();
        for (name, group) in &self.groups {
            check.known("member", &group.members, &known, marks.groups.get(name));
        }
        for (name, prefixes) in &self.prefixes {
            check.known("device or host", &prefixes.at, &nodes, marks.prefixes.get(name));
        }
        check.links(&nodes);
    }
}

struct Check<'a> {
    marks: &'a Marks,
    faults: &'a Faults,
}

impl<'a> Check<'a> {
    /// The names of devices and hosts, of those that are not whole too.
    fn nodes(&self) -> impl Iterator<Item = (&'a str, Mark)> {
        let all = self.marks.devices.iter().chain(&self.marks.hosts);
        all.filter_map(|it| Some((it.name.as_deref()?, it.at)))
    }

    /// Names and ids stand once.
    fn names(&self) {
        let (mut names, mut ids): (BTreeMap<&str, Mark>, BTreeMap<_, Mark>) = Default::default();
        for (name, at) in self.nodes() {
            if let Some(first) = names.insert(name, at) {
                let what = format!("the name {name:?} stands in line {} too", first.line);
                self.faults.add(at, what, "rename one");
            }
        }
        for (device, id) in self.marks.devices.iter().filter_map(|it| Some((it, it.id?))) {
            if let Some(first) = ids.insert(id, device.at) {
                let what = format!("the id of {} stands in line {} too", called(device), first.line);
                self.faults
                    .add(device.at, what, "give the newer device an id of its own");
            }
        }
    }

    fn device(&self, device: &Draft) {
        let (at, name) = (device.at, called(device));
        let mut protocols = BTreeSet::new();
        for channel in device.protocols.iter().filter(|it| !protocols.insert(it.protocol)) {
            self.faults
                .add(at, format!("{name} has {} twice", channel.protocol.word()), "keep one");
        }
        let rest: Vec<_> = device
            .platforms
            .iter()
            .filter(|it| it.owns.is_empty())
            .map(|it| &*it.name)
            .collect();
        if rest.len() > 1 {
            let what = format!("{} of {name} would own the same", rest.join(" and "));
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
                let what = format!("{other} and {platform} of {name} both own {path}");
                self.faults.add(at, what, "leave it to one");
            }
        }
    }

    fn site(&self, draft: &Draft) {
        let sites = &self.marks.sites;
        if let Some(site) = draft.site.as_deref().filter(|it| !sites.contains_key(*it)) {
            self.unknown("site", site, draft.at, sites.keys().map(|it| &**it));
        }
    }

    fn known(&self, what: &str, names: &BTreeSet<String>, known: &BTreeSet<&str>, at: Option<&Mark>) {
        for name in names.iter().filter(|it| !known.contains(&***it)) {
            self.unknown(what, name, at.copied().unwrap_or_default(), known.iter().copied());
        }
    }

    fn unknown<'k>(&self, what: &str, name: &str, at: Mark, known: impl Iterator<Item = &'k str>) {
        if self.marks.hides_names {
            return;
        }
        let hint = nearest(name, known).map_or_else(
            || format!("add it, or take the {what} out"),
            |it| format!("did you mean {it}?"),
        );
        self.faults.add(at, format!("no {what} is called {name:?}"), hint);
    }

    fn links(&self, nodes: &BTreeSet<&str>) {
        let mut used = BTreeMap::new();
        for (at, ends) in &self.marks.links {
            for end @ End { node, interface } in ends {
                if !nodes.contains(&**node) {
                    self.unknown("device or host", node, *at, nodes.iter().copied());
                }
                if let Some(first) = used.insert(end, *at) {
                    let what = format!("{node}:{interface} ends the link in line {} too", first.line);
                    self.faults.add(*at, what, "an interface ends one link");
                }
            }
        }
    }
}

/// What a device is called in a fault, where it has a name.
fn called(draft: &Draft) -> String {
    draft
        .name
        .as_ref()
        .map_or_else(|| "this device".to_owned(), |it| format!("{it:?}"))
}
