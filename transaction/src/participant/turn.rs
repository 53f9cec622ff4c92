//! One step under way: the moment, and the effects so far.

use super::live::{Live, Work};
use super::{Effect, Operation, Participant, Timer};
use crate::{Answer, Epoch, Inquiry, Moment, ParticipantRecord, Reply, Step, TransactionId};
use std::time::Duration;

/// Collects the effects of one step, in order.
pub(super) struct Turn<C> {
    pub now: Moment,
    pub effects: Vec<Effect<C>>,
}

impl<C> Turn<C> {
    pub fn new(now: Moment) -> Self {
        Self {
            now,
            effects: Vec::new(),
        }
    }

    pub fn push(&mut self, effect: Effect<C>) {
        self.effects.push(effect);
    }

    pub fn record(&mut self, record: ParticipantRecord<C>) {
        self.effects.push(Effect::Record(record));
    }

    pub fn arm(&mut self, timer: Timer, after: Duration) {
        self.effects.push(Effect::Arm { timer, after });
    }

    pub fn disarm(&mut self, timer: Timer) {
        self.effects.push(Effect::Disarm(timer));
    }
}

/// What a reply is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub transaction: TransactionId,
    pub epoch: Epoch,
    pub step: Step,
}

impl<C: Clone> Participant<C> {
    pub(super) fn reply(&self, about: About, answer: Answer, turn: &mut Turn<C>) {
        let About {
            transaction,
            epoch,
            step,
        } = about;
        turn.push(Effect::Reply(Reply {
            transaction,
            epoch,
            device: self.device,
            step,
            answer,
        }));
    }

    /// Answers the request that is open, if one is.
    pub(super) fn answer(&mut self, answer: Answer, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        let Some(step) = live.owes.take() else { return };
        let about = About {
            transaction: live.transaction,
            epoch: live.epoch,
            step,
        };
        self.reply(about, answer, turn);
    }

    pub(super) fn inquire(&self, turn: &mut Turn<C>) {
        if let Some(Live {
            transaction,
            epoch,
            hold,
            ..
        }) = &self.live
        {
            turn.push(Effect::Inquire(Inquiry {
                transaction: *transaction,
                epoch: *epoch,
                device: self.device,
                standing: hold.standing(),
            }));
        }
    }

    /// Starts an operation on the device. One at a time: the caller has looked that none is under way.
    pub(super) fn work(&mut self, work: Work, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        self.operations += 1;
        live.work = Some((self.operations, work));
        if self.leftover.is_none() {
            self.set_to_work(turn);
        }
    }

    /// Hands out the operation that was started: at most one is under way.
    pub(super) fn set_to_work(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &self.live else { return };
        let Some((operation, work)) = live.work else { return };
        let (change, evidence) = (live.change.clone(), live.evidence.clone().unwrap_or_default());
        let lease = live.lease.span(live.renews);
        let work = match work {
            Work::Stage => Operation::Stage {
                change,
                comment: live.comment.clone(),
            },
            Work::Restage => Operation::Restage { change },
            Work::Apply | Work::Reapply => Operation::Apply {
                change,
                evidence,
                lease,
            },
            Work::Renew => Operation::Renew {
                change,
                evidence,
                lease,
            },
            Work::Confirm => Operation::Confirm { change, evidence },
            Work::Revert | Work::LetGo => Operation::Revert {
                change,
                evidence: live.evidence.clone(),
            },
            Work::Look(_) => Operation::Read { change, evidence },
        };
        turn.push(Effect::Device { operation, work });
    }
}
