//! Admission: the whole set of a transaction's devices at once, or a place in a fair, bounded, visible queue.
//!
//! Fair means: nobody is overtaken by one who came later and wants one of the same devices. Who wants only devices
//! that nobody else wants does not wait.

mod effect;
mod queue;
#[cfg(test)]
mod tests;

pub use effect::{Effect, Input, Limits, Over, Refusal, Submission, Timer, Waiting};

use crate::{DeviceId, TicketId, TransactionId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The one admission of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    limits: Limits,
    queue: VecDeque<Submission>,
    running: Vec<Running>,
    owed: BTreeMap<DeviceId, BTreeSet<TransactionId>>,
}

/// One transaction under way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Running {
    tickets: Vec<TicketId>,
    holds: BTreeSet<DeviceId>,
    /// What runs next on the same device: the parts of a merged change that was rolled back.
    singly: VecDeque<TicketId>,
}

impl Admission {
    /// An admission in which nobody waits and nothing is held.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            running: Vec::new(),
            owed: BTreeMap::new(),
        }
    }

    /// Takes one input and says what is to be done, in order.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Submit(submission) => self.submit(submission, &mut effects),
            Input::Withdraw(ticket) => self.withdraw(ticket, &mut effects),
            Input::Fired(Timer::Wait(ticket)) => self.leave(ticket, Refusal::Waited { ticket }, &mut effects),
            Input::Release { ticket, device, owed } => self.release(ticket, device, owed),
            Input::Over { ticket, how } => self.over(ticket, how, &mut effects),
            Input::Cleared { device, transaction } => self.clear(device, transaction),
            Input::Held { tickets, devices } => {
                self.running.push(Running {
                    tickets,
                    holds: devices,
                    singly: VecDeque::new(),
                });
            }
            Input::Owed { device, transaction } => {
                self.owed.entry(device).or_default().insert(transaction);
            }
        }
        self.grant(&mut effects);
        effects
    }

    /// What a device is owed from earlier transactions.
    pub fn owed(&self, device: DeviceId) -> impl Iterator<Item = TransactionId> {
        self.owed.get(&device).into_iter().flatten().copied()
    }

    /// Everybody who waits, in order.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.queue
            .iter()
            .enumerate()
            .map(|(before, it)| self.waits(before, it))
            .collect()
    }

    fn waits(&self, before: usize, submission: &Submission) -> Waiting {
        let wants = |devices: &BTreeSet<DeviceId>| !devices.is_disjoint(&submission.devices);
        let holders = self
            .running
            .iter()
            .filter(|it| wants(&it.holds))
            .flat_map(|it| it.tickets.iter().copied());
        let earlier = self
            .queue
            .iter()
            .take(before)
            .filter(|it| wants(&it.devices))
            .map(|it| it.ticket);
        Waiting {
            ticket: submission.ticket,
            before,
            behind: holders.chain(earlier).collect(),
        }
    }

    fn is_known(&self, ticket: TicketId) -> bool {
        let runs = |it: &Running| it.tickets.contains(&ticket) || it.singly.contains(&ticket);
        self.queue.iter().any(|it| it.ticket == ticket) || self.running.iter().any(runs)
    }

    fn release(&mut self, ticket: TicketId, device: DeviceId, owed: Option<TransactionId>) {
        if let Some(transaction) = owed {
            self.owed.entry(device).or_default().insert(transaction);
        }
        let running = self.running.iter_mut().find(|it| it.tickets.contains(&ticket));
        // A merged change, or a part of one, keeps its device to the end: its other parts may have to follow.
        if let Some(running) = running.filter(|it| it.tickets.len() == 1 && it.singly.is_empty()) {
            running.holds.remove(&device);
        }
    }

    fn over(&mut self, ticket: TicketId, how: Over, effects: &mut Vec<Effect>) {
        let Some(at) = self.running.iter().position(|it| it.tickets.contains(&ticket)) else {
            return;
        };
        let Running {
            tickets,
            holds,
            mut singly,
        } = self.running.swap_remove(at);
        if how == Over::RolledBack && tickets.len() > 1 {
            singly = tickets.into();
            if planted!(RiderLost) {
                singly.pop_back();
            }
        }
        if let Some(next) = singly.pop_front() {
            let debts = self.debts(&holds);
            self.running.push(Running {
                tickets: vec![next],
                holds,
                singly,
            });
            effects.push(Effect::Admit {
                tickets: vec![next],
                debts,
            });
        }
    }

    fn clear(&mut self, device: DeviceId, transaction: TransactionId) {
        if let Some(owed) = self.owed.get_mut(&device) {
            owed.remove(&transaction);
            if owed.is_empty() {
                self.owed.remove(&device);
            }
        }
    }
}
