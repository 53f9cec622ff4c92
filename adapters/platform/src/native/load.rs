//! The `native` section.

use super::Native;
use knowledge_model::document::{Faults, Node};

pub(crate) fn read(node: &Node, faults: &Faults) -> Option<Native> {
    node.fields(faults)?.end();
    Some(Native {})
}
