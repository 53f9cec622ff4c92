//! The queue: who comes in, who leaves, who is next.

use super::{Admission, Effect, Refusal, Running, Submission, Timer};
use crate::{DeviceId, TicketId, TransactionId};
use std::collections::{BTreeSet, VecDeque};

impl Admission {
    pub(super) fn submit(&mut self, submission: Submission, effects: &mut Vec<Effect>) {
        let ticket = submission.ticket;
        let waiting = self.queue.len();
        let refusal = if submission.devices.is_empty() || self.is_known(ticket) {
            Refusal::Invalid { ticket }
        } else if waiting >= self.limits.waiting {
            Refusal::Full { ticket, waiting }
        } else {
            effects.push(Effect::Arm {
                timer: Timer::Wait(ticket),
                after: self.limits.wait_within,
            });
            return self.queue.push_back(submission);
        };
        effects.push(Effect::Refuse { ticket, refusal });
    }

    /// Who waits, or waits to be run singly, does so no longer.
    pub(super) fn withdraw(&mut self, ticket: TicketId, effects: &mut Vec<Effect>) {
        let refusal = Refusal::Withdrawn { ticket };
        let mut singly = self.running.iter_mut().map(|it| &mut it.singly);
        if let Some(singly) = singly.find(|it| it.contains(&ticket)) {
            singly.retain(|it| *it != ticket);
            return effects.push(Effect::Refuse { ticket, refusal });
        }
        self.leave(ticket, refusal, effects);
    }

    pub(super) fn leave(&mut self, ticket: TicketId, refusal: Refusal, effects: &mut Vec<Effect>) {
        let Some(at) = self.queue.iter().position(|it| it.ticket == ticket) else {
            return;
        };
        self.queue.remove(at);
        effects.push(Effect::Disarm(Timer::Wait(ticket)));
        effects.push(Effect::Refuse { ticket, refusal });
    }

    /// Admits everybody whose devices are free and wanted by nobody who came earlier.
    pub(super) fn grant(&mut self, effects: &mut Vec<Effect>) {
        let mut taken: BTreeSet<DeviceId> = self.running.iter().flat_map(|it| it.holds.iter().copied()).collect();
        let mut at = 0;
        while let Some(submission) = self.queue.get(at) {
            let free = taken.is_disjoint(&submission.devices);
            taken.extend(submission.devices.iter().copied());
            if free {
                self.admit(at, effects);
            } else {
                at += 1;
            }
        }
    }

    fn admit(&mut self, at: usize, effects: &mut Vec<Effect>) {
        let Some(first) = self.queue.remove(at) else { return };
        let mut tickets = vec![first.ticket];
        if first.can_merge() {
            self.merge(at, &first, &mut tickets);
        }
        effects.extend(tickets.iter().map(|it| Effect::Disarm(Timer::Wait(*it))));
        let debts = self.debts(&first.devices);
        effects.push(Effect::Admit {
            tickets: tickets.clone(),
            debts,
        });
        self.running.push(Running {
            tickets,
            holds: first.devices,
            singly: VecDeque::new(),
        });
    }

    /// Takes along what else waits for the same single device, up to the first that must go alone.
    fn merge(&mut self, from: usize, first: &Submission, tickets: &mut Vec<TicketId>) {
        let mut at = from;
        while let Some(next) = self.queue.get(at) {
            if next.devices.is_disjoint(&first.devices) {
                at += 1;
                continue;
            }
            if !next.can_merge() || tickets.len() >= self.limits.merged {
                return;
            }
            tickets.push(next.ticket);
            self.queue.remove(at);
        }
    }

    pub(super) fn debts(&self, devices: &BTreeSet<DeviceId>) -> Vec<(DeviceId, TransactionId)> {
        devices
            .iter()
            .flat_map(|device| self.owed(*device).map(|it| (*device, it)))
            .collect()
    }
}

impl Submission {
    fn can_merge(&self) -> bool {
        self.mergeable && self.devices.len() == 1
    }
}
