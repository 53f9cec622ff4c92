//! Names, roles and scopes: what a certificate says about its holder, and how that is written into it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The longest name, in bytes: what fits into one label of the domain name system.
pub const LONGEST_NAME: usize = 63;
/// The most device patterns of one certificate.
pub const MOST_PATTERNS: usize = 256;

/// A text that says nothing valid about a holder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a name: small letters, digits and dashes, beginning and ending with a letter or digit.
    #[error("read a name of {length} bytes: 1 to 63 small letters, digits and inner dashes are expected")]
    Name {
        /// How long it was.
        length: usize,
    },
    /// Not a pattern of devices.
    #[error("read a device pattern: 1 to 128 printable characters without space, with `*` at the end at most")]
    Pattern,
    /// Too many patterns.
    #[error("read {count} device patterns: at most 256 are taken")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// A URI of ours that says something else.
    #[error("read an entry of the alternative names that is not understood")]
    Uri,
    /// No role, or more than one.
    #[error("read the alternative names: exactly one role is expected, {count} are there")]
    Role {
        /// How many.
        count: usize,
    },
}

/// The name of an agent or a controller: one label of the domain name system, so that it can do no harm anywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
        let valid = (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(IdentityError::Name { length: text.len() })
        }
    }
}

impl TryFrom<String> for Name {
    type Error = IdentityError;
    fn try_from(text: String) -> Result<Self, IdentityError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Speaks for devices, takes requests.
    Agent,
    /// Coordinates, makes requests.
    Controller,
    /// Carries events beside a controller: shown to who publishes and who listens, believed in nothing.
    Broker,
}

impl Role {
    /// The word for it in certificates and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Controller => "controller",
            Self::Broker => "broker",
        }
    }
}

/// What a holder may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Take part in transactions.
    Configure,
    /// Answer queries and watches.
    Observe,
    /// Publish events.
    Publish,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Configure, Self::Observe, Self::Publish];

    /// The word for it in certificates.
    pub fn word(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Observe => "observe",
            Self::Publish => "publish",
        }
    }
}

/// Devices by id, or by the beginning of their ids: `pe1`, `site-3-*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// Whether the pattern covers a device.
    pub fn covers(&self, device: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => device.starts_with(beginning),
            None => device == self.0,
        }
    }
}

impl Pattern {
    /// Whether the pattern covers everything that another one does.
    pub fn includes(&self, other: &Self) -> bool {
        match (self.0.strip_suffix('*'), other.0.strip_suffix('*')) {
            (Some(ours), Some(theirs)) => theirs.starts_with(ours),
            (None, Some(_)) => false,
            (Some(_) | None, None) => self.covers(&other.0),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pattern {
    type Err = IdentityError;
    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let stem = text.strip_suffix('*').unwrap_or(text);
        let plain = stem
            .bytes()
            .all(|it| it.is_ascii_graphic() && !b"*/%?#\"<>\\^`{|}".contains(&it));
        let valid = (1..=128).contains(&text.len()) && plain;
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(IdentityError::Pattern)
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = IdentityError;
    fn try_from(text: String) -> Result<Self, IdentityError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

/// What a certificate says about its holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its name, unique under one authority.
    pub name: Name,
    /// What it is.
    pub role: Role,
    /// The devices it may speak for.
    pub devices: BTreeSet<Pattern>,
    /// What it may do.
    pub may: BTreeSet<Permission>,
}

const DEVICE: &str = "entente://device/";
const MAY: &str = "entente://may/";

impl Identity {
    /// Whether the holder may speak for a device.
    pub fn covers(&self, device: &str) -> bool {
        self.devices.iter().any(|it| it.covers(device))
    }

    /// The holder as a uniform resource identifier: who it is that speaks.
    pub fn holder(&self) -> String {
        format!("entente://{}/{}", self.role.word(), self.name)
    }

    /// The identity as uniform resource identifiers, the way it stands in a certificate; the first is the holder.
    pub fn uris(&self) -> Vec<String> {
        let devices = self.devices.iter().map(|it| format!("{DEVICE}{}", it.0));
        let may = self.may.iter().map(|it| format!("{MAY}{}", it.word()));
        std::iter::once(self.holder()).chain(devices).chain(may).collect()
    }

    /// Reads an identity back; what it does not understand it refuses.
    pub fn from_uris<'a>(uris: impl IntoIterator<Item = &'a str>) -> Result<Self, IdentityError> {
        let (mut holders, mut devices, mut may) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for uri in uris {
            if let Some(name) = uri.strip_prefix("entente://agent/") {
                holders.push((Role::Agent, name.parse()?));
            } else if let Some(name) = uri.strip_prefix("entente://controller/") {
                holders.push((Role::Controller, name.parse()?));
            } else if let Some(name) = uri.strip_prefix("entente://broker/") {
                holders.push((Role::Broker, name.parse()?));
            } else if let Some(pattern) = uri.strip_prefix(DEVICE) {
                devices.insert(pattern.parse()?);
            } else if let Some(word) = uri.strip_prefix(MAY) {
                may.insert(
                    Permission::ALL
                        .into_iter()
                        .find(|it| it.word() == word)
                        .ok_or(IdentityError::Uri)?,
                );
            } else {
                return Err(IdentityError::Uri);
            }
            if devices.len() > MOST_PATTERNS {
                return Err(IdentityError::TooMany { count: devices.len() });
            }
        }
        let count = holders.len();
        match holders.pop() {
            Some((role, name)) if count == 1 => Ok(Self {
                name,
                role,
                devices,
                may,
            }),
            Some(_) | None => Err(IdentityError::Role { count }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_tricks_are_refused() {
        for text in [
            "",
            "-a",
            "a-",
            "A",
            "a.b",
            "../etc",
            "a/b",
            "a\0",
            "a\n",
            "ä",
            "a b",
            &"a".repeat(64),
        ] {
            assert!(text.parse::<Name>().is_err(), "{text:?}");
        }
        assert!("edge-1".parse::<Name>().is_ok());
    }

    #[test]
    fn a_pattern_covers_itself_or_a_beginning() {
        let covers = |pattern: &str, device| pattern.parse::<Pattern>().expect(pattern).covers(device);
        assert!(covers("pe1", "pe1") && !covers("pe1", "pe10"));
        assert!(covers("pe*", "pe10") && !covers("pe*", "ce1"));
        assert!(covers("*", "anything"));
        for text in ["", "p*e", "**", "a b", "a/b", "a\u{7f}"] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_identity_reads_back_from_its_uris() {
        let identity = Identity {
            name: "edge-1".parse().expect("a name"),
            role: Role::Agent,
            devices: ["pe*".parse().expect("a pattern")].into(),
            may: Permission::ALL.into(),
        };
        let uris = identity.uris();
        assert_eq!(uris[0], "entente://agent/edge-1");
        assert_eq!(Identity::from_uris(uris.iter().map(String::as_str)), Ok(identity));
    }

    #[test]
    fn two_roles_or_none_are_refused() {
        let two = ["entente://agent/a", "entente://controller/a"];
        assert_eq!(Identity::from_uris(two), Err(IdentityError::Role { count: 2 }));
        assert_eq!(Identity::from_uris([]), Err(IdentityError::Role { count: 0 }));
        assert_eq!(Identity::from_uris(["https://example.net"]), Err(IdentityError::Uri));
    }
}
