//! The network as configuration: paths, trees, deltas, owners, inventory and topology.
//!
//! A device's configuration is a sorted map from instance path to value. Diff, inverse, ownership, plan and drift are
//! operations on such maps. Nothing here reads a file, a clock or a socket.

pub mod containerlab;
pub mod data;
pub mod delta;
pub mod distinct;
pub mod document;
pub mod inventory;
pub mod merge;
pub mod owners;
pub mod path;
pub mod references;
pub mod schema;
pub mod topology;
pub mod tree;
pub mod types;

pub use data::{Invalid, Limits};
pub use delta::{Delta, Edit, Mismatch, diff};
pub use inventory::Inventory;
pub use merge::merge;
pub use owners::{Ownership, Wish};
pub use path::{Path, PathError, Step};
pub use schema::Schema;
pub use topology::Topology;
pub use tree::{Tree, Value};
