//! Which protocol a device is spoken to over, chosen by measured health, and what is safe when one dies.
//!
//! The core decides, with the time as an argument; the driver opens sessions, asks the core and does what it says.
//! Callers need not notice a switch, operators must: every one is told, and stands in the receipt.

mod core;
mod driver;

pub use core::{
    Circuit, Health, Means, Phase, Policy, Selector, Situation, Verdict, Want, leads_elsewhere, may, may_begin,
};
pub use driver::{Failover, FailoverObserver, FailoverSession, Memory, Switch, Tell, Terms};
