//! What the coordinator asks, and how a repeat or a voice from the past is told from news.

use super::Participant;
use super::live::{Hold, Live, Told, Work};
use super::past::Over;
use super::timers;
use super::turn::{About, Turn};
use crate::{
    Answer, Demand, Epoch, Guarantee, Lease, Order, ParticipantRecord, Request, Standing, Step, TakenBack, Terms,
};

impl<C: Clone> Participant<C> {
    pub(super) fn request(&mut self, request: Request<C>, turn: &mut Turn<C>) {
        let Request {
            transaction,
            epoch,
            order,
            ..
        } = request;
        let about = About {
            transaction,
            epoch,
            step: order.step(),
        };
        let is_live = self.live.as_ref().is_some_and(|it| it.transaction == transaction);
        let known = self.live.as_ref().filter(|_| is_live).map(|it| it.epoch);
        let known = known.or_else(|| self.past.find(transaction).map(|it| it.epoch));
        if let Some(by) = known.filter(|it| epoch < *it && !planted!(ForgetEpoch)) {
            return self.reply(about, Answer::Superseded { by }, turn);
        }
        if is_live {
            self.raise(epoch, turn);
            self.in_live(about, order, turn);
        } else if self.past.find(transaction).is_some_and(|it| !it.is_reopened_by(&order)) && !planted!(AnswerAnew) {
            self.in_past(about, turn);
        } else {
            self.unheard_of(about, order, turn);
        }
    }

    /// A higher epoch is remembered before it is obeyed.
    fn raise(&mut self, epoch: Epoch, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        if epoch > live.epoch {
            live.epoch = epoch;
            if live.recorded {
                let (device, transaction, at) = (self.device, live.transaction, turn.now);
                turn.record(ParticipantRecord::Raised {
                    device,
                    transaction,
                    epoch,
                    at,
                });
            }
        }
    }

    /// What is over stays over. A revert is put on record even so, and so is a higher epoch: after that no older voice can
    /// stage anew, whoever dies.
    fn in_past(&mut self, about: About, turn: &mut Turn<C>) {
        let Some(over) = self.past.find_mut(about.transaction) else {
            return;
        };
        let raised = about.epoch > over.epoch;
        over.epoch = over.epoch.max(about.epoch);
        let answer = over.answer_to(about.step);
        if over.recorded && raised || !over.recorded && about.step == Step::Revert {
            over.recorded = true;
            let over = over.clone();
            self.record_end(&over, turn);
        }
        self.reply(about, answer, turn);
    }

    /// Puts an end on record.
    pub(super) fn record_end(&self, over: &Over, turn: &mut Turn<C>) {
        turn.record(over.to_record(self.device, turn.now));
    }

    fn unheard_of(&mut self, about: About, order: Order<C>, turn: &mut Turn<C>) {
        match order {
            Order::Stage {
                change,
                demand,
                lease,
                comment,
                waived,
                looks_on,
            } => {
                self.let_go_of(&waived, turn);
                self.look_away(turn);
                if let Some(live) = &self.live {
                    let holder = format!("transaction {}", live.transaction);
                    return self.reply(about, Answer::Busy { holder }, turn);
                }
                self.live = Some(Live {
                    comment,
                    looks_on,
                    ..Live::new(about, change, demand, lease)
                });
                self.work(Work::Stage, turn);
            }
            Order::Confirm { change: Some(change) } => self.take_up(about, change, Told::Confirm, turn),
            Order::Revert { change: Some(change) } => self.take_up(about, change, Told::Revert, turn),
            Order::Revert { change: None } => {
                let over = Over::reverted(about);
                self.record_end(&over, turn);
                self.past.remember(over);
                self.reply(about, Answer::Reverted, turn);
            }
            Order::Apply | Order::Renew { .. } | Order::Confirm { change: None } | Order::Inquire => {
                self.reply(about, Answer::Unknown, turn);
            }
        }
    }

    /// An operator has taken on himself what this device was owed: the next transaction need not wait for it.
    fn let_go_of(&mut self, waived: &[crate::TransactionId], turn: &mut Turn<C>) {
        let Some(live) = &self.live else { return };
        if live.work.is_some() || !waived.contains(&live.transaction) {
            return;
        }
        let about = About {
            transaction: live.transaction,
            epoch: live.epoch,
            step: Step::Revert,
        };
        let over = Over {
            answer: Answer::Unknown,
            looked_on: live.looks_on,
            ..Over::reverted(about)
        };
        self.live = None;
        self.record_end(&over, turn);
        self.past.remember(over);
        timers::disarm_all(turn);
    }

    /// Who only looked on holds nothing: what comes next does not wait until that is over too.
    pub(super) fn look_away(&mut self, turn: &mut Turn<C>) {
        let Some(live) = self.live.take_if(|it| it.looks_on) else {
            return;
        };
        let about = About {
            transaction: live.transaction,
            epoch: live.epoch,
            step: Step::Revert,
        };
        self.leftover = self.leftover.or(live.work.map(|(operation, _)| operation));
        let over = Over {
            recorded: live.recorded,
            looked_on: true,
            ..Over::reverted(about)
        };
        if live.recorded {
            self.record_end(&over, turn);
        }
        self.past.remember(over);
        timers::disarm_all(turn);
    }

    /// The decision about a transaction of which nothing is on record here.
    fn take_up(&mut self, about: About, change: C, told: Told, turn: &mut Turn<C>) {
        self.look_away(turn);
        if let Some(live) = &self.live {
            let reason = format!("the device is held by transaction {}", live.transaction);
            return self.reply(about, Answer::Deferred { reason }, turn);
        }
        let lease = Terms::default().lease(1, 1);
        let mut live = Live::new(about, change, Demand::Any, lease);
        live.hold = Hold::Failed("nothing is on record here".to_owned());
        live.told = Some(told);
        live.recorded = true; // nobody knows: it may have been applied
        self.live = Some(live);
        self.conclude(turn);
    }

    fn in_live(&mut self, about: About, order: Order<C>, turn: &mut Turn<C>) {
        self.heard(turn);
        match order {
            Order::Confirm { .. } => self.is_told(Told::Confirm, turn),
            Order::Revert { .. } => self.is_told(Told::Revert, turn),
            Order::Inquire => {
                let standing = self.live.as_ref().map_or(Standing::Unknown, |it| it.hold.standing());
                self.reply(about, Answer::Stands { standing }, turn);
            }
            Order::Stage { .. } | Order::Apply | Order::Renew { .. } => self.before_decision(about, turn),
        }
    }

    fn is_told(&mut self, told: Told, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        if live.told.is_some_and(|it| it != told) {
            return; // there is one decision, and the first word about it stands
        }
        live.told = Some(told);
        live.owes = Some(if told == Told::Confirm {
            Step::Confirm
        } else {
            Step::Revert
        });
        if live.work.is_none() {
            self.conclude(turn);
        }
    }

    fn before_decision(&mut self, about: About, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        if live.told.is_some() {
            return;
        }
        let busy = live.work.is_some();
        let answer = match (about.step, &live.hold) {
            (_, Hold::Nothing | Hold::Resuming) => return, // the answer is on its way
            (Step::Stage, _) => live.vote(),
            (_, Hold::TakenBack | Hold::Lapsed) => Answer::Lapsed,
            (_, Hold::Failed(reason)) => Answer::Failed { reason: reason.clone() },
            (_, Hold::Confirmed) => Answer::Foreign {
                what: "somebody confirmed the change".to_owned(),
            },
            (Step::Apply, Hold::Staged) if !busy => {
                live.owes = Some(Step::Apply);
                return self.apply(Work::Apply, turn);
            }
            (Step::Apply, Hold::Applied) => Answer::Applied,
            (Step::Renew { .. }, Hold::Applied) if !busy => {
                live.owes = Some(about.step);
                return self.renew(turn);
            }
            (Step::Apply | Step::Renew { .. } | Step::Confirm | Step::Revert | Step::Inquire, _) => return,
        };
        self.reply(about, answer, turn);
    }

    /// The way back is on record before the first byte of an apply.
    pub(super) fn apply(&mut self, work: Work, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        live.recorded = true;
        let record = live.to_record(self.device, turn.now);
        if planted!(ApplyBeforeRecord) {
            self.work(work, turn);
            return turn.record(record);
        }
        turn.record(record);
        self.work(work, turn);
    }

    /// Where the way back is the agent's own, or nothing changes, keeping the change alive needs nothing of the device.
    fn renew(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &self.live else { return };
        if live.renews && !live.looks_on && live.guarantee.taken_back() != TakenBack::ByAgent {
            return self.work(Work::Renew, turn);
        }
        self.answer(Answer::Renewed, turn);
    }
}

impl<C> Live<C> {
    pub(super) fn new(about: About, change: C, demand: Demand, lease: Lease) -> Self {
        Self {
            transaction: about.transaction,
            epoch: about.epoch,
            change,
            demand,
            lease,
            comment: String::new(),
            evidence: None,
            guarantee: Guarantee::Plain,
            renews: false,
            looks_on: false,
            recorded: false,
            hold: Hold::Nothing,
            work: None,
            told: None,
            owes: Some(about.step),
            asks: 0,
            doubtful: false,
        }
    }

    /// The yes. An agent that is the only one to take a change back can always keep it a while longer.
    pub(super) fn vote(&self) -> Answer {
        let renews = self.renews || self.guarantee.taken_back() == TakenBack::ByAgent;
        Answer::Staged {
            guarantee: self.guarantee,
            renews,
        }
    }
}

impl Over {
    pub(super) fn reverted(about: About) -> Self {
        let About { transaction, epoch, .. } = about;
        Self {
            transaction,
            epoch,
            answer: Answer::Reverted,
            recorded: true,
            looked_on: false,
        }
    }
}
