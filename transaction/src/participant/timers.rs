//! Time at a participant: keeping the change alive, asking, and letting go.

use super::live::{Hold, Told, Why, Work};
use super::turn::Turn;
use super::{Participant, Timer};
use crate::TakenBack;

/// Questions come half as often after each that was not answered, up to this many times.
const SLOWEST: u32 = 5;

pub(super) fn disarm_all<C>(turn: &mut Turn<C>) {
    for timer in [Timer::Renew, Timer::Ask, Timer::InDoubt, Timer::Lapse] {
        turn.disarm(timer);
    }
}

impl<C: Clone> Participant<C> {
    /// From now on it counts how long the coordinator is silent.
    pub(super) fn start_doubt(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        live.asks = 0;
        live.doubtful = false;
        // The coordinator is heard every third of a lease; only after that is silence worth a question.
        let quiet = (live.lease.renewed / 3 + live.lease.in_doubt) / 2;
        turn.arm(Timer::InDoubt, live.lease.in_doubt);
        turn.arm(Timer::Ask, quiet.min(live.lease.in_doubt));
    }

    /// The coordinator spoke.
    pub(super) fn heard(&mut self, turn: &mut Turn<C>) {
        let waits = self
            .live
            .as_ref()
            .is_some_and(|it| it.told.is_none() && it.hold != Hold::Nothing);
        if waits {
            turn.disarm(Timer::Lapse);
            self.start_doubt(turn);
        }
    }

    /// The device's lease is renewed every third of it, asked or not.
    pub(super) fn arm_renew(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &self.live else { return };
        if live.renews && !live.looks_on && live.told.is_none() && live.guarantee.taken_back() != TakenBack::ByAgent {
            turn.arm(Timer::Renew, live.lease.renewed * 2 / 5); // a little after the coordinator should have asked
        }
    }

    pub(super) fn fired(&mut self, timer: Timer, turn: &mut Turn<C>) {
        let Some(live) = &self.live else { return };
        match (live.told, timer) {
            (Some(Told::Revert), Timer::Ask) if live.work.is_none() => return self.conclude(turn),
            (Some(Told::Confirm), Timer::Ask) if live.work.is_none() && live.is_in_effect() => {
                return self.conclude(turn);
            }
            (Some(Told::Confirm | Told::Revert), _) => return,
            (None, _) => {}
        }
        match timer {
            Timer::Renew => self.renew_unasked(turn),
            Timer::Ask => self.ask(turn),
            Timer::InDoubt => self.give_up(turn),
            Timer::Lapse if live.work.is_none() => self.work(Work::Look(Why::Lapse), turn),
            Timer::Lapse => turn.arm(Timer::Lapse, live.lease.ask_every),
        }
    }

    /// What was decided did not succeed: it is tried again whether the coordinator asks or not, ever more slowly. Only
    /// what would have to be applied anew waits to be asked for: nothing is applied for a transaction that is over.
    pub(super) fn try_again(&mut self, turn: &mut Turn<C>) {
        let Some(live) = self.live.as_mut().filter(|it| it.told.is_some()) else {
            return;
        };
        turn.arm(Timer::Ask, live.lease.ask_every * 2u32.pow(live.asks.min(SLOWEST)));
        live.asks += 1;
    }

    fn renew_unasked(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &self.live else { return };
        if live.hold != Hold::Applied || live.doubtful {
            return;
        }
        if live.work.is_some() {
            return self.arm_renew(turn);
        }
        self.work(Work::Renew, turn);
    }

    fn ask(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        turn.arm(Timer::Ask, live.lease.ask_every * 2u32.pow(live.asks.min(SLOWEST)));
        live.asks += 1;
        if live.hold == Hold::Resuming && live.work.is_none() {
            return self.work(Work::Look(Why::Resume), turn);
        }
        self.inquire(turn);
    }

    /// Silence for too long. Where the device takes the change back it is left to do so; elsewhere it is taken back.
    fn give_up(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        if live.work.is_some() {
            return turn.arm(Timer::InDoubt, live.lease.ask_every);
        }
        if live.looks_on {
            return self.look_away(turn);
        }
        let by_device = live.guarantee.taken_back() == TakenBack::ByDevice;
        match live.hold {
            Hold::Applied if by_device => {
                live.doubtful = true;
                turn.arm(Timer::Lapse, live.lease.span(live.renews));
            }
            Hold::Resuming if by_device => turn.arm(Timer::InDoubt, live.lease.in_doubt),
            Hold::Staged | Hold::Applied | Hold::TakenBack | Hold::Failed(_) | Hold::Resuming => {
                self.work(Work::LetGo, turn);
            }
            Hold::Nothing | Hold::Lapsed | Hold::Confirmed => {}
        }
    }
}
