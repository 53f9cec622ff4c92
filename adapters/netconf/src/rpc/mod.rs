//! The protocol's operations and replies as types (RFC 6241), and the exchange that carries them.

mod capability;
mod exchange;
mod operation;
mod reply;

pub use adapters_ssh::Stream;
pub use capability::{ConfirmedCommit, Features};
pub use exchange::{Exchange, ExchangeError, Limits};
pub use operation::{Commit, Datastore, EditConfig, ErrorOption, Filter, Operation, TestOption, WithDefaults};
pub use reply::{Reply, ReplyError, RpcError};
