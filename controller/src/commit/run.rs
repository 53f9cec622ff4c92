//! One running transaction: the coordinator's effects performed in order, its inputs fed one by one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use transaction::coordinator::{Effect, Input, Timer, Verdict};
use transaction::{
    Coordinator, CoordinatorRecord, DeviceId, Ending, Epoch, Moment, Progress, Settlement, Step, TransactionId,
    admission,
};
use transaction_journal::{AppendError, Journal, Json};

use super::change::Change;
use super::hub::{Ground, Outcome};
use super::point;
use super::put_off::PutOff;
use super::room::Room;
use super::timers::Timers;
use super::track::Track;

/// The journal of coordinators.
pub type Decisions = dyn Journal<Json<CoordinatorRecord<Change>>>;

/// How a run begins.
pub enum Start {
    /// From the first step.
    Begin,
    /// From what the journal left behind.
    Resume(Vec<Effect<Change>>),
}

/// What one transaction is driven with.
pub struct Run {
    /// Its name.
    pub transaction: TransactionId,
    /// The machine.
    pub coordinator: Coordinator<Change>,
    /// Journal, epoch, agents and gates.
    pub ground: Ground,
    /// Who waits for devices.
    pub admission: mpsc::Sender<admission::Input>,
    /// Where those that ride it wait for its end.
    pub room: Room,
    /// What is told.
    pub track: Arc<Track>,
    /// What the machine is told.
    pub inputs: mpsc::Receiver<Input>,
    /// For what the driver itself finds out.
    pub own: mpsc::Sender<Input>,
    /// The devices whose agents say what the journal does not know, and the highest epoch that each spoke of.
    pub doubted: BTreeMap<DeviceId, Epoch>,
    /// Of whom was told that it is asked again.
    pub put_off: PutOff,
}

/// What is said of such an agent.
const NOBODY: &str = "its agent says that another controller leads, and none does";

/// Whether the transaction goes on.
#[derive(PartialEq, Eq)]
enum Next {
    On,
    Over,
    /// It keeps its seat, so that nobody presumes anything of it, and does nothing.
    Still,
}

impl Run {
    /// Drives the transaction until nothing is left to do here.
    pub async fn drive(mut self, start: Start) {
        let mut timers = Timers::new();
        let mut waiting = VecDeque::new();
        let mut effects = match start {
            Start::Begin => {
                if let Err(reason) = self.may_begin().await {
                    return self.refused(reason).await;
                }
                self.coordinator.step(Input::Begin, now())
            }
            Start::Resume(effects) => effects,
        };
        loop {
            match self.perform(effects, &mut timers, &mut waiting).await {
                Next::On => {}
                Next::Over => return,
                Next::Still => return std::future::pending().await,
            }
            let input = match waiting.pop_front() {
                Some(input) => input,
                None => tokio::select! {
                    Some(input) = self.inputs.recv() => input,
                    timer = timers.next() => Input::Fired(timer),
                },
            };
            if let Some((device, words)) = self.put_off.news(&self.coordinator, &input) {
                self.track.note(Some(self.ground.agents.name(device)), words);
            }
            effects = self.coordinator.step(input, now());
        }
    }

    /// Whether it may begin, and each that rides it: where one may not, each is looked at by itself. Nothing has begun yet: who
    /// withdraws it meanwhile is heard at once, and devices that are looked at for too long are not waited for.
    async fn may_begin(&mut self) -> Result<(), String> {
        let charge = self.coordinator.charge();
        let (riders, track) = (charge.riders.clone(), self.track.clone());
        let within = self.ground.look_within;
        let looked = self.ground.gates.before(charge.transaction, riders, track);
        let mut looked = std::pin::pin!(tokio::time::timeout(within, looked));
        loop {
            tokio::select! {
                looked = &mut looked => {
                    looked.map_err(|_| late(within))??;
                    self.track.begins();
                    return Ok(());
                }
                Some(input) = self.inputs.recv() => if input == Input::Cancel {
                    let ticket = self.track.ticket(self.transaction);
                    return Err(admission::Refusal::Withdrawn { ticket }.to_string());
                },
            }
        }
    }

    /// An agent says that another leads. That only the journal can know, so it is asked, of each agent once for each epoch
    /// that it claims. Where it knows of nobody the operator is told, and the agent's own part answers for it.
    async fn verified(&mut self, device: DeviceId, claimed: Epoch, step: Option<Step>) -> Input {
        let asked = self.doubted.get(&device).is_some_and(|it| *it >= claimed);
        if !asked && self.is_fenced().await {
            self.ground.mute.store(true, Ordering::Release);
            return Input::Fenced;
        }
        if self.doubted.insert(device, claimed).is_none() {
            let name = self.ground.agents.name(device);
            tracing::error!(transaction = %self.transaction, device = name, %claimed, "its agent says that another leads, and the journal knows of nobody");
            self.track.mind(name, NOBODY.to_owned());
        }
        Input::Unfounded { device, step }
    }

    /// Whether the journal stands at a higher epoch than ours.
    async fn is_fenced(&self) -> bool {
        let epoch = Epoch(self.ground.epoch.0);
        let asked = self.ground.journal.append(epoch, Vec::new()).await;
        matches!(asked, Err(AppendError::Fenced { .. }))
    }

    /// Performs effects in order; what they bring at once waits its turn.
    async fn perform(
        &mut self,
        effects: Vec<Effect<Change>>,
        timers: &mut Timers<Timer>,
        waiting: &mut VecDeque<Input>,
    ) -> Next {
        for effect in effects {
            if let Some(at) = point::before(&effect) {
                tracing::trace!(target: "point", at);
            }
            match effect {
                Effect::Record(record) => {
                    let began = matches!(record, CoordinatorRecord::Began { .. });
                    if let Err(error) = self.record(record).await {
                        return self.unwritten(began, &error).await;
                    }
                }
                Effect::Verify { device, claimed, step } => {
                    let verified = self.verified(device, claimed, step).await;
                    waiting.push_back(verified);
                }
                Effect::Send(request) => {
                    let device = request.device;
                    if !self.ground.agents.offer(request) {
                        waiting.push_back(Input::Unreachable { device });
                    }
                }
                Effect::Arm { timer, after } => timers.arm(timer, after),
                Effect::Disarm(timer) => timers.disarm(timer),
                Effect::Gate { round, wave } => self.ask_gate(round, wave),
                Effect::Progress(progress) => self.tell(progress),
                Effect::Release { device, owed } => {
                    let owed = owed.then_some(self.transaction);
                    let ticket = self.track.ticket(self.transaction);
                    self.tell_admission(admission::Input::Release { ticket, device, owed })
                        .await;
                }
                Effect::Repaired { transaction, device } => {
                    self.tell_admission(admission::Input::Cleared { device, transaction })
                        .await;
                    let cleared = Outcome::Cleared { transaction, device };
                    if self.ground.outcomes.send(cleared).await.is_err() {
                        tracing::warn!(%transaction, "cleared while stopping");
                    }
                }
                Effect::Settled(settlement) => self.settled(settlement).await,
                Effect::Forget => return Next::Over,
            }
        }
        Next::On
    }

    async fn record(&self, record: CoordinatorRecord<Change>) -> Result<(), AppendError> {
        let epoch = Epoch(self.ground.epoch.0);
        #[cfg(torture)]
        if crate::halt::planted("send-before-durable") {
            let journal = self.ground.journal.clone();
            tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                let _ = journal.append(epoch, vec![Json(record)]).await;
            });
            return Ok(());
        }
        self.ground.journal.append(epoch, vec![Json(record)]).await.map(|_| ())
    }

    /// What is not on record is not sent. A record that no journal takes is this transaction's own misfortune: where
    /// nobody has heard of it yet it is refused, later it says nothing more until the next start finds it undecided.
    /// Anything else says that this controller no longer leads: from then on it says nothing at all.
    async fn unwritten(&self, began: bool, error: &AppendError) -> Next {
        match error {
            AppendError::TooLarge { .. } | AppendError::Unwritable if began => {
                tracing::warn!(transaction = %self.transaction, %error, "cannot record that it begins: refused");
                self.refused(format!("it cannot be recorded: {error}")).await;
                Next::Over
            }
            AppendError::TooLarge { .. } | AppendError::Unwritable => {
                tracing::error!(transaction = %self.transaction, %error, "cannot record: it stands still until the next start");
                Next::Still
            }
            AppendError::Fenced { .. } | AppendError::Lost => {
                tracing::error!(transaction = %self.transaction, %error, "cannot record, so nothing is sent");
                self.ground.mute.store(true, Ordering::Release);
                Next::Over
            }
        }
    }

    async fn refused(&self, reason: String) {
        let (ticket, how) = (self.track.ticket(self.transaction), admission::Over::RolledBack);
        let parted = self.room.part(&self.track.riders());
        self.tell_admission(admission::Input::Over { ticket, how }).await;
        if parted {
            return; // each of them is asked for by itself now
        }
        let (transaction, track) = (self.transaction, self.track.clone());
        let outcome = Outcome::Refused {
            transaction,
            reason,
            track,
        };
        if self.ground.outcomes.send(outcome).await.is_err() {
            tracing::warn!(%transaction, "refused while stopping");
        }
    }

    fn tell(&self, progress: Progress) {
        let device = progress.device.map(|device| self.ground.agents.name(device));
        let text = match (progress.step, progress.note) {
            (Some(step), Some(words)) => format!("{step}: {words}"),
            (Some(step), None) => format!("{step} done: configuration {}% complete", progress.percent),
            (None, Some(words)) => words,
            (None, None) => format!("{}% complete", progress.total),
        };
        self.track.add(device, text, progress.total, None);
    }

    async fn settled(&self, settlement: Settlement) {
        let how = match settlement.ending {
            Ending::Committed => admission::Over::Committed,
            Ending::RolledBack { .. } => admission::Over::RolledBack,
            Ending::Torn { .. } => admission::Over::Torn,
        };
        let (transaction, riders) = (self.transaction, self.track.riders());
        let parted = how == admission::Over::RolledBack && self.room.part(&riders);
        let outcome = if parted {
            self.track
                .note(None, format!("{transaction} was rolled back: each goes on by itself"));
            Outcome::Parted { transaction }
        } else {
            self.room.leave(&riders);
            Outcome::Settled(settlement, self.track.clone())
        };
        let ticket = self.track.ticket(transaction);
        self.tell_admission(admission::Input::Over { ticket, how }).await;
        if self.ground.outcomes.send(outcome).await.is_err() {
            tracing::warn!(transaction = %self.transaction, "settled while stopping");
        }
    }

    async fn tell_admission(&self, input: admission::Input) {
        if self.admission.send(input).await.is_err() {
            tracing::warn!(transaction = %self.transaction, "nobody admits any more");
        }
    }

    /// The gate is asked beside the machine, which meanwhile goes on renewing.
    fn ask_gate(&self, round: u32, wave: u16) {
        let (gates, own) = (self.ground.gates.clone(), self.own.clone());
        let asked = gates.ask(self.transaction, wave, self.track.clone());
        tokio::spawn(async move {
            let verdict = match asked.await {
                Ok(()) => Verdict::Passed,
                Err(reason) => Verdict::Failed { reason },
            };
            // Where the transaction is over nobody needs the answer.
            let _ = own.send(Input::Gate { round, verdict }).await;
        });
    }
}

/// Why it does not begin where that took too long.
fn late(within: Duration) -> String {
    let seconds = within.as_secs();
    format!("its devices could not be looked at in {seconds} s before it began: commit it again")
}

/// The wall clock, to stamp records with.
#[expect(clippy::disallowed_methods, reason = "a driver stamps; nothing is decided by it")]
pub fn now() -> Moment {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Moment(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
