//! A simulated device: running, candidate, startup, locks, sessions, a confirmed commit with a timer of its own.
//! It knows nothing of transactions; who writes is told to it only so that the invariants can be checked.

use crate::change::{Path, Value};
use std::collections::{BTreeMap, BTreeSet};
use transaction::{Guarantee, TransactionId};

/// Who wrote a value or holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A session of ours.
    Session(u32),
    /// The operator.
    Operator,
}

/// A configuration.
pub type Config = BTreeMap<Path, Value>;

/// An unconfirmed change that the device takes back by itself.
#[derive(Debug, Clone)]
pub struct Pending {
    /// For whom: what a persist id says.
    pub persist: TransactionId,
    /// The session whose end takes it back, where that is so.
    pub session: Option<u32>,
    /// What is brought back.
    pub snapshot: Config,
    /// Which arming of the timer counts.
    pub armed: u32,
}

/// One device.
#[derive(Debug, Clone)]
pub struct Device {
    /// What it promises.
    pub class: Guarantee,
    /// Whether its timer may be renewed.
    pub renews: bool,
    /// What is in effect.
    pub running: Config,
    /// What a reboot brings back.
    pub startup: Config,
    /// What was edited into the candidate, and by whom. Empty: the candidate is clean.
    pub candidate: BTreeMap<Path, (Value, Who)>,
    /// Who holds it exclusively.
    pub lock: Option<Who>,
    /// Sessions that are alive.
    pub sessions: BTreeSet<u32>,
    /// Which session has staged what.
    pub staged: Option<(u32, TransactionId)>,
    /// What it will take back.
    pub pending: Option<Pending>,
    /// Whether it answers.
    pub up: bool,
    /// Sessions with an operation that has not taken effect yet.
    pub in_flight: BTreeSet<u32>,
    next_session: u32,
    armings: u32,
}

impl Device {
    /// A device of this class, with this configuration.
    pub fn new(class: Guarantee, renews: bool, running: Config) -> Self {
        Self {
            class,
            renews,
            startup: running.clone(),
            running,
            candidate: BTreeMap::new(),
            lock: None,
            sessions: BTreeSet::new(),
            staged: None,
            pending: None,
            up: true,
            in_flight: BTreeSet::new(),
            next_session: 0,
            armings: 0,
        }
    }

    /// Whether changes go through a candidate.
    pub fn has_candidate(&self) -> bool {
        match self.class {
            Guarantee::Confirmed | Guarantee::Session | Guarantee::Whole => true,
            Guarantee::Timed | Guarantee::Plain => false,
        }
    }

    /// Whether others can be kept out. A bare CLI has no lock.
    pub fn has_lock(&self) -> bool {
        self.class != Guarantee::Plain
    }

    /// What stands there.
    pub fn read(&self, path: Path) -> Value {
        self.running.get(&path).copied().unwrap_or(0)
    }

    /// A new session.
    pub fn open(&mut self) -> u32 {
        self.next_session += 1;
        self.sessions.insert(self.next_session);
        self.next_session
    }

    /// A session ends: its locks go, what it left in the candidate too, and what hangs on it.
    pub fn close(&mut self, session: u32) {
        self.sessions.remove(&session);
        self.in_flight.remove(&session);
        if self.lock == Some(Who::Session(session)) {
            self.lock = None;
        }
        self.candidate.retain(|_, (_, who)| *who != Who::Session(session));
        self.staged.take_if(|(it, _)| *it == session);
        if self.pending.as_ref().is_some_and(|it| it.session == Some(session)) {
            self.take_back();
        }
    }

    /// Arms the timer of the unconfirmed change anew and says which arming it is.
    pub fn arm(&mut self) -> u32 {
        self.armings += 1;
        if let Some(pending) = &mut self.pending {
            pending.armed = self.armings;
        }
        self.armings
    }

    /// The timer fired.
    pub fn expire(&mut self, armed: u32) -> bool {
        let counts = self.up && self.pending.as_ref().is_some_and(|it| it.armed == armed);
        if counts {
            self.take_back();
        }
        counts
    }

    /// Brings back what was before the unconfirmed change.
    pub fn take_back(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.running = pending.snapshot;
        }
    }

    /// The power goes and comes back.
    pub fn reboot(&mut self) {
        self.running = self.startup.clone();
        self.candidate.clear();
        self.lock = None;
        self.sessions.clear();
        self.in_flight.clear();
        self.staged = None;
        self.pending = None;
    }

    /// Whether anything of ours is left: a lock, a stage, a change without its confirmation.
    pub fn is_clean(&self) -> bool {
        !matches!(self.lock, Some(Who::Session(_))) && self.staged.is_none() && self.pending.is_none()
    }
}
