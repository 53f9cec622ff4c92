//! What must outlive the process: over which protocol something of ours may lie on the device.

use super::route::{Failover, Shared};
use crate::core::{Phase, Situation};
use adapters_port::{Protocol, SessionError, Step};
use futures::future::BoxFuture;
use std::io;
use std::sync::{Arc, PoisonError};

/// Where that is kept. A process that died in the middle of a stage leaves a session that may be half alive, and nothing
/// else knows of it.
pub trait Memory: Send + Sync {
    /// What was kept last.
    fn recall(&self) -> Option<Protocol>;

    /// Keeps this, durably, before it is answered.
    fn keep(&self, protocol: Option<Protocol>) -> BoxFuture<'_, io::Result<()>>;
}

impl Failover {
    /// The same, and what a process before this one may have left on the device counts.
    #[must_use]
    pub fn remembering(self, memory: Arc<dyn Memory>) -> Self {
        if let Some(protocol) = memory.recall() {
            *self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(protocol);
            self.shared.situation(|it| *it = Situation::left_behind(protocol));
        }
        // Set once, before anybody else has this.
        drop(self.shared.memory.set(memory));
        self
    }
}

impl Shared {
    /// The first byte of a stage leaves over this protocol: nothing is sent that the next process would not know of.
    pub(super) async fn remember(&self, protocol: Protocol) -> Result<(), SessionError> {
        self.note(Some(protocol)).await.map_err(|error| {
            let message = format!("that a change goes over {protocol} cannot be written down: {error}");
            self.refused(protocol, Step::Stage, message)
        })
    }

    /// Forgets what has ended. Where that cannot be written, the next process is more careful than it has to be.
    pub(super) async fn forget(&self) {
        let nothing = self.situation(|it| it.phase == Phase::Nothing);
        if nothing && let Err(error) = self.note(None).await {
            tracing::warn!(device = self.device, %error, "that a change has ended cannot be written down");
        }
    }

    async fn note(&self, protocol: Option<Protocol>) -> io::Result<()> {
        let Some(memory) = self.memory.get().filter(|_| self.routes.len() > 1) else {
            return Ok(());
        };
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept() == protocol {
            return Ok(());
        }
        memory.keep(protocol).await?;
        *kept() = protocol;
        Ok(())
    }
}
