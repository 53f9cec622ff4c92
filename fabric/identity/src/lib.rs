//! Who an agent is: the certificate authority, enrolment, revocation, mutual TLS.
//!
//! What decides is pure and takes the time as an argument: [`identity`] (names, roles, scopes), [`application`] (a
//! request and what must be true of it), [`roll`] (who was given what, and what became of it). [`Authority`] keeps that
//! on disk and signs; [`tls`] and [`Acceptor`] hold every connection to it while it lives; [`est`] is how an agent
//! comes to its certificate.

mod acceptor;
pub mod application;
mod authority;
mod certificate;
pub mod claims;
pub mod est;
pub mod identity;
pub mod lines;
pub mod list;
pub mod roll;
pub mod tls;

pub use acceptor::{Acceptor, Caller, Crowd, Guarded, MOST_OF_ONE};
pub use authority::{Authority, AuthorityError, Credential, LifeTimes, Revocations, Taken};
pub use certificate::{Certificate, CertificateError, KeyKind};
pub use claims::Claims;
pub use identity::{Identity, Name, Permission, Role};

/// Makes the cryptography that the whole program uses known to its libraries; first thing in a `main`.
pub fn install_cryptography() {
    // An error says that it is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
