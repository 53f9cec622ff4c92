//! The agent beside the devices: one process that speaks for one to a thousand of them.
//!
//! Each device has one driver, a task that does what its [`transaction::Participant`] says: records are durable before
//! anything that stands behind them, device steps go over the adapters' sessions, words go to the controller through
//! the two bounded channels of [`link`]. After a crash the records say what was open, the device says where it stands,
//! and the controller is asked what was decided.

pub mod app;
pub mod check;
pub mod config;
pub mod credential;
pub mod desk;
pub mod driver;
pub mod ear;
pub mod events;
pub mod evidence;
pub mod eyes;
pub mod failure;
#[cfg(torture)]
#[path = "../../tests/torture/halt.rs"]
pub mod halt;
pub mod identity;
pub mod ledger;
pub mod link;
pub mod part;
mod point;
pub mod promise;
mod reach;
mod reading;
mod sampling;
mod sense;
mod slate;
mod state;
mod tell;
mod trusted;
pub mod watch;
pub mod ways;
pub mod wire;
