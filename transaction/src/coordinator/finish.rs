//! The way from the decision to the end: acknowledgements, debts, settlement.

use super::turn::Turn;
use super::{Coordinator, Effect, Phase, Stand, Timer};
use crate::{
    Answer, Cleared, CoordinatorRecord, Debt, Decision, Due, Ending, Order, Reason, Reply, Settlement, Step, Torn,
    TransactionId,
};

/// What a debt asks of the device.
pub(super) fn repayment<C: Clone>(debt: &Debt<C>) -> Option<(TransactionId, Order<C>)> {
    let Due::Repair { decision, change } = &debt.due else {
        return None;
    };
    let change = Some(change.clone());
    let order = match decision {
        Decision::Confirm => Order::Confirm { change },
        Decision::Revert { .. } => Order::Revert { change },
    };
    Some((debt.transaction, order))
}

impl<C: Clone> Coordinator<C> {
    /// A participant answers about what it is owed from before.
    pub(super) fn repaid(&mut self, at: usize, reply: Reply, turn: &mut Turn<C>) {
        let (device, paid) = (self.seats[at].device, self.seats[at].paid);
        let owed = self.charge.members[at]
            .debts
            .get(paid)
            .is_some_and(|it| it.transaction == reply.transaction);
        if self.phase != Phase::Repaying || self.seats[at].stand != Stand::Repaying || !owed {
            return;
        }
        match (reply.step, reply.answer) {
            (Step::Confirm, Answer::Confirmed) | (Step::Revert, Answer::Reverted) => {
                self.clear(at, reply.transaction, Cleared::Repaired, turn);
                self.seats[at].paid += 1;
                self.seats[at].tries = 0;
                turn.disarm(Timer::Resend(device));
                self.repay(at, turn);
                self.prepare_if_repaid(turn);
            }
            (Step::Confirm | Step::Revert, Answer::Deferred { reason }) => self.seats[at].deferred = Some(reason),
            (Step::Confirm | Step::Revert, Answer::Foreign { what: reason }) => {
                self.revert(Reason::Owed { device, reason }, turn);
            }
            (Step::Confirm | Step::Revert, _) => {
                let reason = "it says that the opposite was done".to_owned();
                self.revert(Reason::Owed { device, reason }, turn);
            }
            (Step::Stage | Step::Apply | Step::Renew { .. } | Step::Inquire, _) => {}
        }
    }

    /// With its vote a participant has let go of what was waived.
    pub(super) fn clear_waived(&mut self, at: usize, turn: &mut Turn<C>) {
        let waived = self.charge.members[at]
            .debts
            .iter()
            .filter(|it| it.is_waived())
            .map(|it| it.transaction);
        for transaction in waived.collect::<Vec<_>>() {
            self.clear(at, transaction, Cleared::Waived, turn);
        }
    }

    fn clear(&self, at: usize, transaction: TransactionId, how: Cleared, turn: &mut Turn<C>) {
        let device = self.seats[at].device;
        turn.record(CoordinatorRecord::Cleared {
            transaction,
            device,
            how,
            at: turn.now,
        });
        turn.push(Effect::Repaired { transaction, device });
    }

    /// A participant answers to the decision.
    pub(super) fn ended(&mut self, at: usize, reply: Reply, turn: &mut Turn<C>) {
        let expected = if self.phase == Phase::Confirming {
            Step::Confirm
        } else {
            Step::Revert
        };
        if self.seats[at].is_over() || reply.step != expected {
            return;
        }
        let other = "it says that the opposite was done".to_owned();
        match reply.answer {
            Answer::Confirmed if expected == Step::Confirm => self.over(at, Stand::Ended, turn),
            Answer::Reverted if expected == Step::Revert => self.over(at, Stand::Ended, turn),
            Answer::Confirmed | Answer::Reverted => self.over(at, Stand::Owed { reason: other }, turn),
            Answer::Foreign { what } => self.over(at, Stand::Owed { reason: what }, turn),
            Answer::Deferred { reason } => {
                self.note(Some(reply.device), &reason, turn);
                self.seats[at].deferred = Some(reason);
            }
            Answer::Unknown if !self.seats[at].forgot => {
                self.seats[at].forgot = true;
                self.say(at, turn);
            }
            Answer::Unknown
            | Answer::Staged { .. }
            | Answer::Refused { .. }
            | Answer::Stale { .. }
            | Answer::Busy { .. }
            | Answer::Applied
            | Answer::Failed { .. }
            | Answer::Renewed
            | Answer::Lapsed
            | Answer::Superseded { .. }
            | Answer::Stands { .. } => {}
        }
        if self.seats[at].is_over() && self.has_reverted() && !self.waits_for_wave() {
            self.tell_next_wave(turn);
        }
        self.settle_if_over(turn);
    }

    /// Whether a wave that has been told to revert is not through.
    fn waits_for_wave(&self) -> bool {
        self.seats.iter().any(|it| it.touched && it.stand == Stand::Told)
    }

    /// This participant is through.
    pub(super) fn over(&mut self, at: usize, stand: Stand, turn: &mut Turn<C>) {
        let owed = matches!(stand, Stand::Owed { .. });
        let device = self.seats[at].device;
        self.seats[at].stand = stand;
        turn.disarm(Timer::Resend(device));
        if !owed {
            let step = if self.phase == Phase::Confirming {
                Step::Confirm
            } else {
                Step::Revert
            };
            self.stepped(at, step, turn);
            turn.push(Effect::Release { device, owed });
        }
    }

    /// Who is not there after `repair_within` is owed.
    pub(super) fn give_up(&mut self, turn: &mut Turn<C>) {
        if !matches!(self.phase, Phase::Confirming | Phase::Reverting { .. }) {
            return;
        }
        for at in 0..self.seats.len() {
            if !self.seats[at].is_over() {
                let reason = self.seats[at]
                    .deferred
                    .take()
                    .unwrap_or_else(|| "it did not answer".to_owned());
                self.over(at, Stand::Owed { reason }, turn);
            }
        }
        self.settle_if_over(turn);
    }

    pub(super) fn settle_if_over(&mut self, turn: &mut Turn<C>) {
        let decided = matches!(self.phase, Phase::Confirming | Phase::Reverting { .. });
        if !decided || !self.seats.iter().all(super::Seat::is_over) {
            return;
        }
        let torn: Vec<Torn> = self.seats.iter().filter_map(super::Seat::torn).collect();
        let ending = match (self.decision(), torn.is_empty()) {
            (Some(Decision::Revert { reason }), true) => Ending::RolledBack { reason },
            (Some(decision), false) => Ending::Torn {
                decision,
                devices: torn,
            },
            (Some(Decision::Confirm) | None, _) => Ending::Committed,
        };
        turn.record(CoordinatorRecord::Settled {
            transaction: self.charge.transaction,
            ending: ending.clone(),
            at: turn.now,
        });
        self.end(ending, turn);
    }

    /// Tells the ending. A device that is owed goes into quarantine only now that this is on record.
    pub(super) fn end(&mut self, ending: Ending, turn: &mut Turn<C>) {
        turn.disarm(Timer::Revert);
        turn.disarm(Timer::Repair);
        for seat in &self.seats {
            if matches!(seat.stand, Stand::Owed { .. }) {
                turn.push(Effect::Release {
                    device: seat.device,
                    owed: true,
                });
            }
        }
        let forgettable = !matches!(ending, Ending::Torn { .. });
        self.phase = Phase::Settled { ending: ending.clone() };
        let Self { charge, .. } = &*self;
        let settlement = Settlement {
            transaction: charge.transaction,
            intents: charge.intents.clone(),
            ending,
        };
        turn.push(Effect::Settled(settlement));
        if forgettable {
            turn.push(Effect::Forget);
        }
    }
}

impl super::Seat {
    fn torn(&self) -> Option<Torn> {
        let Stand::Owed { reason } = &self.stand else {
            return None;
        };
        Some(Torn {
            device: self.device,
            guarantee: self.guarantee,
            reason: reason.clone(),
        })
    }
}
