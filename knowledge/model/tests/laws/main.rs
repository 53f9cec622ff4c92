//! Laws of paths, trees, deltas, texts and owners over configurations that the schema generates.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may")]

mod owners;
mod sample;
mod trees;
