//! The durable record of decisions: an append-only file with group commit.
