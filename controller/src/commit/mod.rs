//! Drives transactions: performs what the coordinator decides, and decides nothing.

mod bounded;
mod change;
mod doubt;
mod fault;
mod hub;
mod merge;
mod point;
mod put_off;
mod room;
mod run;
mod tally;
mod timers;
mod track;
mod tracks;
mod verdict;

pub use bounded::{Bounded, Decided};
pub use change::{Change, Content, Entry};
pub use doubt::Restored;
pub use fault::DeviceFault;
pub use hub::{Agents, Gates, Ground, Hub, Outcome};
pub use merge::{Ride, endings, together};
pub use run::{Decisions, now};
pub use track::{Event, Track};
