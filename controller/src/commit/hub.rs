//! Every running transaction: admission before it, the journal under it, the word of the agents to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::AbortHandle;
use transaction::coordinator::Input;
use transaction::{
    Charge, Coordinator, CoordinatorRecord, DeviceId, Epoch, Inquiry, Member, Reply, Report, Request, Settlement,
    TransactionId, admission,
};

use super::change::{Change, Content};
use super::doubt::Restored;
use super::fault::DeviceFault;
use super::put_off::PutOff;
use super::room::Room;
use super::run::{Decisions, Run, Start};
use super::track::Track;
use super::tracks::Tracks;
use admitting::Queue;

pub(super) use admitting::tickets;

mod admitting;
mod resuming;

/// How many inputs one transaction may have waiting.
const INPUTS: usize = 1024;

/// Who speaks for the devices.
pub trait Agents: Send + Sync {
    /// Hands a request to the agent of its device; false if there is none or its queue is full.
    fn offer(&self, request: Request<Change>) -> bool;
    /// The name that people give a device.
    fn name(&self, device: DeviceId) -> String;
    /// Every device that is known.
    fn devices(&self) -> Vec<DeviceId>;
    /// Whether the agent of a device on which nothing changes lets go of it by itself.
    fn lets_go(&self, device: DeviceId) -> bool;
    /// What stands at these paths of a device now; nothing where it cannot be read.
    fn look(&self, device: DeviceId, paths: Vec<String>) -> BoxFuture<'_, Option<HashMap<String, Content>>>;
}

/// Who looks at the network's health.
pub trait Gates: Send + Sync {
    /// Looks once the devices are this transaction's own and before anything changes: what is broken already cannot be
    /// broken by the change. The reason why it, or one that rides it, may not begin, if it may not.
    fn before(
        &self,
        transaction: TransactionId,
        riders: Vec<TransactionId>,
        track: Arc<Track>,
    ) -> BoxFuture<'static, Result<(), String>>;

    /// Whether the network does what was promised; the reason if not.
    fn ask(&self, transaction: TransactionId, wave: u16, track: Arc<Track>) -> BoxFuture<'static, Result<(), String>>;
}

/// How a transaction ended, also one that a former run of the program began.
#[derive(Debug)]
pub enum Outcome {
    /// It ran.
    Settled(Settlement, Arc<Track>),
    /// It carried others and was rolled back: each of them runs by itself now, and is told its own ending.
    Parted {
        /// Which.
        transaction: TransactionId,
    },
    /// A device is no longer owed the end of a transaction.
    Cleared {
        /// Of which.
        transaction: TransactionId,
        /// Which device.
        device: DeviceId,
    },
    /// It was never admitted.
    Refused {
        /// Which.
        transaction: TransactionId,
        /// Why.
        reason: String,
        /// What was told of it.
        track: Arc<Track>,
    },
}

struct Running {
    devices: BTreeSet<DeviceId>,
    inputs: mpsc::Sender<Input>,
    task: Option<AbortHandle>,
}

/// What the hub stands on.
#[derive(Clone)]
pub struct Ground {
    /// What is durable.
    pub journal: Arc<Decisions>,
    /// Under which epoch transactions are led.
    pub epoch: Epoch,
    /// Who speaks for the devices.
    pub agents: Arc<dyn Agents>,
    /// Who looks at the network's health.
    pub gates: Arc<dyn Gates>,
    /// How long a transaction's devices may be looked at before it begins.
    pub look_within: Duration,
    /// Set once a record could not be written: from then on nothing is presumed.
    pub mute: Arc<AtomicBool>,
    /// Where every outcome is told.
    pub outcomes: mpsc::Sender<Outcome>,
    /// The last restore, if there was one: what began before it is in doubt.
    pub restored: Option<Restored>,
}

/// The one place through which transactions run.
pub struct Hub {
    ground: Ground,
    admission: mpsc::Sender<admission::Input>,
    /// What does not run by itself yet.
    room: Room,
    /// Who waits behind whom, as admission said last.
    queue: Queue,
    running: Arc<Mutex<HashMap<TransactionId, Running>>>,
    /// Who repays what a device is owed from an earlier transaction: its answers carry the earlier one's id.
    repaying: Arc<Mutex<HashMap<(DeviceId, TransactionId), TransactionId>>>,
    /// What is told of them all.
    tracks: Tracks,
}

impl Hub {
    /// Starts the hub; transactions that a former run of the program left behind are resumed first.
    pub async fn start(ground: Ground, records: Vec<CoordinatorRecord<Change>>) -> Arc<Self> {
        let (admission, inputs) = mpsc::channel(INPUTS);
        let hub = Arc::new(Self {
            ground,
            admission,
            room: Room::default(),
            queue: Arc::default(),
            running: Arc::default(),
            repaying: Arc::default(),
            tracks: Tracks::default(),
        });
        tokio::spawn(admitting::admit(hub.clone(), inputs));
        let mut histories: BTreeMap<TransactionId, Vec<CoordinatorRecord<Change>>> = BTreeMap::new();
        for record in records {
            histories.entry(record.transaction()).or_default().push(record);
        }
        for (transaction, history) in histories {
            hub.resume(transaction, &history).await;
        }
        hub
    }

    /// The agent of these devices is shut out: what waits or is undecided and concerns one of them is withdrawn, for nobody
    /// could confirm there. What is decided goes on, and names those that it cannot reach.
    pub async fn shut_out(&self, devices: &BTreeSet<DeviceId>) {
        // First who waits: whoever is let in meanwhile runs by the time that is looked at.
        for transaction in self.room.of(devices) {
            self.cancel(transaction).await;
        }
        let concerned: Vec<_> = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let of_them = running.values().filter(|it| !it.devices.is_disjoint(devices));
            of_them.map(|it| it.inputs.clone()).collect()
        };
        for inputs in concerned {
            let _ = inputs.send(Input::Cancel).await; // one that has ended needs no withdrawing
        }
    }

    /// What is told of a transaction that waits or runs, or whose ending is being kept or was told lately.
    pub fn track(&self, transaction: TransactionId) -> Option<Arc<Track>> {
        self.tracks.of(transaction)
    }

    /// How many transactions run, and how many wait.
    pub fn load(&self) -> (usize, usize) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).len();
        (running, self.room.count())
    }

    /// Whether a record could not be written: from then on nothing is decided.
    pub fn is_mute(&self) -> bool {
        self.ground.mute.load(Ordering::Acquire)
    }

    /// The transactions that run or wait, by id.
    pub fn open(&self) -> Vec<TransactionId> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open: Vec<_> = running.keys().copied().collect();
        drop(running);
        open.extend(self.room.all().keys().map(|ticket| TransactionId(ticket.0)));
        open.sort();
        open
    }

    /// An agent's answer. A full queue drops it: the coordinator asks again.
    pub fn reply(&self, reply: Reply) {
        self.tell(self.led_by(reply.device, reply.transaction), Input::Reply(reply));
    }

    /// The transaction that an answer is for: itself, or the one that repays what a device is owed from it.
    fn led_by(&self, device: DeviceId, transaction: TransactionId) -> TransactionId {
        let repaying = self.repaying.lock().unwrap_or_else(PoisonError::into_inner);
        repaying.get(&(device, transaction)).copied().unwrap_or(transaction)
    }

    /// What went wrong on a device of a transaction that runs.
    pub fn fault(&self, transaction: TransactionId, device: DeviceId, fault: DeviceFault) {
        let transaction = self.led_by(device, transaction);
        let takes_part = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.get(&transaction).is_some_and(|it| it.devices.contains(&device))
        };
        if let Some(track) = self.track(transaction).filter(|_| takes_part) {
            track.fault(fault);
        }
    }

    /// Nobody is owed the end of a torn transaction any longer: it is not led any more.
    pub fn forget(&self, transaction: TransactionId) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&transaction);
        if let Some(task) = running.and_then(|it| it.task) {
            task.abort();
        }
    }

    /// Somebody else wrote on a device's touched paths meanwhile: the operator hears of it whatever becomes of the
    /// transaction.
    pub fn strange(&self, transaction: TransactionId, device: DeviceId, paths: &str) {
        let name = self.ground.agents.name(device);
        tracing::warn!(%transaction, device = name, paths, "somebody else wrote here meanwhile");
        if let Some(track) = self.track(transaction) {
            track.mind(name, format!("somebody else wrote on {paths} meanwhile"));
        }
    }

    /// What an agent is at.
    pub fn report(&self, transaction: TransactionId, report: Report) {
        self.tell(transaction, Input::Report(report));
    }

    /// An agent's question; who asks about a transaction that nobody leads is told to revert. A controller that can
    /// no longer write says nothing: another may lead, and know better. Nor does one whose coordinator has no time to
    /// hear: it may have decided otherwise, and the agent asks again.
    pub fn asked(self: &Arc<Self>, inquiry: Inquiry) {
        if self.ground.mute.load(Ordering::Acquire) {
            return;
        }
        let led = self.sender(inquiry.transaction);
        match led.map(|inputs| inputs.try_send(Input::Asked(inquiry))) {
            Some(Ok(()) | Err(TrySendError::Full(_))) => return,
            Some(Err(TrySendError::Closed(_))) | None => {}
        }
        if self.ground.restored.is_some_and(|it| it.precedes(&inquiry)) && !self.runs(inquiry.transaction) {
            return self.doubt_unknown(inquiry);
        }
        let _ = self.ground.agents.offer(inquiry.presumed(self.ground.epoch));
    }

    // A full queue drops it: what matters is asked for again.
    fn tell(&self, transaction: TransactionId, input: Input) {
        if let Some(inputs) = self.sender(transaction) {
            let _ = inputs.try_send(input);
        }
    }

    fn sender(&self, transaction: TransactionId) -> Option<mpsc::Sender<Input>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&transaction).map(|it| it.inputs.clone())
    }

    /// What is told of a transaction that a former run of the program left behind, and of those that ride it.
    pub(super) fn led_anew(&self, transaction: TransactionId, riders: &[TransactionId]) -> Arc<Track> {
        let anew = || Track::led_anew(self.ground.epoch);
        let riders: Vec<_> = riders.iter().map(|rider| (*rider, Arc::new(anew()))).collect();
        for (rider, track) in &riders {
            self.tracks.put(*rider, track);
        }
        let track = Arc::new(anew().carrying(riders));
        self.tracks.put(transaction, &track);
        track
    }

    /// Takes the seat of a transaction that is not driven yet; what comes for it meanwhile comes out here.
    pub(super) fn occupy(
        &self,
        transaction: TransactionId,
        riders: &[TransactionId],
    ) -> (mpsc::Receiver<Input>, Arc<Track>) {
        let (own, inputs) = mpsc::channel(INPUTS);
        let track = self.led_anew(transaction, riders);
        let running = Running {
            devices: BTreeSet::new(),
            inputs: own,
            task: None,
        };
        let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(transaction, running);
        (inputs, track)
    }

    /// Gives the seat of a transaction up.
    pub(super) fn leave(&self, transaction: TransactionId) {
        let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&transaction);
    }

    /// What the hub stands on.
    pub(super) fn ground(&self) -> &Ground {
        &self.ground
    }

    pub(super) async fn tell_admission(&self, input: admission::Input) {
        if self.admission.send(input).await.is_err() {
            tracing::warn!("nobody admits any more");
        }
    }

    pub(super) async fn tell_outcome(&self, outcome: Outcome) {
        if self.ground.outcomes.send(outcome).await.is_err() {
            tracing::warn!("settled while stopping");
        }
    }

    fn runs(&self, transaction: TransactionId) -> bool {
        self.sender(transaction).is_some()
    }

    pub(super) fn run(self: &Arc<Self>, coordinator: Coordinator<Change>, start: Start, track: Arc<Track>) {
        let transaction = coordinator.transaction();
        let (own, inputs) = mpsc::channel(INPUTS);
        self.tracks.put(transaction, &track);
        let running = Running {
            devices: coordinator.charge().members.iter().map(|it| it.device).collect(),
            inputs: own.clone(),
            task: None,
        };
        let repays = repays(coordinator.charge());
        let mut repaying = self.repaying.lock().unwrap_or_else(PoisonError::into_inner);
        repaying.extend(repays.iter().map(|debt| (*debt, transaction)));
        drop(repaying);
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(transaction, running);
        let run = Run {
            transaction,
            coordinator,
            ground: self.ground.clone(),
            admission: self.admission.clone(),
            room: self.room.clone(),
            track,
            inputs,
            own,
            doubted: BTreeMap::new(),
            put_off: PutOff::default(),
        };
        let hub = self.clone();
        let task = tokio::spawn(async move {
            run.drive(start).await;
            let mut repaying = hub.repaying.lock().unwrap_or_else(PoisonError::into_inner);
            repaying.retain(|debt, _| !repays.contains(debt));
            drop(repaying);
            hub.running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&transaction);
        });
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.get_mut(&transaction) {
            running.task = Some(task.abort_handle());
        }
    }
}

/// What a transaction repays.
fn repays(charge: &Charge<Change>) -> Vec<(DeviceId, TransactionId)> {
    let debts = |member: &Member<Change>| {
        let unwaived = member.debts.iter().filter(|debt| !debt.is_waived());
        let device = member.device;
        unwaived.map(move |debt| (device, debt.transaction)).collect::<Vec<_>>()
    };
    charge.members.iter().flat_map(debts).collect()
}

#[cfg(test)]
mod tests;
