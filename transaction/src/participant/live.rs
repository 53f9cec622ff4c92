//! The one transaction under way on a device.

use crate::{Demand, Epoch, Guarantee, Lease, Standing, Step, TransactionId};

/// What is known of the transaction under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Live<C> {
    pub transaction: TransactionId,
    pub epoch: Epoch,
    pub change: C,
    pub demand: Demand,
    pub lease: Lease,
    pub comment: String,
    /// What staging brought.
    pub evidence: Option<String>,
    pub guarantee: Guarantee,
    pub renews: bool,
    /// Nothing changes here: there is nothing to keep, to renew or to take back.
    pub looks_on: bool,
    /// Whether a way back is on record.
    pub recorded: bool,
    pub hold: Hold,
    /// The operation under way.
    pub work: Option<(u64, Work)>,
    /// The decision, once it was heard.
    pub told: Option<Told>,
    /// The step whose answer is outstanding.
    pub owes: Option<Step>,
    /// Questions asked since something was heard.
    pub asks: u32,
    /// Nothing has been heard for so long that the change is no longer kept alive.
    pub doubtful: bool,
}

impl<C> Live<C> {
    /// Whether the change is in effect, so that a confirm applies nothing.
    pub fn is_in_effect(&self) -> bool {
        matches!(self.hold, Hold::Applied | Hold::Confirmed)
    }
}

/// How the device stands, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Hold {
    /// Nothing is staged yet.
    Nothing,
    /// Staged under lock.
    Staged,
    /// In effect, with a way back.
    Applied,
    /// An apply went wrong, or may have: to be reverted under lock, whatever was read.
    Failed(String),
    /// It was in effect, and the device was seen to have taken it back. Our lock may still stand.
    TakenBack,
    /// It is in effect no longer, and nothing is held for it.
    Lapsed,
    /// Permanent, but perhaps not saved.
    Confirmed,
    /// The agent came back and has not seen the device yet.
    Resuming,
}

impl Hold {
    pub fn standing(&self) -> Standing {
        match self {
            Self::Nothing | Self::TakenBack | Self::Lapsed => Standing::Untouched,
            Self::Staged => Standing::Staged,
            Self::Applied => Standing::Applied,
            Self::Confirmed => Standing::Confirmed,
            Self::Failed(_) | Self::Resuming => Standing::Unknown,
        }
    }
}

/// What the device is doing for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Work {
    Stage,
    Apply,
    Renew,
    Confirm,
    Revert,
    /// A revert that nobody told us to do.
    LetGo,
    Restage,
    Reapply,
    Look(Why),
}

/// Why the device is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Why {
    Apply,
    Renew,
    BeforeConfirm,
    AfterConfirm,
    Lapse,
    Resume,
}

/// The decision, as it was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Confirm,
    Revert,
}
