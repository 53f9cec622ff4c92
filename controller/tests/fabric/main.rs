//! Agents and events at a controller that runs as a process of its own; the agents are made here, from the wire alone,
//! so that they can also do what ours never do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod beside;
mod crafted;
mod full;
mod hostile;
mod joining;
mod lab;
mod later;
mod links;
mod living;
mod lying;
mod older;
mod overlap;
mod python;
mod refused;
mod rights;
mod stage;
mod telling;
mod trust;
