//! The points of a running transaction: between any two effects there is one, and each has a name.

use transaction::coordinator::Effect;
use transaction::{CoordinatorRecord, Decision, Order};

use super::change::Change;

/// The point before an effect; none before one that nobody outside can notice.
pub fn before(effect: &Effect<Change>) -> Option<&'static str> {
    Some(match effect {
        Effect::Record(record) => match record {
            CoordinatorRecord::Began { .. } => "controller: before recording the beginning",
            CoordinatorRecord::Decided {
                decision: Decision::Confirm,
                ..
            } => "controller: before recording confirm",
            CoordinatorRecord::Decided {
                decision: Decision::Revert { .. },
                ..
            } => "controller: before recording revert",
            CoordinatorRecord::Settled { .. } => "controller: before recording the ending",
            CoordinatorRecord::Cleared { .. } => "controller: before recording a cleared debt",
        },
        Effect::Send(request) => match request.order {
            Order::Stage { .. } => "controller: before sending stage",
            Order::Apply => "controller: before sending apply",
            Order::Renew { .. } => "controller: before sending renew",
            Order::Confirm { .. } => "controller: before sending confirm",
            Order::Revert { .. } => "controller: before sending revert",
            Order::Inquire => "controller: before sending inquire",
        },
        Effect::Gate { .. } => "controller: before asking the gate",
        Effect::Release { .. } => "controller: before releasing a device",
        Effect::Repaired { .. } => "controller: before clearing a debt",
        Effect::Settled(_) => "controller: before telling the ending",
        Effect::Forget => "controller: before forgetting",
        Effect::Arm { .. } | Effect::Disarm(_) | Effect::Progress(_) | Effect::Verify { .. } => return None,
    })
}
