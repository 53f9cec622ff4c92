//! Seeded worlds in which agents must agree whatever fails.

fn main() {}
