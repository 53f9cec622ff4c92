//! Our sessions against a real FRR router in a network namespace, with netmiko as the judge of what is on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]

#[path = "real/linux.rs"]
mod linux;
#[path = "real/router.rs"]
mod router;
#[path = "real/samples.rs"]
mod samples;
#[path = "real/steps.rs"]
mod steps;
