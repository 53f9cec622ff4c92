//! The `entente-lab` program: starts simulated devices and labs.

fn main() {}
