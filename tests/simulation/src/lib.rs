//! Seeded worlds in which agents must agree whatever fails.
//!
//! A world runs the machines of `transaction` against a simulated network, disk and device of every class, kills
//! processes between any two effects, and checks the eight invariants after every step.

pub mod adapter;
pub mod chance;
pub mod change;
pub mod device;
pub mod disk;
pub mod ledger;
pub mod oracle;
pub mod planted;
pub mod points;
pub mod report;
pub mod respect;
pub mod weather;
pub mod world;
