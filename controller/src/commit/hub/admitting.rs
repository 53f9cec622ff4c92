//! Who may begin: admission driven, the queue shown, and whoever withdraws let go at any moment from here to the decision.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use transaction::coordinator::Input;
use transaction::{Admission, Charge, Coordinator, DeviceId, TicketId, TransactionId, admission};

use super::super::change::Change;
use super::super::run::Start;
use super::super::timers::Timers;
use super::super::track::Track;
use super::{Hub, Outcome};

/// A charge that has not begun.
pub(super) struct Waiting {
    pub charge: Charge<Change>,
    pub track: Arc<Track>,
    /// The caller withdrew it: it does not begin any more, whatever admission says meanwhile.
    withdrawn: bool,
}

/// Everybody who waits, as admission said last.
pub(super) type Queue = Arc<Mutex<Vec<admission::Waiting>>>;

/// What became of a ticket that was admitted.
enum Admitted {
    Runs,
    Refused(String),
}

impl Hub {
    /// A transaction will be submitted: from now on it can be followed, for as long as what comes back is held.
    pub fn announce(&self, transaction: TransactionId) -> Arc<Track> {
        let track = Arc::default();
        self.tracks.put(transaction, &track);
        track
    }

    /// Submits a transaction that was announced: it begins as soon as all its devices are free.
    pub async fn submit(&self, charge: Charge<Change>, track: Arc<Track>) {
        let ticket = TicketId(charge.transaction.0);
        let devices = charge.members.iter().map(|member| member.device).collect();
        let waiting = Waiting {
            charge,
            track,
            withdrawn: false,
        };
        self.waiting().insert(ticket, waiting);
        let submission = admission::Submission {
            ticket,
            devices,
            mergeable: false,
        };
        if self.admission.send(admission::Input::Submit(submission)).await.is_err() {
            return self.refuse(ticket, "the controller is stopping").await;
        }
        // Whoever withdrew before admission had heard of it was not heard by it either.
        let withdrawn = self.waiting().get(&ticket).is_some_and(|it| it.withdrawn);
        if withdrawn {
            self.tell_admission(admission::Input::Withdraw(ticket)).await;
        }
    }

    /// Withdraws a transaction that waits or has not been decided; false where there is none.
    pub async fn cancel(&self, transaction: TransactionId) -> bool {
        let ticket = TicketId(transaction.0);
        let waits = self.waiting().get_mut(&ticket).map(|it| it.withdrawn = true).is_some();
        if waits {
            // Whom admission lets in at this very moment, the mark keeps out.
            let withdraw = admission::Input::Withdraw(ticket);
            return self.admission.send(withdraw).await.is_ok();
        }
        match self.sender(transaction) {
            Some(sender) => sender.send(Input::Cancel).await.is_ok(),
            None => false,
        }
    }

    /// What a transaction waits for, if it does.
    pub fn waits(&self, transaction: TransactionId) -> Option<admission::Waiting> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.iter().find(|it| it.ticket.0 == transaction.0).cloned()
    }

    pub(super) fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<TicketId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn refuse(&self, ticket: TicketId, reason: &str) {
        let waiting = self.waiting().remove(&ticket);
        if let Some(Waiting { track, .. }) = waiting {
            let outcome = Outcome::Refused {
                transaction: TransactionId(ticket.0),
                reason: reason.to_owned(),
                track,
            };
            if self.ground.outcomes.send(outcome).await.is_err() {
                tracing::warn!(%ticket, reason, "refused while stopping");
            }
        }
    }

    /// Begins what was admitted. Nobody finds it neither waiting nor running: it leaves the one under the lock under
    /// which it enters the other.
    fn admitted(self: &Arc<Self>, ticket: TicketId, debts: &[(DeviceId, TransactionId)]) -> Admitted {
        let mut all = self.waiting();
        let Some(waiting) = all.get(&ticket) else {
            return Admitted::Refused("nobody knows what was asked any more".to_owned());
        };
        if waiting.withdrawn {
            let refusal = admission::Refusal::Withdrawn { ticket };
            return Admitted::Refused(refusal.to_string());
        }
        if !waiting.brings(debts) {
            return Admitted::Refused(owed(self, debts));
        }
        let coordinator = match Coordinator::new(waiting.charge.clone(), self.ground.epoch) {
            Ok(coordinator) => coordinator,
            Err(error) => return Admitted::Refused(crate::start::chain(&error)),
        };
        let track = waiting.track.clone();
        self.run(coordinator, Start::Begin, track);
        all.remove(&ticket);
        Admitted::Runs
    }
}

impl Waiting {
    /// Whether it brings all of these debts along, to be repaid or waived first.
    fn brings(&self, debts: &[(DeviceId, TransactionId)]) -> bool {
        debts.iter().all(|(device, transaction)| {
            let member = self.charge.members.iter().find(|member| member.device == *device);
            member.is_some_and(|it| it.debts.iter().any(|debt| debt.transaction == *transaction))
        })
    }
}

/// Why devices that are owed something take part in nothing new.
fn owed(hub: &Hub, debts: &[(DeviceId, TransactionId)]) -> String {
    let each = debts
        .iter()
        .map(|(device, from)| format!("{} is owed the end of {from}", hub.ground.agents.name(*device)));
    format!(
        "{}: bring it to what was decided there with `entente device repair`, or take it on yourself with `entente device waive`",
        each.collect::<Vec<_>>().join("; ")
    )
}

/// Drives admission.
pub(super) async fn admit(hub: Arc<Hub>, mut inputs: mpsc::Receiver<admission::Input>) {
    let mut machine = Admission::new(admission::Limits::default());
    let mut timers = Timers::new();
    let mut next = VecDeque::new();
    loop {
        let input = match next.pop_front() {
            Some(input) => input,
            None => tokio::select! {
                input = inputs.recv() => match input { Some(input) => input, None => return },
                timer = timers.next() => admission::Input::Fired(timer),
            },
        };
        let effects = machine.step(input);
        *hub.queue.lock().unwrap_or_else(PoisonError::into_inner) = machine.waiting();
        for effect in effects {
            match effect {
                admission::Effect::Admit { tickets, debts } => {
                    for ticket in tickets {
                        if let Admitted::Refused(reason) = hub.admitted(ticket, &debts) {
                            hub.refuse(ticket, &reason).await;
                            let how = admission::Over::RolledBack;
                            next.push_back(admission::Input::Over { ticket, how });
                        }
                    }
                }
                admission::Effect::Refuse { ticket, refusal } => hub.refuse(ticket, &refusal.to_string()).await,
                admission::Effect::Arm { timer, after } => timers.arm(timer, after),
                admission::Effect::Disarm(timer) => timers.disarm(timer),
            }
        }
    }
}
