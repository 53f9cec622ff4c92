//! What the controller does for whoever asks, through whichever door.

mod error;
mod settling;
mod unkept;

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use fabric_identity::Authority;
use intents::{Envelope, Library};
use knowledge_cases::Shelf;
use serde_json::json;
use tokio::sync::Mutex;
use transaction::{
    Charge, CoordinatorRecord, Decision, Demand, DeviceId, Ending, Epoch, Gate, IntentId, Member, Terms, TicketId,
    TransactionId, admission,
};
use transaction_journal::{Epoch as JournalEpoch, Journal as _, Json};
use uuid::Uuid;

use crate::advice::Advice;
use crate::agents::{Agents, Roster};
use crate::audit::{Audit, Entry};
use crate::commit::{Change, Hub, Ride, Track, now};
use crate::config::TermSettings;
use crate::events::Events;
use crate::gatekeeper::{Gatekeeper, Watched};
use crate::history::Keep;
use crate::known::LastKnown;
use crate::learning::Learning;
use crate::network::Network;
use crate::operation::Operation;
use crate::plan::{self, Plan, Purpose};
use crate::policy::Policy;
use crate::saying::Talks;
use crate::store::{Kept, Store, TransactionRow};

use unkept::{Ended, News};

pub use error::AppError;
pub(crate) use settling::ended;
pub(crate) use unkept::{Each, Unkept};

/// How much longer the gate may take than the checks themselves.
const GATE_ROOM: Duration = Duration::from_secs(15);
/// How many of those that ended last can still be followed from their beginning.
const TOLD: usize = 256;

/// What the caller wants of a plan beyond its intents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Nothing is looked at before the change stays.
    pub ungated: bool,
    /// The change is made although it may cut an agent's way to its device.
    pub forced: bool,
    /// The devices that change first, by name.
    pub first: Vec<String>,
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
    /// Held while a plan is looked at beside those under way, until it is one of them.
    pub beginning: Mutex<()>,
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
    /// What the store did not take yet.
    pub(crate) unkept: Mutex<Unkept>,
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
            json!({ "hash": plan.hash, "devices": plan.devices.len(), "gate": gate_word(plan), "forced": plan.forced,
                "first": plan.first() }),
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
        // From here until it is in the list nobody else is looked at who could begin beside it.
        let beginning = self.beginning.lock().await;
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
            carrier: None,
            faults: "[]".to_owned(),
        };
        // Whoever finds it in the list can follow it, and withdraw it.
        let track = self.hub.announce(transaction);
        if let Err(error) = self.store.begin(&row).await {
            self.hub.retract(transaction);
            self.store.move_plan(id, "committing", "open").await?;
            return Err(error.into());
        }
        drop(beginning);
        if let Err(error) = self.begin((transaction, &row), &plan, track.clone(), asker).await {
            self.hub.retract(transaction);
            let reason = format!("it could not begin: {error}");
            self.keep_in_turn(News::Ended(Ended::alone(transaction, None, &reason)))
                .await;
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
        let charge = self.charge(transaction, plan, asker).await?;
        if charge.members.is_empty() {
            return self.true_already(charge, track).await;
        }
        let ride = self.ride(plan).await?;
        if charge.gate != Gate::None {
            self.gatekeeper
                .expect(transaction, Watched::of(plan.gate.clone(), plan.waves()));
        }
        self.hub.submit(charge, ride, track).await;
        Ok(())
    }

    /// Nothing has to change and nothing to stand: the plan is true already. That is decided like any other, so that it is
    /// kept whatever the store does meanwhile.
    async fn true_already(&self, charge: Charge<Change>, track: Arc<Track>) -> Result<(), AppError> {
        let transaction = charge.transaction;
        if self.hub.retract(transaction) {
            let ticket = TicketId(transaction.0);
            let reason = admission::Refusal::Withdrawn { ticket }.to_string();
            self.keep_in_turn(News::Ended(Ended::alone(transaction, None, &reason)))
                .await;
            self.tell_end(transaction, None, &reason, track).await;
            return Ok(());
        }
        let (at, decision, ending) = (now(), Decision::Confirm, Ending::Committed);
        let records = [
            CoordinatorRecord::Began { charge, at },
            CoordinatorRecord::Decided {
                transaction,
                decision,
                at,
            },
            CoordinatorRecord::Settled {
                transaction,
                ending: ending.clone(),
                at,
            },
        ];
        let (journal, epoch) = (&self.operation.journal, JournalEpoch(self.operation.epoch));
        let written = journal.append(epoch, records.map(Json).to_vec()).await;
        written.map_err(|error| AppError::Inside(error.to_string()))?;
        let over = Ended::alone(transaction, Some(ending.clone()), "");
        self.keep_in_turn(News::Ended(over)).await;
        self.tell_end(transaction, Some(&ending), "", track).await;
        Ok(())
    }

    /// Whether what a plan changes may ride one transaction with what others want of the same device: nobody had to approve
    /// it, and nobody forced it.
    async fn ride(&self, plan: &Plan) -> Result<Ride, AppError> {
        let cuts = plan.devices.iter().any(|device| !device.cuts.is_empty());
        let alone = plan.purpose.is_some() || plan.forced || cuts || !self.rules(plan).await?.is_empty();
        Ok(if alone { Ride::Alone } else { Ride::Along })
    }

    /// The devices that these transactions were to change, each once.
    pub(crate) async fn touched(&self, transactions: &[TransactionId]) -> Vec<DeviceId> {
        let mut devices = BTreeSet::new();
        for transaction in transactions {
            let Ok((_, plan)) = self.asked_for(&transaction.to_string()).await else {
                continue;
            };
            let changed = plan.devices.iter().filter(|device| !device.entries.is_empty());
            devices.extend(changed.filter_map(|device| device.id.parse::<DeviceId>().ok()));
        }
        devices.into_iter().collect()
    }

    /// A transaction, and the plan that it is to make true.
    pub(crate) async fn asked_for(&self, id: &str) -> Result<(TransactionRow, Plan), AppError> {
        let row = self.store.transaction(id).await?;
        let row = row.ok_or_else(|| missing("transaction", id))?;
        let kept = self.store.plan(&row.plan).await?;
        let plan = read_plan(&kept.ok_or_else(|| missing("plan", &row.plan))?)?;
        Ok((row, plan))
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
    pub(crate) async fn allowed(&self, plan: &Plan) -> Result<(), AppError> {
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
            let looks_on = delta.is_empty();
            let demand = device.demand.as_deref().filter(|_| !looks_on);
            let id = device
                .id
                .parse()
                .map_err(|error: transaction::IdError| inside(&error))?;
            members.push(Member {
                device: id,
                change: Change::of(&plan.hash, &delta).where_stand(&stands),
                demand: demand.map_or(Demand::Any, self::demand),
                wave: device.wave,
                debts: self.debts(&owed, id, plan.purpose.as_ref()).await?,
                looks_on,
                lingers: false,
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
        let gate = match (plan.gate.counts(), plan.waves().len()) {
            (false, _) => Gate::None,
            (true, 0 | 1) => Gate::Last,
            (true, _) => Gate::EachWave,
        };
        let comment = format!("entente {} by {}", &transaction.to_string()[..8], asker.who);
        Ok(Charge {
            transaction,
            intents,
            riders: Vec::new(),
            comment,
            members,
            gate,
            terms,
        })
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
