//! Simulated devices: NETCONF and CLI over SSH, with faults on command.
//!
//! They share no code with what they test: datastores, framing, XML and grammars are their own.

mod cli;
pub mod control;
pub mod device;
mod door;
pub mod fault;
pub mod log;
pub mod netconf;
pub mod personality;
pub mod schema;
mod shared;
pub mod store;
mod wire;
pub mod xml;

pub use device::{Device, Options, StartError};
pub use fault::{Act, Armed, Fault, Moment, Quirk};
pub use log::Protocol;
pub use personality::{PERSONALITIES, Personality};
pub use store::Store;
