//! Validation of canonical configuration by libyang, the only place that links it.
//!
//! The YANG modules are built in and compiled once; a [`Validator`] serves all threads. Its work is bounded by the size
//! of what it is given, and takes long enough on a large device that an async program calls it on a blocking thread.

mod device;
mod faults;
mod glance;
mod libyang;
mod modules;
mod table;
mod validator;

pub use device::DeviceModules;
pub use libyang::{Format, LoadError};
pub use modules::MODULES;
pub use table::table;
pub use validator::Validator;
