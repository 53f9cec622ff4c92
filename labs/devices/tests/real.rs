//! Foreign judges: ncclient and netmiko drive the simulated devices; scripts compare them with the real thing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what it expects")]

#[path = "real/frr.rs"]
mod frr;
#[path = "real/judges.rs"]
mod judges;
#[path = "real/netconfd.rs"]
mod netconfd;
#[path = "real/peers.rs"]
mod peers;
