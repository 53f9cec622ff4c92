//! What is asked of a plan again when it is committed and when it begins: whether the agents are up to it, and whether what
//! may stand on a device once would stand there twice, for others were planned and committed beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fabric_wire::hello::STANDS;
use knowledge_model::Tree;
use transaction::{DeviceId, TransactionId};

use crate::agents::ReadError;
use crate::app::{App, AppError};
use crate::holding::holding;
use crate::plan::{self, Plan};

impl App {
    /// Whether a plan fits beside those that hold and those under way.
    pub(crate) async fn fits_beside(&self, plan: &Plan) -> Result<(), AppError> {
        self.held_to(plan)?;
        if plan::brings_once(plan).is_empty() {
            return Ok(());
        }
        let others = self.under_way().await?;
        let twice = plan::twice(plan, &others, &*self.network.lock().await, &HashMap::new());
        self.once(twice, plan, &others).await
    }

    /// Whether a transaction may begin now that its devices are its own, and all that ride it: somebody may have frozen
    /// them, or work on them, since it was asked for, and an approval may be wanted at this hour. What stands there before
    /// it is kept, once for all of them.
    pub(crate) async fn begins(&self, led: TransactionId, riders: &[TransactionId]) -> Result<(), AppError> {
        let alone = [led];
        let all = if riders.is_empty() { &alone[..] } else { riders };
        let mut plans = Vec::with_capacity(all.len());
        for transaction in all {
            let (_, plan) = self.asked_for(&transaction.to_string()).await?;
            self.allowed(&plan).await?;
            plans.push(plan);
        }
        self.fit_there(&plans).await?;
        self.snap(&self.touched(all).await, (&led.to_string(), "before")).await;
        Ok(())
    }

    /// Whether plans that go together fit on their devices, now that these are their own: each device is read once. One that
    /// nobody may observe is judged by what the intents that hold want there; one that cannot be read, or whose agent
    /// stays away, does not let them begin.
    async fn fit_there(&self, plans: &[Plan]) -> Result<(), AppError> {
        plans.iter().try_for_each(|plan| self.held_to(plan))?;
        let devices: BTreeSet<DeviceId> = plans.iter().flat_map(plan::brings_once).collect();
        if devices.is_empty() {
            return Ok(());
        }
        let reads = devices
            .into_iter()
            .map(|device| async move { (device, self.agents.read_patiently(device).await) });
        let mut there: HashMap<DeviceId, Tree> = HashMap::new();
        for (device, read) in futures::future::join_all(reads).await {
            match read {
                Ok(tree) => drop(there.insert(device, tree)),
                Err(error @ ReadError::Unspoken { .. }) => {
                    tracing::warn!(%device, %error, "what stands there already is judged by what intents want there");
                }
                Err(
                    error @ (ReadError::Away { .. }
                    | ReadError::Veiled { .. }
                    | ReadError::Late { .. }
                    | ReadError::Fault { .. }),
                ) => return Err(error.into()),
            }
        }
        for plan in plans {
            let twice = plan::twice(plan, &[], &*self.network.lock().await, &there);
            self.once(twice, plan, &[]).await?;
        }
        Ok(())
    }

    /// Whether the agents hold their devices to what has to stand there: one that was made before there was such a thing
    /// would pass over it.
    fn held_to(&self, plan: &Plan) -> Result<(), AppError> {
        let bound = plan.devices.iter().filter(|device| !device.stands().is_empty());
        let outdated = bound.filter_map(|device| {
            let (agent, program) = self.agents.unable(device.id.parse().ok()?, STANDS)?;
            Some(format!(
                "{}: its agent {agent} ({program}) would pass over what has to stand there",
                device.name
            ))
        });
        let outdated: Vec<String> = outdated.collect();
        if outdated.is_empty() {
            return Ok(());
        }
        Err(AppError::Outdated(outdated))
    }

    async fn once(&self, twice: Vec<String>, plan: &Plan, others: &[Plan]) -> Result<(), AppError> {
        if twice.is_empty() {
            return Ok(());
        }
        let library = self.library();
        let holding = holding(&self.store, &library).await?;
        let mut names: BTreeMap<String, String> = plan::names(&[], &holding);
        for intent in others.iter().chain([plan]).flat_map(|it| &it.intents) {
            let name = intent.name.clone().unwrap_or_else(|| intent.class.clone());
            names.insert(intent.id.clone(), name);
        }
        Err(AppError::Twice(plan::named(twice, &names)))
    }
}
