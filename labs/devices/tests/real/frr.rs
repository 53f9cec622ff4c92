//! Scripts against FRR.
