//! Admission: the whole set of a transaction's devices at once, or a place in a fair, bounded, visible queue.

mod effect;

pub use effect::{Effect, Input, Limits, Refusal, Submission, Timer, Waiting};

/// The one admission of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    limits: Limits,
}
