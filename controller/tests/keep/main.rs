//! What an operator does with a network that lives: takes back, repairs, accepts, compares, freezes, replaces.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod again;
mod approval;
mod cases;
mod drift;
mod history;
mod lab;
mod merging;
mod offered;
mod once;
mod owed;
mod probe;
mod rollback;
#[path = "../stage/mod.rs"]
mod stage;
mod standing;
mod still;
