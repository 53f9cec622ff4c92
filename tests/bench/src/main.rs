//! Benchmarks that run the peer on the same work in the same run.

fn main() {}
