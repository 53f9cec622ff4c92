//! Who may begin: admission driven, the queue shown, and whoever withdraws let go at any moment from here to the decision.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use transaction::coordinator::Input;
use transaction::{Admission, Charge, Coordinator, DeviceId, TicketId, TransactionId, admission};
use uuid::Uuid;

use super::super::change::Change;
use super::super::merge::{self, Ride};
use super::super::room::{Place, Waiting};
use super::super::run::Start;
use super::super::timers::Timers;
use super::super::track::Track;
use super::{Hub, Outcome};

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
        self.room.announce(TicketId(transaction.0), &track);
        track
    }

    /// A transaction that was announced is not submitted after all; whether the caller had withdrawn it.
    pub fn retract(&self, transaction: TransactionId) -> bool {
        let announced = self.room.all().remove(&TicketId(transaction.0));
        announced.is_some_and(|it| it.withdrawn)
    }

    /// The transaction that carries this one now, together with others.
    pub fn carrier(&self, transaction: TransactionId) -> Option<TransactionId> {
        self.room.all().get(&TicketId(transaction.0))?.carrier
    }

    /// Submits a transaction that was announced: it begins as soon as all its devices are free, by itself or together with
    /// others that waited for the same one.
    pub async fn submit(&self, charge: Charge<Change>, ride: Ride, track: Arc<Track>) {
        let ticket = TicketId(charge.transaction.0);
        let submission = admission::Submission {
            ticket,
            devices: charge.members.iter().map(|member| member.device).collect(),
            mergeable: ride.fits(&charge),
        };
        if !self.room.submit(ticket, charge, track) {
            let refusal = admission::Refusal::Withdrawn { ticket };
            return self.refuse(ticket, &refusal.to_string()).await;
        }
        if self.admission.send(admission::Input::Submit(submission)).await.is_err() {
            return self.refuse(ticket, "the controller is stopping").await;
        }
        // Whoever withdrew before admission had heard of it was not heard by it either.
        let withdrawn = self.room.all().get(&ticket).is_some_and(|it| it.withdrawn);
        if withdrawn {
            self.tell_admission(admission::Input::Withdraw(ticket)).await;
        }
    }

    /// Withdraws a transaction that waits or has not been decided; false where there is none. One that rides another takes
    /// that back with it: the others go on, each by itself.
    pub async fn cancel(&self, transaction: TransactionId) -> bool {
        let ticket = TicketId(transaction.0);
        let led = match self.room.withdraw(ticket) {
            // Whoever submits it, or lets it in at this very moment, sees the mark.
            Some(Place::Announced) => return true,
            Some(Place::Waits) => return self.admission.send(admission::Input::Withdraw(ticket)).await.is_ok(),
            Some(Place::Rides(carrier)) => carrier,
            None => transaction,
        };
        match self.sender(led) {
            Some(sender) => sender.send(Input::Cancel).await.is_ok(),
            // What carried it was rolled back this moment, and it goes no further than the mark.
            None => led != transaction,
        }
    }

    /// What a transaction waits for, if it does.
    pub fn waits(&self, transaction: TransactionId) -> Option<admission::Waiting> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.iter().find(|it| it.ticket.0 == transaction.0).cloned()
    }

    async fn refuse(&self, ticket: TicketId, reason: &str) {
        let waiting = self.room.all().remove(&ticket);
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
        let mut all = self.room.all();
        let Some((waiting, charge)) = all.get(&ticket).and_then(|it| Some((it, it.charge.as_ref()?))) else {
            return Admitted::Refused("nobody knows what was asked any more".to_owned());
        };
        if waiting.withdrawn {
            let refusal = admission::Refusal::Withdrawn { ticket };
            return Admitted::Refused(refusal.to_string());
        }
        if !brings(charge, debts) {
            return Admitted::Refused(owed(self, debts));
        }
        let coordinator = match Coordinator::new(self.as_agents_are(charge.clone()), self.ground.epoch) {
            Ok(coordinator) => coordinator,
            Err(error) => return Admitted::Refused(crate::start::chain(&error)),
        };
        let track = waiting.track.clone();
        self.run(coordinator, Start::Begin, track);
        all.remove(&ticket);
        Admitted::Runs
    }

    /// The charge as the agents of today can take it: who only looks on with an agent that does not let go is waited for.
    fn as_agents_are(&self, mut charge: Charge<Change>) -> Charge<Change> {
        for member in &mut charge.members {
            member.lingers = member.looks_on && !self.ground.agents.lets_go(member.device);
        }
        charge
    }

    /// Begins several that were admitted together, as one transaction that carries them all. False where they do not go
    /// together, or one of them may not begin: each is looked at by itself then.
    fn admitted_together(self: &Arc<Self>, tickets: &[TicketId], debts: &[(DeviceId, TransactionId)]) -> bool {
        let mut all = self.room.all();
        let ready = |it: &TicketId| all.get(it).filter(|it| !it.withdrawn);
        let Some(riders) = tickets.iter().map(ready).collect::<Option<Vec<&Waiting>>>() else {
            return false;
        };
        let Some(charges) = riders.iter().map(|it| it.charge.as_ref()).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let transaction = TransactionId(Uuid::now_v7().as_u128());
        let carrier = merge::carrier(transaction, &charges).filter(|_| debts.is_empty());
        let begun = |it| Coordinator::new(self.as_agents_are(it), self.ground.epoch).ok();
        let Some(coordinator) = carrier.and_then(begun) else {
            return false;
        };
        let tracks = charges
            .iter()
            .zip(&riders)
            .map(|(charge, it)| (charge.transaction, it.track.clone()));
        let track = Arc::new(Track::default().carrying(tracks.collect()));
        tracing::info!(%transaction, riders = tickets.len(), "carries what waited for one device");
        track.note(
            None,
            format!(
                "goes as {transaction}, one of {} that waited for this device",
                tickets.len()
            ),
        );
        for ticket in tickets {
            if let Some(waiting) = all.get_mut(ticket) {
                waiting.carrier = Some(transaction);
            }
        }
        self.run(coordinator, Start::Begin, track);
        true
    }
}

/// What admission knows a transaction by: those that ride it, or itself.
pub(crate) fn tickets(charge: &Charge<Change>) -> Vec<TicketId> {
    if charge.riders.is_empty() {
        return vec![TicketId(charge.transaction.0)];
    }
    charge.riders.iter().map(|rider| TicketId(rider.0)).collect()
}

/// Whether it brings all of these debts along, to be repaid or waived first.
fn brings(charge: &Charge<Change>, debts: &[(DeviceId, TransactionId)]) -> bool {
    debts.iter().all(|(device, transaction)| {
        let member = charge.members.iter().find(|member| member.device == *device);
        member.is_some_and(|it| it.debts.iter().any(|debt| debt.transaction == *transaction))
    })
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
                    let Some(ticket) = tickets.first().copied() else {
                        continue;
                    };
                    let begun = if tickets.len() > 1 {
                        hub.admitted_together(&tickets, &debts)
                    } else if let Admitted::Refused(reason) = hub.admitted(ticket, &debts) {
                        hub.refuse(ticket, &reason).await;
                        false
                    } else {
                        true
                    };
                    if !begun {
                        let how = admission::Over::RolledBack;
                        next.push_back(admission::Input::Over { ticket, how });
                    }
                }
                admission::Effect::Refuse { ticket, refusal } => hub.refuse(ticket, &refusal.to_string()).await,
                admission::Effect::Arm { timer, after } => timers.arm(timer, after),
                admission::Effect::Disarm(timer) => timers.disarm(timer),
            }
        }
    }
}
