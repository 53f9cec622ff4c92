//! The program itself: enrolled with a real authority, over mutual TLS, against simulated and real devices, killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

mod controller;
mod dying;
mod frr;
mod leaving;
mod netconfd;
mod program;
mod starting;
