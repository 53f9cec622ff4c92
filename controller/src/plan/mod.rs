//! From intents and the network as it is to the exact change of each device. Nothing here acts.

mod again;
mod consider;
mod document;
mod make;
mod moved;
mod repair;
mod still;

pub use again::{Taken, again, standing};
pub use consider::{consider, names, renamed};
pub use document::{DevicePlan, Plan, PlannedIntent, PlannedWish, Purpose, Warning};
pub use make::{Draft, Drafted, Ground, PlanError, draft, finish};
pub use moved::moved;
pub use repair::{Deviation, accepted, deviations, repaired};
pub use still::gone;
