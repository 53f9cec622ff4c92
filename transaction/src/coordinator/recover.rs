//! Coming back: the same coordinator after a crash, or another that takes over.

use super::turn::Turn;
use super::{Coordinator, Effect, Phase, Stand};
use crate::{CoordinatorRecord, Decision, DeviceId, Ending, Epoch, Moment, Reason};

impl<C: Clone> Coordinator<C> {
    /// The coordinator that these records leave behind, under this epoch, and what it does first. `records` are those
    /// of one transaction, in the order they were written. None if there is nothing left to do: the transaction never
    /// began, or it is over and nobody is owed.
    ///
    /// What was undecided is reverted: nobody knows how much time has passed, so no lease counts as fresh.
    pub fn recover(records: &[CoordinatorRecord<C>], epoch: Epoch, now: Moment) -> Option<(Self, Vec<Effect<C>>)> {
        let mut turn = Turn::new(now);
        let mut coordinator = None;
        let mut decided = None;
        for record in records {
            match record {
                CoordinatorRecord::Began { charge, .. } => {
                    coordinator = Some(Self {
                        sequence: epoch.told_above(),
                        ..Self::charged(charge.clone(), epoch)
                    });
                }
                CoordinatorRecord::Decided { decision, .. } => decided = Some(decision.clone()),
                CoordinatorRecord::Settled { ending, .. } => {
                    if let Some(it) = &mut coordinator {
                        it.has_settled(ending);
                    }
                }
                CoordinatorRecord::Cleared { device, .. } => {
                    if let Some(it) = &mut coordinator {
                        it.has_cleared(*device);
                    }
                }
            }
        }
        let mut coordinator = coordinator?;
        if coordinator.ending().is_some() {
            let owes = coordinator.seats.iter().any(|it| it.stand != Stand::Ended);
            return owes.then_some((coordinator, Vec::new()));
        }
        coordinator.resume(decided, &mut turn);
        Some((coordinator, turn.effects))
    }

    fn resume(&mut self, decided: Option<Decision>, turn: &mut Turn<C>) {
        for seat in &mut self.seats {
            seat.touched = true; // an apply may have reached anybody
        }
        self.note(None, &format!("taken over under {}", self.epoch), turn);
        match decided {
            Some(decision) => self.carry_out(decision, turn),
            None => {
                self.phase = Phase::Preparing;
                self.revert(Reason::Restarted, turn);
            }
        }
    }

    fn has_settled(&mut self, ending: &Ending) {
        for seat in &mut self.seats {
            seat.stand = Stand::Ended;
        }
        if let Ending::Torn { devices, .. } = ending {
            for torn in devices {
                if let Some(at) = self.seat(torn.device) {
                    self.seats[at].stand = Stand::Owed {
                        reason: torn.reason.clone(),
                    };
                }
            }
        }
        self.phase = Phase::Settled { ending: ending.clone() };
    }

    fn has_cleared(&mut self, device: DeviceId) {
        if let Some(at) = self.seat(device) {
            self.seats[at].stand = Stand::Ended;
        }
    }
}
