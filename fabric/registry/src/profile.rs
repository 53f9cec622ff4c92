//! What an agent says about itself, and what the registry keeps of it.

use crate::{Presence, Refusal};
use fabric_identity::Name;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The most words of one kind.
pub const MOST_WORDS: usize = 64;
/// The longest word, in bytes.
pub const LONGEST_WORD: usize = 128;
/// The longest description, in bytes.
pub const LONGEST_DESCRIPTION: usize = 4_096;

/// An agent's place in the registry: a UUID that the driver draws, written as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId(pub u128);

/// A text that is no resource id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read a resource id: a UUID is expected")]
pub struct ResourceIdError;

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|it| &digits[it]);
        f.write_str(&parts.join("-"))
    }
}

impl FromStr for ResourceId {
    type Err = ResourceIdError;

    fn from_str(text: &str) -> Result<Self, ResourceIdError> {
        let digits: String = text.chars().filter(|it| *it != '-').collect();
        let number = u128::from_str_radix(&digits, 16)
            .ok()
            .filter(|_| text.len() == 36 && digits.len() == 32 && digits.bytes().all(|it| it.is_ascii_hexdigit()));
        number.map(Self).ok_or(ResourceIdError)
    }
}

impl TryFrom<String> for ResourceId {
    type Error = ResourceIdError;
    fn try_from(text: String) -> Result<Self, ResourceIdError> {
        text.parse()
    }
}

impl From<ResourceId> for String {
    fn from(it: ResourceId) -> Self {
        it.to_string()
    }
}

/// What an agent says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Its name, as in its certificate.
    pub name: Name,
    /// What it does, for people.
    pub description: String,
    /// What it can do: `configure`, `gate`, `watch`, `netconf`.
    pub capabilities: BTreeSet<String>,
    /// What it says that it can do, and nobody has verified where others of its skills were: it is not found by that.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unverified: BTreeSet<String>,
    /// What it speaks: `entente.v1`, `http`.
    pub protocols: BTreeSet<String>,
    /// The languages of its texts: `en`, `zh`.
    pub languages: BTreeSet<String>,
    /// Where it is reached or from where it calls.
    pub address: String,
    /// Whatever else it may be found by: `site`, `vendor`.
    pub attributes: BTreeMap<String, String>,
}

/// An agent as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its place in the registry.
    pub resource: ResourceId,
    /// What it says about itself.
    pub registration: Registration,
    /// The serial number of its certificate.
    pub certificate: String,
    /// How it is present.
    pub presence: Presence,
    /// Since when, as the clock of the process counts.
    #[serde(skip)]
    pub since: Duration,
    /// When it was heard last, as the clock of the process counts.
    #[serde(skip)]
    pub heard: Duration,
}

impl Registration {
    /// The same, found by no more than what was verified that it can do. Where no skills were verified, its word is taken.
    #[must_use]
    pub fn verified(mut self, skills: &[String]) -> Self {
        if !skills.is_empty() {
            let (verified, unverified) = self.capabilities.into_iter().partition(|it| skills.contains(it));
            (self.capabilities, self.unverified) = (verified, unverified);
        }
        self
    }

    /// Whether all that must be said is said, in a form that is taken.
    pub fn check(&self) -> Result<(), Refusal> {
        let absent = [
            ("description", self.description.trim().is_empty()),
            (
                "capabilities",
                self.capabilities.is_empty() && self.unverified.is_empty(),
            ),
            ("protocols", self.protocols.is_empty()),
            ("languages", self.languages.is_empty()),
            ("address", self.address.is_empty()),
        ];
        let missing: Vec<_> = absent
            .into_iter()
            .filter(|(_, absent)| *absent)
            .map(|(name, _)| name)
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::Missing(missing));
        }
        let attributes: BTreeSet<_> = self
            .attributes
            .iter()
            .flat_map(|(name, value)| [name, value])
            .cloned()
            .collect();
        let within = |words: &BTreeSet<String>, most| words.len() <= most && words.iter().all(|it| is_plain(it));
        let plain = |words: &BTreeSet<String>| within(words, MOST_WORDS);
        let forms = [
            (
                "description",
                self.description.len() <= LONGEST_DESCRIPTION && !has_controls(&self.description),
            ),
            ("capabilities", plain(&self.capabilities) && plain(&self.unverified)),
            ("protocols", plain(&self.protocols)),
            ("languages", plain(&self.languages)),
            ("address", is_plain(&self.address)),
            ("attributes", within(&attributes, MOST_WORDS * 2)), // names and values
        ];
        match forms.into_iter().find(|(_, good)| !good) {
            Some((name, _)) => Err(Refusal::Malformed(name)),
            None => Ok(()),
        }
    }
}

fn is_plain(word: &str) -> bool {
    (1..=LONGEST_WORD).contains(&word.len()) && !has_controls(word)
}

fn has_controls(text: &str) -> bool {
    text.chars().any(char::is_control)
}
