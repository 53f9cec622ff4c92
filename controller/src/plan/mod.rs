//! From intents and the network as it is to the exact change of each device. Nothing here acts.

mod document;
mod make;

pub use document::{Plan, PlannedIntent};
pub use make::{Draft, Drafted, Ground, PlanError, draft, finish};
