//! Enrolment over Secure Transport (RFC 7030): how an agent comes to its certificate, and to the next one.

mod client;
mod envelope;
mod server;

pub use client::{Applying, Enrolment, EstError, dial, digest};
pub use envelope::{EnvelopeError, certificates, seal};
pub use server::serve;
