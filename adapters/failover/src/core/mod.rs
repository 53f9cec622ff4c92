//! What decides: circuits, health, the choice of a protocol, and what is safe where.

mod circuit;
mod health;
mod safety;
mod selector;

pub use circuit::Circuit;
pub use health::Health;
pub use safety::{Means, Phase, Situation, Verdict, Want, leads_elsewhere, may, may_begin};
pub use selector::{Policy, Selector};
