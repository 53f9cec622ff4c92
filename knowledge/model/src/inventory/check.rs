//! What can be said of an inventory only when all of it is read: names that refer to nothing or stand twice.

use super::read::{Draft, Marks, Named};
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
        check.sites();
        let nodes: BTreeSet<&str> = check.nodes().map(|it| it.0).collect();
        let known = nodes.iter().copied().chain(marks.groups.keys().map(|it| &**it));
        if !marks.hidden.nodes && !marks.hidden.groups {
            check.known("member", &marks.members, &known.collect());
        }
        if !marks.hidden.nodes {
            check.known("device or host", &marks.holders, &nodes);
            let ends = marks.ends.iter().map(|(at, end)| Named {
                at: *at,
                name: end.node.clone(),
            });
            check.known("device or host", &ends.collect::<Vec<_>>(), &nodes);
        }
        check.links();
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

    fn sites(&self) {
        let all = self.marks.devices.iter().chain(&self.marks.hosts);
        let named: Vec<Named> = all.filter_map(|it| it.site.clone()).collect();
        if !self.marks.hidden.sites {
            self.known("site", &named, &self.marks.sites.keys().map(|it| &**it).collect());
        }
    }

    /// Every name that is not known, where it stands.
    fn known(&self, what: &str, names: &[Named], known: &BTreeSet<&str>) {
        for Named { at, name } in names.iter().filter(|it| !known.contains(&*it.name)) {
            let hint = nearest(name, known.iter().copied()).map_or_else(
                || format!("add it, or take the {what} out"),
                |it| format!("did you mean {it}?"),
            );
            self.faults.add(*at, format!("no {what} is called {name:?}"), hint);
        }
    }

    /// An interface ends one link.
    fn links(&self) {
        let mut used = BTreeMap::new();
        for (at, end) in &self.marks.ends {
            if let Some(first) = used.insert(end, *at) {
                let End { node, interface } = end;
                let what = format!("{node}:{interface} ends the link in line {} too", first.line);
                self.faults.add(*at, what, "an interface ends one link");
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
