//! The `entente` program: takes intents, plans them, drives transactions, watches that they hold.

fn main() {}
