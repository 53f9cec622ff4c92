//! What participants answer and ask.

use super::turn::Turn;
use super::{Coordinator, Effect, Phase, Stand, Timer};
use crate::{Act, Answer, DeviceId, Epoch, Inquiry, Order, Reason, Reply, Request, Step};

impl<C: Clone> Coordinator<C> {
    pub(super) fn fired(&mut self, timer: Timer, turn: &mut Turn<C>) {
        let open = self.is_open();
        match timer {
            Timer::Resend(device) => {
                if let Some(at) = self.seat(device).filter(|at| self.is_awaited(*at)) {
                    self.seats[at].tries += 1;
                    self.say(at, turn);
                }
            }
            Timer::Fresh { device, round } => {
                if let Some(at) = self.seat(device).filter(|_| open) {
                    self.grew_stale(at, round, turn);
                }
            }
            Timer::Prepare if matches!(self.phase, Phase::Repaying | Phase::Preparing) => {
                self.deadline(Act::Prepare, turn);
            }
            Timer::Apply if matches!(self.phase, Phase::Applying { .. }) => self.deadline(Act::Apply, turn),
            Timer::Gate if matches!(self.phase, Phase::Gating { .. }) => self.deadline(Act::Gate, turn),
            Timer::Decide if self.phase == Phase::Deciding => self.deadline(Act::Decide, turn),
            Timer::Renew if open => self.renew_all(turn),
            Timer::Revert => self.wave_is_late(turn),
            Timer::Repair => self.give_up(turn),
            Timer::Prepare | Timer::Apply | Timer::Gate | Timer::Decide | Timer::Renew => {}
        }
    }

    /// Whether an answer of this participant is outstanding.
    fn is_awaited(&self, at: usize) -> bool {
        let seat = &self.seats[at];
        match seat.stand {
            Stand::Repaying | Stand::Staging | Stand::Applying => self.is_open(),
            Stand::Applied => self.is_open() && seat.acked < Some(seat.round),
            Stand::Told => true,
            Stand::Idle | Stand::Staged | Stand::Ended | Stand::Owed { .. } => false,
        }
    }

    pub(super) fn reply(&mut self, reply: Reply, turn: &mut Turn<C>) {
        let Some(at) = self.seat(reply.device) else { return };
        if let Answer::Superseded { by } = reply.answer {
            return self.doubted(reply.device, by, Some(reply.step), turn);
        }
        if reply.epoch != self.epoch {
            return;
        }
        if reply.transaction != self.charge.transaction {
            return self.repaid(at, reply, turn);
        }
        match self.phase {
            Phase::Preparing => self.voted(at, reply, turn),
            Phase::Applying { .. } | Phase::Gating { .. } | Phase::Deciding => self.worked(at, reply, turn),
            Phase::Confirming | Phase::Reverting { .. } => self.ended(at, reply, turn),
            Phase::New | Phase::Repaying | Phase::Settled { .. } | Phase::Fenced => {}
        }
    }

    /// A participant says that another leads. Its word alone stops nobody: a liar could stop everything.
    fn doubted(&mut self, device: DeviceId, claimed: Epoch, step: Option<Step>, turn: &mut Turn<C>) {
        if claimed <= self.epoch {
            return;
        }
        if planted!(FenceOnWord) {
            self.phase = Phase::Fenced;
            return;
        }
        turn.push(Effect::Verify { device, claimed, step });
    }

    /// Nobody else leads: what the participant was asked for it has not done, and it alone has to answer for that.
    pub(super) fn unfounded(&mut self, device: DeviceId, step: Option<Step>, turn: &mut Turn<C>) {
        let Some(step) = step else { return };
        let reason = "its agent says that another controller leads, and none does".to_owned();
        let answer = match step {
            Step::Stage | Step::Apply | Step::Renew { .. } => Answer::Failed { reason },
            Step::Confirm | Step::Revert | Step::Inquire => Answer::Deferred { reason },
        };
        let (transaction, epoch) = (self.charge.transaction, self.epoch);
        let reply = Reply {
            transaction,
            epoch,
            device,
            step,
            answer,
        };
        self.reply(reply, turn);
    }

    fn voted(&mut self, at: usize, reply: Reply, turn: &mut Turn<C>) {
        if reply.step != Step::Stage || self.seats[at].stand != Stand::Staging {
            return;
        }
        let Answer::Staged { guarantee, renews } = reply.answer else {
            return self.refuse(at, reply.answer, turn);
        };
        self.seats[at].stand = Stand::Staged;
        self.seats[at].guarantee = Some(guarantee);
        self.seats[at].renews = renews;
        self.seats[at].tries = 0;
        turn.disarm(Timer::Resend(reply.device));
        self.stepped(at, Step::Stage, turn);
        self.clear_waived(at, turn);
        self.advance(turn);
    }

    fn worked(&mut self, at: usize, reply: Reply, turn: &mut Turn<C>) {
        match (reply.step, reply.answer) {
            (Step::Apply, Answer::Applied) if self.seats[at].stand == Stand::Applying => {
                let seat = &mut self.seats[at];
                seat.stand = Stand::Applied;
                seat.acked = seat.acked.max(Some(0));
                seat.tries = 0;
                turn.disarm(Timer::Resend(reply.device));
                self.stepped(at, Step::Apply, turn);
                self.advance(turn);
            }
            (Step::Renew { round }, Answer::Renewed) => self.renewed(at, round, turn),
            (Step::Stage, _) | (_, Answer::Applied | Answer::Deferred { .. } | Answer::Stands { .. }) => {}
            (Step::Apply | Step::Renew { .. }, answer) => self.refuse(at, answer, turn),
            (Step::Confirm | Step::Revert | Step::Inquire, _) => {}
        }
    }

    /// Anything but a yes ends it.
    fn refuse(&mut self, at: usize, answer: Answer, turn: &mut Turn<C>) {
        let device = self.seats[at].device;
        let reason = match answer {
            Answer::Refused { reason } => Reason::Refused { device, reason },
            Answer::Stale { what } => Reason::Stale { device, what },
            Answer::Busy { holder } => Reason::Busy { device, holder },
            Answer::Failed { reason } | Answer::Foreign { what: reason } => Reason::Failed { device, reason },
            Answer::Lapsed | Answer::Reverted | Answer::Unknown => Reason::Lapsed { device },
            Answer::Staged { .. }
            | Answer::Applied
            | Answer::Renewed
            | Answer::Confirmed
            | Answer::Deferred { .. }
            | Answer::Superseded { .. }
            | Answer::Stands { .. } => return,
        };
        self.revert(reason, turn);
    }

    /// A participant does not know where it is. While nothing is decided it gets its present order again, and its
    /// answer to that tells what it has lost. Nobody is told to revert before that is on record.
    pub(super) fn asked(&mut self, inquiry: Inquiry, turn: &mut Turn<C>) {
        let Some(at) = self.seat(inquiry.device) else { return };
        if inquiry.epoch > self.epoch {
            return self.doubted(inquiry.device, inquiry.epoch, None, turn);
        }
        if inquiry.transaction != self.charge.transaction {
            return;
        }
        if planted!(RevertUndecided) && self.is_open() {
            let Inquiry {
                transaction, device, ..
            } = inquiry;
            let order = Order::Revert { change: None };
            return turn.push(Effect::Send(Request {
                transaction,
                epoch: self.epoch,
                device,
                order,
            }));
        }
        match self.seats[at].stand {
            Stand::Applied if self.is_open() => self.renew(at, turn),
            Stand::Staging | Stand::Staged | Stand::Applying | Stand::Applied => {
                if self.is_open() {
                    self.say(at, turn);
                }
            }
            Stand::Told | Stand::Ended | Stand::Owed { .. } => self.say(at, turn),
            Stand::Idle | Stand::Repaying => {}
        }
    }
}
