//! A platform file as the dialect of a device.

use crate::dialect::{Dialect, DialectError};
use crate::rpc::Features;
use crate::xml::{self, Element};
use adapters_platform::{Native, NativeError};
use knowledge_model::{Delta, Path, Tree};

/// The native section of a platform.
pub struct PlatformDialect {
    native: Native,
    state: Option<Box<PlatformDialect>>,
}

impl PlatformDialect {
    /// From the native section of a platform.
    pub fn new(native: Native) -> Self {
        Self { native, state: None }
    }

    /// With the nodes of the platform's state section.
    #[must_use]
    pub fn with_state(mut self, state: Option<&Native>) -> Self {
        self.state = state.map(|it| Box::new(Self::new(it.clone())));
        self
    }
}

impl Dialect for PlatformDialect {
    fn filter(&self, paths: &[Path]) -> Result<String, DialectError> {
        self.native.filter(paths).map_err(said)
    }

    fn edit(&self, delta: &Delta) -> Result<String, DialectError> {
        self.native.edit(delta).map_err(said)
    }

    fn edit_for(&self, delta: &Delta, features: &Features) -> Result<String, DialectError> {
        if features.has_base("1.1") {
            return self.edit(delta);
        }
        self.native.edit_by_delete(delta).map_err(said)
    }

    fn read(&self, data: &Element) -> Result<Tree, DialectError> {
        self.native.read(&xml::write(data)).map_err(said)
    }

    fn state(&self) -> Option<&dyn Dialect> {
        self.state.as_deref().map(|it| it as &dyn Dialect)
    }
}

// What the platform says of a value stays with the platform: the value may be a secret in clear.
fn said(error: NativeError) -> DialectError {
    match error {
        NativeError::Unsupported { path } => DialectError::Unmapped(path),
        NativeError::Inexpressible { path } => DialectError::Value { path },
        other @ (NativeError::Malformed { .. } | NativeError::Limit { .. } | NativeError::Stale(_)) => {
            DialectError::Data(Box::new(other))
        }
    }
}
