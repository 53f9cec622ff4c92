//! The streaming RPC between controller and agents: `entente.v1`.
//!
//! The protobuf files under `proto/` are the contract, for programs in any language. This crate adds what both of our
//! programs need around them: the numbering that lets a stream go on after a loss ([`ledger`]), the checks at the door
//! ([`hello`]), and the two ends of a stream, [`AgentLink`] and [`ControllerLink`]. It knows no TLS: it is given
//! connections that are authenticated already, each with its [`Peer`].

mod agent;
mod controller;
mod envelope;
pub mod hello;
pub mod ledger;
mod limits;
mod outlet;
mod peer;
mod stay;

pub use agent::{AgentLink, JoinError, Membership};
pub use controller::{ControllerLink, Door, ServeError};
pub use envelope::Envelope;
pub use limits::Limits;
pub use outlet::{Lost, OfferError, Outlet};
pub use peer::{Connection, Peer, Place, Registers, Rights};

/// The versions of the protocol that this crate speaks.
pub const VERSIONS: std::ops::RangeInclusive<u32> = 1..=1;

/// The compiled descriptor set of the protobuf files: what reflection and breakage checks read.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/entente.v1.binpb"));

#[allow(
    missing_docs,
    clippy::all,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "generated code; the protobuf files carry the documentation"
)]
pub mod v1 {
    //! The messages, as the protobuf files describe them.
    tonic::include_proto!("entente.v1");
}
