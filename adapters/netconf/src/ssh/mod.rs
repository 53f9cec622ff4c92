//! SSH as a stream: host keys, logins, algorithms, and the subsystem at the end.

mod algorithms;
mod connect;
mod host_key;
mod login;
mod stream;

pub use algorithms::Algorithms;
pub use connect::{ConnectError, Connection, Endpoint, connect};
pub use host_key::{FirstUse, HostKeyError, HostKeys};
pub use login::{Credential, Login, LoginError};
