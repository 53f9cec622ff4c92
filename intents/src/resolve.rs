//! What no line of a class can compute: named resolvers over inventory, topology and what devices are known to hold.
//!
//! A resolver yields rows, each for one device; lines of `configures` are filled once for each row. A resolver is pure:
//! where it must know what a device holds and does not, it says which devices must be read first.

pub(crate) mod filters;
mod hops;
mod interfaces;
pub(crate) mod names;
mod policy;
mod session;
mod shares;
mod standby;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use knowledge_model::document::{Content, Faults, Node, nearest};
use knowledge_model::{Inventory, Topology, Tree};

use crate::slot::{Slot, SlotValue};

pub use names::{Meaning, devices, meaning};

/// What is known of the network.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// What there is.
    pub inventory: &'a Inventory,
    /// What devices hold, by their names, as far as it was read.
    pub configurations: &'a BTreeMap<String, Tree>,
}

/// Why nothing was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// These devices must be read first.
    Unread(BTreeSet<String>),
    /// It cannot be: every reason.
    Faults(Vec<String>),
}

impl From<String> for Unresolved {
    fn from(fault: String) -> Self {
        Self::Faults(vec![fault])
    }
}

impl<'a> World<'a> {
    /// The links as a graph.
    pub(crate) fn topology(&self) -> Topology<'a> {
        Topology::new(self.inventory)
    }

    /// What a device holds.
    pub(crate) fn holds(&self, device: &str) -> Result<&'a Tree, Unresolved> {
        let unread = || Unresolved::Unread(BTreeSet::from([device.to_owned()]));
        self.configurations.get(device).ok_or_else(unread)
    }
}

/// One finding: values under names, for one device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// The device.
    pub(crate) device: String,
    /// Rows of one number are one rule of a composed list.
    pub(crate) rule: usize,
    /// What was found.
    pub(crate) values: BTreeMap<&'static str, String>,
}

impl Row {
    /// A row with the values that are there.
    fn new<const N: usize>(device: &str, rule: usize, values: [(&'static str, Option<String>); N]) -> Self {
        Self {
            device: device.to_owned(),
            rule,
            values: values
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        }
    }
}

/// The rows of a resolver.
type Rows = Result<Vec<Row>, Unresolved>;

/// A resolver.
#[derive(Clone, Copy)]
pub struct Resolver {
    name: &'static str,
    about: &'static str,
    takes: &'static [&'static str],
    gives: &'static [&'static str],
    find: fn(&Asked<'_>, &World<'_>) -> Rows,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Resolver {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Resolver {}

impl Resolver {
    /// Its name in class files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it finds out.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// The slots that it looks at.
    #[must_use]
    pub fn takes(&self) -> &'static [&'static str] {
        self.takes
    }

    /// The values that a row of it has.
    #[must_use]
    pub fn gives(&self) -> &'static [&'static str] {
        self.gives
    }

    /// All resolvers.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        RESOLVERS.iter()
    }
}

/// Every resolver.
const RESOLVERS: &[Resolver] = &[
    Resolver {
        name: "interfaces",
        about: "The named interfaces of the named devices.",
        takes: &["device", "interface", "target"],
        gives: &["interface"],
        find: interfaces::named,
    },
    Resolver {
        name: "between",
        about: "The interfaces that join the named devices, or those that are named, or those inside the prefixes.",
        takes: &["devices", "interfaces", "prefixes", "target"],
        gives: &["interface"],
        find: interfaces::between,
    },
    Resolver {
        name: "hops",
        about: "The routes that are missing on the way between two ends, there and back.",
        takes: &["src", "dst", "family"],
        gives: &["prefix", "next_hop"],
        find: hops::missing,
    },
    Resolver {
        name: "permits",
        about: "The filters on the way between two ends that hold the service back, as rules that let it pass.",
        takes: &["src", "dst", "family", "service"],
        gives: filters::GIVES,
        find: hops::permits,
    },
    Resolver {
        name: "filters",
        about: "Where traffic between two ends can be held back, and the rules that do it.",
        takes: &[
            "action",
            "src",
            "dst",
            "protocol",
            "ports",
            "direction",
            "where",
            "exceptions",
        ],
        gives: filters::GIVES,
        find: filters::find,
    },
    Resolver {
        name: "steering",
        about: "The devices where a way through or around something leaves the usual one.",
        takes: &["src", "dst", "via", "avoid", "match", "exceptions"],
        gives: ways::GIVES,
        find: ways::steering,
    },
    Resolver {
        name: "ways",
        about: "Several ways between two ends, and where they part.",
        takes: &["src", "dst", "paths", "weights"],
        gives: ways::GIVES,
        find: ways::spread,
    },
    Resolver {
        name: "standby",
        about: "The devices that can send by either of two ways, and the next hop of each.",
        takes: &["primary", "backup", "detection", "switch_time", "target"],
        gives: &["prefix", "next_hop", "distance", "watched", "interval"],
        find: standby::find,
    },
    Resolver {
        name: "session",
        about: "The ends of a BGP session, with the address and the AS number of each.",
        takes: &["device", "peer", "local_as", "remote_as", "families"],
        gives: &["as", "address", "remote_as", "family"],
        find: session::find,
    },
    Resolver {
        name: "policy",
        about: "The session that a policy is for, and lists that recognise its routes.",
        takes: &["device", "peer", "match", "prepend", "filter"],
        gives: policy::GIVES,
        find: policy::find,
    },
    Resolver {
        name: "shares",
        about: "The interfaces that some traffic passes, and a class that recognises it.",
        takes: &["match", "interface", "direction", "target", "max", "min", "exceptions"],
        gives: shares::GIVES,
        find: shares::find,
    },
];

/// How a class uses a resolver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    /// What lines call its rows.
    pub(crate) name: String,
    /// Which one.
    pub(crate) resolver: &'static Resolver,
    /// The slot that stands for each of what it takes, where it is named otherwise.
    slots: BTreeMap<&'static str, String>,
}

impl Use {
    /// Its rows for these slots.
    pub(crate) fn rows(&self, slots: &BTreeMap<String, SlotValue>, world: &World<'_>) -> Rows {
        (self.resolver.find)(&Asked { used: self, slots }, world)
    }
}

/// What a resolver is asked.
pub(crate) struct Asked<'a> {
    used: &'a Use,
    slots: &'a BTreeMap<String, SlotValue>,
}

impl<'a> Asked<'a> {
    fn slot(&self, name: &str) -> Option<&'a SlotValue> {
        let other = self.used.slots.get(name).map_or(name, String::as_str);
        self.slots.get(other)
    }

    fn values(&self, name: &str) -> &'a [String] {
        self.slot(name).map_or(&[], SlotValue::values)
    }

    fn word(&self, name: &str) -> Option<&'a str> {
        self.slot(name).and_then(SlotValue::first)
    }
}

/// Reads `resolves: {row: resolver}` or `{row: {by: resolver, src: slot}}`.
pub(crate) fn read_uses(node: &Node, slots: &[Slot], faults: &Faults) -> Vec<Use> {
    let entries = node.entries(faults).unwrap_or_default();
    entries
        .iter()
        .filter_map(|(name, node)| read_use(name, node, slots, faults))
        .collect()
}

fn read_use(name: &str, node: &Node, slots: &[Slot], faults: &Faults) -> Option<Use> {
    let plain = [("by".to_owned(), node.clone())];
    let entries = match &node.value {
        Content::Map(entries) => entries.as_slice(),
        Content::Null
        | Content::Bool(_)
        | Content::Integer(_)
        | Content::Float(_)
        | Content::Text(_)
        | Content::List(_) => &plain,
    };
    let Some((_, by)) = entries.iter().find(|(key, _)| key == "by") else {
        faults.add(node.at, "`by` is missing", "the name of a resolver");
        return None;
    };
    let word = by.text(faults)?;
    let names = || RESOLVERS.iter().map(|it| it.name);
    let Some(resolver) = RESOLVERS.iter().find(|it| it.name == word) else {
        let near = nearest(&word, names()).map(|it| format!("did you mean `{it}`?"));
        let all = || format!("known: {}", names().collect::<Vec<_>>().join(", "));
        faults.add(
            by.at,
            format!("no resolver is named {word:?}"),
            near.unwrap_or_else(all),
        );
        return None;
    };
    let mut named = BTreeMap::new();
    for (key, value) in entries.iter().filter(|(key, _)| key != "by") {
        let Some(takes) = resolver.takes.iter().find(|it| *it == key) else {
            let hint = format!("it takes: {}", resolver.takes.join(", "));
            faults.add(value.at, format!("{word} takes no `{key}`"), hint);
            continue;
        };
        let slot = value.text(faults)?;
        if slots.iter().all(|it| it.name != slot) {
            faults.add(
                value.at,
                format!("no slot is named {slot:?}"),
                "declare it under `slots`",
            );
        }
        named.insert(*takes, slot);
    }
    Some(Use {
        name: name.to_owned(),
        resolver,
        slots: named,
    })
}

/// Puts results together: all values, or all that must be read first, or every fault.
pub(crate) fn gather<T>(results: impl IntoIterator<Item = Result<T, Unresolved>>) -> Result<Vec<T>, Unresolved> {
    let (mut values, mut unread, mut faults) = (Vec::new(), BTreeSet::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(Unresolved::Unread(more)) => unread.extend(more),
            Err(Unresolved::Faults(more)) => faults.extend(more),
        }
    }
    if !faults.is_empty() {
        faults.dedup();
        Err(Unresolved::Faults(faults))
    } else if !unread.is_empty() {
        Err(Unresolved::Unread(unread))
    } else {
        Ok(values)
    }
}
