//! Finding agents by what they can do.

use crate::{Presence, Profile};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an agent must have to be found. Nothing asked for: every agent that is online.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// It can do all of these.
    pub capabilities: BTreeSet<String>,
    /// It speaks one of these; none: any.
    pub protocols: BTreeSet<String>,
    /// It has texts in one of these languages; none: any.
    pub languages: BTreeSet<String>,
    /// It has all of these attributes with these values.
    pub attributes: BTreeMap<String, String>,
    /// It is present in one of these ways; none: online. Who has deregistered is never found.
    pub presence: BTreeSet<Presence>,
}

impl Query {
    /// Whether an agent has what is asked for.
    pub fn matches(&self, profile: &Profile) -> bool {
        let said = &profile.registration;
        let online = self.presence.is_empty() && profile.presence == Presence::Online;
        let present =
            profile.presence != Presence::Deregistered && (online || self.presence.contains(&profile.presence));
        let any = |asked: &BTreeSet<String>, has: &BTreeSet<String>| asked.is_empty() || !asked.is_disjoint(has);
        present
            && self.capabilities.is_subset(&said.capabilities)
            && any(&self.protocols, &said.protocols)
            && any(&self.languages, &said.languages)
            && self
                .attributes
                .iter()
                .all(|(name, value)| said.attributes.get(name) == Some(value))
    }
}
