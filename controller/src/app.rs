//! What the controller does for whoever asks, through whichever door.

mod error;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use fabric_events::Severity;
use fabric_identity::Authority;
use intents::{Envelope, Library};
use knowledge_cases::Shelf;
use serde_json::json;
use tokio::sync::{Mutex, mpsc};
use transaction::{Charge, Demand, DeviceId, Ending, Epoch, Gate, IntentId, Member, Terms, TransactionId};
use uuid::Uuid;

use crate::advice::Advice;
use crate::agents::{Agents, Roster};
use crate::audit::{Audit, Entry};
use crate::commit::{Change, Hub, Outcome, Ride, Track, now};
use crate::config::TermSettings;
use crate::events::Events;
use crate::gatekeeper::Gatekeeper;
use crate::history::Keep;
use crate::known::LastKnown;
use crate::learning::Learning;
use crate::network::Network;
use crate::operation::Operation;
use crate::plan::{self, Plan, PlannedIntent, Purpose};
use crate::policy::Policy;
use crate::saying::Talks;
use crate::store::{Kept, NewIntent, Store, TransactionRow};

pub use error::AppError;

/// How much longer the gate may take than the checks themselves.
const GATE_ROOM: Duration = Duration::from_secs(15);
/// How many of those that ended last can still be followed from their beginning.
const TOLD: usize = 256;

/// What the caller wants of a plan beyond its intents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Nothing is looked at before the change stays.
    pub ungated: bool,
    /// The change is made although it may cut an agent's way to its device.
    pub forced: bool,
}

/// Who asks, and through which door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// His name.
    pub who: String,
    /// `rest`, `file`.
    pub door: &'static str,
    /// Whether he showed who he is. The admin token says that its holder may, not who he is: there the name is what he
    /// calls himself.
    pub proven: bool,
}

/// The controller.
pub struct App {
    /// The classes; a new library takes the place of the old one whole.
    pub library: RwLock<Arc<Library>>,
    /// What the reader was taught beside them.
    pub learning: Learning,
    /// A language model beside the rules, where one is configured.
    pub advice: Option<Advice>,
    /// A directory with classes of the user's own.
    pub classes: Option<PathBuf>,
    /// What was said, and the reader of sentences.
    pub talks: Talks,
    /// What devices held when they were last read.
    pub known: LastKnown,
    /// Devices, and who owns what on them.
    pub network: Mutex<Network>,
    /// What is remembered.
    pub store: Store,
    /// Who did what.
    pub audit: Audit,
    /// Who has joined.
    pub agents: Arc<Agents>,
    /// What is looked at before changes stay.
    pub gatekeeper: Gatekeeper,
    /// What runs.
    pub hub: Arc<Hub>,
    /// The terms of transactions.
    pub terms: TermSettings,
    /// What must be approved, and when nothing is committed.
    pub policy: Policy,
    /// What went wrong before.
    pub cases: std::sync::Mutex<Shelf>,
    /// How much is kept of what stood on devices.
    pub keep: Keep,
    /// Who vouches for agents.
    pub authority: Arc<Authority>,
    /// Which agents there are.
    pub roster: Arc<Roster>,
    /// What is told, signed.
    pub events: Arc<Events>,
    /// Where agents dial, and where they enrol.
    pub doors: (SocketAddr, SocketAddr),
    /// What was told of transactions that are over, the latest few.
    pub told: Mutex<VecDeque<Arc<Track>>>,
    /// What it stands on.
    pub operation: Operation,
}

impl App {
    /// Makes a plan for new intents and for intents to withdraw, and keeps it.
    pub async fn plan(
        &self,
        envelopes: Vec<Envelope>,
        withdraws: Vec<String>,
        wishes: Wishes,
        asker: &Asker,
    ) -> Result<Plan, AppError> {
        let plan = self.considered(envelopes, withdraws, wishes).await?;
        self.issue(plan, asker).await
    }

    /// Reads the devices of what was drafted, and makes a plan of it that is kept.
    pub(crate) async fn draw(
        &self,
        drafted: plan::Drafted,
        purpose: Purpose,
        wishes: Wishes,
        asker: &Asker,
    ) -> Result<Plan, AppError> {
        let read = self.read_all(drafted.devices()).await?;
        self.network.lock().await.promise(self.agents.guarantees());
        let words = drafted.words();
        let mut plan = plan::finish(drafted, &read, &*self.network.lock().await)?;
        plan.purpose = Some(purpose);
        self.guard(&mut plan, &words, &read, wishes).await?;
        self.issue(plan, asker).await
    }

    /// Gives a plan its id and its hash, and keeps it.
    pub(crate) async fn issue(&self, mut plan: Plan, asker: &Asker) -> Result<Plan, AppError> {
        plan.id = Uuid::now_v7().to_string();
        plan.warnings = self.warnings(&plan).await;
        let plan = plan.sealed();
        self.keep(&plan, asker).await?;
        Ok(plan)
    }

    /// An intent with its id: the one that it has where it is active under its name, else a new one.
    pub(crate) async fn draft(&self, envelope: Envelope) -> Result<plan::Draft, AppError> {
        let named = match &envelope.name {
            Some(name) => self.store.intent(name).await?.filter(|kept| kept.state == "active"),
            None => None,
        };
        let id = named.map_or_else(|| Uuid::now_v7().to_string(), |kept| kept.id);
        Ok(plan::Draft { id, envelope })
    }

    pub(crate) async fn keep(&self, plan: &Plan, asker: &Asker) -> Result<(), AppError> {
        self.store
            .add_plan(&plan.id, &plan.hash, &written(plan)?, stamp())
            .await?;
        self.store.keep_plan_asker(&plan.id, &asker.who).await?;
        self.note(
            asker,
            "plan",
            &plan.id,
            json!({ "hash": plan.hash, "devices": plan.devices.len(), "gate": gate_word(plan), "forced": plan.forced }),
        )
        .await
    }

    /// Commits a plan: the transaction begins as soon as all its devices are free.
    pub async fn commit(&self, id: &str, hash: Option<&str>, asker: &Asker) -> Result<TransactionRow, AppError> {
        let kept = self.store.plan(id).await?.ok_or_else(|| missing("plan", id))?;
        let plan = read_plan(&kept)?;
        if hash.is_some_and(|hash| hash != plan.hash) || plan.digest() != plan.hash {
            return Err(AppError::Changed { id: id.to_owned() });
        }
        if plan.dry_run {
            return Err(AppError::Spent {
                id: id.to_owned(),
                state: "a dry run".to_owned(),
            });
        }
        if kept.state == "open" {
            self.allowed(&plan).await?;
        }
        let what = plan::gone(&plan, &self.under_way().await?, &*self.network.lock().await);
        if kept.state == "open" && !what.is_empty() {
            return Err(AppError::Moved {
                id: id.to_owned(),
                what,
            });
        }
        if kept.state == "open" {
            self.fits_beside(&plan).await?;
        }
        if !self.store.move_plan(id, "open", "committing").await? {
            return Err(AppError::Spent {
                id: id.to_owned(),
                state: kept.state,
            });
        }
        let transaction = TransactionId(Uuid::now_v7().as_u128());
        let names: Vec<&str> = plan.devices.iter().map(|device| device.name.as_str()).collect();
        let row = TransactionRow {
            id: transaction.to_string(),
            plan: id.to_owned(),
            state: "running".to_owned(),
            reason: String::new(),
            devices: json!(names).to_string(),
            asked_by: asker.who.clone(),
            begun: stamp(),
            ended: None,
        };
        // Whoever finds it in the list can follow it, and withdraw it.
        let track = self.hub.announce(transaction);
        if let Err(error) = self.store.begin(&row).await {
            self.hub.retract(transaction);
            self.store.move_plan(id, "committing", "open").await?;
            return Err(error.into());
        }
        if let Err(error) = self.begin((transaction, &row), &plan, track.clone(), asker).await {
            self.hub.retract(transaction);
            let reason = format!("it could not begin: {error}");
            self.settled(transaction, transaction, None, &reason).await?;
            track.end("rolled-back", &reason);
            return Err(error);
        }
        Ok(row)
    }

    /// Begins what stands in the list already.
    async fn begin(
        &self,
        (transaction, row): (TransactionId, &TransactionRow),
        plan: &Plan,
        track: Arc<Track>,
        asker: &Asker,
    ) -> Result<(), AppError> {
        let detail = json!({ "plan": plan.id, "hash": plan.hash, "gate": gate_word(plan), "forced": plan.forced });
        self.note(asker, "commit", &row.id, detail).await?;
        if let Some(Purpose::Replace { device }) = &plan.purpose {
            // What the old hardware was owed is void once the new one is brought to what is wanted.
            self.waive(device, asker).await?;
        }
        let charge = self.charge(transaction, plan, asker).await?;
        if charge.members.is_empty() {
            // Nothing has to change: the plan is true already.
            self.settled(transaction, transaction, Some(&Ending::Committed), "")
                .await?;
            self.hub.retract(transaction);
            track.end("committed", "");
            return Ok(());
        }
        let ride = self.ride(plan).await?;
        if charge.gate != Gate::None {
            self.gatekeeper.expect(transaction, plan.gate.clone());
        }
        self.hub.submit(charge, ride, track).await;
        Ok(())
    }

    /// Whether what a plan changes may ride one transaction with what others want of the same device: nobody had to approve
    /// it, and nobody forced it.
    async fn ride(&self, plan: &Plan) -> Result<Ride, AppError> {
        let cuts = plan.devices.iter().any(|device| !device.cuts.is_empty());
        let alone = plan.purpose.is_some() || plan.forced || cuts || !self.rules(plan).await?.is_empty();
        Ok(if alone { Ride::Alone } else { Ride::Along })
    }

    /// Whether a transaction may begin now that its devices are its own: somebody may have frozen them, or work on them,
    /// since it was asked for, and an approval may be wanted at this hour. What stands there before it is kept.
    pub(crate) async fn begins(&self, transaction: TransactionId) -> Result<(), AppError> {
        let id = transaction.to_string();
        let row = self.store.transaction(&id).await?;
        let row = row.ok_or_else(|| missing("transaction", &id))?;
        let kept = self.store.plan(&row.plan).await?;
        let plan = read_plan(&kept.ok_or_else(|| missing("plan", &row.plan))?)?;
        self.allowed(&plan).await?;
        self.fits_there(&plan).await?;
        let changed = plan.devices.iter().filter(|device| !device.entries.is_empty());
        let devices: Vec<DeviceId> = changed.filter_map(|device| device.id.parse().ok()).collect();
        self.snap(&devices, (&id, "before"), &[]).await;
        Ok(())
    }

    /// Withdraws a transaction that waits or is not decided, and keeps who did.
    pub async fn cancel(&self, transaction: TransactionId, asker: &Asker) -> Result<bool, AppError> {
        if self.hub.track(transaction).is_none() {
            return Ok(false);
        }
        self.note(asker, "cancel", &transaction.to_string(), json!({})).await?;
        Ok(self.hub.cancel(transaction).await)
    }

    /// Whether a plan may be committed now.
    async fn allowed(&self, plan: &Plan) -> Result<(), AppError> {
        if plan.purpose.is_none() {
            self.thawed(&self.changing(plan).await).await?;
        }
        self.left_alone(plan).await?;
        self.approved(plan).await
    }

    /// The plans of transactions that are not over, in the order in which these began.
    pub(crate) async fn under_way(&self) -> Result<Vec<Plan>, AppError> {
        let running = self.store.plans_of("running").await?;
        running.iter().map(read_plan).collect()
    }

    pub(crate) async fn charge(
        &self,
        transaction: TransactionId,
        plan: &Plan,
        asker: &Asker,
    ) -> Result<Charge<Change>, AppError> {
        let inside = |error: &dyn std::fmt::Display| AppError::Inside(error.to_string());
        let mut members = Vec::new();
        let settles = matches!(plan.purpose, Some(Purpose::Settle { .. }));
        let owed = self.store.owed().await?;
        for device in &plan.devices {
            let (delta, stands) = (device.delta().map_err(|error| inside(&error))?, device.stands());
            // A device that has to change nothing takes part where something has to stand on it.
            if !settles && delta.is_empty() && stands.is_empty() {
                continue;
            }
            let demand = device.demand.as_deref().filter(|_| !delta.is_empty());
            let id = device
                .id
                .parse()
                .map_err(|error: transaction::IdError| inside(&error))?;
            members.push(Member {
                device: id,
                change: Change::of(&plan.hash, &delta).where_stand(&stands),
                demand: demand.map_or(Demand::Any, self::demand),
                wave: device.wave,
                debts: self.debts(&owed, id, settles).await?,
            });
        }
        let terms = Terms {
            gate_within: Duration::from_secs(plan.gate.within) + GATE_ROOM,
            ..self.terms.terms()
        };
        terms.check().map_err(|error| inside(&error))?;
        let intents = plan
            .intents
            .iter()
            .filter_map(|intent| intent.id.parse::<IntentId>().ok())
            .collect();
        let comment = format!("entente {} by {}", &transaction.to_string()[..8], asker.who);
        Ok(Charge {
            transaction,
            intents,
            riders: Vec::new(),
            comment,
            members,
            gate: if plan.gate.counts() { Gate::Last } else { Gate::None },
            terms,
        })
    }

    /// Takes outcomes until none come any more: keeps them, moves intents on, tells who watches.
    pub async fn settle(self: Arc<Self>, mut outcomes: mpsc::Receiver<Outcome>) {
        while let Some(outcome) = outcomes.recv().await {
            let (led, ending, reason, track) = match outcome {
                Outcome::Settled(settlement, track) => {
                    let reason = ended(&settlement.ending, &self.agents).1;
                    (settlement.transaction, Some(settlement.ending), reason, track)
                }
                Outcome::Refused {
                    transaction,
                    reason,
                    track,
                } => (transaction, None, reason, track),
                Outcome::Parted { transaction } => {
                    self.operation.journal.kept(transaction);
                    continue;
                }
                Outcome::Cleared { transaction, device } => {
                    self.cleared(transaction, device).await;
                    continue;
                }
            };
            let mut kept = true;
            let told = track.told(led);
            let together: Vec<String> = told.iter().map(|(transaction, _)| transaction.to_string()).collect();
            for (transaction, track) in told {
                kept &= self.over((transaction, led), ending.as_ref(), &reason, track).await;
                let devices = self.touched(transaction).await;
                self.snap_later(devices, transaction.to_string(), together.clone());
            }
            if kept {
                self.operation.journal.kept(led);
            }
        }
    }

    /// Keeps how one transaction ended, by itself or as a rider of the one that led it, and tells who watches; whether that is
    /// kept.
    async fn over(
        self: &Arc<Self>,
        (transaction, led): (TransactionId, TransactionId),
        ending: Option<&Ending>,
        reason: &str,
        track: Arc<Track>,
    ) -> bool {
        self.gatekeeper.forget(transaction);
        let said = std::iter::once(reason.to_owned())
            .chain(track.minded())
            .filter(|it| !it.is_empty());
        let reason = said.collect::<Vec<_>>().join("; ");
        let state = ending.map_or("rolled-back", |ending| ended(ending, &self.agents).0);
        let kept = self.settled(transaction, led, ending, &reason).await;
        if let Err(error) = &kept {
            tracing::error!(%transaction, %error, "cannot keep how a transaction ended");
        }
        self.tell_ending(transaction, state, &reason);
        track.end(state, &reason);
        let mut told = self.told.lock().await;
        if told.len() >= TOLD {
            told.pop_front();
        }
        told.push_back(track);
        kept.is_ok()
    }

    /// Tells everybody how a transaction ended, signed.
    fn tell_ending(&self, transaction: TransactionId, state: &str, reason: &str) {
        let severity = match state {
            "committed" => Severity::Info,
            "torn" => Severity::Critical,
            _ => Severity::Warning,
        };
        let data = json!({ "transaction": transaction.to_string(), "state": state, "reason": reason });
        self.events.publish("task-completed", String::new(), severity, data);
    }

    /// The devices that a transaction was to change.
    async fn touched(&self, transaction: TransactionId) -> Vec<DeviceId> {
        let plan = async {
            let row = self.store.transaction(&transaction.to_string()).await.ok()??;
            let kept = self.store.plan(&row.plan).await.ok()??;
            read_plan(&kept).ok()
        };
        let devices = plan.await.map(|plan| plan.devices).unwrap_or_default();
        let changed = devices.iter().filter(|device| !device.entries.is_empty());
        changed.filter_map(|device| device.id.parse().ok()).collect()
    }

    /// Keeps how a transaction ended that its devices know by the name of the one that led it; without an ending it was
    /// never admitted.
    pub(crate) async fn settled(
        &self,
        transaction: TransactionId,
        led: TransactionId,
        ending: Option<&Ending>,
        reason: &str,
    ) -> Result<(), AppError> {
        let state = ending.map_or("rolled-back", |ending| ended(ending, &self.agents).0);
        let holds = ending.is_some_and(holds);
        let id = transaction.to_string();
        let row = self
            .store
            .transaction(&id)
            .await?
            .ok_or_else(|| missing("transaction", &id))?;
        let kept = self
            .store
            .plan(&row.plan)
            .await?
            .ok_or_else(|| missing("plan", &row.plan))?;
        let plan = read_plan(&kept)?;
        if row.state != "running" {
            return Ok(());
        }
        self.learn(&id, &plan, ending, reason).await;
        let led = led.to_string();
        if led != id {
            self.store.keep_ride(&id, &led).await?;
        }
        self.incur(&led, ending).await?;
        if holds {
            let mut network = self.network.lock().await;
            self.remember(&id, &plan, &network).await?;
            network.took(&plan, &self.store).await?;
        }
        for intent in &plan.intents {
            self.keep_intent(intent, holds, &row.asked_by).await?;
        }
        for intent in plan.withdraws.iter().filter(|_| holds) {
            self.store.move_intent(intent, "withdrawn").await?;
        }
        // Noted first: an ending that is stored is never noted any more.
        let asker = Asker {
            who: "controller".to_owned(),
            door: "inside",
            proven: true,
        };
        let detail = if led == id {
            json!({ "reason": reason })
        } else {
            json!({ "reason": reason, "rode": led })
        };
        self.note(&asker, state, &id, detail).await?;
        self.store.move_plan(&plan.id, "committing", state).await?;
        self.store.end(&id, state, reason, stamp()).await?;
        self.operation.settled(transaction, &row, state);
        Ok(())
    }

    /// An intent is active once it is true; one that failed is kept for the record, but never in the place of one that
    /// holds.
    async fn keep_intent(&self, intent: &PlannedIntent, committed: bool, asked_by: &str) -> Result<(), AppError> {
        let held = self
            .store
            .intent(&intent.id)
            .await?
            .is_some_and(|kept| kept.state == "active");
        if held && !committed {
            return Ok(());
        }
        let new = NewIntent {
            id: intent.id.clone(),
            name: intent.name.clone(),
            class: intent.class.clone(),
            body: json!(intent).to_string(),
            asked_by: asked_by.to_owned(),
            at: stamp(),
        };
        Ok(self
            .store
            .keep_intent(&new, if committed { "active" } else { "failed" })
            .await?)
    }

    /// What is told of a transaction; of one that ended long ago its ending.
    pub async fn track(&self, transaction: TransactionId) -> Result<Option<Arc<Track>>, AppError> {
        if let Some(track) = self.hub.track(transaction) {
            return Ok(Some(track));
        }
        let row = self.store.transaction(&transaction.to_string()).await?;
        let over = row.filter(|row| row.state != "running");
        Ok(over.map(|row| Arc::new(Track::over(Epoch(self.operation.epoch), &row.state, &row.reason))))
    }

    /// One intent by id or name.
    pub async fn intent(&self, key: &str) -> Result<Kept, AppError> {
        self.store.intent(key).await?.ok_or_else(|| missing("intent", key))
    }

    /// Adds to the chain that shows tampering.
    pub(crate) async fn note(
        &self,
        asker: &Asker,
        what: &str,
        object: &str,
        detail: serde_json::Value,
    ) -> Result<(), AppError> {
        let entry = Entry {
            at: stamp(),
            who: asker.who.clone(),
            door: asker.door.to_owned(),
            what: what.to_owned(),
            object: object.to_owned(),
            detail,
        };
        self.audit
            .add(&entry)
            .await
            .map_err(|error| AppError::Inside(format!("{error:#}")))
    }
}

/// A plan as it is kept.
pub fn read_plan(kept: &Kept) -> Result<Plan, AppError> {
    serde_json::from_str(&kept.body)
        .map_err(|error| AppError::Inside(format!("plan {} cannot be read: {error}", kept.id)))
}

fn written(plan: &Plan) -> Result<String, AppError> {
    serde_json::to_string(plan).map_err(|error| AppError::Inside(error.to_string()))
}

/// It is not there.
pub fn missing(kind: &'static str, key: &str) -> AppError {
    AppError::Missing {
        kind,
        key: key.to_owned(),
    }
}

fn gate_word(plan: &Plan) -> &'static str {
    if plan.gate.off { "none" } else { "checks" }
}

/// The wall clock, in milliseconds since 1970.
pub(crate) fn stamp() -> i64 {
    i64::try_from(now().0).unwrap_or(i64::MAX)
}

fn demand(word: &str) -> Demand {
    let class = transaction::Guarantee::ALL
        .into_iter()
        .find(|class| class.to_string() == word);
    class.map_or(Demand::Any, Demand::Class)
}

/// Whether what was planned is what the network was decided to be.
pub(crate) fn holds(ending: &Ending) -> bool {
    match ending {
        Ending::Committed => true,
        Ending::RolledBack { .. } => false,
        Ending::Torn { decision, .. } => matches!(decision, transaction::Decision::Confirm),
    }
}

/// The word for an ending and the reason, with devices by their names.
pub(crate) fn ended(ending: &Ending, agents: &Agents) -> (&'static str, String) {
    use crate::commit::Agents as _;
    match ending {
        Ending::Committed => ("committed", String::new()),
        Ending::RolledBack { reason } => ("rolled-back", named(reason.to_string(), agents)),
        Ending::Torn { decision, devices } => {
            let each: Vec<String> = devices
                .iter()
                .map(|it| format!("{}: {}", agents.name(it.device), it.reason))
                .collect();
            let decided = if matches!(decision, transaction::Decision::Confirm) {
                "confirm"
            } else {
                "revert"
            };
            ("torn", format!("decided to {decided}, look at {}", each.join("; ")))
        }
    }
}

/// Replaces the ids of devices by their names.
fn named(mut text: String, agents: &Agents) -> String {
    for (id, name) in agents.names() {
        text = text.replace(&id.to_string(), name);
    }
    text
}
