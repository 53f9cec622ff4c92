//! From what containerlab writes beside a running lab to an inventory.
//!
//! `topology-data.json` says which nodes there are, where they are reached and how they are linked;
//! `nornir-simple-inventory.yml` or `ansible-inventory.yml` may know the logins. Passwords are handed back apart, for a
//! file that only its owner reads, and never stand in the inventory. These files are not ours: what is unknown in them
//! is passed over, and what is missing is noted.

mod kinds;
mod logins;

pub use kinds::{Kind, kind, kinds};

use crate::document::{self, Fault, Faults, Node};
use crate::inventory::{Channel, Device, DeviceId, End, Host, Inventory, Link, Platform, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The label of a node that names its platforms and the subtrees that each owns, as `frr, linux=access-list+qos-policy`;
/// `none` makes it a host.
const LABEL: &str = "entente-platforms";

/// The texts of one lab.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lab<'a> {
    /// `topology-data.json`.
    pub topology: &'a str,
    /// `nornir-simple-inventory.yml`.
    pub nornir: Option<&'a str>,
    /// `ansible-inventory.yml`.
    pub ansible: Option<&'a str>,
}

/// What an import yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The inventory, without passwords.
    pub inventory: Inventory,
    /// The logins that its credentials name.
    pub logins: Vec<Login>,
    /// What was left out or assumed, for the operator.
    pub notes: Vec<String>,
}

/// A user and a password under the name of credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name that stands in the inventory.
    pub name: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Without the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("name", &self.name)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A file of a lab cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} cannot be read: {}", .faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))]
pub struct ImportError {
    /// The name that containerlab gives to the file.
    pub file: &'static str,
    /// Every fault.
    pub faults: Vec<Fault>,
}

/// Imports a lab. A node that `known` has under its name keeps its id; others get one from `new_id`.
pub fn import(lab: &Lab<'_>, known: &Inventory, new_id: &mut dyn FnMut() -> DeviceId) -> Result<Imported, ImportError> {
    let file = "topology-data.json";
    let error = |faults| ImportError { file, faults };
    let document = document::read(lab.topology).map_err(error)?;
    let faults = Faults::default();
    let topology = topology(&document, &faults);
    let (nodes, links, name) = faults.settle(topology).map_err(error)?;
    let logins = logins::Logins::read(lab)?;
    let mut import = Import {
        lab: name,
        logins,
        known,
        inventory: Inventory::default(),
        found: BTreeMap::new(),
        notes: Vec::new(),
    };
    for node in nodes {
        import.node(node, new_id);
    }
    import.links(links);
    let Import {
        inventory,
        found,
        notes,
        ..
    } = import;
    let logins = found
        .into_iter()
        .map(|(name, (user, password))| Login { name, user, password })
        .collect();
    Ok(Imported {
        inventory,
        logins,
        notes,
    })
}

/// A node as containerlab describes it.
struct LabNode {
    short: String,
    long: String,
    kind: String,
    address: Option<String>,
    group: String,
    labels: BTreeMap<String, String>,
}

type Parsed = (Vec<LabNode>, Vec<[End; 2]>, String);

fn topology(document: &Node, faults: &Faults) -> Option<Parsed> {
    let fields = document.fields(faults)?;
    let name = fields.required("name").and_then(|it| it.text(faults))?;
    let nodes = fields.required("nodes")?.entries(faults)?;
    let nodes = nodes
        .iter()
        .filter_map(|(key, node)| lab_node(key, node, faults))
        .collect();
    let links = fields
        .optional("links")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let links = links.iter().filter_map(|it| ends(it, faults)).collect();
    Some((nodes, links, name))
}

fn lab_node(key: &str, node: &Node, faults: &Faults) -> Option<LabNode> {
    let fields = node.fields(faults)?;
    let text = |name| {
        fields
            .optional(name)
            .and_then(|it| it.text(faults))
            .filter(|it| !it.is_empty())
    };
    let labels = fields
        .optional("labels")
        .and_then(|it| it.entries(faults))
        .unwrap_or_default();
    let labels = labels
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value.text(faults)?)))
        .collect();
    Some(LabNode {
        short: text("shortname").unwrap_or_else(|| key.to_owned()),
        long: text("longname").unwrap_or_else(|| key.to_owned()),
        kind: text("kind").unwrap_or_default(),
        address: text("mgmt-ipv4-address").or_else(|| text("mgmt-ipv6-address")),
        group: text("group").unwrap_or_default(),
        labels,
    })
}

/// The ends of a link: `{a, z}`, or `{endpoints: {a, z}}` since v0.71.
fn ends(link: &Node, faults: &Faults) -> Option<[End; 2]> {
    let outer = link.fields(faults)?;
    let inner = outer.optional("endpoints").unwrap_or(link).fields(faults)?;
    let end = |name| {
        let fields = inner.required(name)?.fields(faults)?;
        let text = |name| fields.required(name).and_then(|it| it.text(faults));
        Some(End {
            node: text("node")?,
            interface: text("interface")?,
        })
    };
    let (a, z) = (end("a"), end("z"));
    Some([a?, z?])
}

/// A platform as a label writes it.
fn platform(text: &str) -> Platform {
    let (name, owns) = text.split_once('=').unwrap_or((text, ""));
    let owns = owns.split('+').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    Platform {
        name: name.to_owned(),
        owns,
    }
}

struct Import<'a> {
    lab: String,
    logins: logins::Logins,
    known: &'a Inventory,
    inventory: Inventory,
    /// User and password by the name of the credentials.
    found: BTreeMap<String, (String, String)>,
    notes: Vec<String>,
}

impl Import<'_> {
    fn node(&mut self, node: LabNode, new_id: &mut dyn FnMut() -> DeviceId) {
        let kind = kind(&node.kind);
        let platforms: Vec<Platform> = match node.labels.get(LABEL) {
            Some(label) => label
                .split(',')
                .map(str::trim)
                .filter(|it| *it != "none")
                .map(platform)
                .collect(),
            None => kind.and_then(|it| it.platform).map(platform).into_iter().collect(),
        };
        let tags = BTreeSet::from([format!("lab-{}", self.lab)]);
        if !node.group.is_empty() {
            self.inventory
                .groups
                .entry(node.group.clone())
                .or_default()
                .members
                .insert(node.short.clone());
        }
        if platforms.is_empty() {
            let LabNode {
                short, kind, labels, ..
            } = &node;
            let reason = format!("{short} of kind {kind:?} is taken for a host");
            if !labels.contains_key(LABEL) {
                self.notes.push(format!(
                    "{reason}: no platform is known to speak for it; if one does, label it {LABEL} with its name"
                ));
            }
            self.inventory.hosts.push(Host {
                name: node.short,
                address: node.address,
                site: None,
                tags,
            });
            return;
        }
        let Some(address) = node.address.clone() else {
            self.notes.push(format!(
                "{} has no management address: its name stands for it",
                node.short
            ));
            return self.device(&node, node.long.clone(), platforms, (tags, new_id));
        };
        self.device(&node, address, platforms, (tags, new_id));
    }

    fn device(
        &mut self,
        node: &LabNode,
        address: String,
        platforms: Vec<Platform>,
        (tags, new_id): (BTreeSet<String>, &mut dyn FnMut() -> DeviceId),
    ) {
        let netconf = kind(&node.kind).is_some_and(|it| it.netconf);
        let channel = |protocol: Protocol| Channel {
            protocol,
            port: protocol.usual_port(),
        };
        let protocols = Protocol::ALL
            .into_iter()
            .filter(|it| netconf || *it == Protocol::Cli)
            .map(channel)
            .collect();
        let credentials = self.credentials(node);
        self.inventory.devices.push(Device {
            id: self.known.device(&node.short).map_or_else(new_id, |it| it.id),
            name: node.short.clone(),
            address,
            platforms,
            protocols,
            credentials,
            guarantee: None,
            site: None,
            tags,
        });
    }

    /// The name of the credentials of a node: one for each login of a kind, so that the same login is kept once. No name
    /// ever holds two logins.
    fn credentials(&mut self, node: &LabNode) -> Option<String> {
        let usual = || {
            kind(&node.kind)
                .and_then(|it| it.login)
                .map(|(user, password)| (user.to_owned(), password.to_owned()))
        };
        let Some(login) = self.logins.of(&node.short, &node.long).or_else(usual) else {
            self.notes
                .push(format!("no login is known for {}: give it credentials", node.short));
            return None;
        };
        let kind = if node.kind.is_empty() { "nodes" } else { &node.kind };
        let (lab, short) = (&self.lab, &node.short);
        let shared = format!("{lab}-{kind}");
        let own = [format!("{lab}-{short}"), format!("{shared}-{short}")];
        let numbered = (2_usize..).map(|it| format!("{shared}-{short}-{it}"));
        let mut names = std::iter::once(shared.clone()).chain(own).chain(numbered);
        // A name that holds another login stays that one's, whatever it was made of.
        let name = names.find(|it| self.found.get(it).is_none_or(|other| *other == login))?;
        self.found.insert(name.clone(), login);
        Some(name)
    }

    fn links(&mut self, links: Vec<[End; 2]>) {
        let nodes: BTreeSet<String> = self.inventory.nodes().map(str::to_owned).collect();
        for ends in links {
            match ends.iter().find(|it| !nodes.contains(&it.node)) {
                Some(end) => self
                    .notes
                    .push(format!("a link to {}:{} leads out of the lab", end.node, end.interface)),
                None => self.inventory.links.push(Link {
                    ends,
                    cost: 1,
                    capacity: None,
                    tags: BTreeSet::new(),
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
