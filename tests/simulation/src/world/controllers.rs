//! Controllers: the driver of coordinators and admission. It performs effects in order and decides nothing.

use super::{Event, Up, Whose, World, short};
use crate::change::Change;
use crate::ledger;
use crate::points;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use transaction::admission::{self, Admission, Limits, Over, Submission};
use transaction::coordinator::{Coordinator, Effect, Input, Timer, Verdict};
use transaction::{CoordinatorRecord, DeviceId, Ending, Epoch, Inquiry, TicketId, TransactionId};

/// One controller.
#[derive(Debug)]
pub(super) struct Controller {
    pub alive: bool,
    pub life: u32,
    pub epoch: Epoch,
    pub coordinators: BTreeMap<TransactionId, Coordinator<Change>>,
    pub timers: BTreeMap<(TransactionId, Timer), u64>,
    pub admission: Admission,
    pub forgotten: BTreeSet<TransactionId>,
    pub fenced: bool,
}

impl Controller {
    pub fn new(limits: Limits) -> Self {
        Self {
            alive: false,
            life: 0,
            epoch: Epoch(0),
            coordinators: BTreeMap::new(),
            timers: BTreeMap::new(),
            admission: Admission::new(limits),
            forgotten: BTreeSet::new(),
            fenced: false,
        }
    }
}

impl World {
    /// The controller that holds the lease, if it is alive.
    fn leader(&self) -> Option<usize> {
        self.controllers
            .iter()
            .position(|it| it.alive && it.epoch == self.lease)
    }

    pub(super) fn submit(&mut self, transaction: TransactionId) {
        let Some(at) = self.leader() else {
            return self.schedule(1_000, Event::Submit(transaction));
        };
        self.submitted.insert(transaction);
        let ids = self.scenario.parts(transaction).map(|it| self.agents[it.device].device);
        let submission = Submission {
            ticket: TicketId(transaction.0),
            devices: ids.collect(),
            mergeable: self.scenario.wish(transaction).is_some_and(|it| it.mergeable),
        };
        self.admit(at, admission::Input::Submit(submission));
    }

    pub(super) fn cancel(&mut self, transaction: TransactionId) {
        let Some(at) = self.leader() else { return };
        let ticket = TicketId(transaction.0);
        let waits = self.controllers[at].admission.waiting();
        if self.controllers[at].coordinators.contains_key(&transaction) {
            self.say(|| format!("{} is cancelled", short(transaction)));
            self.coordinate(at, transaction, Input::Cancel);
        } else if waits.iter().any(|it| it.ticket == ticket) {
            self.say(|| format!("{} is withdrawn", short(transaction)));
            self.admit(at, admission::Input::Withdraw(ticket));
        } else {
            self.withdraw_rider(at, transaction);
        }
    }

    /// Somebody has waited long enough.
    pub(super) fn waited(&mut self, at: usize, life: u32, timer: admission::Timer) {
        if self.controllers[at].alive && self.controllers[at].life == life {
            self.admit(at, admission::Input::Fired(timer));
        }
    }

    /// Tells admission, and begins what it admits.
    pub(super) fn admit(&mut self, at: usize, input: admission::Input) {
        let effects = self.controllers[at].admission.step(input);
        for effect in effects {
            match effect {
                admission::Effect::Admit { tickets, debts } => {
                    let wishes: Vec<TransactionId> = tickets.iter().map(|it| TransactionId(it.0)).collect();
                    self.begin(at, &wishes, &debts);
                }
                admission::Effect::Refuse { ticket, refusal } => {
                    self.say(|| refusal.to_string());
                    let transaction = TransactionId(ticket.0);
                    let kind = match refusal {
                        admission::Refusal::Full { .. } => "full",
                        admission::Refusal::Waited { .. } => "waited",
                        admission::Refusal::Withdrawn { .. } => "withdrawn",
                        admission::Refusal::Invalid { .. } => "invalid",
                    };
                    // Whoever leads no longer speaks for nobody: the submission is the other's now. And who is in the queue
                    // already, or runs, is not refused by asking again.
                    if self.controllers[at].epoch == self.lease && kind != "invalid" {
                        let begun = self.is_begun(transaction);
                        self.ledger.refuses(transaction, kind, begun);
                    }
                }
                admission::Effect::Arm { timer, after } => {
                    // Who has left the queue by then is not in it: a timer that was disarmed finds nobody.
                    let (controller, life) = (at, self.controllers[at].life);
                    let after = u64::try_from(after.as_millis()).unwrap_or(u64::MAX / 4);
                    self.schedule(
                        after,
                        Event::AdmissionTimer {
                            controller,
                            life,
                            timer,
                        },
                    );
                }
                admission::Effect::Disarm(_) => {}
            }
        }
    }

    fn begin(&mut self, at: usize, wishes: &[TransactionId], debts: &[(DeviceId, TransactionId)]) {
        let begun = wishes.iter().any(|it| self.is_seen_to(*it));
        if !self.controllers[at].alive || self.controllers[at].fenced || begun {
            return;
        }
        if let Some(refused) = wishes.iter().find(|it| self.ledger.refused.contains(*it)).copied() {
            let seen = format!("{} was refused and begins all the same", short(refused));
            return self.ledger.breaks("usefulness", seen);
        }
        if wishes.iter().any(|it| self.withdrawn.contains(it)) || !self.go_together(wishes) {
            return self.keep_out(at, wishes);
        }
        let transaction = match wishes {
            [alone] => *alone,
            _ => self.name_merged(),
        };
        let charge = self.charge(transaction, wishes, debts);
        let epoch = self.controllers[at].epoch;
        self.say(|| format!("c{at} begins {} ({epoch})", short(transaction)));
        let coordinator = match Coordinator::new(charge, epoch) {
            Ok(coordinator) => coordinator,
            Err(error) => {
                return self
                    .ledger
                    .breaks("validity", format!("a sound charge was refused: {error}"));
            }
        };
        self.controllers[at].coordinators.insert(transaction, coordinator);
        self.coordinate(at, transaction, Input::Begin);
    }

    pub(super) fn is_begun(&self, transaction: TransactionId) -> bool {
        self.ledger.endings.contains_key(&transaction) || self.journal.read().any(|it| it.transaction() == transaction)
    }

    pub(super) fn controller_hears(&mut self, at: usize, up: Up) {
        if !self.controllers[at].alive || self.controllers[at].fenced {
            return;
        }
        match up {
            Up::Reply(reply) => {
                // An answer about a debt belongs to the transaction that repays it.
                let all: Vec<TransactionId> = self.controllers[at].coordinators.keys().copied().collect();
                for transaction in all {
                    self.coordinate(at, transaction, Input::Reply(reply.clone()));
                }
            }
            Up::Inquiry(inquiry) => self.asked(at, inquiry),
        }
    }

    fn asked(&mut self, at: usize, inquiry: Inquiry) {
        if self.controllers[at].coordinators.contains_key(&inquiry.transaction) {
            return self.coordinate(at, inquiry.transaction, Input::Asked(inquiry));
        }
        if !self.is_waited_for(at, inquiry.transaction) {
            let request = inquiry.presumed(self.controllers[at].epoch);
            self.send_down(at, request);
        }
    }

    /// Whether the transaction stands in the journal without being over: then silence is the only answer.
    fn is_waited_for(&self, at: usize, transaction: TransactionId) -> bool {
        let mine = self.controllers[at].epoch == self.lease;
        let known = self.journal.read().any(|it| it.transaction() == transaction);
        let over = self
            .journal
            .read()
            .any(|it| matches!(it, CoordinatorRecord::Settled { transaction: of, .. } if *of == transaction));
        mine && known && !over
    }

    pub(super) fn gate_answers(&mut self, whose: Whose, round: u32, passed: bool) {
        let Whose {
            controller: at,
            life,
            transaction,
        } = whose;
        if self.controllers[at].alive && self.controllers[at].life == life {
            let reason = "a session is down".to_owned();
            let verdict = if passed {
                Verdict::Passed
            } else {
                Verdict::Failed { reason }
            };
            self.coordinate(at, transaction, Input::Gate { round, verdict });
        }
    }

    pub(super) fn coordinator_timer(&mut self, whose: Whose, timer: Timer, arming: u64) {
        let Whose {
            controller: at,
            life,
            transaction,
        } = whose;
        let controller = &mut self.controllers[at];
        let key = (transaction, timer);
        if controller.alive && controller.life == life && controller.timers.get(&key) == Some(&arming) {
            controller.timers.remove(&key);
            self.coordinate(at, transaction, Input::Fired(timer));
        }
    }

    /// One step of one coordinator, and what follows from it.
    pub(super) fn coordinate(&mut self, at: usize, transaction: TransactionId, input: Input) {
        let now = self.moment();
        let life = self.controllers[at].life;
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            if self.controllers[at].life != life {
                return; // it died on the way
            }
            let Some(coordinator) = self.controllers[at].coordinators.get_mut(&transaction) else {
                return;
            };
            let effects = coordinator.step(input, now);
            inputs.extend(self.controller_acts(at, transaction, effects));
        }
    }

    /// Performs effects in order; between any two the controller may be killed. Returns what they feed back.
    pub(super) fn controller_acts(
        &mut self,
        at: usize,
        transaction: TransactionId,
        effects: Vec<Effect<Change>>,
    ) -> Vec<Input> {
        let mut back = Vec::new();
        let some = !effects.is_empty();
        let mut unsynced = None;
        for effect in effects {
            if self.is_killed_at(points::of_effect(&effect)) {
                self.kill_controller(at);
                return Vec::new();
            }
            match effect {
                Effect::Record(record) => {
                    if self.lease > self.controllers[at].epoch {
                        return self.fence(at);
                    }
                    self.note_record(&record);
                    let sync = points::of_record(&record).1;
                    self.journal.append(record.clone());
                    if crate::planted::planted("send-before-sync") {
                        unsynced = Some(record);
                        continue;
                    }
                    if self.is_killed_at(sync) {
                        self.kill_controller(at);
                        return Vec::new();
                    }
                    self.journal.sync();
                    self.note_durable(&record);
                }
                Effect::Verify { device, step, .. } => {
                    if self.lease > self.controllers[at].epoch {
                        return self.fence(at);
                    }
                    back.push(Input::Unfounded { device, step });
                }
                Effect::Send(request) => {
                    let device = request.device;
                    if !self.send_down(at, request) {
                        back.push(Input::Unreachable { device });
                    }
                }
                effect @ (Effect::Arm { .. }
                | Effect::Disarm(_)
                | Effect::Gate { .. }
                | Effect::Progress(_)
                | Effect::Release { .. }
                | Effect::Repaired { .. }
                | Effect::Settled(_)
                | Effect::Forget) => self.controller_does(at, transaction, effect),
            }
        }
        if let Some(record) = unsynced {
            self.journal.sync();
            self.note_durable(&record);
        }
        if some && self.is_killed_at("coordinator: after the last effect") {
            self.kill_controller(at);
        }
        back
    }

    fn controller_does(&mut self, at: usize, transaction: TransactionId, effect: Effect<Change>) {
        let tickets = self.tickets(transaction);
        let ticket = tickets.first().copied().unwrap_or(TicketId(transaction.0));
        match effect {
            Effect::Record(_) | Effect::Send(_) | Effect::Verify { .. } => {}
            Effect::Arm { timer, after } => {
                let after = self.skewed(after);
                let (arming, life) = (self.sequence, self.controllers[at].life);
                self.controllers[at].timers.insert((transaction, timer), arming);
                let whose = Whose {
                    controller: at,
                    life,
                    transaction,
                };
                self.schedule(after, Event::CoordinatorTimer(whose, timer, arming));
            }
            Effect::Disarm(timer) => {
                self.controllers[at].timers.remove(&(transaction, timer));
            }
            Effect::Gate { round, .. } => self.ask_gate(at, transaction, round),
            Effect::Progress(progress) => {
                let epoch = self.controllers[at].epoch;
                self.ledger.hears(transaction, epoch, progress.sequence);
            }
            Effect::Release { device, owed } => {
                let owed = owed.then_some(transaction);
                self.admit(at, admission::Input::Release { ticket, device, owed });
            }
            Effect::Repaired { transaction, device } => {
                self.admit(at, admission::Input::Cleared { device, transaction });
            }
            Effect::Settled(settlement) => {
                let ending = settlement.ending;
                self.say(|| format!("c{at} tells {}: {ending:?}", short(transaction)));
                self.ledger.settles(transaction, &ending);
                let how = match ending {
                    Ending::Committed => Over::Committed,
                    Ending::RolledBack { .. } => Over::RolledBack,
                    Ending::Torn { .. } => Over::Torn,
                };
                self.admit(at, admission::Input::Over { ticket, how });
            }
            Effect::Forget => {
                let controller = &mut self.controllers[at];
                controller.forgotten.insert(transaction);
                if controller
                    .coordinators
                    .get(&transaction)
                    .is_some_and(|it| it.ending().is_some())
                {
                    controller.coordinators.remove(&transaction);
                    controller.timers.retain(|(it, _), _| *it != transaction);
                }
            }
        }
    }

    fn ask_gate(&mut self, at: usize, transaction: TransactionId, round: u32) {
        let healthy = self.scenario.wish(transaction).is_none_or(|it| it.healthy);
        let silent = !healthy && self.chance.permille(300);
        if !silent {
            let after = self.chance.between(100, 20_000);
            let whose = Whose {
                controller: at,
                life: self.controllers[at].life,
                transaction,
            };
            self.schedule(after, Event::Gate(whose, round, healthy));
        }
    }

    /// Another holds the lease: this one's coordinators say nothing any longer.
    fn fence(&mut self, at: usize) -> Vec<Input> {
        self.say(|| format!("c{at} is fenced"));
        self.controllers[at].fenced = true;
        self.controllers[at].coordinators.clear();
        self.controllers[at].timers.clear();
        Vec::new()
    }

    pub(super) fn note_record(&mut self, record: &CoordinatorRecord<Change>) {
        if let CoordinatorRecord::Began { charge, .. } = record {
            let members = charge.members.iter().map(|it| it.device).collect();
            self.ledger.members.insert(charge.transaction, members);
            let riders = charge.intents.iter().map(|it| TransactionId(it.0)).collect();
            self.ledger.riders.insert(charge.transaction, riders);
            self.ledger.planned.entry(charge.transaction).or_insert(self.now);
            for member in &charge.members {
                let part = (charge.transaction, member.device);
                if member.change.looks_on() {
                    self.ledger.onlookers.insert(part);
                }
                if charge.riders.len() > 1 && !member.change.stands.is_empty() {
                    self.ledger.rode_onlookers.insert(charge.transaction);
                }
                let places = member.change.edits.keys().copied().collect();
                self.ledger.touched.insert(part, places);
                let class = self
                    .agents
                    .iter()
                    .position(|it| it.device == member.device)
                    .map(|at| self.devices[at].class);
                let unmet = class.is_some_and(|class| !member.demand.is_met_by(class));
                if self.ledger.demanded.insert(part, member.demand).is_none() {
                    self.ledger.unmet += u64::from(unmet);
                }
                self.changes
                    .insert((charge.transaction, member.device), member.change.clone());
            }
        }
    }

    pub(super) fn note_durable(&mut self, record: &CoordinatorRecord<Change>) {
        match record {
            CoordinatorRecord::Decided {
                transaction, decision, ..
            } => {
                self.say(|| format!("on record: {} {decision:?}", short(*transaction)));
                self.ledger.decides(*transaction, ledger::Verdict::from(decision));
            }
            CoordinatorRecord::Cleared {
                transaction,
                device,
                how,
                ..
            } => {
                self.say(|| {
                    format!(
                        "on record: {device} is owed nothing from {}: {how:?}",
                        short(*transaction)
                    )
                });
                self.ledger.cleared.insert((*transaction, *device));
            }
            CoordinatorRecord::Settled { transaction, .. } => {
                self.ledger.over.entry(*transaction).or_insert(self.now);
            }
            CoordinatorRecord::Began { .. } => {}
        }
    }
}
