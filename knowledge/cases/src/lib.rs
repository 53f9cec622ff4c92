//! What happened before, and finding it again.
