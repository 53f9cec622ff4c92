//! The way to a decision: begin, prepare, apply wave by wave, ask the gate.

use super::turn::Turn;
use super::{Coordinator, Effect, Phase, Stand, Timer, Verdict};
use crate::{Act, CoordinatorRecord, Decision, Due, Gate, Order, Reason, Request, TransactionId};

/// A resend waits twice as long after each try, up to this many times.
const SLOWEST: u32 = 4;

impl<C: Clone> Coordinator<C> {
    pub(super) fn begin(&mut self, turn: &mut Turn<C>) {
        if self.phase != Phase::New {
            return;
        }
        turn.record(CoordinatorRecord::Began {
            charge: self.charge.clone(),
            at: turn.now,
        });
        turn.arm(Timer::Prepare, self.charge.terms.prepare_within);
        self.phase = Phase::Repaying;
        for at in 0..self.seats.len() {
            self.repay(at, turn);
        }
        self.prepare_if_repaid(turn);
    }

    /// Asks for the next debt of this participant, if there is one.
    pub(super) fn repay(&mut self, at: usize, turn: &mut Turn<C>) {
        let debts = &self.charge.members[at].debts;
        while debts.get(self.seats[at].paid).is_some_and(|it| it.is_waived()) {
            self.seats[at].paid += 1;
        }
        let owed = self.seats[at].paid < debts.len();
        self.seats[at].stand = if owed { Stand::Repaying } else { Stand::Idle };
        if owed {
            self.say(at, turn);
        }
    }

    pub(super) fn prepare_if_repaid(&mut self, turn: &mut Turn<C>) {
        if self.phase != Phase::Repaying || self.seats.iter().any(|it| it.stand == Stand::Repaying) {
            return;
        }
        self.phase = Phase::Preparing;
        for at in 0..self.seats.len() {
            self.seats[at].stand = Stand::Staging;
            self.say(at, turn);
        }
        self.advance(turn); // nobody takes part: nothing to wait for
    }

    /// Goes on if everybody who has to has.
    pub(super) fn advance(&mut self, turn: &mut Turn<C>) {
        match self.phase {
            Phase::Preparing => {
                let yes = self.seats.iter().filter(|it| it.stand == Stand::Staged).count();
                if yes == self.seats.len() || (planted!(FirstYes) && yes > 0) {
                    turn.disarm(Timer::Prepare);
                    turn.arm(Timer::Renew, self.charge.terms.renew_every());
                    self.apply_after(None, turn);
                }
            }
            Phase::Applying { wave } => {
                let done = |it: &super::Seat| it.wave != wave || it.stand == Stand::Applied;
                if self.seats.iter().all(done) {
                    turn.disarm(Timer::Apply);
                    self.applied(wave, turn);
                }
            }
            Phase::Deciding => self.confirm_if_fresh(turn),
            Phase::New
            | Phase::Repaying
            | Phase::Gating { .. }
            | Phase::Confirming
            | Phase::Reverting { .. }
            | Phase::Settled { .. }
            | Phase::Fenced => {}
        }
    }

    /// Starts the wave after this one, or the decision if it was the last.
    fn apply_after(&mut self, wave: Option<u16>, turn: &mut Turn<C>) {
        let next = self
            .seats
            .iter()
            .map(|it| it.wave)
            .filter(|it| wave.is_none_or(|last| *it > last))
            .min();
        let Some(next) = next else {
            self.phase = Phase::Deciding;
            turn.arm(Timer::Decide, self.charge.terms.decide_within);
            return self.confirm_if_fresh(turn);
        };
        self.phase = Phase::Applying { wave: next };
        turn.arm(Timer::Apply, self.charge.terms.apply_within);
        for at in 0..self.seats.len() {
            if self.seats[at].wave == next {
                self.seats[at].stand = Stand::Applying;
                self.seats[at].touched = true;
                self.arm_fresh(at, turn);
                self.say(at, turn);
            }
        }
    }

    fn applied(&mut self, wave: u16, turn: &mut Turn<C>) {
        let last = self.seats.iter().all(|it| it.wave <= wave);
        let asks = match self.charge.gate {
            Gate::None => false,
            Gate::Last => last,
            Gate::EachWave => true,
        };
        if !asks {
            return self.apply_after(Some(wave), turn);
        }
        self.asked_gate += 1;
        self.phase = Phase::Gating { wave };
        turn.arm(Timer::Gate, self.charge.terms.gate_within);
        turn.push(Effect::Gate {
            round: self.asked_gate,
            wave,
        });
    }

    pub(super) fn gate(&mut self, round: u32, verdict: Verdict, turn: &mut Turn<C>) {
        let Phase::Gating { wave } = self.phase else { return };
        if round != self.asked_gate {
            return;
        }
        turn.disarm(Timer::Gate);
        match verdict {
            Verdict::Passed => self.apply_after(Some(wave), turn),
            Verdict::Failed { reason } => self.revert(Reason::Gate { reason }, turn),
        }
    }

    pub(super) fn deadline(&mut self, act: Act, turn: &mut Turn<C>) {
        if planted!(ConfirmOnTimeout) {
            return self.decide(Decision::Confirm, turn);
        }
        let waiting = self
            .seats
            .iter()
            .filter(|it| it.keeps_waiting(act))
            .map(|it| it.device)
            .collect();
        self.revert(Reason::Deadline { act, waiting }, turn);
    }

    /// Sends what this participant is to do now, and sees to it that it is sent again.
    pub(super) fn say(&mut self, at: usize, turn: &mut Turn<C>) {
        let Some((transaction, order)) = self.order(at) else {
            return;
        };
        let device = self.seats[at].device;
        turn.push(Effect::Send(Request {
            transaction,
            epoch: self.epoch,
            device,
            order,
        }));
        let after = self.charge.terms.resend * 2u32.pow(self.seats[at].tries.min(SLOWEST));
        turn.arm(Timer::Resend(device), after);
    }

    /// What this participant is to do now.
    fn order(&self, at: usize) -> Option<(TransactionId, Order<C>)> {
        let (seat, member) = (&self.seats[at], &self.charge.members[at]);
        let change = seat.forgot.then(|| member.change.clone());
        let order = match (&seat.stand, &self.phase) {
            (Stand::Repaying, _) => return member.debts.get(seat.paid).and_then(super::finish::repayment),
            (Stand::Staging | Stand::Staged, _) => self.stage_order(at),
            (Stand::Applying, _) => Order::Apply,
            (Stand::Applied, _) => Order::Renew { round: seat.round },
            (Stand::Told | Stand::Ended, Phase::Confirming) => Order::Confirm { change },
            (Stand::Told | Stand::Ended | Stand::Owed { .. }, _) if self.has_reverted() => Order::Revert { change },
            (Stand::Idle | Stand::Told | Stand::Ended | Stand::Owed { .. }, _) => return None,
        };
        Some((self.charge.transaction, order))
    }

    fn stage_order(&self, at: usize) -> Order<C> {
        let member = &self.charge.members[at];
        let waived = member
            .debts
            .iter()
            .filter(|it| matches!(it.due, Due::Waived))
            .map(|it| it.transaction);
        Order::Stage {
            change: member.change.clone(),
            demand: member.demand,
            lease: self.lease.clone(),
            comment: self.charge.comment.clone(),
            waived: waived.collect(),
            looks_on: member.looks_on,
        }
    }
}

impl super::Seat {
    fn keeps_waiting(&self, act: Act) -> bool {
        match act {
            Act::Prepare => matches!(self.stand, Stand::Repaying | Stand::Staging | Stand::Idle),
            Act::Apply => self.stand == Stand::Applying,
            Act::Decide => !self.is_fresh(),
            Act::Gate => false,
        }
    }
}
