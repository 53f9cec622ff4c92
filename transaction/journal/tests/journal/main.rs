//! The journal held to its promises: cuts, damage, power failures between any two calls, fencing, loss.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

mod committing;
mod cutting;
mod disk;
mod keeping;
mod opening;
mod power;
mod recovering;
