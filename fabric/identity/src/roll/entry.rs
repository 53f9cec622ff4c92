//! What is written on the roll: what was granted, to whom, and what became of it.

use crate::claims::Claims;
use crate::identity::{Identity, Name};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::SystemTime;

/// What the operator has verified about whoever stands behind an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The organisation that it belongs to.
    pub organisation: String,
    /// Who made it.
    pub developer: String,
    /// What it is for.
    pub function: String,
    /// What it can do, in the words of the registry.
    pub skills: Vec<String>,
}

/// What an operator allows an applicant to become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What its certificate will say.
    pub identity: Identity,
    /// What was verified.
    pub evidence: Evidence,
}

/// Why a certificate is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Somebody else may hold the key.
    KeyCompromise,
    /// The agent is out of service for good.
    Cessation,
    /// Its organisation has left.
    AffiliationChanged,
    /// No reason is given.
    Unspecified,
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Issued, and nobody has taken it back.
    Valid,
    /// Taken back until released.
    Held {
        /// Since when.
        since: SystemTime,
    },
    /// Taken back for good.
    Revoked {
        /// Since when.
        since: SystemTime,
        /// Why.
        reason: Reason,
    },
}

/// One change of the roll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the fields are those of the records that the entries make")]
pub enum Entry {
    /// A one-time token was made; of its secret only a digest is kept.
    Granted {
        token: String,
        digest: String,
        grant: Grant,
        until: SystemTime,
    },
    /// Somebody without a token waits for approval; the digest is of the key.
    Waiting {
        name: Name,
        key: String,
        organisation: String,
        #[serde(default)]
        claims: Claims,
        since: SystemTime,
        #[serde(default)]
        from: Option<IpAddr>,
    },
    /// An operator has approved who waits.
    Approved {
        name: Name,
        key: String,
        grant: Grant,
        #[serde(default)]
        at: Option<SystemTime>,
    },
    /// An operator has turned away who waits.
    Rejected { name: Name },
    /// Invitations of a name, its application and what was approved of it are good no longer.
    Voided { name: Name },
    /// A certificate was issued.
    Issued {
        serial: String,
        grant: Grant,
        until: SystemTime,
        token: Option<String>,
    },
    /// A certificate was taken back or given back.
    Became { serial: String, status: Status },
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such token, or the secret is another.
    #[error("the token is not known")]
    UnknownToken,
    /// It was used before.
    #[error("the token was used before")]
    UsedToken,
    /// It has run out.
    #[error("the token has run out")]
    ExpiredToken,
    /// It was made for somebody else.
    #[error("the token was made for another name")]
    OtherName,
    /// Somebody else has that name in another role.
    #[error("the name is that of another kind of holder")]
    TakenName,
    /// The organisation that applies is not the one that was verified.
    #[error("the application names another organisation than was verified")]
    OtherOrganisation,
    /// The developer that applies is not the one that was verified.
    #[error("the application names another developer than was verified")]
    OtherDeveloper,
    /// It asks for more than it is allowed.
    #[error("the application asks for more than is allowed: {0}")]
    Beyond(String),
    /// An application of that name with another key waits.
    #[error("another application of that name waits for approval")]
    OtherKey,
    /// The application of that name has another key than the operator has seen.
    #[error("the application of that name has another key: {0}")]
    OtherApplicant(String),
    /// Too many wait that have applied from there.
    #[error("too many applications from one address wait for approval")]
    TooManyFromOne,
    /// Too many wait.
    #[error("too many applications wait for approval")]
    TooManyWaiting,
    /// It has renewed too often: so many good ones nobody needs.
    #[error("too many certificates of that name are good: the oldest must run out first")]
    TooManyGood,
    /// Nobody of that name waits.
    #[error("no application of that name waits for approval")]
    NobodyWaits,
    /// No such certificate.
    #[error("the certificate is not known")]
    UnknownCertificate,
    /// The certificate cannot be renewed or changed so.
    #[error("the certificate is {0}")]
    Standing(&'static str),
}

/// Who waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    /// The digest of the key.
    pub key: String,
    /// The organisation that was named, as it was named.
    pub organisation: String,
    /// What it says of itself and asks for, as it says it.
    pub claims: Claims,
    /// Since when.
    pub since: SystemTime,
    /// Where it comes from, if that was seen.
    pub from: Option<IpAddr>,
    /// When it is forgotten.
    pub until: SystemTime,
    /// What was approved, if it was.
    pub approved: Option<Grant>,
}

/// A certificate on the roll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it says and what was verified.
    pub grant: Grant,
    /// When it runs out.
    pub until: SystemTime,
    /// How it stands.
    pub status: Status,
}
