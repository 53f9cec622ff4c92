//! The datastores of a device, their locks, and the commit that waits to be confirmed: no clock, no socket.

mod commit;
#[cfg(test)]
mod tests;
mod tree;

use std::sync::Arc;

pub use commit::{Commit, Pending, Timer};
pub use tree::Entry;

use crate::fault::Quirk;
use crate::netconf::{RpcError, check};
use crate::personality::Traits;

/// Which datastore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    /// What is in force.
    Running,
    /// What is being prepared.
    Candidate,
    /// What a restart begins with.
    Startup,
}

/// The datastores, shared by every protocol of the device.
#[derive(Debug)]
pub struct Datastores {
    /// What is in force.
    pub running: Arc<Entry>,
    /// What is being prepared.
    pub candidate: Arc<Entry>,
    /// What a restart begins with.
    pub startup: Arc<Entry>,
    /// Whether the candidate was edited since it was last equal to running by design.
    pub dirty: bool,
    /// The commit that waits to be confirmed.
    pub pending: Option<Pending>,
    /// The habits that are armed now.
    pub quirks: Vec<Quirk>,
    lost: bool,
    separate_startup: bool,
    has_candidate: bool,
    locks: [Option<u32>; 3],
    generation: u64,
}

impl Datastores {
    /// Datastores that all hold this configuration.
    pub fn new(traits: Option<Traits>, initial: Entry) -> Datastores {
        let initial = Arc::new(initial);
        Datastores {
            running: Arc::clone(&initial),
            candidate: Arc::clone(&initial),
            startup: initial,
            dirty: false,
            pending: None,
            quirks: Vec::new(),
            lost: false,
            separate_startup: traits.is_none_or(|traits| traits.startup),
            has_candidate: traits.is_none_or(|traits| traits.candidate),
            locks: [None; 3],
            generation: 0,
        }
    }

    /// The content of a datastore.
    pub fn content(&self, store: Store) -> &Arc<Entry> {
        match store {
            Store::Running => &self.running,
            Store::Candidate => &self.candidate,
            Store::Startup => &self.startup,
        }
    }

    /// Replaces the content of a datastore; a device without a startup of its own saves running by itself.
    pub fn set(&mut self, store: Store, content: Entry) {
        let content = Arc::new(content);
        match store {
            Store::Running => self.set_running(content),
            Store::Candidate => {
                self.dirty = true;
                self.candidate = content;
            }
            Store::Startup => self.startup = content,
        }
    }

    /// Puts a configuration in force.
    pub fn set_running(&mut self, content: Arc<Entry>) {
        if !(self.has_candidate && self.dirty) {
            self.candidate = Arc::clone(&content);
        }
        self.running = content;
        if !self.separate_startup && self.pending.is_none() {
            self.startup = Arc::clone(&self.running);
        }
    }

    /// Saves running.
    pub fn save(&mut self) {
        self.startup = Arc::clone(&self.running);
    }

    /// Whether a habit is armed.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Who holds a lock.
    pub fn holder(&self, store: Store) -> Option<u32> {
        self.locks[store as usize]
    }

    /// Locks a datastore for a session.
    ///
    /// # Errors
    /// When it is locked, when a confirmed commit is pending, or when the candidate is dirty.
    pub fn lock(&mut self, store: Store, session: u32) -> Result<(), RpcError> {
        if let Some(holder) = self.holder(store) {
            return Err(RpcError::lock_denied(holder));
        }
        if store == Store::Candidate && self.dirty {
            return Err(RpcError::lock_denied(0));
        }
        if store == Store::Running && self.pending.as_ref().is_some_and(|it| !it.belongs_to(session)) {
            return Err(RpcError::lock_denied(0));
        }
        self.locks[store as usize] = Some(session);
        Ok(())
    }

    /// Unlocks a datastore; an unlocked candidate loses what was not committed.
    ///
    /// # Errors
    /// When the session does not hold the lock.
    pub fn unlock(&mut self, store: Store, session: u32) -> Result<(), RpcError> {
        match self.holder(store) {
            Some(holder) if holder == session => self.release(store),
            Some(holder) => return Err(RpcError::lock_denied(holder)),
            None => return Err(RpcError::protocol("operation-failed", "nobody holds this lock")),
        }
        Ok(())
    }

    fn release(&mut self, store: Store) {
        self.locks[store as usize] = None;
        if store == Store::Candidate {
            self.discard();
        }
    }

    /// Fails when another session holds the lock.
    ///
    /// # Errors
    /// `in-use`, with the words of the device.
    pub fn usable(&self, store: Store, session: u32) -> Result<(), RpcError> {
        match self.holder(store) {
            Some(holder) if holder != session => {
                Err(RpcError::protocol("in-use", format!("locked by session {holder}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Makes the candidate equal to running.
    pub fn discard(&mut self) {
        self.candidate = Arc::clone(&self.running);
        self.dirty = false;
    }

    /// What the end of a session does: its locks go, its volatile commit is taken back.
    pub fn end_session(&mut self, session: u32) {
        if self.pending.as_ref().is_some_and(|it| it.dies_with(session)) {
            self.take_back();
        }
        for store in [Store::Running, Store::Candidate, Store::Startup] {
            if self.holder(store) == Some(session) {
                self.release(store);
            }
        }
    }

    /// What a restart does: startup alone is left.
    pub fn restart(&mut self) {
        self.locks = [None; 3];
        self.pending = None;
        self.running = Arc::clone(&self.startup);
        self.discard();
    }

    /// Checks a datastore as a whole.
    ///
    /// # Errors
    /// What it misses.
    pub fn validate(&mut self, store: Store) -> Result<(), RpcError> {
        self.lost |= store == Store::Candidate && self.has(Quirk::ValidateLosesEdit);
        check::check(self.content(store))
    }
}
