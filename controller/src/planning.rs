//! From intents to a plan: what depends on devices is read first, what cannot hold together is said before all else.

use std::collections::{BTreeSet, HashMap, HashSet};

use intents::Envelope;
use knowledge_model::Tree;
use transaction::DeviceId;

use crate::app::{App, AppError, Asker, Wishes, stamp};
use crate::holding::holding;
use crate::plan::{self, Draft, Drafted, Ground, Plan, PlanError};

/// How often planning may find that it must read more devices.
const ROUNDS: usize = 8;

impl App {
    /// Makes a plan for a changed intent that holds already, and keeps it.
    pub async fn plan_in_place(&self, envelope: Envelope, id: String, asker: &Asker) -> Result<Plan, AppError> {
        let plan = self
            .planned(vec![Draft { id, envelope }], Vec::new(), Wishes::default())
            .await?;
        self.issue(plan, asker).await
    }

    /// Makes a plan and keeps nothing of it.
    pub async fn considered(
        &self,
        envelopes: Vec<Envelope>,
        withdraws: Vec<String>,
        wishes: Wishes,
    ) -> Result<Plan, AppError> {
        let mut leaving = Vec::new();
        for key in &withdraws {
            let kept = self.intent(key).await?;
            if kept.state == "withdrawn" {
                return Err(PlanError::Conflict(vec![format!("{key} is withdrawn already")]).into());
            }
            leaving.push(kept.id);
        }
        let doubled = doubled(&envelopes);
        if !doubled.is_empty() {
            return Err(PlanError::Invalid(doubled).into());
        }
        let mut drafts = Vec::new();
        for envelope in envelopes {
            drafts.push(self.draft(envelope).await?);
        }
        self.planned(drafts, leaving, wishes).await
    }

    async fn planned(&self, drafts: Vec<Draft>, leaving: Vec<String>, wishes: Wishes) -> Result<Plan, AppError> {
        let silent = !drafts.is_empty() && drafts.iter().all(|it| it.envelope.ungated);
        let ungated = wishes.ungated || silent;
        let named = drafts.iter().flat_map(|draft| draft.envelope.first.iter().cloned());
        let first = wishes.first.iter().cloned().chain(named).collect();
        let library = self.library();
        let holding = holding(&self.store, &library).await?;
        let names = plan::names(&drafts, &holding);
        let mut read = HashMap::new();
        let drafted = self.drafted(&drafts, &leaving, &mut read).await?;
        let more = drafted
            .devices()
            .into_iter()
            .filter(|device| !read.contains_key(device));
        read.extend(self.read_all(more.collect()).await?);
        self.network.lock().await.promise(self.agents.guarantees());
        let words = drafted.words();
        let network = self.network.lock().await;
        let ground = Ground {
            library: &library,
            network: &network,
            read: &read,
        };
        let notices = plan::consider(&drafts, &leaving, &holding, &ground)?;
        // A large configuration takes a while to check.
        let finished = tokio::task::block_in_place(|| plan::finish(drafted, &read, &network));
        drop(network);
        let mut plan = finished.map_err(|error| plan::renamed(error, &names))?;
        plan.notices = plan::replaced(&drafts, &holding);
        plan.notices.extend(notices);
        plan.library = library.revision().to_owned();
        self.guard(
            &mut plan,
            &words,
            &read,
            Wishes {
                ungated,
                first,
                ..wishes
            },
        )
        .await?;
        Ok(plan)
    }

    /// Drafts intents, and reads the devices on which that depends.
    pub(crate) async fn drafted(
        &self,
        drafts: &[Draft],
        leaving: &[String],
        read: &mut HashMap<DeviceId, Tree>,
    ) -> Result<Drafted, AppError> {
        for _ in 0..ROUNDS {
            let library = self.library();
            let drafted = {
                let network = self.network.lock().await;
                let ground = Ground {
                    library: &library,
                    network: &network,
                    read,
                };
                plan::draft(drafts, leaving, &ground)
            };
            match drafted {
                Err(PlanError::Unread(devices)) => read.extend(self.read_all(devices).await?),
                settled => return Ok(settled?),
            }
        }
        Err(AppError::Inside(format!(
            "after {ROUNDS} rounds of reading there was still more to read"
        )))
    }

    /// What stands on each of these devices now, but for what is only tried out there.
    pub(crate) async fn read_all(&self, devices: Vec<DeviceId>) -> Result<HashMap<DeviceId, Tree>, AppError> {
        let since = stamp();
        let reads = devices
            .into_iter()
            .map(|device| async move { self.agents.read(device, Vec::new()).await.map(|tree| (device, tree)) });
        let mut read: HashMap<DeviceId, Tree> = futures::future::try_join_all(reads).await?.into_iter().collect();
        self.undecided_out(&mut read, since).await?;
        let known = self.known.clone();
        let copy = read.clone();
        let kept =
            tokio::task::spawn_blocking(move || copy.iter().try_for_each(|(device, tree)| known.keep(*device, tree)));
        // A plan does not wait for what only helps to plan without devices.
        if let Ok(Err(error)) = kept.await {
            tracing::warn!("cannot keep what devices hold: {error:#}");
        }
        Ok(read)
    }
}

/// The names that several intents of one set go by.
fn doubled(envelopes: &[Envelope]) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = envelopes.iter().filter_map(|envelope| envelope.name.as_deref());
    let twice: BTreeSet<&str> = names.filter(|name| !seen.insert(*name)).collect();
    twice
        .into_iter()
        .map(|name| format!("several intents are named {name}: give each a name of its own"))
        .collect()
}
