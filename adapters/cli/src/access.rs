//! The way to one device over its command line.

use crate::observer::CliObserver;
use crate::session::CliSession;
use crate::target::Target;
use adapters_port::{Access, Answer, Capabilities, ConfigureSession, Deadline, Observer, Protocol, SessionError};
use std::sync::Arc;

/// Opens sessions to one device.
pub struct CliAccess {
    target: Arc<Target>,
}

impl CliAccess {
    /// The way to this device.
    pub fn new(target: Target) -> Self {
        Self {
            target: Arc::new(target),
        }
    }

    /// A session for configuring, as its own type.
    ///
    /// # Errors
    /// Where the device cannot be reached, or does not let us in.
    pub async fn session(&self, by: Deadline) -> Result<CliSession, SessionError> {
        let terminal = self.target.open(by).await?;
        Ok(CliSession::new(Arc::clone(&self.target), terminal))
    }

    /// A session for reading, as its own type.
    ///
    /// # Errors
    /// Where the device cannot be reached, or does not let us in.
    pub async fn observer(&self, by: Deadline) -> Result<CliObserver, SessionError> {
        let terminal = self.target.open(by).await?;
        Ok(CliObserver::new(Arc::clone(&self.target), terminal))
    }
}

impl Access for CliAccess {
    fn protocol(&self) -> Protocol {
        Protocol::Cli
    }

    fn capabilities(&self, by: Deadline) -> Answer<'_, Capabilities> {
        Box::pin(async move {
            let terminal = self.target.open(by).await?;
            Ok(self.target.capabilities(&terminal))
        })
    }

    fn configure(&self, by: Deadline) -> Answer<'_, Box<dyn ConfigureSession>> {
        Box::pin(async move { Ok(Box::new(self.session(by).await?) as Box<dyn ConfigureSession>) })
    }

    fn observe(&self, by: Deadline) -> Answer<'_, Box<dyn Observer>> {
        Box::pin(async move { Ok(Box::new(self.observer(by).await?) as Box<dyn Observer>) })
    }
}
