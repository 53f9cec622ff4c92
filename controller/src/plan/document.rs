//! A plan as it is shown, kept, approved by hash, and committed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use knowledge_model::owners::{Composed, Wish};
use knowledge_model::{Delta, Edit, Path, PathError, Schema, Tree, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::gate::PlannedGate;

/// What will be done, and nothing is left to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Its id.
    pub id: String,
    /// The digest of everything below: what is approved is what is committed.
    pub hash: String,
    /// The intents that it makes true.
    pub intents: Vec<PlannedIntent>,
    /// The ids of the intents that it withdraws.
    pub withdraws: Vec<String>,
    /// What it is made for, where no intent asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// What went wrong before where this plan is like it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// The devices that change; empty where the network is already as it should be.
    pub devices: Vec<DevicePlan>,
    /// What may go wrong: `low`, `medium` or `high`.
    pub risk: String,
    /// The weakest guarantee among the devices; nothing where no device changes.
    pub guarantee: Option<String>,
    /// Only what would change was asked for: it cannot be committed.
    #[serde(default)]
    pub dry_run: bool,
    /// What is worth saying of the intents beside those that hold.
    #[serde(default)]
    pub notices: Vec<String>,
    /// The library that it was made with.
    #[serde(default)]
    pub library: String,
    /// What is looked at before it may stay.
    #[serde(default)]
    pub gate: PlannedGate,
    /// Whether the caller forced it although it may cut an agent's way to its device.
    #[serde(default)]
    pub forced: bool,
}

/// What a plan is made for, where no intent asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To take a past transaction back.
    Rollback {
        /// Which.
        transaction: String,
    },
    /// To make a device what its intents want.
    Repair {
        /// Its name.
        device: String,
    },
    /// To bring a device to what was decided in transactions whose end it did not reach.
    Settle {
        /// Its name.
        device: String,
    },
    /// To make new hardware what the intents of the old wanted.
    Replace {
        /// The device's name.
        device: String,
    },
}

/// Something that went wrong before where a plan is like it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// The case.
    pub case: String,
    /// The device of the plan that it is about.
    pub device: String,
    /// The error type.
    pub kind: String,
    /// How often it happened.
    pub times: u32,
    /// In the device's words.
    pub words: String,
    /// The suggested repair.
    pub suggestion: String,
    /// What an operator found to be the cure.
    pub cure: Option<String>,
}

/// An intent of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedIntent {
    /// Its id; an intent that is asked for again under its name keeps it.
    pub id: String,
    /// What its sender calls it.
    pub name: Option<String>,
    /// Its class.
    pub class: String,
    /// Its slots, one line each: `prefix = 10.0.0.0/8`.
    pub slots: Vec<String>,
    /// The devices that it is for, by name.
    pub targets: Vec<String>,
    /// The intent as it was asked for.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub asked: serde_json::Value,
}

/// What changes on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DevicePlan {
    /// The device's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it promises about a change: `confirmed`, `session`, `timed`, `whole` or `plain`.
    pub guarantee: String,
    /// The least that was demanded, if anything was.
    pub demand: Option<String>,
    /// Lower waves apply first and revert last.
    pub wave: u16,
    /// What changes, entry by entry.
    pub entries: Vec<PlannedEntry>,
    /// The change in the device's own language, where a platform is known.
    pub preview: String,
    /// The way back in the device's own language, where a platform is known.
    pub rollback: String,
    /// What of the change touches the way between the device and its agent, in words.
    #[serde(default)]
    pub cuts: Vec<String>,
    /// What each intent wants here, to be remembered once the plan is true.
    pub wishes: Vec<PlannedWish>,
    /// What stood at each path that was looked at.
    pub stood: Vec<Stood>,
}

/// What one intent wants of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedWish {
    /// The intent's id.
    pub intent: String,
    /// Its priority.
    pub priority: i32,
    /// The entries that it wants.
    pub entries: Vec<Stood>,
    /// Its share of lists that several intents fill.
    #[serde(default)]
    pub shares: Vec<PlannedShare>,
}

/// What one intent has in a list that several intents fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedShare {
    /// Where the list is attached: `interface[eth1]/access-list-in`.
    pub at: String,
    /// Its rules in their order, with paths relative to the rule.
    pub rules: Vec<Vec<Stood>>,
    /// What is done where no rule matches.
    pub last: Vec<Stood>,
    /// Whether a list that somebody else attached there is taken over.
    pub adopt: bool,
}

/// A path and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stood {
    /// Where.
    pub path: String,
    /// Whether there is an entry.
    pub there: bool,
    /// Its value, where it has one.
    pub value: Option<String>,
}

/// One entry that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedEntry {
    /// Where: `interface[eth1]/mtu`.
    pub path: String,
    /// What stands there; nothing if there is no entry.
    pub before: Option<String>,
    /// What will stand there; nothing if the entry goes.
    pub after: Option<String>,
    /// Whether the entry has no value of its own: it is there or not.
    pub bare: bool,
    /// The ids of the intents that want it so; empty where what was found comes back.
    pub owners: Vec<String>,
}

impl Plan {
    /// Whether no device is touched; what settles a debt touches one without an entry.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        !matches!(self.purpose, Some(Purpose::Settle { .. })) && self.devices.iter().all(|it| it.entries.is_empty())
    }

    /// The devices that it touches: those on which something changes, and one that is brought to an older decision.
    pub fn touched(&self) -> impl Iterator<Item = &DevicePlan> {
        let settles = matches!(self.purpose, Some(Purpose::Settle { .. }));
        self.devices
            .iter()
            .filter(move |device| settles || !device.entries.is_empty())
    }

    /// The plan with the digest of its content.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.hash = self.digest();
        self
    }

    /// The digest of everything but the digest itself.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut content = self.clone();
        content.hash = String::new();
        // A plan is plain data: it always has a canonical form.
        let text = serde_json_canonicalizer::to_string(&content).unwrap_or_default();
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Purpose {
    /// In a few words: `rollback of 0193…`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Rollback { transaction } => format!("rollback of {transaction}"),
            Self::Repair { device } => format!("repair of {device}"),
            Self::Settle { device } => format!("what {device} is owed"),
            Self::Replace { device } => format!("new hardware for {device}"),
        }
    }
}

impl DevicePlan {
    /// The change as a delta.
    ///
    /// # Errors
    /// Where a kept path is none.
    pub fn delta(&self) -> Result<Delta, PathError> {
        self.entries
            .iter()
            .map(|entry| Ok((entry.path.parse()?, entry.edit())))
            .collect()
    }
}

impl DevicePlan {
    /// What stood where the plan looked and changes nothing.
    #[must_use]
    pub fn untouched(&self) -> BTreeMap<Path, Option<Value>> {
        let delta = self.delta().unwrap_or_default();
        let stood = self.stood.iter().filter_map(|it| it.entry().ok());
        stood.filter(|(path, _)| delta.edit(path).is_none()).collect()
    }

    /// What has to stand for the plan to be true once it is carried out, beside what it changes. An entry above one that is
    /// looked at anyway stands with it; what a device shows of a secret is no evidence.
    #[must_use]
    pub fn stands(&self) -> BTreeMap<Path, Option<Value>> {
        let mut stands = self.untouched();
        let schema = Schema::canonical();
        let secret = |path: &Path| schema.node(path).is_some_and(|it| it.secret);
        stands.retain(|path, value| value.is_none() || !secret(path));
        let delta = self.delta().unwrap_or_default();
        let there = delta.iter().filter(|(_, edit)| edit.before.is_some());
        let mut there: BTreeSet<Path> = there.map(|(path, _)| path.clone()).collect();
        let seen = stands.iter().filter(|(_, value)| value.is_some());
        there.extend(seen.map(|(path, _)| path.clone()));
        let next = |path: &Path| there.range((Bound::Excluded(path), Bound::Unbounded)).next();
        stands.retain(|path, value| {
            let implied = value == &Some(Value::Present) && next(path).is_some_and(|it| it.starts_with(path));
            !implied
        });
        stands
    }
}

impl PlannedWish {
    /// The written form of a wish.
    #[must_use]
    pub fn of(wish: &Wish) -> Self {
        let entries = wish
            .entries
            .iter()
            .map(|(path, value)| Stood::of(path, value.as_ref()))
            .collect();
        Self {
            intent: wish.intent.to_string(),
            priority: wish.priority,
            entries,
            shares: wish.composed.iter().map(PlannedShare::of).collect(),
        }
    }

    /// The wish.
    ///
    /// # Errors
    /// Where a kept path is none.
    pub fn wish(&self) -> Result<Wish, PathError> {
        let entries = self.entries.iter().map(Stood::entry).collect::<Result<_, _>>()?;
        Ok(Wish {
            intent: self.intent.as_str().into(),
            priority: self.priority,
            entries,
            composed: self
                .shares
                .iter()
                .map(PlannedShare::composed)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl PlannedShare {
    fn of(share: &Composed) -> Self {
        let written = |tree: &Tree| tree.iter().map(|(path, value)| Stood::of(path, Some(value))).collect();
        Self {
            at: share.at.to_string(),
            rules: share.rules.iter().map(written).collect(),
            last: written(&share.last),
            adopt: share.adopt,
        }
    }

    fn composed(&self) -> Result<Composed, PathError> {
        let tree = |entries: &Vec<Stood>| -> Result<Tree, PathError> {
            let entries = entries.iter().map(Stood::entry).collect::<Result<Vec<_>, _>>()?;
            Ok(entries
                .into_iter()
                .filter_map(|(path, value)| Some((path, value?)))
                .collect())
        };
        Ok(Composed {
            at: self.at.parse()?,
            rules: self.rules.iter().map(tree).collect::<Result<_, _>>()?,
            last: tree(&self.last)?,
            adopt: self.adopt,
        })
    }
}

impl Stood {
    /// The written form of an entry.
    #[must_use]
    pub fn of(path: &Path, value: Option<&Value>) -> Self {
        Self {
            path: path.to_string(),
            there: value.is_some(),
            value: value.and_then(Value::text).map(str::to_owned),
        }
    }

    /// The entry.
    ///
    /// # Errors
    /// Where a kept path is none.
    pub fn entry(&self) -> Result<(Path, Option<Value>), PathError> {
        let value = self
            .value
            .as_ref()
            .map_or(Value::Present, |text| Value::scalar(text.as_str()));
        Ok((self.path.parse()?, self.there.then_some(value)))
    }
}

impl PlannedEntry {
    /// The entry of an edit.
    #[must_use]
    pub fn of(path: &Path, edit: &Edit, owners: Vec<String>) -> Self {
        let bare = [&edit.before, &edit.after]
            .into_iter()
            .flatten()
            .any(|value| *value == Value::Present);
        let shown = |value: &Option<Value>| value.as_ref().map(|value| value.text().unwrap_or_default().to_owned());
        Self {
            path: path.to_string(),
            before: shown(&edit.before),
            after: shown(&edit.after),
            bare,
            owners,
        }
    }

    fn edit(&self) -> Edit {
        let value = |text: &String| {
            if self.bare {
                Value::Present
            } else {
                Value::scalar(text.as_str())
            }
        };
        Edit {
            before: self.before.as_ref().map(value),
            after: self.after.as_ref().map(value),
        }
    }
}
