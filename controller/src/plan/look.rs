//! What a check looks at, and what that is called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// The agent reaches the device.
    Management,
    /// A routing session stands and exchanges at least so many prefixes.
    Session {
        /// `bgp`, `ospf` or `bfd`.
        protocol: String,
        /// The other end.
        neighbor: String,
        /// What a BGP session exchanges.
        family: Option<String>,
        /// Prefixes that it must bring.
        received: u64,
        /// Prefixes that it must take.
        sent: u64,
    },
    /// A prefix is in the routing table.
    Route {
        /// Which.
        prefix: String,
        /// Over which neighbour.
        next_hop: Option<String>,
    },
    /// An address answers to probes from the device.
    Reach {
        /// Which.
        address: String,
        /// How many of a thousand may be lost.
        lost: u64,
    },
    /// An interface is up.
    Link {
        /// Which.
        interface: String,
    },
    /// Something that a class promises and nobody looks at yet.
    Unseen {
        /// In words.
        what: String,
    },
}

impl Look {
    /// The observation that it needs, and what that is about; none where nobody looks.
    pub(super) fn observed(&self) -> Option<(&'static str, BTreeMap<String, String>)> {
        let about = |label: &str, value: &String| [(label.to_owned(), value.clone())].into();
        Some(match self {
            Self::Management => ("", BTreeMap::new()),
            Self::Session { protocol, .. } if protocol == "ospf" => ("ospf-neighbor", BTreeMap::new()),
            Self::Session { protocol, .. } if protocol == "bfd" => ("bfd-session", BTreeMap::new()),
            Self::Session { .. } => ("bgp-session", BTreeMap::new()),
            Self::Route { prefix, .. } => ("route", about("prefix", prefix)),
            Self::Reach { address, .. } => ("reach", about("address", address)),
            Self::Link { .. } => ("interface", BTreeMap::new()),
            Self::Unseen { .. } => return None,
        })
    }

    pub(super) fn words(&self) -> String {
        let least = |count: u64, what: &str| (count > 0).then(|| format!(", {count} or more prefixes {what}"));
        match self {
            Self::Management => "the agent reaches it".to_owned(),
            Self::Session {
                protocol,
                neighbor,
                family,
                received,
                sent,
            } => {
                let family = family.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
                let received = least(*received, "received").unwrap_or_default();
                let sent = least(*sent, "sent").unwrap_or_default();
                let protocol = protocol.to_uppercase();
                format!("the {protocol} session with {neighbor}{family} stands{received}{sent}")
            }
            Self::Route { prefix, next_hop } => match next_hop {
                Some(hop) => format!("the route {prefix} is there, to {hop}"),
                None => format!("the route {prefix} is there"),
            },
            Self::Reach { address, lost } => match lost {
                0 => format!("{address} answers"),
                lost => format!("{address} answers, at most {lost} of 1000 probes lost"),
            },
            Self::Link { interface } => format!("the interface {interface} is up"),
            Self::Unseen { what } => what.clone(),
        }
    }
}
