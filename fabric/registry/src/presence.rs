//! Whether an agent lives: what was heard of it, and how long ago.

use crate::{Change, Profile};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How an agent is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It was heard a short while ago.
    Online,
    /// It was not heard for a while and may be back.
    TemporarilyOffline,
    /// It was not heard for long.
    Offline,
    /// It has taken its leave.
    Deregistered,
}

impl Presence {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::TemporarilyOffline => "temporarily-offline",
            Self::Offline => "offline",
            Self::Deregistered => "deregistered",
        }
    }
}

/// After which times an agent is taken for absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How often an agent says that it lives.
    pub heartbeat: Duration,
    /// How late that may be.
    pub grace: Duration,
    /// How long an agent is offline for the time being.
    pub offline_after: Duration,
    /// What is added once after a restart of the controller.
    pub restart_grace: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            grace: Duration::from_secs(15),
            offline_after: Duration::from_secs(300),
            restart_grace: Duration::from_secs(60),
        }
    }
}

impl Profile {
    pub(crate) fn becomes(&mut self, presence: Presence, now: Duration) -> Option<Change> {
        if self.presence == presence {
            return None;
        }
        (self.presence, self.since) = (presence, now);
        Some(Change::Became(self.resource, presence))
    }

    pub(crate) fn hear(&mut self, now: Duration) -> Vec<Change> {
        if self.presence == Presence::Deregistered {
            return Vec::new();
        }
        self.heard = self.heard.max(now);
        self.becomes(Presence::Online, now).into_iter().collect()
    }

    pub(crate) fn age(&mut self, terms: &Terms, now: Duration) -> Option<Change> {
        match self.presence {
            Presence::Online if now > self.heard + terms.heartbeat + terms.grace => {
                self.becomes(Presence::TemporarilyOffline, now)
            }
            Presence::TemporarilyOffline if now > self.heard.max(self.since) + terms.offline_after => {
                self.becomes(Presence::Offline, now)
            }
            Presence::Online | Presence::TemporarilyOffline | Presence::Offline | Presence::Deregistered => None,
        }
    }
}
