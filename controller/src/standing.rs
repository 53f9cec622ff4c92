//! Devices that are not as others: in maintenance, replaced, or owed the end of a torn transaction.

use std::collections::{BTreeSet, HashMap};

use knowledge_model::Path;
use serde::Serialize;
use serde_json::json;
use transaction::{Debt, Decision, DeviceId, Due, Ending, Reason, TransactionId};
use utoipa::ToSchema;

use crate::app::{App, AppError, Asker, Wishes, missing, read_plan, stamp};
use crate::commit::{Change, together};
use crate::plan::{self, DevicePlan, Plan, PlannedGate, Purpose};
use crate::store::{Maintained, Owed};

/// How a device stands with us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// The device, by name.
    pub device: String,
    /// Who works on it, and why; nothing while nobody does.
    pub maintenance: Option<String>,
    /// What it is owed, a line each transaction.
    pub owed: Vec<String>,
}

impl App {
    /// The devices that are not as others.
    pub async fn standings(&self) -> Result<Vec<Standing>, AppError> {
        let (maintained, owed) = (self.store.maintained().await?, self.store.owed().await?);
        let mut rode = HashMap::new();
        for it in &owed {
            rode.insert(it.transaction.clone(), self.store.riders(&it.transaction).await?);
        }
        let network = self.network.lock().await;
        let standing = |known: &crate::network::Known| {
            let id = known.id.to_string();
            let by = maintained.iter().find(|it| it.device == id).map(worked_on);
            let riders = |it: &Owed| rode.get(&it.transaction).cloned().unwrap_or_default();
            let owed = owed.iter().filter(|it| it.device == id);
            let owed = owed.map(|it| owing(it, &riders(it))).collect();
            Standing {
                device: known.name.clone(),
                maintenance: by,
                owed,
            }
        };
        let all = network.devices().map(standing);
        Ok(all
            .filter(|it| it.maintenance.is_some() || !it.owed.is_empty())
            .collect())
    }

    /// Lets somebody work on a device: nothing is committed to it until he is done.
    pub async fn maintain(&self, device: &str, reason: &str, on: bool, asker: &Asker) -> Result<(), AppError> {
        let id = self.device(device).await?.id.to_string();
        if on {
            let maintained = Maintained {
                device: id,
                who: asker.who.clone(),
                reason: reason.to_owned(),
            };
            self.store.maintain(&maintained, stamp()).await?;
        } else if !self.store.end_maintenance(&id).await? {
            return Err(missing("maintenance of", device));
        }
        let what = if on { "maintain" } else { "end-maintenance" };
        self.note(asker, what, device, json!({ "reason": reason })).await
    }

    /// Whether nobody works on the devices of a plan.
    pub(crate) async fn left_alone(&self, plan: &Plan) -> Result<(), AppError> {
        let maintained = self.store.maintained().await?;
        let busy = plan.touched().filter_map(|device| {
            let by = maintained.iter().find(|it| it.device == device.id)?;
            Some(format!("{}: {}", device.name, worked_on(by)))
        });
        let busy: Vec<String> = busy.collect();
        if busy.is_empty() {
            return Ok(());
        }
        Err(AppError::Maintained { busy })
    }

    /// Plans to make new hardware under a device's id what its intents want. What the old one was owed is void once that is
    /// committed.
    pub async fn replace(&self, device: &str, wishes: Wishes, asker: &Asker) -> Result<Plan, AppError> {
        let known = self.device(device).await?;
        let there = self.read_decided(known.id).await?;
        let purpose = Purpose::Replace {
            device: device.to_owned(),
        };
        let mut plan = {
            let mut network = self.network.lock().await;
            network.promise(self.agents.guarantees());
            plan::repaired(&known, &there, &network, purpose, &|_: &Path| true)?
        };
        self.guard_one(&mut plan, (known.id, there), wishes).await?;
        self.issue(plan, asker).await
    }

    /// Takes what a device is owed on himself: its next transaction begins without it. How many debts that is.
    pub async fn waive(&self, device: &str, asker: &Asker) -> Result<u64, AppError> {
        let known = self.device(device).await?;
        let waived = self.store.waive(&known.id.to_string(), &asker.who).await?;
        if waived > 0 {
            self.note(asker, "waive", device, json!({ "debts": waived })).await?;
        }
        Ok(waived)
    }

    /// Plans to bring a device to what was decided in transactions whose end it did not reach.
    pub async fn settle_debts(&self, device: &str, asker: &Asker) -> Result<Plan, AppError> {
        let known = self.device(device).await?;
        let id = known.id.to_string();
        let owed = self.store.owed().await?;
        if !owed.iter().any(|it| it.device == id && it.waived_by.is_none()) {
            return Err(missing("debt to", device));
        }
        let guarantee = self.network.lock().await.guarantee(known.id);
        let share = DevicePlan {
            id,
            name: known.name.clone(),
            guarantee: guarantee.clone(),
            demand: None,
            wave: 0,
            entries: Vec::new(),
            preview: String::new(),
            rollback: String::new(),
            wishes: Vec::new(),
            stood: Vec::new(),
            cuts: Vec::new(),
        };
        let plan = Plan {
            notices: Vec::new(),
            library: String::new(),
            id: String::new(),
            hash: String::new(),
            intents: Vec::new(),
            withdraws: Vec::new(),
            purpose: Some(Purpose::Settle {
                device: known.name.clone(),
            }),
            warnings: Vec::new(),
            devices: vec![share],
            risk: intents::Risk::Medium.word().to_owned(),
            dry_run: false,
            // Its own end was decided already: what is looked at now could not change that.
            gate: PlannedGate::default(),
            forced: false,
            guarantee: Some(guarantee),
        };
        self.issue(plan, asker).await
    }

    /// What of all that is owed falls to a device of a transaction that is to begin: waived, as all that the old hardware of
    /// a device was owed, or, where that is what the transaction is for, to be repaired first.
    pub(crate) async fn debts(
        &self,
        owed: &[Owed],
        device: DeviceId,
        purpose: Option<&Purpose>,
    ) -> Result<Vec<Debt<Change>>, AppError> {
        let id = device.to_string();
        let mut debts = Vec::new();
        for owed in owed.iter().filter(|it| it.device == id) {
            let transaction = owed.transaction.parse::<TransactionId>();
            let transaction = transaction.map_err(|error| AppError::Inside(error.to_string()))?;
            let due = match (&owed.waived_by, purpose) {
                (Some(_), _) | (None, Some(Purpose::Replace { .. })) => Due::Waived,
                (None, Some(Purpose::Settle { .. })) => self.repayment(owed).await?,
                (None, Some(Purpose::Rollback { .. } | Purpose::Repair { .. }) | None) => continue,
            };
            debts.push(Debt { transaction, due });
        }
        Ok(debts)
    }

    async fn repayment(&self, owed: &Owed) -> Result<Due<Change>, AppError> {
        let mut of = self.store.riders(&owed.transaction).await?;
        if of.is_empty() {
            of.push(owed.transaction.clone());
        }
        let mut changes = Vec::with_capacity(of.len());
        for transaction in &of {
            changes.push(self.share_of(transaction, &owed.device).await?);
        }
        // What once went together goes together again.
        let change = together(&changes.iter().collect::<Vec<_>>());
        let change = change
            .ok_or_else(|| AppError::Inside(format!("{} carried what does not go together", owed.transaction)))?;
        let decision = match owed.confirm {
            true => Decision::Confirm,
            false => Decision::Revert {
                reason: Reason::Cancelled,
            },
        };
        Ok(Due::Repair { decision, change })
    }

    /// What a transaction was to change on a device.
    async fn share_of(&self, transaction: &str, device: &str) -> Result<Change, AppError> {
        let (_, plan) = self.asked_for(transaction).await?;
        let share = plan.devices.iter().find(|it| it.id == device);
        let share = share.ok_or_else(|| AppError::Inside(format!("plan {} lost a device", plan.id)))?;
        let delta = share.delta().map_err(|error| AppError::Inside(error.to_string()))?;
        Ok(Change::of(&plan.hash, &delta))
    }

    /// Keeps which devices a transaction left owed.
    pub(crate) async fn incur(&self, transaction: &str, ending: Option<&Ending>) -> Result<(), AppError> {
        let Some(Ending::Torn { decision, devices }) = ending else {
            return Ok(());
        };
        let devices: BTreeSet<_> = devices
            .iter()
            .map(|it| (it.device.to_string(), it.reason.clone()))
            .collect();
        for (device, reason) in devices {
            let owed = Owed {
                device,
                transaction: transaction.to_owned(),
                confirm: matches!(decision, Decision::Confirm),
                reason,
                waived_by: None,
            };
            self.store.owe(&owed, stamp()).await?;
        }
        Ok(())
    }

    /// Who replaces a device takes on himself what the old hardware was owed: that is noted under his name.
    async fn void(&self, device: DeviceId) -> Result<(), AppError> {
        for (row, kept) in self.store.plans_undecided(stamp()).await? {
            let track = row.id.parse().ok().and_then(|it| self.hub.track(it));
            let begun = row.state == "running" && track.is_some_and(|it| it.has_begun());
            if let (true, Ok(plan)) = (begun, read_plan(&kept))
                && let Some(Purpose::Replace { device: name }) = &plan.purpose
                && plan.devices.iter().any(|it| it.id == device.to_string())
            {
                self.waive_for(name, &row.asked_by).await?;
            }
        }
        Ok(())
    }

    /// Who asked for new hardware waives what the old one was owed.
    pub(crate) async fn waive_for(&self, device: &str, who: &str) -> Result<(), AppError> {
        let asker = Asker {
            who: who.to_owned(),
            door: "inside",
            proven: true,
        };
        match self.waive(device, &asker).await {
            // It left the inventory: nobody is asked what it is owed.
            Ok(_) | Err(AppError::Missing { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A debt is repaid or waived, and that is on record; whether the store says so too.
    pub(crate) async fn cleared(&self, transaction: TransactionId, device: DeviceId) -> bool {
        if let Err(error) = self.void(device).await {
            tracing::error!(%transaction, %device, %error, "cannot say who waived what a device was owed: tried again");
            return false;
        }
        match self
            .store
            .clear_debt(&device.to_string(), &transaction.to_string())
            .await
        {
            Ok(true) => true,
            Ok(false) => {
                self.hub.forget(transaction);
                true
            }
            Err(error) => {
                tracing::error!(%transaction, %device, %error, "cannot clear what a device was owed: tried again");
                false
            }
        }
    }
}

fn worked_on(by: &Maintained) -> String {
    match by.reason.as_str() {
        "" => format!("{} works on it", by.who),
        reason => format!("{} works on it ({reason})", by.who),
    }
}

fn owing(owed: &Owed, riders: &[String]) -> String {
    let decided = if owed.confirm { "confirm" } else { "revert" };
    let waived = owed
        .waived_by
        .as_ref()
        .map(|who| format!(", waived by {who}"))
        .unwrap_or_default();
    let of = match riders {
        [] => owed.transaction.clone(),
        [..] => format!("{}, that carried {}", owed.transaction, riders.join(", ")),
    };
    format!("{decided} of {of}: {}{waived}", owed.reason)
}
