//! Why something was not done.

use knowledge_model::document::Fault;

use crate::agents::ReadError;
use crate::freeze::Freeze;
use crate::plan::{PlanError, counted};
use crate::store::StoreError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// What was sent has faults; all of them.
    #[error("{}, nothing was done", counted(.0.len(), "fault"))]
    Invalid(Vec<Fault>),
    /// It is not there.
    #[error("no {kind} {key}")]
    Missing {
        /// What kind of thing.
        kind: &'static str,
        /// What was asked for.
        key: String,
    },
    /// No plan can be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A device could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The plan is not one that can be committed.
    #[error("plan {id} is {state}: make a new one")]
    Spent {
        /// The plan.
        id: String,
        /// What became of it.
        state: String,
    },
    /// The plan that was approved is not the plan that is kept.
    #[error("plan {id} has another hash than the one given: look at it again")]
    Changed {
        /// The plan.
        id: String,
    },
    /// The transaction is over already.
    #[error("transaction {id} is over already: {state}")]
    Over {
        /// Which.
        id: String,
        /// How it ended.
        state: String,
    },
    /// The transaction cannot be taken back.
    #[error("transaction {id} cannot be rolled back: {why}")]
    Final {
        /// Which.
        id: String,
        /// Why not.
        why: String,
    },
    /// Others were committed beside the plan, and it is no longer right.
    #[error("plan {id} is stale, other intents came meanwhile: make a new one")]
    Moved {
        /// The plan.
        id: String,
        /// What is no longer right, as device and path.
        what: Vec<String>,
    },
    /// Somebody has on a device already what may stand there once; each with both intents.
    #[error("what a device may hold once would be there twice: {}", .0.join("; "))]
    Twice(Vec<String>),
    /// Agents are too old for what has to be so on their devices; each with its device.
    #[error("{}: update entente-agent and start it again", .0.join("; "))]
    Outdated(Vec<String>),
    /// Somebody else has to approve first.
    #[error("plan {id} is not approved")]
    Unapproved {
        /// The plan.
        id: String,
        /// What is wanted, rule by rule.
        wanting: Vec<String>,
    },
    /// The network is frozen.
    #[error("the network is frozen until {} by {}{}: only what takes back or repairs is committed", .freeze.ends, .freeze.by, reason(.freeze))]
    Frozen {
        /// By whom, and until when.
        freeze: Freeze,
    },
    /// Somebody works on a device.
    #[error("{} in maintenance", counted(.busy.len(), "device"))]
    Maintained {
        /// Which, by whom and why.
        busy: Vec<String>,
    },
    /// The network moved on since a plan was made; every difference.
    #[error("the network moved on since the plan was made: plan again")]
    Stale(Vec<String>),
    /// The classes have faults, the old ones stay; every fault.
    #[error("the classes have faults, the old ones stay")]
    Classes(Vec<String>),
    /// Nothing can be learned from it.
    #[error(transparent)]
    Unteachable(#[from] intents::LearnError),
    /// A learned rule stays as it is; what it would change, sentence by sentence.
    #[error("{what}")]
    Unlearned {
        /// Why.
        what: String,
        /// What would be read otherwise.
        changes: Vec<String>,
    },
    /// It is not done yet.
    #[error("{0}")]
    NotYet(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something inside went wrong.
    #[error("{0}")]
    Inside(String),
}

fn reason(freeze: &Freeze) -> String {
    match freeze.reason.as_str() {
        "" => String::new(),
        reason => format!(" ({reason})"),
    }
}
