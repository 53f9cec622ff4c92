//! One task for one device: it does what the participant says, in order, and tells it what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adapters_failover::Failover;
use adapters_port::Deadline;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use transaction::participant::{Effect, Input, Operation, Outcome, Timer};
use transaction::{
    Demand, DeviceId, Lease, Moment, Order, Participant, ParticipantRecord, Request, Standing, Step, TransactionId,
};

use crate::desk::{Desk, Errand, Work};
use crate::failure::Failure;
use crate::ledger::{Ledger, LedgerError};
use crate::link::{Progress, Upward};
use crate::part::Part;
use crate::point;

/// What a driver is given.
pub struct Setup {
    /// Which device.
    pub device: DeviceId,
    /// What operators call it.
    pub name: String,
    /// The way to it, whichever protocol is well.
    pub failover: Failover,
    /// Where its records go.
    pub ledger: Arc<Ledger>,
    /// Where its words go.
    pub up: mpsc::Sender<Upward>,
    /// How long one step may take.
    pub step_within: Duration,
    /// Makes tokens.
    pub random: fn() -> u128,
    /// The wall clock, for stamps.
    pub now: fn() -> Moment,
}

/// What was still open when a driver ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// On which device.
    pub device: String,
    /// Which transaction.
    pub transaction: TransactionId,
    /// Where the device stood in it.
    pub standing: Standing,
}

/// Work under way, and the desk that comes back from it.
type Working = JoinHandle<(Desk, u64, Work)>;

/// A device's driver.
pub struct Driver {
    setup: Setup,
    participant: Participant<Part>,
    desk: Option<Desk>,
    working: Option<(u64, Working)>,
    timers: BTreeMap<Timer, Instant>,
    /// The lease of the transaction that was staged last, and what it demands.
    terms: Option<(TransactionId, Lease, Demand)>,
}

impl Driver {
    /// Comes back to where the records leave off, and does first what that asks for.
    pub async fn recover(setup: Setup, past: &[ParticipantRecord<Part>]) -> Result<Self, LedgerError> {
        let (participant, effects) = Participant::recover(setup.device, past, (setup.now)());
        let terms = past.iter().rev().find_map(|record| match record {
            ParticipantRecord::Pending {
                transaction,
                lease,
                demand,
                ..
            } => Some((*transaction, lease.clone(), *demand)),
            ParticipantRecord::Raised { .. } | ParticipantRecord::Ended { .. } => None,
        });
        if let Some((transaction, standing)) = participant.live() {
            tracing::info!(device = setup.name, %transaction, ?standing, "found open, looking at the device");
        }
        let desk = Some(new_desk(&setup));
        let mut driver = Self {
            setup,
            participant,
            desk,
            working: None,
            timers: BTreeMap::new(),
            terms,
        };
        driver.perform(effects).await?;
        Ok(driver)
    }

    /// Serves until told to stop and no work is under way any more.
    pub async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Request<Part>>,
        stop: CancellationToken,
    ) -> Result<Option<Open>, LedgerError> {
        let mut listening = true;
        while self.working.is_some() || !stop.is_cancelled() {
            let next = self
                .timers
                .iter()
                .min_by_key(|(_, at)| **at)
                .map(|(timer, at)| (*timer, *at));
            let input = tokio::select! {
                done = finished(&mut self.working) => self.take_back(done),
                request = inbox.recv(), if listening && !stop.is_cancelled() => match request {
                    Some(request) => self.hear(request),
                    None => {
                        listening = false;
                        continue;
                    }
                },
                timer = fires(next) => {
                    self.timers.remove(&timer);
                    Input::Fired(timer)
                }
                () = stop.cancelled(), if !stop.is_cancelled() => continue,
            };
            let effects = self.participant.step(input, (self.setup.now)());
            self.perform(effects).await?;
        }
        let name = self.setup.name;
        Ok(self.participant.live().map(|(transaction, standing)| Open {
            device: name,
            transaction,
            standing,
        }))
    }

    fn hear(&mut self, request: Request<Part>) -> Input<Part> {
        tracing::debug!(device = self.setup.name, transaction = %request.transaction, step = %request.order.step(), "asked");
        if let Order::Stage { lease, demand, .. } = &request.order
            && !self.participant.is_taken()
        {
            self.terms = Some((request.transaction, lease.clone(), *demand));
        }
        Input::Request(request)
    }

    fn take_back(&mut self, (operation, done): (u64, Result<(Desk, u64, Work), JoinError>)) -> Input<Part> {
        self.working = None;
        let outcome = match done {
            Ok((desk, _, work)) => {
                self.desk = Some(desk);
                self.tell_details(&work);
                work.outcome
            }
            Err(error) => {
                tracing::error!(device = self.setup.name, %error, "the work on the device broke off");
                self.desk = Some(new_desk(&self.setup));
                Outcome::Unknown {
                    reason: "the agent's own work broke off".to_owned(),
                }
            }
        };
        Input::Done { operation, outcome }
    }

    /// In order: a record is durable before anything that stands behind it.
    async fn perform(&mut self, effects: Vec<Effect<Part>>) -> Result<(), LedgerError> {
        for effect in effects {
            if let Some(at) = point::before(&effect) {
                tracing::trace!(target: "point", at);
            }
            match effect {
                Effect::Record(record) => self.setup.ledger.record(record).await?,
                Effect::Device { operation, work } => self.start(operation, work),
                Effect::Reply(reply) => {
                    tracing::info!(device = self.setup.name, transaction = %reply.transaction, step = %reply.step, answer = ?reply.answer, "answered");
                    self.tell(Upward::Reply(reply));
                }
                Effect::Inquire(inquiry) => {
                    tracing::info!(device = self.setup.name, transaction = %inquiry.transaction, "asking what was decided");
                    self.tell(Upward::Inquiry(inquiry));
                }
                Effect::Arm { timer, after } => {
                    self.timers.insert(timer, Instant::now() + after);
                }
                Effect::Disarm(timer) => {
                    self.timers.remove(&timer);
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, operation: u64, work: Operation<Part>) {
        // at most one is under way, so the desk is here; were it not, a new one starts from what is on record
        let mut desk = self.desk.take().unwrap_or_else(|| new_desk(&self.setup));
        let transaction = self
            .participant
            .live()
            .map_or(TransactionId(0), |(transaction, _)| transaction);
        let terms = self.terms.as_ref().filter(|(of, ..)| *of == transaction);
        let errand = Errand {
            transaction,
            lease: terms.map(|(_, lease, _)| lease.clone()),
            demand: terms.map_or(Demand::Any, |(_, _, demand)| *demand),
        };
        self.tell_begun(transaction, &work);
        let by = Deadline::after(Instant::now().into_std(), self.setup.step_within);
        let task = tokio::spawn(async move {
            let work = desk.perform(work, &errand, by).await;
            (desk, operation, work)
        });
        self.working = Some((operation, task));
    }

    /// The device is worked on from now on: whoever follows the transaction sees where it takes its time.
    fn tell_begun(&self, transaction: TransactionId, work: &Operation<Part>) {
        let step = match work {
            Operation::Stage { .. } | Operation::Restage { .. } => Step::Stage,
            Operation::Apply { .. } => Step::Apply,
            Operation::Confirm { .. } => Step::Confirm,
            Operation::Revert { .. } => Step::Revert,
            Operation::Renew { .. } | Operation::Read { .. } => return,
        };
        let (device, count) = (self.setup.device, work.change().delta.len());
        let entries = if count == 1 { "entry" } else { "entries" };
        let words = format!("at work on {count} {entries}");
        self.tell(Upward::Progress(Progress {
            transaction,
            device,
            step,
            words,
        }));
    }

    /// What a participant does not carry, and the answer to the controller will: it comes first.
    fn tell_details(&self, work: &Work) {
        let Some((transaction, _)) = self.participant.live() else {
            return;
        };
        let device = self.setup.device;
        if let Some(receipt) = work.receipt.clone() {
            self.tell(Upward::Receipt {
                transaction,
                device,
                receipt,
                foreign: work.foreign.clone(),
            });
        }
        if let Some(failure) = work.failure.clone().or_else(|| self.too_weak(&work.outcome)) {
            self.tell(Upward::Failure {
                transaction,
                device,
                failure,
            });
        }
    }

    /// The participant refuses a session that promises less than was demanded: this is why.
    fn too_weak(&self, outcome: &Outcome) -> Option<Failure> {
        let Outcome::Staged { guarantee, .. } = outcome else {
            return None;
        };
        let (_, _, demand) = self.terms.as_ref()?;
        (!demand.is_met_by(*guarantee)).then(|| Failure::too_weak(*guarantee))
    }

    /// Never waits: what finds no room is dropped, and asked for again by whoever misses it.
    fn tell(&self, word: Upward) {
        if self.setup.up.try_send(word).is_err() {
            tracing::warn!(
                device = self.setup.name,
                "the queue to the controller is full or closed: a word was dropped"
            );
        }
    }
}

fn new_desk(setup: &Setup) -> Desk {
    Desk::new(setup.device, setup.name.clone(), setup.failover.clone(), setup.random)
}

async fn finished(working: &mut Option<(u64, Working)>) -> (u64, Result<(Desk, u64, Work), JoinError>) {
    match working {
        Some((operation, task)) => (*operation, task.await),
        None => std::future::pending().await,
    }
}

async fn fires(next: Option<(Timer, Instant)>) -> Timer {
    match next {
        Some((timer, at)) => {
            tokio::time::sleep_until(at).await;
            timer
        }
        None => std::future::pending().await,
    }
}
