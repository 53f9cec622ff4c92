//! The one decision, and how it is told.

use super::turn::Turn;
use super::{Coordinator, Effect, Phase, Stand, Timer};
use crate::{CoordinatorRecord, Decision, Ending, Reason};

impl<C: Clone> Coordinator<C> {
    pub(super) fn cancel(&mut self, turn: &mut Turn<C>) {
        match self.phase {
            Phase::New => self.settle_unbegun(turn),
            Phase::Repaying | Phase::Preparing | Phase::Applying { .. } | Phase::Gating { .. } | Phase::Deciding => {
                self.revert(Reason::Cancelled, turn)
            }
            Phase::Confirming | Phase::Reverting { .. } => {
                self.note(None, "decided already, cannot be cancelled", turn);
            }
            Phase::Settled { .. } | Phase::Fenced => {}
        }
    }

    pub(super) fn revert(&mut self, reason: Reason, turn: &mut Turn<C>) {
        self.decide(Decision::Revert { reason }, turn);
    }

    /// Decides, once. The record comes first: who hears of it may act on it at once.
    pub(super) fn decide(&mut self, decision: Decision, turn: &mut Turn<C>) {
        if !self.is_open() {
            return;
        }
        let told_from = turn.effects.len();
        let record = CoordinatorRecord::Decided {
            transaction: self.charge.transaction,
            decision: decision.clone(),
            at: turn.now,
        };
        turn.record(record);
        for timer in [Timer::Prepare, Timer::Apply, Timer::Renew, Timer::Gate, Timer::Decide] {
            turn.disarm(timer);
        }
        self.carry_out(decision, turn);
        if planted!(SendBeforeRecord) {
            turn.effects[told_from..].sort_by_key(|it| matches!(it, Effect::Record(_)));
        }
    }

    /// Tells everybody, in order. Also where a recovered coordinator begins.
    pub(super) fn carry_out(&mut self, decision: Decision, turn: &mut Turn<C>) {
        turn.arm(Timer::Repair, self.charge.terms.repair_within);
        match decision {
            Decision::Confirm => {
                self.phase = Phase::Confirming;
                for at in 0..self.seats.len() {
                    self.tell(at, turn);
                }
                self.dismiss(turn);
                if planted!(ForgetConfirm) {
                    turn.push(Effect::Forget);
                }
            }
            Decision::Revert { reason } => {
                self.phase = Phase::Reverting { reason };
                self.tell_untouched(turn);
                self.dismiss(turn);
                turn.arm(Timer::Revert, self.charge.terms.revert_within);
                self.tell_next_wave(turn);
            }
        }
        self.settle_if_over(turn);
    }

    fn tell(&mut self, at: usize, turn: &mut Turn<C>) {
        self.seats[at].stand = Stand::Told;
        self.seats[at].tries = 0;
        self.say(at, turn);
    }

    /// Who only looked on is told once and is free: it has nothing to keep and nothing to take back, so that it is not waited
    /// for, and never owed anything. What it does not hear it ends by itself.
    fn dismiss(&mut self, turn: &mut Turn<C>) {
        for at in 0..self.seats.len() {
            let seat = &self.seats[at];
            if !seat.looks_on || seat.is_over() || planted!(WaitForOnlooker) {
                continue;
            }
            if seat.stand != Stand::Told {
                self.tell(at, turn);
            }
            self.over(at, Stand::Ended, turn);
        }
    }

    /// Whoever was never asked has nothing to undo; whoever only staged may be told at once.
    fn tell_untouched(&mut self, turn: &mut Turn<C>) {
        for at in 0..self.seats.len() {
            match self.seats[at].stand {
                Stand::Idle | Stand::Repaying if !self.seats[at].touched => self.over(at, Stand::Ended, turn),
                Stand::Staging | Stand::Staged if !self.seats[at].touched => self.tell(at, turn),
                Stand::Idle
                | Stand::Repaying
                | Stand::Staging
                | Stand::Staged
                | Stand::Applying
                | Stand::Applied
                | Stand::Told
                | Stand::Ended
                | Stand::Owed { .. } => {}
            }
        }
    }

    /// Reverts run against the order of the applies: the highest wave that has not been told comes next.
    pub(super) fn tell_next_wave(&mut self, turn: &mut Turn<C>) {
        let untold = |it: &super::Seat| it.touched && !it.is_over() && it.stand != Stand::Told;
        let Some(wave) = self.seats.iter().filter(|it| untold(it)).map(|it| it.wave).max() else {
            return;
        };
        turn.arm(Timer::Revert, self.charge.terms.revert_within);
        for at in 0..self.seats.len() {
            if self.seats[at].wave == wave && untold(&self.seats[at]) {
                self.tell(at, turn);
            }
        }
    }

    /// The wave took too long: the next one does not wait for it. Nor does anybody for those that only staged: what
    /// they hold ends with their doubt.
    pub(super) fn wave_is_late(&mut self, turn: &mut Turn<C>) {
        if !matches!(self.phase, Phase::Reverting { .. }) {
            return;
        }
        for at in 0..self.seats.len() {
            if !self.seats[at].touched && !self.seats[at].is_over() {
                self.over(at, Stand::Ended, turn);
            }
        }
        self.tell_next_wave(turn);
        self.settle_if_over(turn);
    }

    /// Whether going back is what was decided.
    pub(super) fn has_reverted(&self) -> bool {
        matches!(self.decision(), Some(Decision::Revert { .. }))
    }

    fn settle_unbegun(&mut self, turn: &mut Turn<C>) {
        for seat in &mut self.seats {
            seat.stand = Stand::Ended;
        }
        self.end(
            Ending::RolledBack {
                reason: Reason::Cancelled,
            },
            turn,
        );
    }
}
