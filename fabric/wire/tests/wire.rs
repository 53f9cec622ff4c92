//! What a stream promises, over real sockets, and what the protobuf files promise to those who built on them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod compatibility;
mod stream;
