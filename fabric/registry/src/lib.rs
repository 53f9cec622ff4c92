//! Which agents there are, what they can do, and whether they live.
