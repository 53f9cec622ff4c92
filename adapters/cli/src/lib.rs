//! An operator's terminal over SSH behind the port.
//!
//! From the outside in: an access opens sessions, a session takes the device steps, a device reads and is typed at, a
//! terminal carries lines and their answers up to the next prompt. What differs between vendors stands in the platform.

mod access;
mod commit;
mod composed;
mod device;
mod locks;
mod observer;
pub mod screen;
mod session;
mod target;
pub mod terminal;
mod vault;

pub use access::CliAccess;
pub use composed::{Composed, Part};
pub use locks::Locks;
pub use observer::CliObserver;
pub use session::CliSession;
pub use target::{Dial, OverSsh, Target};
