//! Secrets are references until the last moment.

use crate::{Answer, Deadline};
use std::fmt;
use std::str::FromStr;

/// The name of a secret as it stands in the model: `secret:NAME@VERSION`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRef {
    name: Box<str>,
    version: Box<str>,
}

/// The text is not of the form `secret:NAME@VERSION`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reference of the form secret:NAME@VERSION")]
pub struct NotAReference;

impl SecretRef {
    /// The name, without the version.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Does a leaf's text claim to be a reference?
    pub fn claims(text: &str) -> bool {
        text.starts_with("secret:")
    }
}

impl FromStr for SecretRef {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let (name, version) = text
            .strip_prefix("secret:")
            .and_then(|it| it.split_once('@'))
            .ok_or(NotAReference)?;
        let sound =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if sound(name) && sound(version) {
            Ok(Self {
                name: name.into(),
                version: version.into(),
            })
        } else {
            Err(NotAReference)
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret:{}@{}", self.name, self.version)
    }
}

/// A secret in clear. It prints as stars; only [`Secret::expose`] gives it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a secret in clear.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The secret in clear, for the one place that types it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nobody knows the name.
    #[error("secret {0} is not known here")]
    Unknown(SecretRef),
    /// The source of secrets did not answer.
    #[error("secret {reference} could not be read")]
    Unavailable {
        /// Which one.
        reference: SecretRef,
        /// Why.
        source: crate::Cause,
    },
}

/// Where secrets come from, at the last moment.
pub trait Secrets: Send + Sync {
    /// The secret that a reference names.
    fn resolve<'a>(&'a self, reference: &'a SecretRef, by: Deadline) -> Answer<'a, Secret, SecretError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_written_the_same() {
        for good in ["secret:bgp-core@3", "secret:a.b_c@v1"] {
            assert_eq!(good.parse::<SecretRef>().unwrap().to_string(), good);
        }
        for bad in [
            "secret:",
            "secret:a",
            "secret:@1",
            "secret:a@",
            "secret:a b@1",
            "hunter2",
            "secret:a@1@2",
        ] {
            assert_eq!(bad.parse::<SecretRef>(), Err(NotAReference), "{bad}");
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(***)");
    }
}
