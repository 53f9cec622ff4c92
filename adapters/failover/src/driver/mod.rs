//! What acts: it opens sessions, asks the core what is safe, and does that.

mod configure;
mod finish;
mod memory;
mod observe;
mod route;

pub use configure::{FailoverSession, Terms};
pub use memory::Memory;
pub use observe::FailoverObserver;
pub use route::{Failover, Switch, Tell};
