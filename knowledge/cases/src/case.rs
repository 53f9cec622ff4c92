//! One failure and what is known about it.

use serde::{Deserialize, Serialize};

/// What kind of failure it was: split by what a person does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A device said no to what was to be staged.
    Refused,
    /// A device failed to make it take effect.
    Failed,
    /// A device was not what the plan was made from.
    Stale,
    /// Somebody else held a device.
    Busy,
    /// A device let go of the change before it was confirmed.
    Lapsed,
    /// A device was still owed the end of an earlier transaction.
    Owed,
    /// A deadline passed.
    Late,
    /// The network was not well afterwards.
    Unhealthy,
    /// A device could not be brought to what was decided.
    Torn,
    /// The transaction never began.
    NotBegun,
    /// Somebody withdrew it.
    Cancelled,
    /// The controller came back before anything was decided.
    Interrupted,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Busy => "busy",
            Self::Lapsed => "lapsed",
            Self::Owed => "owed",
            Self::Late => "late",
            Self::Unhealthy => "unhealthy",
            Self::Torn => "torn",
            Self::NotBegun => "not-begun",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// What to do about it, as far as the kind alone says.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Refused => "read the device's words: ask for something that it takes, or prepare the device for it",
            Self::Failed => {
                "read the device's words; the change was staged well, so look for what only shows in effect"
            }
            Self::Stale => "plan again: the device is not what the plan was made from",
            Self::Busy => "find out who holds the device, and commit when he is done",
            Self::Lapsed => "look for what cut the device or its agent off while the change was in effect",
            Self::Owed => "bring the device to what was decided: `entente device repair`, or `entente device waive`",
            Self::Late => "look for a slow or unreachable device, or give it more time in the terms",
            Self::Unhealthy => {
                "read what the checks saw: the devices took the change, the network did not do well with it"
            }
            Self::Torn => "look at the devices named, then `entente device repair` or `entente device waive`",
            Self::NotBegun => "see what its devices waited for: `entente transaction list`",
            Self::Cancelled => "nothing is wrong: somebody withdrew it",
            Self::Interrupted => "commit it again: the controller was restarted",
        }
    }

    /// Whether it says something about another attempt of the same kind.
    pub fn warns(self) -> bool {
        match self {
            Self::Refused | Self::Failed | Self::Lapsed | Self::Late | Self::Unhealthy | Self::Torn => true,
            Self::Stale | Self::Busy | Self::Owed | Self::NotBegun | Self::Cancelled | Self::Interrupted => false,
        }
    }
}

/// What an operator found to be the cure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cure {
    /// In his words.
    pub text: String,
    /// Who.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// One failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// When it happened last, in milliseconds since 1970.
    pub at: i64,
    /// How often it happened in this very form.
    pub times: u32,
    /// The error type.
    pub kind: Kind,
    /// The transaction in which it happened last.
    pub transaction: String,
    /// The devices that it came from, by name; empty where none is to blame.
    pub devices: Vec<String>,
    /// The platforms of these devices.
    pub platforms: Vec<String>,
    /// The classes of the intents.
    pub classes: Vec<String>,
    /// Where these devices were to be changed, without the keys of lists.
    pub paths: Vec<String>,
    /// The scope of impact: what became of whom.
    pub impact: String,
    /// The device's own words, or the controller's where no device spoke.
    pub words: String,
    /// The suggested repair.
    pub suggestion: String,
    /// What was tried, in the device's own language where that is known.
    pub tried: String,
    /// What an operator found to be the cure.
    pub cure: Option<Cure>,
}

impl Case {
    /// Whether the other one is the same failure again.
    pub fn is_again(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.devices == other.devices
            && self.words == other.words
            && self.paths == other.paths
            && self.classes == other.classes
    }

    /// All its text, to be found by.
    pub fn text(&self) -> String {
        let cure = self.cure.as_ref().map(|it| it.text.as_str()).unwrap_or_default();
        let lists = [&self.devices, &self.platforms, &self.classes, &self.paths].map(|it| it.join(" "));
        let parts = [
            self.kind.word(),
            &self.impact,
            &self.words,
            &self.suggestion,
            &self.tried,
            cure,
        ];
        format!("{} {}", parts.join(" "), lists.join(" "))
    }
}
