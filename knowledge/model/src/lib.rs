//! The network as configuration: paths, trees, deltas, owners, inventory and topology.
