//! Drives transactions: performs what the coordinator decides, and decides nothing.

mod change;
mod hub;
mod point;
mod run;
mod timers;
mod track;

pub use change::{Change, Content};
pub use hub::{Agents, Gates, Ground, Hub, Outcome};
pub use run::{Decisions, now};
pub use track::{Event, Track};
