//! Whether intents can hold together with those that do, before anything is planned.

use std::collections::BTreeMap;

use intents::{Named, World, clashes};
use knowledge_model::Tree;

use super::make::{Draft, Ground, PlanError};
use super::once;

/// What is worth saying of the intents beside those that hold.
///
/// # Errors
/// Everything that cannot hold together, with both names.
pub fn consider(
    drafts: &[Draft],
    leaving: &[String],
    holding: &[(String, Named)],
    ground: &Ground<'_>,
) -> Result<Vec<String>, PlanError> {
    let asked: Vec<Named> = drafts.iter().map(named).collect();
    let stays = |id: &String| !leaving.contains(id) && drafts.iter().all(|draft| draft.id != *id);
    let holding: Vec<Named> = holding
        .iter()
        .filter(|(id, _)| stays(id))
        .map(|(_, it)| it.clone())
        .collect();
    let configurations: BTreeMap<String, Tree> = ground
        .network
        .devices()
        .filter_map(|device| Some((device.name.clone(), ground.read.get(&device.id)?.clone())))
        .collect();
    let world = World {
        inventory: ground.network.inventory(),
        configurations: &configurations,
    };
    let clashes = clashes(&asked, &holding, ground.library, &world);
    let (refused, told): (Vec<_>, Vec<_>) = clashes.into_iter().partition(|clash| clash.refused);
    if refused.is_empty() {
        Ok(told.iter().map(ToString::to_string).collect())
    } else {
        Err(PlanError::Conflict(refused.iter().map(ToString::to_string).collect()))
    }
}

fn named(draft: &Draft) -> Named {
    Named {
        name: draft.envelope.name.clone().unwrap_or_else(|| "this intent".to_owned()),
        envelope: draft.envelope.clone(),
    }
}

/// What operators call the intents of these ids.
pub fn names(drafts: &[Draft], holding: &[(String, Named)]) -> BTreeMap<String, String> {
    let held = holding.iter().map(|(id, named)| (id.clone(), named.name.clone()));
    held.chain(drafts.iter().map(|draft| (draft.id.clone(), named(draft).name)))
        .collect()
}

/// The same conflicts with names in the place of ids.
pub fn renamed(error: PlanError, names: &BTreeMap<String, String>) -> PlanError {
    let PlanError::Conflict(conflicts) = error else {
        return error;
    };
    PlanError::Conflict(once::named(conflicts, names))
}

/// What is asked under the name of an intent that holds and was something else.
pub fn replaced(drafts: &[Draft], holding: &[(String, Named)]) -> Vec<String> {
    let other = |draft: &Draft| {
        let (_, held) = holding
            .iter()
            .find(|(id, held)| *id == draft.id && held.envelope != draft.envelope)?;
        let (name, class) = (&held.name, &held.envelope.class);
        Some(format!("{name} holds already ({class}): this takes its place"))
    };
    drafts.iter().filter_map(other).collect()
}
