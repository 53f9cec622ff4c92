//! Leases: renewed every third of T, and looked at before Confirm is written.

use super::turn::Turn;
use super::{Coordinator, Phase, Stand, Timer};
use crate::{Decision, Reason};

impl<C: Clone> Coordinator<C> {
    /// Starts the clock of the lease that is asked for in this round. It runs from the asking, not from the answer:
    /// an answer that travels long proves nothing about now.
    pub(super) fn arm_fresh(&mut self, at: usize, turn: &mut Turn<C>) {
        let seat = &self.seats[at];
        let third = self.charge.terms.renew_every();
        let whole = self.lease.whole;
        let after = if seat.renews {
            third
        } else {
            whole.saturating_sub(third)
        };
        turn.arm(
            Timer::Fresh {
                device: seat.device,
                round: seat.round,
            },
            after,
        );
    }

    pub(super) fn renew(&mut self, at: usize, turn: &mut Turn<C>) {
        self.seats[at].round += 1;
        self.seats[at].tries = 0;
        if self.seats[at].renews {
            self.arm_fresh(at, turn);
        }
        self.say(at, turn);
    }

    /// Time to renew: also the sign of life for those whose device renews nothing.
    pub(super) fn renew_all(&mut self, turn: &mut Turn<C>) {
        for at in 0..self.seats.len() {
            if self.seats[at].stand == Stand::Applied {
                self.renew(at, turn);
            }
        }
        turn.arm(Timer::Renew, self.charge.terms.renew_every());
    }

    pub(super) fn renewed(&mut self, at: usize, round: u32, turn: &mut Turn<C>) {
        let seat = &mut self.seats[at];
        if round == seat.round {
            turn.disarm(Timer::Resend(seat.device));
        }
        if seat.renews && round <= seat.round {
            seat.acked = seat.acked.max(Some(round));
        }
        self.advance(turn);
    }

    pub(super) fn grew_stale(&mut self, at: usize, round: u32, turn: &mut Turn<C>) {
        let seat = &mut self.seats[at];
        seat.stale = seat.stale.max(Some(round));
        if !seat.renews {
            let device = seat.device;
            return self.revert(Reason::Lapsed { device }, turn);
        }
        self.advance(turn);
    }

    /// Writes Confirm if every lease is fresh; otherwise asks for those that are not.
    pub(super) fn confirm_if_fresh(&mut self, turn: &mut Turn<C>) {
        if self.phase != Phase::Deciding {
            return;
        }
        if self.seats.iter().all(super::Seat::is_fresh) {
            return self.decide(Decision::Confirm, turn);
        }
        for at in 0..self.seats.len() {
            let seat = &self.seats[at];
            if !seat.is_fresh() && Some(seat.round) <= seat.stale {
                self.renew(at, turn);
            }
        }
    }
}
