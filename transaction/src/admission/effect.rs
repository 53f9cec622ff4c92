//! What goes into admission and what comes out.

use crate::{DeviceId, TicketId, TransactionId};
use std::collections::BTreeSet;
use std::time::Duration;

/// How much may wait, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Submissions that wait at once.
    pub waiting: usize,
    /// How long one of them waits at most.
    pub wait_within: Duration,
    /// How many waiting single-device changes are merged into one at most.
    pub merged: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting: 1024,
            wait_within: Duration::from_secs(600),
            merged: 64,
        }
    }
}

/// One request for devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its name.
    pub ticket: TicketId,
    /// All of them, or none.
    pub devices: BTreeSet<DeviceId>,
    /// Whether it may be merged with others: a single device, no approval, no gate, no demands of its own.
    pub mergeable: bool,
}

/// What admission can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Somebody wants devices.
    Submit(Submission),
    /// Somebody no longer waits: in the queue, or to be run singly.
    Withdraw(TicketId),
    /// A transaction is finished with one of its devices.
    Release {
        /// Any ticket of the transaction.
        ticket: TicketId,
        /// Which device.
        device: DeviceId,
        /// The transaction in which the device is owed something from now on.
        owed: Option<TransactionId>,
    },
    /// A transaction is over. What it still holds is free; a merged one that was rolled back is run singly.
    Over {
        /// Any ticket of the transaction.
        ticket: TicketId,
        /// How.
        how: Over,
    },
    /// A device is owed nothing any longer from this transaction.
    Cleared {
        /// Which device.
        device: DeviceId,
        /// From which transaction.
        transaction: TransactionId,
    },
    /// After a restart: this transaction already holds these devices.
    Held {
        /// Its tickets: more than one where several were merged.
        tickets: Vec<TicketId>,
        /// What it holds.
        devices: BTreeSet<DeviceId>,
    },
    /// After a restart: this device is owed something.
    Owed {
        /// Which device.
        device: DeviceId,
        /// From which transaction.
        transaction: TransactionId,
    },
    /// A timer fired.
    Fired(Timer),
}

/// How a transaction was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Everybody has it.
    Committed,
    /// Nobody has it.
    RolledBack,
    /// A person is needed.
    Torn,
}

/// The names of admission's timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// This one has waited long enough.
    Wait(TicketId),
}

/// What admission asks its driver to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Run one transaction for these tickets: one, or several that are to be merged. All their devices are held.
    Admit {
        /// Whose changes, in the order of their arrival.
        tickets: Vec<TicketId>,
        /// What its devices are owed from before: each repair or waiver comes first.
        debts: Vec<(DeviceId, TransactionId)>,
    },
    /// Tell the caller no.
    Refuse {
        /// Whom.
        ticket: TicketId,
        /// Why.
        refusal: Refusal,
    },
    /// Arm a timer.
    Arm {
        /// Which.
        timer: Timer,
        /// To fire after this.
        after: Duration,
    },
    /// Disarm a timer, if it is armed.
    Disarm(Timer),
}

/// Why nobody was admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The queue is full.
    #[error("admit {ticket}: {waiting} submissions wait already")]
    Full {
        /// Who was refused.
        ticket: TicketId,
        /// How many wait.
        waiting: usize,
    },
    /// It waited too long.
    #[error("admit {ticket}: its devices did not become free in time")]
    Waited {
        /// Who was refused.
        ticket: TicketId,
    },
    /// The caller withdrew it.
    #[error("admit {ticket}: withdrawn")]
    Withdrawn {
        /// Who was refused.
        ticket: TicketId,
    },
    /// It names no device, or its ticket is known already.
    #[error("admit {ticket}: it names no device, or was submitted before")]
    Invalid {
        /// Who was refused.
        ticket: TicketId,
    },
}

/// One who waits, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub ticket: TicketId,
    /// How many stand before it in the queue.
    pub before: usize,
    /// Whom it waits for: who holds or waits for one of its devices.
    pub behind: Vec<TicketId>,
}
