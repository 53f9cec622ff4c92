//! Signed events between agents: CloudEvents in JSON, each with a signature that its sender's certificate vouches for.
//!
//! What decides is pure: [`Event`] and its canonical form, [`sign`], the [`Verifier`] with its bounded memory, the
//! [`Filter`]. The [`Outbox`] and the memory's file keep what must survive; [`mqtt`] carries.

#[cfg(test)]
extern crate self as fabric_events;

pub mod broker;
mod canonical;
mod edwards;
mod event;
mod filter;
mod hearing;
mod memory;
pub mod mqtt;
mod mutant;
mod outbox;
mod signature;
mod verifier;

pub use event::{Event, EventError, KINDS, LARGEST, Severity, is_kind, stamp};
pub use filter::{Filter, ROOT, level, topic};
pub use hearing::{Hearing, Unheard};
pub use memory::{Memory, MemoryFile};
pub use outbox::{Outbox, OutboxError};
pub use signature::{SignError, Signer};
pub use verifier::{Counts, Reason, Terms, Verifier};
