//! The points of a driver: between any two effects there is one, and each has a name.

use transaction::participant::{Effect, Operation};
use transaction::{ParticipantRecord, Step};

use crate::part::Part;

/// The point before an effect; none before one that nobody outside can notice.
pub(crate) fn before(effect: &Effect<Part>) -> Option<&'static str> {
    Some(match effect {
        Effect::Record(record) => match record {
            ParticipantRecord::Pending { .. } => "agent: before recording the way back",
            ParticipantRecord::Raised { .. } => "agent: before recording the leader",
            ParticipantRecord::Ended { .. } => "agent: before recording the end",
        },
        Effect::Device { work, .. } => match work {
            Operation::Stage { .. } => "agent: before stage on the device",
            Operation::Restage { .. } => "agent: before stage of a repair on the device",
            Operation::Apply { .. } => "agent: before apply on the device",
            Operation::Renew { .. } => "agent: before renew on the device",
            Operation::Confirm { .. } => "agent: before confirm on the device",
            Operation::Revert { .. } => "agent: before revert on the device",
            Operation::Read { .. } => "agent: before reading the device",
        },
        Effect::Reply(reply) => match reply.step {
            Step::Stage => "agent: before answering stage",
            Step::Apply => "agent: before answering apply",
            Step::Renew { .. } => "agent: before answering renew",
            Step::Confirm => "agent: before answering confirm",
            Step::Revert => "agent: before answering revert",
            Step::Inquire => "agent: before answering inquire",
        },
        Effect::Inquire(_) => "agent: before asking what was decided",
        Effect::Arm { .. } | Effect::Disarm(_) => return None,
    })
}
