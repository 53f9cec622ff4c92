//! What a change touches, as far as sessions and links care.

use std::net::IpAddr;

use knowledge_model::{Delta, Edit, Path, Tree, Value};

use super::address::Prefix;
use super::gate::bgp;

/// The subtrees in which a change can move packets or sessions.
const STIRRING: &[&str] = &[
    "interface",
    "bgp",
    "ospf",
    "ospfv3",
    "bfd",
    "static-route",
    "access-list",
    "prefix-list",
    "as-path-list",
    "community-list",
    "route-map",
    "policy-route",
    "vxlan",
    "qos-policy",
    "traffic-class",
    "quota",
];
/// Those that every session of the device may depend on.
const SHARED: &[&str] = &[
    "access-list",
    "prefix-list",
    "as-path-list",
    "community-list",
    "route-map",
    "bfd",
];

/// A change and what it falls on.
pub(super) struct Touch<'a> {
    delta: &'a Delta,
    there: &'a Tree,
}

impl<'a> Touch<'a> {
    pub fn new(delta: &'a Delta, there: &'a Tree) -> Self {
        Self { delta, there }
    }

    /// The entries that can move something.
    fn edits(&self) -> impl Iterator<Item = (&Path, &Edit)> {
        let stirs =
            |path: &Path| top(path).is_some_and(|name| STIRRING.contains(&name)) && path.name() != "description";
        self.delta.iter().filter(move |(path, _)| stirs(path))
    }

    /// Whether anything can move at all.
    pub fn stirs(&self) -> bool {
        self.edits().next().is_some()
    }

    /// Whether a session may notice the change.
    pub fn session(&self, protocol: &str, neighbor: &str) -> bool {
        self.edits().any(|(path, _)| self.falls_on(path, protocol, neighbor))
    }

    fn falls_on(&self, path: &Path, protocol: &str, neighbor: &str) -> bool {
        let mut steps = path.steps();
        let (Some(first), second) = (steps.next(), steps.next()) else {
            return false;
        };
        let address: Option<IpAddr> = neighbor.parse().ok();
        match first.name {
            name if SHARED.contains(&name) => true,
            "bgp" => protocol == "bgp" && second.is_none_or(|it| it.name != "neighbor" || it.keys.contains(&neighbor)),
            "ospf" | "ospfv3" => protocol == "ospf",
            // A neighbour's router id says nothing of the interface that it is behind.
            "interface" => {
                protocol == "ospf" || address.is_some_and(|it| self.interface_holds(first.keys.first().copied(), it))
            }
            "static-route" => {
                let prefix = first.keys.first().and_then(|it| Prefix::read(it));
                prefix.zip(address).is_some_and(|(prefix, it)| prefix.holds(it))
            }
            _ => false,
        }
    }

    /// Whether an address is next door on an interface, before the change or after it.
    fn interface_holds(&self, name: Option<&str>, address: IpAddr) -> bool {
        let Some(name) = name else { return false };
        let interface = Path::root().keyed("interface", [name]);
        let own = self.there.under(&interface).map(|(path, _)| path);
        let coming = self
            .delta
            .iter()
            .map(|(path, _)| path)
            .filter(|it| it.starts_with(&interface));
        own.chain(coming).any(|path| {
            let last = path.last().filter(|it| it.name == "address");
            let prefix = last.and_then(|it| Prefix::read(it.keys.first()?));
            prefix.is_some_and(|it| it.holds(address))
        })
    }

    /// Whether the change is meant to end a session.
    pub fn ends(&self, protocol: &str, neighbor: &str) -> bool {
        let entry = bgp(neighbor);
        protocol == "bgp"
            && self.delta.iter().any(|(path, edit)| {
                let gone = path.starts_with(&entry) && matches!(path.name(), "neighbor" | "remote-as" | "family");
                let shut = *path == entry.child("enabled") && says_no(edit);
                gone && edit.after.is_none() || shut
            })
    }

    /// Whether an interface is touched.
    pub fn interface(&self, name: &str) -> bool {
        let interface = Path::root().keyed("interface", [name]);
        self.edits().any(|(path, _)| path.starts_with(&interface))
    }

    /// Whether the change is meant to shut an interface, or to remove it.
    pub fn shuts(&self, name: &str) -> bool {
        let interface = Path::root().keyed("interface", [name]);
        let removed = self.delta.edit(&interface).is_some_and(|edit| edit.after.is_none());
        removed || self.delta.edit(&interface.child("enabled")).is_some_and(says_no)
    }
}

fn top(path: &Path) -> Option<&str> {
    path.steps().next().map(|step| step.name)
}

fn says_no(edit: &Edit) -> bool {
    edit.after.as_ref().and_then(Value::text) == Some("false")
}
