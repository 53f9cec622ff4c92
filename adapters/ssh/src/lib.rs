//! SSH as a stream: host keys, logins, algorithms, and at the end a subsystem or a terminal.
//!
//! NETCONF and the command line share it, so that a device has one set of host keys and one way to log in.

mod algorithms;
mod connect;
mod host_key;
mod login;
mod stream;

pub use algorithms::Algorithms;
pub use connect::{ConnectError, Connection, Endpoint, connect};
pub use host_key::{FirstUse, HostKeyError, HostKeys};
pub use login::{Credential, Login, LoginError};
pub use stream::Stream;
