//! From intents and the network as it is to the exact change of each device. Nothing here acts.

mod address;
mod again;
mod consider;
mod cut;
mod document;
mod gate;
mod look;
mod make;
mod moved;
mod once;
mod promise;
mod repair;
mod risk;
mod still;
mod touch;
mod valid;
mod waves;

pub use again::{Taken, again, standing};
pub use consider::{consider, names, renamed, replaced};
pub use cut::Way;
pub use document::{DevicePlan, Plan, PlannedIntent, PlannedWish, Purpose, Warning};
pub use gate::{Grounds, PlannedCheck, PlannedGate, Word, gate};
pub use look::Look;
pub use make::{Draft, Drafted, Ground, PlanError, counted, draft, finish};
pub use moved::moved;
pub use once::{brings_once, named, once_together, twice};
pub use repair::{Deviation, accepted, deviations, repaired};
pub use risk::weighed;
pub use still::gone;
pub use waves::order;

use knowledge_model::{Delta, Tree};

/// Whether a change can move packets or sessions: one that cannot is not looked at, and asks nothing of a device.
pub fn stirs(delta: &Delta) -> bool {
    touch::Touch::new(delta, &Tree::new()).stirs()
}
