//! What REST shows: the answers' forms, apart from how the program keeps things.

use serde::{Deserialize, Serialize};
use transaction::TransactionId;
use transaction::admission::Waiting;
use utoipa::ToSchema;

use crate::commit::{DeviceFault, Track};
use crate::store::{Kept, TransactionRow};

/// Whether the controller lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `stopping`.
    pub status: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// Agents that have joined.
    pub agents: usize,
    /// Transactions that run.
    pub running: usize,
    /// Transactions that wait for their devices.
    pub waiting: usize,
}

/// A device as it is known.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its platforms.
    pub platforms: Vec<String>,
    /// The agent that speaks for it now, if any.
    pub agent: Option<String>,
    /// What it promises about a change, as its agent says.
    pub guarantee: Option<String>,
}

/// One entry of a configuration.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Where.
    pub path: String,
    /// What stands there; nothing for an entry that is only there.
    pub value: Option<String>,
}

/// An intent as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntentView {
    /// Its id.
    pub id: String,
    /// `planned`, `active`, `withdrawn` or `failed`.
    pub state: String,
    /// When it was asked for, in milliseconds since 1970.
    pub at: i64,
    /// What was asked.
    #[schema(value_type = Object)]
    pub intent: serde_json::Value,
}

/// A transaction.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionView {
    /// Its id.
    pub id: String,
    /// Its plan.
    pub plan: String,
    /// `running`, `committed`, `rolled-back` or `torn`.
    pub state: String,
    /// Why, where it did not commit.
    pub reason: String,
    /// The devices that take part.
    pub devices: Vec<String>,
    /// Who asked.
    pub asked_by: String,
    /// When it began, in milliseconds since 1970.
    pub begun: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// The transaction that carried it, together with others that waited for the same device: devices, and their history,
    /// know that one's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Its place in the queue, while it waits for its devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<WaitView>,
    /// The devices that change, wave by wave, the first first, where they do not change all at once; only where one
    /// transaction is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Vec<String>>,
    /// What went wrong on its devices, also where it was done in the end: of each step the last fault.
    pub faults: Vec<DeviceFault>,
}

/// A place in the queue for devices.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitView {
    /// How many wait before it.
    pub before: usize,
    /// The transactions that hold one of its devices, or wait for one before it.
    pub behind: Vec<String>,
}

impl TransactionView {
    /// The same with its place in the queue.
    #[must_use]
    pub fn waiting(self, waiting: Option<Waiting>) -> Self {
        let wait = |it: Waiting| WaitView {
            before: it.before,
            behind: it
                .behind
                .iter()
                .map(|ticket| TransactionId(ticket.0).to_string())
                .collect(),
        };
        Self {
            waits: waiting.map(wait),
            ..self
        }
    }

    /// The same with the order in which its devices change, where there is one.
    #[must_use]
    pub fn in_waves(self, waves: Vec<Vec<String>>) -> Self {
        let waves = if waves.len() > 1 { waves } else { Vec::new() };
        Self { waves, ..self }
    }

    /// The same with what has gone wrong so far, while it runs.
    #[must_use]
    pub fn running(self, track: Option<&Track>) -> Self {
        let faults = track.map(Track::faults).filter(|it| !it.is_empty());
        Self {
            faults: faults.unwrap_or(self.faults),
            ..self
        }
    }
}

/// What is asked of `commit`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitRequest {
    /// The hash of the plan that was looked at; if it differs nothing is done.
    pub hash: Option<String>,
}

/// The whole chain.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// The key, in hexadecimal digits.
    pub public_key: String,
    /// Its links from the first.
    pub links: Vec<AuditLink>,
}

/// One link of the chain.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditLink {
    /// Counts from 1.
    pub position: i64,
    /// The entry.
    pub body: String,
    /// The hash over the hash before and the entry.
    pub hash: String,
    /// The signature over the hash.
    pub signature: String,
}

impl From<TransactionRow> for TransactionView {
    fn from(row: TransactionRow) -> Self {
        Self {
            id: row.id,
            plan: row.plan,
            state: row.state,
            reason: row.reason,
            devices: serde_json::from_str(&row.devices).unwrap_or_default(),
            asked_by: row.asked_by,
            begun: row.begun,
            ended: row.ended,
            carrier: row.carrier,
            waits: None,
            waves: Vec::new(),
            faults: faults(&row.faults),
        }
    }
}

/// What went wrong on devices, as it is kept.
pub fn faults(kept: &str) -> Vec<DeviceFault> {
    serde_json::from_str(kept).unwrap_or_default()
}

impl From<Kept> for IntentView {
    fn from(kept: Kept) -> Self {
        let intent = serde_json::from_str(&kept.body).unwrap_or_default();
        Self {
            id: kept.id,
            state: kept.state,
            at: kept.at,
            intent,
        }
    }
}
