//! Drift: where devices are not what their intents want, and what an operator does about it, path by path.

use std::collections::BTreeSet;

use knowledge_model::{Path, Schema, Tree};
use serde::Serialize;
use serde_json::json;
use transaction::DeviceId;
use utoipa::ToSchema;

use crate::app::{App, AppError, Asker, Wishes, missing, stamp};
use crate::network::Known;
use crate::plan::{self, Deviation, Plan, PlanError, Purpose};

/// One entry that is not as its intents want it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Drift {
    /// The device, by name.
    pub device: String,
    /// Where; nothing where the device could not be read.
    pub path: Option<String>,
    /// What its intents want; nothing if they want no entry.
    pub wanted: Option<String>,
    /// What is there; nothing if there is no entry.
    pub found: Option<String>,
    /// The intents that want it, by name.
    pub intents: Vec<String>,
    /// Whether an operator told us to leave it alone.
    pub ignored: bool,
    /// Why the device could not be read, if it could not.
    pub unread: Option<String>,
}

impl App {
    /// The drift of one device, or of all that an intent wants something of; `ignored` drift too if asked.
    pub async fn drift(&self, device: Option<&str>, ignored: bool) -> Result<Vec<Drift>, AppError> {
        let devices: Vec<Known> = match device {
            Some(name) => vec![self.device(name).await?],
            None => {
                let network = self.network.lock().await;
                let owned = |known: &&Known| network.owners(known.id).paths().next().is_some();
                network.devices().filter(owned).cloned().collect()
            }
        };
        let quiet = self.quiet().await?;
        let ids: Vec<DeviceId> = devices.iter().map(|known| known.id).collect();
        let mut reads = self.read_each(&ids).await?;
        let mut all = Vec::new();
        for known in &devices {
            match reads.remove(&known.id).unwrap_or_else(|| Ok(Tree::new())) {
                Ok(there) => {
                    for deviation in self.deviations(known, &there).await {
                        let hushed = quiet.hushes(known, &deviation.path);
                        if ignored || !hushed {
                            all.push(self.shown(known, &deviation, hushed).await?);
                        }
                    }
                }
                Err(error) => all.push(Drift {
                    device: known.name.clone(),
                    path: None,
                    wanted: None,
                    found: None,
                    intents: Vec::new(),
                    ignored: false,
                    unread: Some(error.to_string()),
                }),
            }
        }
        Ok(all)
    }

    async fn deviations(&self, known: &Known, there: &Tree) -> Vec<Deviation> {
        let network = self.network.lock().await;
        plan::deviations(known, there, network.owners(known.id))
    }

    async fn shown(&self, known: &Known, deviation: &Deviation, ignored: bool) -> Result<Drift, AppError> {
        let text = |value: &Option<knowledge_model::Value>| value.as_ref().map(ToString::to_string);
        let mut intents = Vec::new();
        for intent in &deviation.intents {
            intents.push(self.called(intent).await?);
        }
        Ok(Drift {
            device: known.name.clone(),
            path: Some(deviation.path.to_string()),
            wanted: text(&deviation.edit.after),
            found: text(&deviation.edit.before),
            intents,
            ignored,
            unread: None,
        })
    }

    /// Plans the repair of a device's drift: all that is not ignored, or these paths.
    pub async fn repair(
        &self,
        device: &str,
        paths: &[String],
        wishes: Wishes,
        asker: &Asker,
    ) -> Result<Plan, AppError> {
        let known = self.device(device).await?;
        let paths = read_paths(paths)?;
        let quiet = self.quiet().await?;
        let there = self.read_decided(known.id).await?;
        let chosen = |path: &Path| match paths.is_empty() {
            true => !quiet.hushes(&known, path),
            false => paths.iter().any(|root| path.starts_with(root)),
        };
        let purpose = Purpose::Repair {
            device: device.to_owned(),
        };
        let mut plan = {
            let mut network = self.network.lock().await;
            network.promise(self.agents.guarantees());
            plan::repaired(&known, &there, &network, purpose, &chosen)?
        };
        self.guard_one(&mut plan, (known.id, there), wishes).await?;
        self.issue(plan, asker).await
    }

    /// Takes what stands at these paths for wanted; or nothing, where they are released. Nothing changes on the device.
    pub async fn accept(
        &self,
        device: &str,
        paths: &[String],
        released: bool,
        asker: &Asker,
    ) -> Result<Vec<Drift>, AppError> {
        let known = self.device(device).await?;
        let paths = read_paths(paths)?;
        let there = self.read_decided(known.id).await?;
        {
            let mut network = self.network.lock().await;
            let found = plan::deviations(&known, &there, network.owners(known.id));
            let drifted: BTreeSet<&Path> = found.iter().map(|it| &it.path).collect();
            let strange: Vec<String> = paths
                .iter()
                .filter(|path| !drifted.contains(path))
                .map(|path| format!("{device} {path} has no drift"))
                .collect();
            if !strange.is_empty() {
                return Err(AppError::Plan(PlanError::Conflict(strange)));
            }
            let owners = plan::accepted(network.owners(known.id), &there, &paths, released).map_err(|strange| {
                let each = strange
                    .iter()
                    .map(|it| format!("{device} {it} cannot be accepted: change the intent"));
                AppError::Plan(PlanError::Conflict(each.collect()))
            })?;
            network.own(known.id, owners, &self.store).await?;
        }
        let shown: Vec<String> = paths.iter().map(ToString::to_string).collect();
        let detail = json!({ "paths": shown, "released": released });
        self.note(asker, "accept", device, detail).await?;
        self.drift(Some(device), true).await
    }

    /// Leaves drift at these paths, and below them, alone from now on; or looks at it again.
    pub async fn ignore(&self, device: &str, paths: &[String], on: bool, asker: &Asker) -> Result<(), AppError> {
        let known = self.device(device).await?;
        let read = read_paths(paths)?;
        let unknown = read.iter().filter(|path| Schema::canonical().node(path).is_none());
        let unknown: Vec<String> = unknown.map(|path| format!("no entry can stand at {path}")).collect();
        if !unknown.is_empty() {
            return Err(AppError::Plan(PlanError::Invalid(unknown)));
        }
        for path in read {
            let (id, path) = (known.id.to_string(), path.to_string());
            if on {
                self.store.ignore(&id, &path, &asker.who, stamp()).await?;
            } else if !self.store.heed(&id, &path).await? {
                return Err(missing("ignored path", &path));
            }
        }
        let what = if on { "ignore" } else { "heed" };
        self.note(asker, what, device, json!({ "paths": paths })).await
    }

    /// A device of the inventory.
    pub(crate) async fn device(&self, name: &str) -> Result<Known, AppError> {
        let network = self.network.lock().await;
        network.named(name).cloned().ok_or_else(|| missing("device", name))
    }

    async fn quiet(&self) -> Result<Quiet, AppError> {
        let read = |(device, path): (String, String)| Some((device, path.parse().ok()?));
        Ok(Quiet(
            self.store.ignored().await?.into_iter().filter_map(read).collect(),
        ))
    }
}

/// The paths that are left alone, with their devices.
struct Quiet(Vec<(String, Path)>);

impl Quiet {
    fn hushes(&self, known: &Known, path: &Path) -> bool {
        let id = known.id.to_string();
        self.0
            .iter()
            .any(|(device, root)| *device == id && path.starts_with(root))
    }
}

fn read_paths(paths: &[String]) -> Result<Vec<Path>, AppError> {
    let read = |text: &String| {
        text.parse::<Path>()
            .map_err(|error| AppError::Plan(PlanError::Invalid(vec![format!("{text:?} is no path: {error}")])))
    };
    paths.iter().map(read).collect()
}
