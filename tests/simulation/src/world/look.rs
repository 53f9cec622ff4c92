//! The eight invariants, looked at after every step.
//!
//! Agreement, validity, no early effect, durability and fencing are said of the state as it stands. Respect compares a
//! device before and after each operation of ours, and nothing else of ours touches a device. Usefulness is judged as soon
//! as an ending is told or somebody is refused. Of termination a state can only show that a coordinator that is not at its
//! end has armed a timer, and so goes on whatever is lost; that the end is then reached, and no lock is left, is seen when
//! a world is over and nowhere earlier: before, a device may be out of reach for good reason.

use super::{World, short};
use crate::change::Change;
use crate::device::Who;
use transaction::coordinator::{Phase, Stand};
use transaction::{Coordinator, TransactionId};

impl World {
    pub(super) fn look(&mut self) {
        self.note_barred();
        let mut ledger = std::mem::take(&mut self.ledger);
        ledger.agrees();
        ledger.is_valid();
        ledger.keeps(|it| self.keeps_confirm(it));
        self.ledger = ledger;
        self.is_fenced();
        self.goes_on();
        self.waits_for_who_matters();
        let told = self.ledger.endings.len() + self.ledger.refused.len();
        if told != self.judged {
            self.judged = told;
            self.judge();
        }
    }

    /// 5: who has answered an epoch listens to no older one, whatever died meanwhile.
    fn is_fenced(&mut self) {
        let fallen = self.agents.iter().filter(|it| it.alive).find_map(|agent| {
            let (transaction, _) = agent.participant.live()?;
            let (now, before) = (agent.participant.epoch()?, (transaction, agent.device));
            let highest = *self.ledger.highest.get(&before)?;
            (now < highest).then(|| format!("{} fell from {highest} to {now}", agent.device))
        });
        if let Some(seen) = fallen {
            self.ledger.breaks("fencing", seen);
        }
    }

    /// 6: no coordinator waits for what may never come.
    fn goes_on(&mut self) {
        let waits = |at: usize| {
            let controller = &self.controllers[at];
            let is_open = |it: &Coordinator<Change>| it.ending().is_none() && *it.phase() != Phase::Fenced;
            let open = controller.coordinators.iter().filter(|(_, it)| is_open(it));
            let mut open = open.map(|(transaction, _)| *transaction);
            let armed = |it| controller.timers.keys().any(|(of, _)| *of == it);
            open.find(|it| controller.alive && !controller.fenced && !armed(*it))
        };
        if let Some(transaction) = (0..self.controllers.len()).find_map(waits) {
            let seen = format!("{} waits and no timer is armed", short(transaction));
            self.ledger.breaks("termination", seen);
        }
    }

    /// 7: once it is decided nobody waits for those alone who only looked on.
    fn waits_for_who_matters(&mut self) {
        let idle = |(transaction, it): (&TransactionId, &Coordinator<Change>)| {
            let open = it
                .seats()
                .iter()
                .filter(|seat| !matches!(seat.stand, Stand::Ended | Stand::Owed { .. }));
            let mut open = open.map(|seat| (*transaction, seat.device)).peekable();
            let decided = matches!(it.phase(), Phase::Confirming | Phase::Reverting { .. });
            let waits = decided && open.peek().is_some() && open.all(|part| self.ledger.onlookers.contains(&part));
            waits.then_some(*transaction)
        };
        let mut led = self.controllers.iter().flat_map(|it| &it.coordinators);
        let waiting = led.find_map(idle);
        if let Some(transaction) = waiting {
            let seen = format!("{} is decided and waits for who only looked on", short(transaction));
            self.ledger.breaks("usefulness", seen);
        }
    }

    /// How long the operator's edits stand in each candidate: nobody else gets at the device meanwhile.
    fn note_barred(&mut self) {
        for (at, device) in self.devices.iter().enumerate() {
            let dirty = device.candidate.values().any(|(_, who)| *who == Who::Operator);
            match (dirty, self.dirty[at]) {
                (true, None) => self.dirty[at] = Some(self.now),
                (false, Some(since)) => {
                    self.dirty[at] = None;
                    self.ledger.barred.push((self.agents[at].device, since, self.now));
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
    }

    /// The same while they still stand there.
    pub(super) fn barred_now(&self) -> Vec<(transaction::DeviceId, u64, u64)> {
        let since = |(at, since): (usize, &Option<u64>)| Some((self.agents[at].device, (*since)?, self.now));
        self.dirty.iter().enumerate().filter_map(since).collect()
    }
}
