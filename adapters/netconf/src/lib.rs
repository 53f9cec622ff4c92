//! NETCONF over SSH behind the port.
//!
//! From the outside in: an access opens sessions, a session takes the device steps, steps are flights of operations,
//! an exchange carries them framed over a stream, and SSH is the stream.

mod access;
mod conversation;
mod dialect;
pub mod framing;
mod observer;
mod platform;
pub mod rpc;
pub mod schema;
mod secrets;
mod session;
mod steps;
mod target;
mod watch;
pub mod xml;

pub use access::NetconfAccess;
pub use adapters_ssh as ssh;
pub use dialect::{Dialect, DialectError, Quirks, Style};
pub use observer::NetconfObserver;
pub use platform::PlatformDialect;
pub use session::NetconfSession;
pub use target::{Dial, OverSsh, Target};
pub use watch::NetconfWatch;
