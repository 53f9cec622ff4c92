//! What goes into a coordinator and what comes out.

use crate::{
    CoordinatorRecord, DeviceId, Epoch, Inquiry, Progress, Reply, Report, Request, Settlement, Step, TransactionId,
};
use std::time::Duration;

/// What a coordinator can be told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// Start. Once, for a coordinator that was not recovered.
    Begin,
    /// A participant answers.
    Reply(Reply),
    /// A participant asks.
    Asked(Inquiry),
    /// A request could not be handed over: no stream, or a full queue. It is sent again until its deadline.
    Unreachable {
        /// To whom.
        device: DeviceId,
    },
    /// A timer fired.
    Fired(Timer),
    /// The health gate answers.
    Gate {
        /// Which question is answered.
        round: u32,
        /// The answer.
        verdict: Verdict,
    },
    /// The caller withdraws. Has no effect once Confirm is on record.
    Cancel,
    /// A device says what it is at.
    Report(Report),
    /// The journal refuses this epoch: another leads. Nothing more comes out of this coordinator.
    Fenced,
    /// The journal knows of nobody who leads in a higher epoch, whatever this participant said.
    Unfounded {
        /// Who said so.
        device: DeviceId,
        /// What it was to do; nothing where it asked.
        step: Option<Step>,
    },
}

/// What the health gate saw.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The network does what was promised.
    Passed,
    /// It does not.
    Failed {
        /// What was seen.
        reason: String,
    },
}

/// The names of a coordinator's timers. Arming one that is armed starts it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Say it to this device once more.
    Resend(DeviceId),
    /// The lease that this device got in this round is no longer fresh.
    Fresh {
        /// Which device.
        device: DeviceId,
        /// Which round.
        round: u32,
    },
    /// The votes should be in.
    Prepare,
    /// The wave should have applied.
    Apply,
    /// Time to renew.
    Renew,
    /// The health gate should have answered.
    Gate,
    /// The leases should be fresh.
    Decide,
    /// The wave should have reverted.
    Revert,
    /// Who is not there yet is owed.
    Repair,
}

/// What a coordinator asks its driver to do, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect<C> {
    /// Make durable; no later effect of this step before it is. If the journal is fenced, feed [`Input::Fenced`] and
    /// perform nothing that follows. If the outcome is lost, drop this coordinator and recover from the journal.
    Record(CoordinatorRecord<C>),
    /// A participant says that another leads in a higher epoch. That only the journal can know: ask it, and feed
    /// [`Input::Fenced`] or [`Input::Unfounded`].
    Verify {
        /// Who says so.
        device: DeviceId,
        /// In which epoch.
        claimed: Epoch,
        /// What it was to do; nothing where it asked.
        step: Option<Step>,
    },
    /// Offer to the agent that speaks for the device; feed [`Input::Unreachable`] if that is not possible now.
    Send(Request<C>),
    /// Arm a timer.
    Arm {
        /// Which.
        timer: Timer,
        /// To fire after this.
        after: Duration,
    },
    /// Disarm a timer, if it is armed.
    Disarm(Timer),
    /// Ask for the network's health, as the plan says; answer with [`Input::Gate`].
    Gate {
        /// To be said in the answer.
        round: u32,
        /// The last wave that has applied.
        wave: u16,
    },
    /// Tell whoever watches.
    Progress(Progress),
    /// The device is free for others, or in quarantine if it is owed. Goes to admission.
    Release {
        /// Which device.
        device: DeviceId,
        /// Whether its next transaction begins with a repair or a waiver.
        owed: bool,
    },
    /// What a device was owed from this earlier transaction is repaired or waived, and that is on record.
    Repaired {
        /// In which transaction it was owed.
        transaction: TransactionId,
        /// Which device.
        device: DeviceId,
    },
    /// It is over; tell whoever waits. Its timers mean nothing any longer.
    Settled(Settlement),
    /// The records of this transaction are needed no longer: a compaction may leave them out, the value be dropped.
    Forget,
}
