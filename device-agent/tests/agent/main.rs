//! The agent in this process, with a controller's end of the link in the test's hand and a device that outlives it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

mod bench;
mod coming_back;
mod configuring;
mod device;
mod faults;
mod promised;
mod serving;
mod switching;
mod wired;
