//! The protocols a device is spoken to over, and the steps that are taken over them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A way to speak to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// NETCONF over SSH (RFC 6241, RFC 6242).
    Netconf,
    /// An operator's terminal over SSH.
    Cli,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Netconf => "NETCONF",
            Self::Cli => "CLI",
        })
    }
}

/// What was being done when something was answered or went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Opening a session: connection, host key, login, greeting.
    Connect,
    /// Taking the lock, rereading, putting the change where it can be checked.
    Stage,
    /// Making the change take effect, tentatively where the device can.
    Apply,
    /// Putting off the moment at which the device takes the change back.
    Renew,
    /// Making the change stay, and saving it.
    Confirm,
    /// Bringing the touched paths back to what they were.
    Revert,
    /// Reading configuration.
    Read,
    /// Reading state.
    Query,
    /// Following what the device reports by itself.
    Watch,
    /// Finding out where a change stands after a crash.
    Resume,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Stage => "stage",
            Self::Apply => "apply",
            Self::Renew => "renew",
            Self::Confirm => "confirm",
            Self::Revert => "revert",
            Self::Read => "read",
            Self::Query => "query",
            Self::Watch => "watch",
            Self::Resume => "resume",
        })
    }
}
