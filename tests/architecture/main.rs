//! The rules of the tree, each checked with the file and the rule named.
//!
//! A rule that has no exception stands in its module alone; an exception stands beside its rule with the reason, and an
//! exception that nothing needs any more fails too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod edges;
mod fuzzers;
mod headers;
mod map;
mod purity;
mod speech;
mod tree;
mod words;

/// Fails with every breach, one a line.
fn none(breaches: &[String]) {
    assert!(
        breaches.is_empty(),
        "{} breaches:\n{}",
        breaches.len(),
        breaches.join("\n")
    );
}
