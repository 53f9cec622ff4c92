//! The streaming RPC between controller and agents: `entente.v1`.
