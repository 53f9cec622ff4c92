//! Agents and events at a controller that runs as a process of its own; the agents are made here, from the wire alone,
//! so that they can also do what ours never do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod crafted;
mod joining;
mod living;
mod stage;
mod telling;
