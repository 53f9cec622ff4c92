//! The participant: speaks for one device, and answers for it after any crash.

mod effect;

pub use effect::{Effect, Input, Operation, Outcome, Timer};

use crate::DeviceId;

/// The participant of one device, for one transaction after the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Participant<C> {
    device: DeviceId,
    change: Option<C>,
}
