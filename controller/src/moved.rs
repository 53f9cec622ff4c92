//! Where a plan's devices are no longer what it was made from, and whether it was us.

use std::collections::{BTreeMap, HashMap};

use futures::future::try_join_all;
use knowledge_model::{Path, Tree, Value};
use serde::Serialize;
use transaction::DeviceId;
use utoipa::ToSchema;

use crate::app::{App, AppError, missing, read_plan};
use crate::plan::{self, DevicePlan, Plan};

/// An entry that a plan was made from, and that is different by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Moved {
    /// The device, by name.
    pub device: String,
    /// Where.
    pub path: String,
    /// The transaction that put it there, or `another intent` where what is wanted moved and not the device; nothing if
    /// somebody else did.
    pub by: Option<String>,
}

/// What was put where, and by which transactions.
type Ours = HashMap<(String, Path), Vec<(Option<Value>, String)>>;

impl App {
    /// Where the network moved on since a plan was made.
    pub async fn moved(&self, id: &str) -> Result<Vec<Moved>, AppError> {
        let kept = self.store.plan(id).await?.ok_or_else(|| missing("plan", id))?;
        let plan = read_plan(&kept)?;
        let mut moved = self.moves(&plan).await?;
        let gone = plan::gone(&plan, &self.under_way().await?, &*self.network.lock().await);
        moved.extend(gone.into_iter().map(|what| {
            let (device, path) = what.split_once(' ').unwrap_or((&what, ""));
            Moved {
                device: device.to_owned(),
                path: path.to_owned(),
                by: Some("another intent".to_owned()),
            }
        }));
        Ok(moved)
    }

    pub(crate) async fn moves(&self, plan: &Plan) -> Result<Vec<Moved>, AppError> {
        let looked = |device: &&DevicePlan| !device.entries.is_empty() || !device.stood.is_empty();
        let devices = plan.devices.iter().filter(looked);
        let ids: Vec<DeviceId> = devices.clone().filter_map(|device| device.id.parse().ok()).collect();
        let reads = ids.into_iter().map(|id| async move {
            let there = self.agents.read(id, Vec::new()).await?;
            Ok::<_, AppError>((id, there))
        });
        let read: HashMap<DeviceId, Tree> = try_join_all(reads).await?.into_iter().collect();
        let ours = self.ours(&plan.id).await?;
        let mut moved = Vec::new();
        for device in devices {
            let there = device.id.parse().ok().and_then(|id: DeviceId| read.get(&id));
            let delta = device.delta().map_err(|error| AppError::Inside(error.to_string()))?;
            let changes = delta.iter().map(|(path, edit)| (path.clone(), edit.before.clone()));
            let looked: BTreeMap<Path, Option<Value>> = device.stands().into_iter().chain(changes).collect();
            for (path, before) in &looked {
                let found = there.and_then(|tree| tree.value(path)).cloned();
                if found != *before {
                    let put = ours.get(&(device.id.clone(), path.clone()));
                    let by = put.into_iter().flatten().find(|(value, _)| *value == found);
                    let by = by.map(|(_, by)| by.clone());
                    moved.push(Moved {
                        device: device.name.clone(),
                        path: path.to_string(),
                        by,
                    });
                }
            }
        }
        Ok(moved)
    }

    /// What our own transactions put where since a plan was made, those under way too.
    async fn ours(&self, plan: &str) -> Result<Ours, AppError> {
        let mut ours = Ours::new();
        for (transaction, kept) in self.store.committed_since(plan).await? {
            for device in read_plan(&kept)?.devices {
                let delta = device.delta().map_err(|error| AppError::Inside(error.to_string()))?;
                for (path, edit) in delta.iter() {
                    let put = ours.entry((device.id.clone(), path.clone())).or_default();
                    put.push((edit.after.clone(), transaction.clone()));
                }
            }
        }
        Ok(ours)
    }
}
