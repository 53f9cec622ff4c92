//! The way to one device over its command line.

use crate::observer::CliObserver;
use crate::session::CliSession;
use crate::target::Target;
use crate::terminal::Terminal;
use adapters_port::{Access, Answer, Capabilities, ConfigureSession, Deadline, Observer, Protocol, SessionError};
use std::sync::{Arc, OnceLock};

/// Opens sessions to one device.
pub struct CliAccess {
    target: Arc<Target>,
    /// What a session can do, once one was opened: the platform says it, and being let in shows that it is so.
    known: OnceLock<Capabilities>,
}

impl CliAccess {
    /// The way to this device.
    pub fn new(target: Target) -> Self {
        Self {
            target: Arc::new(target),
            known: OnceLock::new(),
        }
    }

    async fn open(&self, by: Deadline) -> Result<Terminal, SessionError> {
        let terminal = self.target.open(by).await?;
        self.known.get_or_init(|| self.target.capabilities(terminal.session()));
        Ok(terminal)
    }

    /// A session for configuring, as its own type.
    ///
    /// # Errors
    /// Where the device cannot be reached, or does not let us in.
    pub async fn session(&self, by: Deadline) -> Result<CliSession, SessionError> {
        let terminal = self.open(by).await?;
        Ok(CliSession::new(Arc::clone(&self.target), terminal))
    }

    /// A session for reading, as its own type.
    ///
    /// # Errors
    /// Where the device cannot be reached, or does not let us in.
    pub async fn observer(&self, by: Deadline) -> Result<CliObserver, SessionError> {
        let terminal = self.open(by).await?;
        Ok(CliObserver::new(Arc::clone(&self.target), terminal))
    }
}

impl Access for CliAccess {
    fn protocol(&self) -> Protocol {
        Protocol::Cli
    }

    fn capabilities(&self, by: Deadline) -> Answer<'_, Capabilities> {
        Box::pin(async move {
            if let Some(known) = self.known.get() {
                return Ok(known.clone());
            }
            let terminal = self.open(by).await?;
            Ok(self.target.capabilities(terminal.session()))
        })
    }

    fn configure(&self, by: Deadline) -> Answer<'_, Box<dyn ConfigureSession>> {
        Box::pin(async move { Ok(Box::new(self.session(by).await?) as Box<dyn ConfigureSession>) })
    }

    fn observe(&self, by: Deadline) -> Answer<'_, Box<dyn Observer>> {
        Box::pin(async move { Ok(Box::new(self.observer(by).await?) as Box<dyn Observer>) })
    }
}
