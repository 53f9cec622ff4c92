//! The `entente-agent` program: speaks for devices in transactions.

fn main() {}
