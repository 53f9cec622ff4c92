//! What can go wrong in a session, split by what the caller does next.

use crate::{Protocol, Step};
use knowledge_model::Path;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The cause below an error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Where it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The device, by the name operators use.
    pub device: String,
    /// The protocol spoken.
    pub protocol: Protocol,
    /// What was being done.
    pub step: Step,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {} during {}", self.device, self.protocol, self.step)
    }
}

/// A refusal in the device's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceWords {
    /// What it said for people.
    pub message: String,
    /// Its kind of error: the NETCONF error-tag, or the failure mark of a CLI.
    pub tag: Option<String>,
    /// The application's own tag.
    pub app_tag: Option<String>,
    /// Where in the configuration, as the device names it.
    pub path: Option<String>,
    /// Everything else it said, as it was said.
    pub more: Vec<String>,
}

impl fmt::Display for DeviceWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.message.is_empty() {
            "no reason given"
        } else {
            &self.message
        })?;
        if let Some(tag) = &self.tag {
            write!(f, " ({tag})")?;
        }
        if let Some(path) = &self.path {
            write!(f, " at {path}")?;
        }
        Ok(())
    }
}

/// Who holds what we need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The device's id of the session that holds the lock, where it tells.
    pub session: Option<String>,
    /// What is held: `running`, `candidate`, a configuration mode.
    pub what: String,
    /// Is it a change without a lock that stands in the way?
    pub dirty: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.session, self.dirty) {
            (Some(session), false) => write!(f, "{} is locked by session {session}", self.what),
            (None, false) => write!(f, "{} is locked by another session", self.what),
            (Some(session), true) => write!(f, "{} holds uncommitted changes of session {session}", self.what),
            (None, true) => write!(f, "{} holds somebody's uncommitted changes", self.what),
        }
    }
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denial {
    /// The device shows another host key than the one on record.
    HostKeyChanged,
    /// The device's host key is not on record, and first use is not allowed.
    HostKeyUnknown,
    /// The login was refused.
    Login,
    /// The device's access control forbids the act.
    AccessControl,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostKeyChanged => "its host key is not the one on record; check the device, then remove the old key",
            Self::HostKeyUnknown => "its host key is not on record; add it first",
            Self::Login => "the login was refused; check user and credential",
            Self::AccessControl => "its access control forbids this; check the user's rights",
        })
    }
}

/// Why a session did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Nothing was changed, and nobody answers. Another protocol may help.
    #[error("lost {place}")]
    Unreachable {
        /// Where.
        place: Place,
        /// Why.
        source: Cause,
    },
    /// The device said no. No other protocol will help.
    #[error("refused by {place}: {words}")]
    Refused {
        /// Where.
        place: Place,
        /// In its own words.
        words: Box<DeviceWords>,
    },
    /// It may or may not have happened. Read back before anything else.
    #[error("no sure answer from {place}: read back before anything else")]
    Unknown {
        /// Where.
        place: Place,
        /// Why.
        source: Cause,
    },
    /// The device is no longer what the plan was made from. Plan again.
    #[error("stale on {place}: {} moved on", list(paths))]
    Stale {
        /// Where.
        place: Place,
        /// What is different.
        paths: Vec<Path>,
    },
    /// Somebody holds what we need. Wait, or ask him.
    #[error("busy: {place}: {holder}")]
    Busy {
        /// Where.
        place: Place,
        /// Who and what.
        holder: Holder,
        /// In the device's words.
        words: Box<DeviceWords>,
    },
    /// A stranger's change lies beside ours and would go along. Let the timer of the device revert, then repair.
    #[error("foreign change on {place}: {}", changes.join(", "))]
    Foreign {
        /// Where.
        place: Place,
        /// What the stranger changed, named as well as it can be.
        changes: Vec<String>,
    },
    /// We were not let in. Never a reason to try another protocol.
    #[error("denied by {place}: {denial}")]
    Denied {
        /// Where.
        place: Place,
        /// Why.
        denial: Denial,
        /// In the device's words, where it said something.
        words: Box<DeviceWords>,
    },
    /// The session cannot do this. Plan something else.
    #[error("unsupported on {place}: {what}")]
    Unsupported {
        /// Where.
        place: Place,
        /// What is missing.
        what: String,
    },
    /// The answer cannot be read. The session is of no more use.
    #[error("malformed answer from {place}")]
    Malformed {
        /// Where.
        place: Place,
        /// Why.
        source: Cause,
    },
}

impl SessionError {
    /// Where it happened.
    pub fn place(&self) -> &Place {
        match self {
            Self::Unreachable { place, .. }
            | Self::Refused { place, .. }
            | Self::Unknown { place, .. }
            | Self::Stale { place, .. }
            | Self::Busy { place, .. }
            | Self::Foreign { place, .. }
            | Self::Denied { place, .. }
            | Self::Unsupported { place, .. }
            | Self::Malformed { place, .. } => place,
        }
    }
}

fn list(paths: &[Path]) -> String {
    const SHOWN: usize = 3;
    let mut text = paths
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if paths.len() > SHOWN {
        text.push_str(&format!(" and {} more", paths.len() - SHOWN));
    }
    text
}
