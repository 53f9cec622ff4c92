//! An event: what happened, to what, when, and who says so.

use crate::canonical;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::SystemTime;
use time::OffsetDateTime;

/// The largest event that is taken, in bytes.
pub const LARGEST: usize = 64 << 10;

/// The types that a controller and its agents tell of; others may come from whoever may publish.
pub const KINDS: [&str; 5] = [
    "agent-joined",
    "task-completed",
    "link-fault",
    "drift-checked",
    "device-withheld",
];

/// Whether a word can be the type of an event.
pub fn is_kind(word: &str) -> bool {
    let letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    (1..=64).contains(&word.len()) && word.bytes().all(letter)
}

/// How grave an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For the record.
    Info,
    /// Something may go wrong.
    Warning,
    /// Something has gone wrong.
    Error,
    /// Somebody must act now.
    Critical,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The word for it on topics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// A time as events write it.
pub fn stamp(time: SystemTime) -> String {
    let format = &time::format_description::well_known::Rfc3339;
    OffsetDateTime::from(time).format(format).unwrap_or_default() // any time of this age can be written
}

/// Bytes that are no event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Larger than what is taken.
    #[error("read an event of {length} bytes: at most 65536 are taken")]
    TooLarge {
        /// How large.
        length: usize,
    },
    /// Not JSON, or not an event.
    #[error("read an event")]
    Json(#[from] serde_json::Error),
    /// A member is not as it must be.
    #[error("read {member} of an event")]
    Member {
        /// Which.
        member: &'static str,
    },
}

/// A CloudEvent in its JSON form, without its signature. Unknown members are refused: nothing that is signed is unread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Always `1.0`.
    pub specversion: String,
    /// Names the event among all of its source.
    pub id: String,
    /// Who says so: `entente://agent/edge-1`.
    pub source: String,
    /// What happened: `link-fault`, `agent-joined`, `task-completed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened (RFC 3339).
    pub time: String,
    /// What it happened to: the id of a device; empty where it concerns none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// How grave it is.
    pub severity: Severity,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// What else there is to say.
    pub data: Value,
}

/// An event as it is sent: in one reading, so that nothing is parsed twice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    time: String,
    #[serde(default)]
    subject: String,
    severity: Severity,
    datacontenttype: String,
    data: Value,
    #[serde(default)]
    signature: Option<String>,
}

impl Event {
    /// Reads an event and its signature, if it has one.
    pub fn read(bytes: &[u8]) -> Result<(Self, Option<String>), EventError> {
        if bytes.len() > LARGEST {
            return Err(EventError::TooLarge { length: bytes.len() });
        }
        let Sealed {
            specversion,
            id,
            source,
            kind,
            time,
            subject,
            severity,
            datacontenttype,
            data,
            signature,
        } = serde_json::from_slice(bytes)?;
        let event = Self {
            specversion,
            id,
            source,
            kind,
            time,
            subject,
            severity,
            datacontenttype,
            data,
        };
        event.check()?;
        Ok((event, signature))
    }

    /// The canonical form that is signed (RFC 8785).
    pub fn canonical(&self) -> Result<Vec<u8>, EventError> {
        Ok(canonical::written(self)?)
    }

    /// Whether every member is as it must be.
    pub fn check(&self) -> Result<(), EventError> {
        let plain = |text: &str, most| text.len() <= most && !text.chars().any(char::is_control);
        let format = &time::format_description::well_known::Rfc3339;
        let members = [
            ("specversion", self.specversion == "1.0"),
            (
                "id",
                (1..=64).contains(&self.id.len()) && self.id.bytes().all(|it| it.is_ascii_graphic()),
            ),
            (
                "source",
                plain(&self.source, 256) && self.source.starts_with("entente://"),
            ),
            ("type", is_kind(&self.kind)),
            ("time", OffsetDateTime::parse(&self.time, format).is_ok()),
            ("subject", plain(&self.subject, 128)),
            ("datacontenttype", self.datacontenttype == "application/json"),
        ];
        match members.into_iter().find(|(_, good)| !good) {
            Some((member, _)) => Err(EventError::Member { member }),
            None => Ok(()),
        }
    }
}
