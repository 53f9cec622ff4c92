//! `entente plan --offline`: a plan without a controller, from the inventory and what devices were last known to hold.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use intents::{Library, Named};
use uuid::Uuid;

use super::{faulty, read};
use crate::arguments::{GateWord, PlanArguments, Wanted};
use crate::config::Config;
use crate::exit::Exit;
use crate::known::{LastKnown, from_file};
use crate::network::Network;
use crate::plan::{self, Plan, PlanError};
use crate::store::Store;

/// Where a plan without a controller comes from.
#[derive(Debug, Clone)]
pub struct Offline {
    /// The intents.
    pub file: PathBuf,
    /// The inventory; the one of the settings where none is named.
    pub inventory: Option<PathBuf>,
    /// A state directory, or a file with what devices hold; the state directory of the settings where none is named.
    pub state: Option<PathBuf>,
    /// What is wanted beyond the intents: a controller that the plan is carried to does it.
    pub wanted: Wanted,
}

impl From<PlanArguments> for Offline {
    fn from(asked: PlanArguments) -> Self {
        Self {
            file: asked.file.unwrap_or_default(),
            inventory: asked.inventory,
            state: asked.state,
            wanted: asked.wanted,
        }
    }
}

/// Makes the plan.
pub async fn plan(offline: &Offline, library: &Library, config: &Config) -> Result<Plan> {
    let inventory = offline.inventory.as_ref().unwrap_or(&config.inventory);
    let state = offline.state.as_ref().unwrap_or(&config.state);
    let network = Network::load(inventory)?;
    let envelopes =
        intents::read_file(&read(&offline.file)?, library).map_err(|faults| faulty(&offline.file, &faults))?;
    let (network, holding, known) = remembered(state, network, library).await?;
    let drafts: Vec<plan::Draft> = envelopes
        .into_iter()
        .map(|envelope| draft(envelope, &holding))
        .collect();
    let ground = plan::Ground {
        library,
        network: &network,
        read: &known,
    };
    let drafted = plan::draft(&drafts, &[], &ground).map_err(|error| refused(error, &network, state))?;
    let unread: Vec<_> = drafted
        .devices()
        .into_iter()
        .filter(|id| !known.contains_key(id))
        .collect();
    if !unread.is_empty() {
        return Err(refused(PlanError::Unread(unread), &network, state));
    }
    let notices = plan::consider(&drafts, &[], &holding, &ground).map_err(|error| refused(error, &network, state))?;
    let names = plan::names(&drafts, &holding);
    let finished = plan::finish(drafted, &known, &network).map_err(|error| plan::renamed(error, &names));
    let mut plan = finished.map_err(|error| refused(error, &network, state))?;
    plan.id = format!("offline-{}", Uuid::now_v7());
    plan.notices = notices;
    plan.gate.off = offline.wanted.gate == GateWord::None;
    plan.forced = offline.wanted.force;
    plan.library = library.revision().to_owned();
    let named = drafts.iter().flat_map(|draft| draft.envelope.first.clone());
    let first: Vec<String> = offline.wanted.first.iter().cloned().chain(named).collect();
    plan::order(&mut plan, &first, std::iter::empty(), &network).map_err(|error| refused(error, &network, state))?;
    Ok(plan.sealed())
}

/// Keeps a plan in a file, to be carried to a controller.
pub fn save(plan: &Plan, file: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(plan)?;
    std::fs::write(file, text).with_context(|| format!("write {}", file.display()))
}

/// Intents that hold, by their ids.
type Holding = Vec<(String, Named)>;

/// What a state directory remembers, or a file says.
async fn remembered(
    state: &Path,
    network: Network,
    library: &Library,
) -> Result<(Network, Holding, HashMap<transaction::DeviceId, knowledge_model::Tree>)> {
    if state.is_file() {
        let known = from_file(state, &network)?;
        return Ok((network, Vec::new(), known));
    }
    if !state.join("store.db").is_file() {
        return Err(Exit::Missing.because(format!(
            "no controller has run on {}: name its state directory with --state, or a file with what devices hold",
            state.display()
        )));
    }
    let store = Store::open(state).await.context("open the controller's memory")?;
    let network = network.with_owners(&store.ownership().await?)?;
    let holding = crate::holding::holding(&store, library).await?;
    let known = LastKnown::inside(state).load(&network);
    Ok((network, holding, known))
}

/// An intent that holds under its name keeps its id.
fn draft(envelope: intents::Envelope, holding: &Holding) -> plan::Draft {
    let held = envelope
        .name
        .as_ref()
        .and_then(|name| holding.iter().find(|(_, it)| it.name == *name));
    plan::Draft {
        id: held.map_or_else(|| Uuid::now_v7().to_string(), |(id, _)| id.clone()),
        envelope,
    }
}

fn refused(error: PlanError, network: &Network, state: &Path) -> anyhow::Error {
    let lines = |faults: &[String]| faults.iter().map(|fault| format!("\n  {fault}")).collect::<String>();
    match &error {
        PlanError::Invalid(faults) => Exit::Invalid.because(format!("{error}{}", lines(faults))),
        PlanError::Conflict(faults) | PlanError::CutOff(faults) => {
            Exit::Conflict.because(format!("{error}{}", lines(faults)))
        }
        PlanError::Unread(devices) => {
            let named = network.devices().filter(|device| devices.contains(&device.id));
            let names: Vec<&str> = named.map(|device| device.name.as_str()).collect();
            Exit::Missing.because(format!(
                "{} does not say what {} holds: let a controller read it once, or plan with one",
                state.display(),
                names.join(", ")
            ))
        }
    }
}
