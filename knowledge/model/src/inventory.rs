//! What there is: devices, hosts, sites, groups, tags, named prefixes and links, as people write them down.
//!
//! An inventory carries names of credentials, never the credentials. A device has an id that never changes beside a name
//! that may.

mod check;
mod hidden;
mod id;
mod publish;
mod read;
mod values;
mod write;

pub use id::{DeviceId, IdError};
pub use publish::schema;

use crate::path::Path;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is known of the network before a device is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// What is configured.
    pub devices: Vec<Device>,
    /// What takes part in the network and is not configured.
    pub hosts: Vec<Host>,
    /// The sites, by name.
    pub sites: BTreeMap<String, Place>,
    /// The groups, by name.
    pub groups: BTreeMap<String, Group>,
    /// Named prefixes.
    pub prefixes: BTreeMap<String, Prefixes>,
    /// What is connected with what.
    pub links: Vec<Link>,
}

/// A device that is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Never changes.
    pub id: DeviceId,
    /// What operators call it; unique among devices and hosts.
    pub name: String,
    /// A name or address that it is reached at.
    pub address: String,
    /// The platforms that it consists of.
    pub platforms: Vec<Platform>,
    /// The ways to speak to it, the preferred one first.
    pub protocols: Vec<Channel>,
    /// The name of the credentials.
    pub credentials: Option<String>,
    /// The least guarantee that a change of it may have.
    pub guarantee: Option<Guarantee>,
    /// Where it stands.
    pub site: Option<String>,
    /// Free words to find it by.
    pub tags: BTreeSet<String>,
}

/// A platform of a device and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// The name of the platform's file.
    pub name: String,
    /// The subtrees that it owns, as paths of names; empty for all that no other platform owns.
    pub owns: Vec<String>,
}

/// One way to speak to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// The protocol.
    pub protocol: Protocol,
    /// The TCP port.
    pub port: u16,
}

/// A protocol of configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// NETCONF over SSH.
    Netconf,
    /// A command line over SSH.
    Cli,
}

/// Who takes a change back when everybody else is gone, from the strongest guarantee to the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarantee {
    /// Taken whole; the device takes it back on its own timer.
    Confirmed,
    /// Taken whole; the device takes it back when the session ends.
    Session,
    /// Taken line by line; the device takes it back on its own timer.
    Timed,
    /// Taken whole; the agent takes it back.
    Whole,
    /// Taken line by line; the agent takes it back.
    Plain,
}

/// Something in the network that is not configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Unique among devices and hosts.
    pub name: String,
    /// An address of it.
    pub address: Option<String>,
    /// Where it stands.
    pub site: Option<String>,
    /// Free words to find it by.
    pub tags: BTreeSet<String>,
}

/// A site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// What it is.
    pub about: Option<String>,
}

/// A group of devices, hosts and other groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// What it is.
    pub about: Option<String>,
    /// Names of devices, hosts and groups.
    pub members: BTreeSet<String>,
}

/// Prefixes under one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// In canonical form.
    pub prefixes: BTreeSet<String>,
    /// The devices or hosts behind which they are.
    pub at: BTreeSet<String>,
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// A device or host.
    pub node: String,
    /// Its interface.
    pub interface: String,
}

/// A connection between two interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The ends.
    pub ends: [End; 2],
    /// What it costs to pass, at least one.
    pub cost: u32,
    /// What it carries in bit/s, where that is known.
    pub capacity: Option<u64>,
    /// Free words to find it by.
    pub tags: BTreeSet<String>,
}

impl Inventory {
    /// A device by name.
    pub fn device(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|it| it.name == name)
    }

    /// A device by its id.
    pub fn with_id(&self, id: DeviceId) -> Option<&Device> {
        self.devices.iter().find(|it| it.id == id)
    }

    /// The names of devices and hosts.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.devices
            .iter()
            .map(|it| &*it.name)
            .chain(self.hosts.iter().map(|it| &*it.name))
    }

    /// The devices and hosts of a group, those of groups inside it included; none if there is no such group.
    pub fn in_group(&self, group: &str) -> Option<BTreeSet<&str>> {
        let (mut members, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![self.groups.get_key_value(group)?];
        while let Some((name, group)) = open.pop() {
            if seen.insert(name) {
                open.extend(group.members.iter().filter_map(|it| self.groups.get_key_value(it)));
                members.extend(
                    group
                        .members
                        .iter()
                        .map(|it| &**it)
                        .filter(|it| !self.groups.contains_key(*it)),
                );
            }
        }
        Some(members)
    }

    /// The devices and hosts at a site; none if there is no such site.
    pub fn at_site(&self, site: &str) -> Option<BTreeSet<&str>> {
        self.sites
            .contains_key(site)
            .then(|| self.nodes_where(|its, _| its == Some(site)))
    }

    /// The devices and hosts with a tag.
    pub fn with_tag(&self, tag: &str) -> BTreeSet<&str> {
        self.nodes_where(|_, tags| tags.contains(tag))
    }

    fn nodes_where(&self, fits: impl Fn(Option<&str>, &BTreeSet<String>) -> bool) -> BTreeSet<&str> {
        let devices = self.devices.iter().map(|it| (&it.name, &it.site, &it.tags));
        let hosts = self.hosts.iter().map(|it| (&it.name, &it.site, &it.tags));
        let fitting = devices.chain(hosts).filter(|it| fits(it.1.as_deref(), it.2));
        fitting.map(|it| &**it.0).collect()
    }
}

impl Device {
    /// The platform that owns a path: the one with the longest subtree around it.
    pub fn platform(&self, path: &Path) -> Option<&Platform> {
        let names: Vec<_> = path.steps().map(|it| it.name.to_owned()).collect();
        let names = names.join("/");
        let around = |it: &str| {
            names
                .strip_prefix(it)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let depth = |it: &Platform| it.owns.iter().filter(|it| around(it)).map(|it| it.len() + 1).max();
        let owning = self
            .platforms
            .iter()
            .filter(|it| it.owns.is_empty() || depth(it).is_some());
        owning.max_by_key(|it| depth(it).unwrap_or(0))
    }

    /// The way to speak a protocol to it, if it has one.
    pub fn channel(&self, protocol: Protocol) -> Option<Channel> {
        self.protocols.iter().find(|it| it.protocol == protocol).copied()
    }
}

impl Protocol {
    /// All protocols.
    pub const ALL: [Self; 2] = [Self::Netconf, Self::Cli];

    /// The word for it in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Netconf => "netconf",
            Self::Cli => "cli",
        }
    }

    /// The port where a file names none.
    pub fn usual_port(self) -> u16 {
        match self {
            Self::Netconf => 830,
            Self::Cli => 22,
        }
    }
}

impl Guarantee {
    /// All guarantees, the strongest first.
    pub const ALL: [Self; 5] = [Self::Confirmed, Self::Session, Self::Timed, Self::Whole, Self::Plain];

    /// The word for it in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Session => "session",
            Self::Timed => "timed",
            Self::Whole => "whole",
            Self::Plain => "plain",
        }
    }
}

#[cfg(test)]
mod tests;
