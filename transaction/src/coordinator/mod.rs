//! The coordinator: gathers votes, applies wave by wave, decides once, and sees the decision through.

mod effect;

pub use effect::{Effect, Input, Timer, Verdict};

use crate::{Charge, Epoch};

/// The coordinator of one transaction, in one epoch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coordinator<C> {
    charge: Charge<C>,
    epoch: Epoch,
}
