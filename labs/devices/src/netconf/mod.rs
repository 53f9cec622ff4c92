//! NETCONF as a device speaks it: framing, operations, edits, filters, errors.

pub mod check;
pub mod edit;
mod error;
mod filter;
pub mod framing;
pub mod hello;
pub mod rpc;
mod session;
mod state;
mod strange;

pub use error::RpcError;
pub use session::serve;

/// The namespace of NETCONF's base.
pub const NS: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";
/// The namespace of get-schema.
pub const MONITORING: &str = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring";
