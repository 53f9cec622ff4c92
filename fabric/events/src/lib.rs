//! Signed events between agents.
