//! Our sessions against real NETCONF servers, with ncclient as the judge of what is on the device.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "real/doors.rs"]
mod doors;
#[path = "real/ietf.rs"]
mod ietf;
#[path = "real/netconfd.rs"]
mod netconfd;
#[path = "real/steps.rs"]
mod steps;
#[path = "real/strangers.rs"]
mod strangers;
