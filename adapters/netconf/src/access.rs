//! The way to one device over NETCONF.

use crate::observer::NetconfObserver;
use crate::schema::Schemas;
use crate::session::NetconfSession;
use crate::target::Target;
use adapters_port::{Access, Answer, Capabilities, ConfigureSession, Deadline, Observer, Protocol, SessionError};
use std::sync::{Arc, Mutex, PoisonError};

/// Opens sessions to one device.
pub struct NetconfAccess {
    target: Arc<Target>,
    known: Mutex<Option<Capabilities>>,
    schemas: Option<Arc<Schemas>>,
}

impl NetconfAccess {
    /// The way to this device.
    pub fn new(target: Target) -> Self {
        Self {
            target: Arc::new(target),
            known: Mutex::new(None),
            schemas: None,
        }
    }

    /// The same, and an edit is held to the device's own modules before it is sent.
    #[must_use]
    pub fn held_to(mut self, schemas: Arc<Schemas>) -> Self {
        self.schemas = Some(schemas);
        self
    }

    /// A session for configuring, as its own type.
    pub async fn session(&self, by: Deadline) -> Result<NetconfSession, SessionError> {
        let conversation = self.target.open(by).await?;
        self.learn(self.target.capabilities(&conversation.exchange));
        let schemas = self.schemas.clone();
        Ok(NetconfSession::new(Arc::clone(&self.target), conversation, schemas))
    }

    /// A session for reading, as its own type.
    pub async fn observer(&self, by: Deadline) -> Result<NetconfObserver, SessionError> {
        let conversation = self.target.open(by).await?;
        self.learn(self.target.capabilities(&conversation.exchange));
        Ok(NetconfObserver::new(Arc::clone(&self.target), conversation))
    }

    fn learn(&self, capabilities: Capabilities) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(capabilities);
    }

    fn known(&self) -> Option<Capabilities> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Access for NetconfAccess {
    fn protocol(&self) -> Protocol {
        Protocol::Netconf
    }

    fn capabilities(&self, by: Deadline) -> Answer<'_, Capabilities> {
        Box::pin(async move {
            if let Some(known) = self.known() {
                return Ok(known);
            }
            let conversation = self.target.open(by).await?;
            let capabilities = self.target.capabilities(&conversation.exchange);
            self.learn(capabilities.clone());
            Ok(capabilities)
        })
    }

    fn configure(&self, by: Deadline) -> Answer<'_, Box<dyn ConfigureSession>> {
        Box::pin(async move { Ok(Box::new(self.session(by).await?) as Box<dyn ConfigureSession>) })
    }

    fn observe(&self, by: Deadline) -> Answer<'_, Box<dyn Observer>> {
        Box::pin(async move { Ok(Box::new(self.observer(by).await?) as Box<dyn Observer>) })
    }
}
