//! A device as small as can be: before or after, pending or not, staged in a session or not.

use transaction::participant::{Operation, Outcome};
use transaction::{Guarantee, Standing, TakenBack};

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Device {
    pub class: Guarantee,
    /// Nothing changes on it.
    pub looks_on: bool,
    pub after: bool,
    pub pending: bool,
    pub staged: bool,
    /// What happened to it, ever.
    pub was_staged: bool,
    pub was_applied: bool,
    pub confirmed: bool,
    /// Applies that were no repair.
    pub applies: u8,
}

impl Device {
    pub fn new(class: Guarantee, looks_on: bool) -> Self {
        Self {
            class,
            looks_on,
            after: false,
            pending: false,
            staged: false,
            was_staged: false,
            was_applied: false,
            confirmed: false,
            applies: 0,
        }
    }

    fn has_timer(&self) -> bool {
        self.class.taken_back() != TakenBack::ByAgent
    }

    /// The session ends.
    pub fn drops(&mut self) {
        self.staged = false;
        if self.class.taken_back() == TakenBack::BySession && self.pending {
            self.takes_back();
        }
    }

    /// Its timer fires.
    pub fn takes_back(&mut self) {
        self.after = false;
        self.pending = false;
    }

    pub fn does(&mut self, work: &Operation<u8>) -> Outcome {
        if self.looks_on {
            return self.is_looked_at(work);
        }
        let unknown = || Outcome::Unknown { reason: String::new() };
        match work {
            Operation::Stage { .. } if self.after => Outcome::Stale { what: String::new() },
            Operation::Stage { .. } | Operation::Restage { .. } => {
                self.staged = true;
                self.was_staged = true;
                Outcome::Staged {
                    evidence: String::new(),
                    guarantee: self.class,
                    renews: true,
                }
            }
            Operation::Apply { .. } if !self.staged => Outcome::Refused { reason: String::new() },
            Operation::Apply { .. } => {
                self.after = true;
                self.pending = self.has_timer();
                self.was_applied = true;
                self.applies += 1;
                Outcome::Applied
            }
            Operation::Renew { .. } if self.pending => Outcome::Renewed,
            Operation::Confirm { .. } if self.after => {
                self.pending = false;
                self.staged = false;
                self.confirmed = true;
                Outcome::Confirmed { saved: true }
            }
            Operation::Renew { .. } | Operation::Confirm { .. } => unknown(),
            Operation::Revert { .. } => {
                self.takes_back();
                self.staged = false;
                Outcome::Reverted
            }
            Operation::Read { .. } => Outcome::Stands {
                standing: self.standing(),
            },
        }
    }

    /// Nothing is locked and nothing is written: what has to stand stands.
    fn is_looked_at(&mut self, work: &Operation<u8>) -> Outcome {
        match work {
            Operation::Stage { .. } | Operation::Restage { .. } => {
                self.was_staged = true;
                Outcome::Staged {
                    evidence: String::new(),
                    guarantee: self.class,
                    renews: true,
                }
            }
            Operation::Apply { .. } => {
                self.was_applied = true;
                Outcome::Applied
            }
            Operation::Read { .. } => {
                self.was_applied = true;
                let standing = Standing::Applied;
                Outcome::Stands { standing }
            }
            Operation::Renew { .. } => Outcome::Renewed,
            Operation::Confirm { .. } => Outcome::Confirmed { saved: true },
            Operation::Revert { .. } => Outcome::Reverted,
        }
    }

    fn standing(&self) -> Standing {
        match (self.after, self.has_timer() && !self.pending) {
            (false, _) => Standing::Untouched,
            (true, false) => Standing::Applied,
            (true, true) => Standing::Confirmed,
        }
    }
}
