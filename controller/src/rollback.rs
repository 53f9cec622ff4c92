//! A past transaction taken back by a new plan: what its intents wanted before is what they want again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use knowledge_model::owners::Wish;
use serde_json::json;
use transaction::DeviceId;

use crate::app::{App, AppError, Asker, Wishes, missing, read_plan, stamp};
use crate::network::Network;
use crate::plan::{self, Plan, PlanError, PlannedIntent, PlannedWish, Purpose, Taken};
use crate::store::{TransactionRow, Was};

impl App {
    /// Plans the way back from a past transaction.
    pub async fn rollback(&self, id: &str, wishes: Wishes, asker: &Asker) -> Result<Plan, AppError> {
        let row = self
            .store
            .transaction(id)
            .await?
            .ok_or_else(|| missing("transaction", id))?;
        let was = self.store.was_before(id).await?;
        if row.state != "committed" || was.is_empty() {
            return Err(AppError::Final {
                id: id.to_owned(),
                why: nothing_to_take_back(&row),
            });
        }
        let kept = self
            .store
            .plan(&row.plan)
            .await?
            .ok_or_else(|| missing("plan", &row.plan))?;
        let past = read_plan(&kept)?;
        let bodies = was.iter().filter_map(|it| Some((it.intent.clone(), it.body.clone()?)));
        let bodies: HashMap<String, String> = bodies.collect();
        let taken = was.iter().map(|it| taken(it, bodies.get(&it.intent)));
        let taken = taken.collect::<Result<Vec<_>, _>>()?;
        let at = was.first().map_or(0, |it| it.at);
        let since = self.store.was_since(id, at).await?;
        let standing = {
            let network = self.network.lock().await;
            plan::standing(&past, &taken, &later(&since), &network)
        };
        if !standing.is_empty() {
            return Err(AppError::Plan(PlanError::Conflict(
                self.named(&standing, &since).await?,
            )));
        }
        let purpose = Purpose::Rollback {
            transaction: id.to_owned(),
        };
        let drafted = plan::again(&past, &taken);
        self.draw(drafted, purpose, wishes, asker).await
    }

    /// Who stands on a transaction, in words.
    async fn named(
        &self,
        standing: &[(String, String, Option<knowledge_model::Path>)],
        since: &[Was],
    ) -> Result<Vec<String>, AppError> {
        let mut said = BTreeSet::new();
        for (device, intent, path) in standing {
            let name = self.called(intent).await?;
            let by = since
                .iter()
                .find(|it| it.intent == *intent)
                .map(|it| it.transaction.as_str());
            let by = by.map_or_else(
                || "when its drift was accepted".to_owned(),
                |by| format!("by {by}: roll that back first"),
            );
            said.insert(match path {
                None => format!("{device}: {name} was changed since, {by}"),
                Some(path) => format!("{device}: {name} stands on {path}, put there {by}"),
            });
        }
        Ok(said.into_iter().collect())
    }

    /// What people call an intent: its name, or its id where it has none.
    pub(crate) async fn called(&self, intent: &str) -> Result<String, AppError> {
        let kept = self.store.intent(intent).await?;
        let name = kept.and_then(|kept| serde_json::from_str::<serde_json::Value>(&kept.body).ok());
        let name = name.and_then(|body| body["name"].as_str().map(str::to_owned));
        Ok(name.unwrap_or_else(|| intent.to_owned()))
    }

    /// Keeps what the intents of a plan wanted before it; first of all, because afterwards nobody knows it any more.
    pub(crate) async fn remember(&self, transaction: &str, plan: &Plan, network: &Network) -> Result<(), AppError> {
        let (mut bodies, mut was) = (BTreeMap::new(), Vec::new());
        for intent in plan.intents.iter().map(|intent| &intent.id).chain(&plan.withdraws) {
            let kept = self.store.intent(intent).await?.filter(|kept| kept.state == "active");
            bodies.insert(intent, kept.map(|kept| kept.body));
        }
        for device in &plan.devices {
            let Ok(id) = device.id.parse::<DeviceId>() else {
                continue;
            };
            for (intent, body) in &mut bodies {
                let before = network.owners(id).wishes().find(|wish| *wish.intent == ***intent);
                if before.is_none() && device.wishes.iter().all(|wish| wish.intent != **intent) {
                    continue;
                }
                was.push(Was {
                    transaction: transaction.to_owned(),
                    device: device.id.clone(),
                    intent: (*intent).clone(),
                    wish: before.map(|wish| json!(PlannedWish::of(wish)).to_string()),
                    // Once is enough: it may be for a thousand devices.
                    body: body.take(),
                    at: stamp(),
                });
            }
        }
        Ok(self.store.keep_was(&was).await?)
    }
}

fn nothing_to_take_back(row: &TransactionRow) -> String {
    match row.state.as_str() {
        "committed" => "it changed no intent: see `entente drift list`".to_owned(),
        "running" => "it runs: cancel it instead".to_owned(),
        "torn" => "it is torn: bring its devices to what was decided first".to_owned(),
        other => format!("it is {other}, nothing of it is left"),
    }
}

fn taken(was: &Was, body: Option<&String>) -> Result<Taken, AppError> {
    let unread =
        |error: &dyn std::fmt::Display| AppError::Inside(format!("what was wanted before is unreadable: {error}"));
    let wish = |text: &String| -> Result<Wish, AppError> {
        let wish: PlannedWish = serde_json::from_str(text).map_err(|error| unread(&error))?;
        wish.wish().map_err(|error| unread(&error))
    };
    let read = |text: &String| serde_json::from_str::<PlannedIntent>(text).map_err(|error| unread(&error));
    Ok(Taken {
        device: was
            .device
            .parse()
            .map_err(|error: transaction::IdError| unread(&error))?,
        intent: was.intent.clone(),
        wish: was.wish.as_ref().map(wish).transpose()?,
        body: body.map(read).transpose()?,
    })
}

fn later(since: &[Was]) -> BTreeSet<(DeviceId, String)> {
    since
        .iter()
        .filter_map(|it| Some((it.device.parse().ok()?, it.intent.clone())))
        .collect()
}
