//! The canonical model in a device's own YANG.

pub(crate) mod load;

/// The native section of a platform.
#[derive(Debug, Clone)]
pub struct Native {}
