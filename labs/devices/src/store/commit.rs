//! Commit and confirmed commit (RFC 6241 §8.4) over the datastores.

use std::sync::Arc;
use std::time::Duration;

use super::{Datastores, Entry, Store};
use crate::fault::Quirk;
use crate::netconf::{RpcError, check};

/// What a commit asks for.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The session that asks.
    pub session: u32,
    /// For a confirmed commit: how long it holds unconfirmed.
    pub confirmed: Option<Duration>,
    /// The id that lets it outlive its session.
    pub persist: Option<String>,
    /// The id of the pending commit that this one renews or confirms.
    pub persist_id: Option<String>,
}

/// A commit that waits to be confirmed.
#[derive(Debug, Clone)]
pub struct Pending {
    before: Arc<Entry>,
    persist: Option<String>,
    session: u32,
    generation: u64,
}

impl Pending {
    /// Whether this session made it.
    pub fn belongs_to(&self, session: u32) -> bool {
        self.session == session
    }

    /// The id under which it persists.
    pub fn persist(&self) -> Option<&str> {
        self.persist.as_deref()
    }

    /// Whether it ends with this session.
    pub fn dies_with(&self, session: u32) -> bool {
        self.persist.is_none() && self.session == session
    }
}

/// A timer that the driver arms; when it fires, it comes back with its generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// Which arming it is.
    pub generation: u64,
    /// When it fires.
    pub after: Duration,
}

impl Datastores {
    /// Puts the candidate in force, for good or until a timer fires.
    ///
    /// # Errors
    /// When a lock, a pending commit or the candidate's content forbids it.
    pub fn commit(&mut self, commit: &Commit) -> Result<Option<Timer>, RpcError> {
        self.owns_pending(commit.session, commit.persist_id.as_deref())?;
        self.usable(Store::Running, commit.session)?;
        self.usable(Store::Candidate, commit.session)?;
        if std::mem::take(&mut self.lost) {
            self.discard();
            return Ok(None);
        }
        check::check(&self.candidate)?;
        let content = Arc::clone(&self.candidate);
        self.dirty = false;
        Ok(self.put_in_force(content, commit))
    }

    /// Confirms or begins a confirmed commit with this content.
    pub fn put_in_force(&mut self, content: Arc<Entry>, commit: &Commit) -> Option<Timer> {
        let kept = self
            .pending
            .take()
            .map(|it| it.before)
            .filter(|_| !self.has(Quirk::RenewalMovesBack));
        let before = kept.unwrap_or_else(|| Arc::clone(&self.running));
        let timer = commit.confirmed.map(|after| {
            self.generation += 1;
            self.pending = Some(Pending {
                before,
                persist: commit.persist.clone(),
                session: commit.session,
                generation: self.generation,
            });
            Timer {
                generation: self.generation,
                after,
            }
        });
        self.set_running(content);
        timer
    }

    /// Takes a pending commit back on demand.
    ///
    /// # Errors
    /// When there is none, or it belongs to somebody else.
    pub fn cancel(&mut self, session: u32, persist_id: Option<&str>) -> Result<(), RpcError> {
        if self.pending.is_none() && persist_id.is_none() {
            return Err(RpcError::protocol("operation-failed", "no confirmed commit is pending"));
        }
        self.owns_pending(session, persist_id)?;
        self.take_back();
        Ok(())
    }

    /// A timer fired: says whether its commit was still pending and has been taken back.
    pub fn expire(&mut self, generation: u64) -> bool {
        let due = self.pending.as_ref().is_some_and(|it| it.generation == generation);
        if due && self.has(Quirk::LockBlocksRevert) && self.holder(Store::Running).is_some() {
            self.pending = None;
            return false;
        }
        if due {
            self.take_back();
        }
        due
    }

    /// Restores what was in force before the pending commit.
    pub fn take_back(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        if self.has(Quirk::CandidateKept) {
            self.candidate = std::mem::replace(&mut self.running, pending.before);
            self.dirty = false;
        } else {
            self.set_running(pending.before);
        }
    }

    /// From now on running returns to what it is, unless it is accepted before the timer.
    pub fn guard(&mut self, session: u32, after: Duration) -> Timer {
        self.generation += 1;
        let before = self
            .pending
            .take()
            .map_or_else(|| Arc::clone(&self.running), |it| it.before);
        let persist = Some("revert timer".to_owned());
        self.pending = Some(Pending {
            before,
            persist,
            session,
            generation: self.generation,
        });
        Timer {
            generation: self.generation,
            after,
        }
    }

    /// Running stays as it is; says whether a timer was pending.
    pub fn accept(&mut self) -> bool {
        self.pending.take().is_some()
    }

    fn owns_pending(&self, session: u32, persist_id: Option<&str>) -> Result<(), RpcError> {
        if self.has(Quirk::LaxCommit) {
            return Ok(());
        }
        let persist = self.pending.as_ref().map(|it| it.persist.as_deref());
        match (persist, persist_id) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(RpcError::protocol(
                "invalid-value",
                "no persistent confirmed commit is pending",
            )),
            (Some(Some(held)), Some(given)) if held == given => Ok(()),
            (Some(_), Some(_)) => Err(RpcError::protocol("invalid-value", "another persist-id is pending")),
            (Some(None), None) if self.pending.as_ref().is_some_and(|it| it.belongs_to(session)) => Ok(()),
            (Some(_), None) => Err(RpcError::protocol("in-use", "another confirmed commit is pending")),
        }
    }
}
