//! Where a process can be killed: before each kind of effect, between write and sync, and after the last.

use crate::change::Change;
use transaction::participant::Operation;
use transaction::{CoordinatorRecord, Decision, Order, ParticipantRecord, coordinator, participant};

/// All of them, so that one that is never visited is noticed.
pub const ALL: &[&str] = &[
    "coordinator: write began",
    "coordinator: sync began",
    "coordinator: write confirm",
    "coordinator: sync confirm",
    "coordinator: write revert",
    "coordinator: sync revert",
    "coordinator: write settled",
    "coordinator: sync settled",
    "coordinator: write cleared",
    "coordinator: sync cleared",
    "coordinator: send stage",
    "coordinator: send apply",
    "coordinator: send renew",
    "coordinator: send confirm",
    "coordinator: send revert",
    "coordinator: arm",
    "coordinator: disarm",
    "coordinator: ask the gate",
    "coordinator: progress",
    "coordinator: release",
    "coordinator: repaired",
    "coordinator: settled",
    "coordinator: forget",
    "coordinator: after the last effect",
    "coordinator: compact, before the sync",
    "coordinator: compact, before the rename",
    "coordinator: compact, before the directory sync",
    "coordinator: compact, after",
    "participant: write pending",
    "participant: sync pending",
    "participant: write raised",
    "participant: sync raised",
    "participant: write ended",
    "participant: sync ended",
    "participant: stage",
    "participant: restage",
    "participant: apply",
    "participant: renew",
    "participant: confirm",
    "participant: revert",
    "participant: read",
    "participant: reply",
    "participant: inquire",
    "participant: arm",
    "participant: disarm",
    "participant: after the last effect",
    "participant: compact, before the sync",
    "participant: compact, before the rename",
    "participant: compact, before the directory sync",
    "participant: compact, after",
];

/// How many kinds of operations there are on a device.
pub const OPERATIONS: usize = 7;

/// The points of a coordinator's record: before it is written, and before it is synced.
pub fn of_record(record: &CoordinatorRecord<Change>) -> (&'static str, &'static str) {
    match record {
        CoordinatorRecord::Began { .. } => ("coordinator: write began", "coordinator: sync began"),
        CoordinatorRecord::Decided {
            decision: Decision::Confirm,
            ..
        } => ("coordinator: write confirm", "coordinator: sync confirm"),
        CoordinatorRecord::Decided {
            decision: Decision::Revert { .. },
            ..
        } => ("coordinator: write revert", "coordinator: sync revert"),
        CoordinatorRecord::Settled { .. } => ("coordinator: write settled", "coordinator: sync settled"),
        CoordinatorRecord::Cleared { .. } => ("coordinator: write cleared", "coordinator: sync cleared"),
    }
}

/// The point before a coordinator's effect.
pub fn of_effect(effect: &coordinator::Effect<Change>) -> &'static str {
    match effect {
        coordinator::Effect::Record(record) => of_record(record).0,
        coordinator::Effect::Send(request) => match request.order {
            Order::Stage { .. } | Order::Inquire => "coordinator: send stage",
            Order::Apply => "coordinator: send apply",
            Order::Renew { .. } => "coordinator: send renew",
            Order::Confirm { .. } => "coordinator: send confirm",
            Order::Revert { .. } => "coordinator: send revert",
        },
        coordinator::Effect::Arm { .. } => "coordinator: arm",
        coordinator::Effect::Disarm(_) => "coordinator: disarm",
        coordinator::Effect::Gate { .. } => "coordinator: ask the gate",
        coordinator::Effect::Progress(_) => "coordinator: progress",
        coordinator::Effect::Release { .. } => "coordinator: release",
        coordinator::Effect::Repaired { .. } => "coordinator: repaired",
        coordinator::Effect::Settled(_) => "coordinator: settled",
        coordinator::Effect::Forget => "coordinator: forget",
        // Alone in its step: who dies before it dies after the last effect, which is a point already.
        coordinator::Effect::Verify { .. } => "coordinator: verify",
    }
}

/// The points of a participant's record.
pub fn of_mark(record: &ParticipantRecord<Change>) -> (&'static str, &'static str) {
    match record {
        ParticipantRecord::Pending { .. } => ("participant: write pending", "participant: sync pending"),
        ParticipantRecord::Raised { .. } => ("participant: write raised", "participant: sync raised"),
        ParticipantRecord::Ended { .. } => ("participant: write ended", "participant: sync ended"),
    }
}

/// The point before a participant's effect.
pub fn of_act(effect: &participant::Effect<Change>) -> &'static str {
    match effect {
        participant::Effect::Record(record) => of_mark(record).0,
        participant::Effect::Device { work, .. } => of_operation(work),
        participant::Effect::Reply(_) => "participant: reply",
        participant::Effect::Inquire(_) => "participant: inquire",
        participant::Effect::Arm { .. } => "participant: arm",
        participant::Effect::Disarm(_) => "participant: disarm",
    }
}

/// The point before an operation.
pub fn of_operation(work: &Operation<Change>) -> &'static str {
    match work {
        Operation::Stage { .. } => "participant: stage",
        Operation::Restage { .. } => "participant: restage",
        Operation::Apply { .. } => "participant: apply",
        Operation::Renew { .. } => "participant: renew",
        Operation::Confirm { .. } => "participant: confirm",
        Operation::Revert { .. } => "participant: revert",
        Operation::Read { .. } => "participant: read",
    }
}
