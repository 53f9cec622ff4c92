//! What an adapter does with a simulated device at each operation, as the table of device steps says.

use crate::change::{Change, Image, Path, Value};
use crate::device::{Device, Pending, Who};
use crate::planted::planted;
use std::collections::BTreeSet;
use transaction::participant::{Operation, Outcome};
use transaction::{Guarantee, Standing, TransactionId};

/// What an operation did beside its outcome.
#[derive(Debug, Default)]
pub struct Trace {
    /// The change took effect.
    pub applied: bool,
    /// It is permanent now.
    pub confirmed: bool,
    /// The device's timer was armed: the arming, and the span in milliseconds.
    pub armed: Option<(u32, u64)>,
    /// Where a stranger's work was found in the way and named in the receipt before it went.
    pub named: BTreeSet<Path>,
}

/// One operation at one device, in one session.
pub struct Act<'a> {
    /// Where.
    pub device: &'a mut Device,
    /// In which session.
    pub session: u32,
    /// For which transaction: what the persist id says.
    pub transaction: TransactionId,
    /// A by-lines device refuses after so many lines.
    pub lines: Option<usize>,
    /// The device cannot save.
    pub cannot_save: bool,
    /// What else came of it.
    pub trace: Trace,
}

impl Act<'_> {
    /// Does it. Where a stranger's work was found the session is closed: a person has to get at the device.
    pub fn perform(&mut self, operation: &Operation<Change>) -> Outcome {
        let outcome = self.attempt(operation);
        if matches!(outcome, Outcome::Foreign { .. }) {
            if self.has_pending() {
                self.name_what_goes(operation.change());
            }
            self.device.close(self.session);
        }
        outcome
    }

    fn attempt(&mut self, operation: &Operation<Change>) -> Outcome {
        if operation.change().looks_on() {
            return self.look_on(operation);
        }
        match operation {
            Operation::Stage { change, .. } => self.stage(change, false),
            Operation::Restage { change } => self.stage(change, true),
            Operation::Apply { change, lease, .. } => self.apply(change, millis(*lease)),
            Operation::Renew { lease, .. } => self.renew(millis(*lease)),
            Operation::Confirm { change, .. } => self.confirm(change),
            Operation::Revert { change, .. } => self.revert(change),
            Operation::Read { change, .. } => self.look(change),
        }
    }

    /// Nothing changes: whatever the step, it is looked whether all stands that has to, and nothing is locked or written.
    fn look_on(&mut self, operation: &Operation<Change>) -> Outcome {
        if let Some(stale) = self.moved(operation.change()) {
            return stale;
        }
        match operation {
            Operation::Stage { .. } | Operation::Restage { .. } => Outcome::Staged {
                evidence: self.transaction.to_string(),
                guarantee: self.device.class,
                renews: self.device.renews,
            },
            Operation::Apply { .. } => {
                self.trace.applied = true;
                Outcome::Applied
            }
            Operation::Read { .. } => {
                self.trace.applied = true;
                let standing = Standing::Applied;
                Outcome::Stands { standing }
            }
            Operation::Renew { .. } => Outcome::Renewed,
            Operation::Confirm { .. } => Outcome::Confirmed { saved: true },
            Operation::Revert { .. } => Outcome::Reverted,
        }
    }

    /// What has to stand and does not, if anything.
    fn moved(&self, change: &Change) -> Option<Outcome> {
        let mut stands = change.stands.iter();
        let moved = stands.find(|(path, value)| self.device.read(**path) != **value);
        let (path, _) = moved.filter(|_| !planted("stage-blind"))?;
        let what = format!("path {path} does not stand as it did");
        Some(Outcome::Stale { what })
    }

    /// Locks, or says who is in the way.
    fn lock(&mut self) -> Result<(), Outcome> {
        let me = Who::Session(self.session);
        let busy = |holder: &str| {
            Err(Outcome::Busy {
                holder: holder.to_owned(),
            })
        };
        if self.device.in_flight.iter().any(|it| *it != self.session) {
            return busy("an older session of ours that is still at work");
        }
        match self.device.lock {
            Some(it) if it != me => {
                return busy(if it == Who::Operator {
                    "the operator"
                } else {
                    "an older session"
                });
            }
            Some(_) => return Ok(()),
            None => {}
        }
        if self.device.has_candidate() && !self.device.candidate.is_empty() {
            return busy("a dirty candidate");
        }
        if self.device.has_lock() {
            self.device.lock = Some(me);
        }
        Ok(())
    }

    fn unlock(&mut self) {
        if self.device.lock == Some(Who::Session(self.session)) {
            self.device.lock = None;
        }
        self.device.staged.take_if(|(it, _)| *it == self.session);
    }

    fn stage(&mut self, change: &Change, again: bool) -> Outcome {
        if let Err(busy) = self.lock() {
            if planted("lock-with-edit") && !self.device.candidate.is_empty() && self.device.lock.is_none() {
                self.device.candidate.clear();
            }
            return busy;
        }
        let image = change.image(|it| self.device.read(it));
        let good = image == Image::Before || again && (image != Image::Foreign);
        if self.device.pending.is_some() {
            self.unlock();
            return Outcome::Busy {
                holder: "a change that is not confirmed yet".to_owned(),
            };
        }
        if !good && !planted("stage-blind") {
            self.unlock();
            return Outcome::Stale {
                what: format!("the touched paths read {image:?}"),
            };
        }
        // Of what was decided it does not count any more what stands beside it.
        if let Some(stale) = self.moved(change).filter(|_| !again) {
            self.unlock();
            return stale;
        }
        if self.device.has_candidate() {
            let me = Who::Session(self.session);
            self.device
                .candidate
                .extend(change.edits.iter().map(|(path, (_, after))| (*path, (*after, me))));
        }
        self.device.staged = Some((self.session, self.transaction));
        if planted("drop-lock-early") {
            self.device.lock = None;
        }
        let (guarantee, renews) = (self.device.class, self.device.renews);
        Outcome::Staged {
            evidence: self.transaction.to_string(),
            guarantee,
            renews,
        }
    }

    fn apply(&mut self, change: &Change, lease: u64) -> Outcome {
        if self.device.staged != Some((self.session, self.transaction)) {
            return Outcome::Refused {
                reason: "nothing is staged".to_owned(),
            };
        }
        // Without a lock the device may have moved on since it was staged.
        if !self.device.has_lock()
            && change.image(|it| self.device.read(it)) == Image::Foreign
            && !planted("stage-blind")
        {
            return Outcome::Refused {
                reason: "the device moved on since it was staged".to_owned(),
            };
        }
        let snapshot = self.device.running.clone();
        let complete = self.write(change);
        let session = match self.device.class {
            Guarantee::Confirmed | Guarantee::Timed => Some(None),
            Guarantee::Session => Some(Some(self.session)),
            Guarantee::Whole | Guarantee::Plain => None,
        };
        if let Some(session) = session {
            self.device.pending = Some(Pending {
                persist: self.transaction,
                session,
                snapshot,
                armed: 0,
            });
            self.trace.armed = Some((self.device.arm(), lease));
        }
        if !complete {
            return Outcome::Refused {
                reason: "a line was refused".to_owned(),
            };
        }
        self.trace.applied = true;
        Outcome::Applied
    }

    /// Writes the change into running. A candidate is committed whole, with whatever a stranger put there.
    fn write(&mut self, change: &Change) -> bool {
        if self.device.has_candidate() {
            self.commit_candidate();
            return true;
        }
        let lines = self.lines.unwrap_or(change.edits.len());
        for (path, (_, after)) in change.edits.iter().take(lines) {
            self.device.running.insert(*path, *after);
        }
        lines >= change.edits.len()
    }

    fn commit_candidate(&mut self) {
        let candidate = std::mem::take(&mut self.device.candidate);
        let values = candidate.into_iter().map(|(path, (value, _))| (path, value));
        self.device.running.extend(values);
    }

    fn is_dirty(&self) -> bool {
        self.device.candidate.values().any(|(_, who)| *who == Who::Operator)
    }

    fn has_pending(&self) -> bool {
        self.device
            .pending
            .as_ref()
            .is_some_and(|it| it.persist == self.transaction)
    }

    fn renew(&mut self, lease: u64) -> Outcome {
        if !self.has_pending() {
            return Outcome::Unknown {
                reason: "unknown persist id".to_owned(),
            };
        }
        if self.is_dirty() {
            return Outcome::Foreign {
                what: "the candidate holds a stranger's edits".to_owned(),
            };
        }
        if let Err(busy) = self.lock() {
            return busy;
        }
        self.trace.armed = Some((self.device.arm(), lease));
        Outcome::Renewed
    }

    fn confirm(&mut self, change: &Change) -> Outcome {
        if self.has_pending() && self.is_dirty() {
            if !planted("confirm-dirty") {
                return Outcome::Foreign {
                    what: "the candidate holds a stranger's edits".to_owned(),
                };
            }
            self.commit_candidate();
        } else if let Err(busy) = self.lock() {
            return busy;
        }
        let there = change.image(|it| self.device.read(it)) == Image::After;
        if !self.has_pending() && !there {
            self.unlock();
            return Outcome::Unknown {
                reason: "unknown persist id".to_owned(),
            };
        }
        self.device.pending = None;
        self.trace.confirmed = true;
        if self.cannot_save {
            return Outcome::Confirmed { saved: false };
        }
        self.device.startup = self.device.running.clone();
        self.unlock();
        Outcome::Confirmed { saved: true }
    }

    fn revert(&mut self, change: &Change) -> Outcome {
        if self.device.staged.is_some_and(|(it, _)| it == self.session) {
            let me = Who::Session(self.session);
            self.device.candidate.retain(|_, (_, who)| *who != me);
        }
        if self.has_pending() {
            self.name_what_goes(change);
            self.device.take_back();
        }
        match change.image(|it| self.device.read(it)) {
            Image::Foreign => {
                self.unlock();
                return Outcome::Foreign {
                    what: "the touched paths hold a stranger's values".to_owned(),
                };
            }
            Image::Before if self.device.in_flight.iter().all(|it| *it == self.session) => {
                self.unlock();
                return Outcome::Reverted;
            }
            Image::Before | Image::After | Image::Mixed => {}
        }
        if let Err(busy) = self.lock() {
            return busy;
        }
        let inverse: Vec<(Path, Value)> = change
            .edits
            .iter()
            .map(|(path, (before, _))| (*path, *before))
            .collect();
        self.device.running.extend(inverse);
        self.unlock();
        Outcome::Reverted
    }

    /// What a cancel erases beside our own change is named in the receipt before it is done.
    fn name_what_goes(&mut self, change: &Change) {
        let Some(pending) = self.device.pending.as_ref().filter(|_| !planted("cancel-unnamed")) else {
            return;
        };
        let running = self.device.running.iter();
        let differs = running.filter(|(path, value)| pending.snapshot.get(path) != Some(*value));
        let foreign = differs.filter(|(path, value)| change.edits.get(path).is_none_or(|(_, after)| after != *value));
        self.trace.named.extend(foreign.map(|(path, _)| *path));
    }

    fn look(&self, change: &Change) -> Outcome {
        let timer = self.has_pending();
        let agent = matches!(self.device.class, Guarantee::Whole | Guarantee::Plain);
        let standing = match change.image(|it| self.device.read(it)) {
            Image::Foreign => {
                return Outcome::Foreign {
                    what: "the touched paths hold a stranger's values".to_owned(),
                };
            }
            Image::Before => Standing::Untouched,
            Image::After if timer || agent => Standing::Applied,
            Image::After => Standing::Confirmed,
            Image::Mixed => Standing::Unknown,
        };
        Outcome::Stands { standing }
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
