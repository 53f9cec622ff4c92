//! The names of observations: one word for one thing, whatever the vendor calls it.

/// Something that observations are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entity {
    /// Its name.
    pub name: &'static str,
    /// What tells one from another, in the order of the keys of its path.
    pub labels: &'static [&'static str],
    /// What is observed of it.
    pub leaves: &'static [&'static str],
}

/// Everything that is observed.
pub const ENTITIES: &[Entity] = &[
    // `established` or `down`; prefixes taken from and given to the neighbour.
    Entity {
        name: "bgp-session",
        labels: &["neighbor", "family"],
        leaves: &["state", "received", "sent"],
    },
    // In seconds.
    Entity {
        name: "bgp-neighbor",
        labels: &["neighbor"],
        leaves: &["hold-time"],
    },
    // `full` or `down`.
    Entity {
        name: "ospf-neighbor",
        labels: &["neighbor"],
        leaves: &["state"],
    },
    // `up` or `down`.
    Entity {
        name: "bfd-session",
        labels: &["neighbor"],
        leaves: &["state"],
    },
    // `installed`; a route without a next hop has an empty one.
    Entity {
        name: "route",
        labels: &["prefix", "next-hop"],
        leaves: &["state"],
    },
    // `up` or `down`; what has come and gone since the device counts.
    Entity {
        name: "interface",
        labels: &["interface"],
        leaves: &[
            "oper-status",
            "received-octets",
            "received-packets",
            "sent-octets",
            "sent-packets",
        ],
    },
    // Percent of a second in which a processor was busy; processes that waited in the last minute; octets.
    Entity {
        name: "resource",
        labels: &[],
        leaves: &["cpu", "load", "memory-total", "memory-available"],
    },
    // Probes; the mean of their round trips in milliseconds, and by how much they differ.
    Entity {
        name: "reach",
        labels: &["address"],
        leaves: &["sent", "received", "delay", "jitter"],
    },
];

/// The entity and the leaf of a name.
pub(super) fn split(name: &str) -> Option<(Entity, &'static str)> {
    let (entity, leaf) = name.split_once('/')?;
    let entity = ENTITIES.iter().find(|it| it.name == entity)?;
    let leaf = entity.leaves.iter().find(|it| **it == leaf)?;
    Some((*entity, leaf))
}

/// Whether something is told apart by this name.
pub(super) fn is_label(name: &str) -> bool {
    ENTITIES.iter().any(|entity| entity.labels.contains(&name))
}
