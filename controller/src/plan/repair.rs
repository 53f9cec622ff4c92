//! Where devices are not what their intents want, and the plans that mend it.

use std::collections::BTreeMap;

use knowledge_model::owners::{Ownership, Turn, Wish, drift, plan as between};
use knowledge_model::{Delta, Edit, Path, Schema, Tree, Value};

use super::document::{Plan, Purpose};
use super::gate::PlannedGate;
use super::make::{PlanError, shown, weakest};
use crate::network::{Known, Network};

/// One entry that is not as its intents want it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Where.
    pub path: Path,
    /// What is there and what should be.
    pub edit: Edit,
    /// The ids of the intents that want it.
    pub intents: Vec<String>,
}

/// Every owned entry of a device that is not as it is desired, modulo the platform's normal form.
pub fn deviations(device: &Known, there: &Tree, owners: &Ownership) -> Vec<Deviation> {
    let delta = drift(owners, there, Schema::canonical(), &|tree| device.normal(tree));
    let delta = device.shown(&delta);
    let deviation = |(path, edit): (&Path, &Edit)| Deviation {
        path: path.clone(),
        edit: edit.clone(),
        intents: wanting(owners, path),
    };
    delta.iter().map(deviation).collect()
}

fn wanting(owners: &Ownership, path: &Path) -> Vec<String> {
    let wanting = owners.wishes().filter(|wish| wish.entries.contains_key(path));
    wanting.map(|wish| wish.intent.to_string()).collect()
}

/// The plan that makes a device what its intents want: where `chosen` says yes, with the entries above and below.
///
/// # Errors
/// What stands in the way, and what the device's platform cannot say.
pub fn repaired(
    device: &Known,
    there: &Tree,
    network: &Network,
    purpose: Purpose,
    chosen: &dyn Fn(&Path) -> bool,
) -> Result<Plan, PlanError> {
    let owners = network.owners(device.id);
    let normal = |tree: &Tree| device.normal(tree);
    let nobody = Ownership::new();
    let whole = between(&Turn::new(&nobody, owners), there, Schema::canonical(), &normal);
    let mut planned = whole.map_err(|conflicts| {
        PlanError::Conflict(conflicts.iter().map(|it| format!("{}: {it}", device.name)).collect())
    })?;
    let roots: Vec<Path> = planned
        .delta
        .iter()
        .map(|(path, _)| path.clone())
        .filter(|path| chosen(path))
        .collect();
    let related = |path: &Path| {
        roots
            .iter()
            .any(|root| path.starts_with(root) || root.starts_with(path))
    };
    let kept = planned.delta.iter().filter(|(path, _)| related(path));
    planned.delta = kept.map(|(path, edit)| (path.clone(), edit.clone())).collect::<Delta>();
    // What is not repaired may stand as it likes.
    planned.baseline.retain(|path, _| related(path));
    let devices = match planned.delta.is_empty() {
        true => Vec::new(),
        false => vec![shown(device, &[], planned, (owners, there), network)?],
    };
    let guarantee = weakest(&devices);
    Ok(Plan {
        notices: Vec::new(),
        library: String::new(),
        id: String::new(),
        hash: String::new(),
        intents: Vec::new(),
        withdraws: Vec::new(),
        purpose: Some(purpose),
        warnings: Vec::new(),
        devices,
        risk: intents::Risk::Medium.word().to_owned(),
        dry_run: false,
        gate: PlannedGate::default(),
        forced: false,
        guarantee,
    })
}

/// The owners of a device once what stands at these paths is accepted: the intents want from now on what is there, or,
/// where they are `released`, nothing at all. What was found first comes back when they leave, as ever.
///
/// # Errors
/// The paths that no intent wants by itself: parts of composed lists.
pub fn accepted(owners: &Ownership, there: &Tree, paths: &[Path], released: bool) -> Result<Ownership, Vec<String>> {
    let schema = Schema::canonical();
    let held = |path: &Path| owners.wishes().any(|wish| wish.entries.contains_key(path));
    let strange: Vec<String> = paths
        .iter()
        .filter(|path| !held(path))
        .map(ToString::to_string)
        .collect();
    if !strange.is_empty() {
        return Err(strange);
    }
    let mut after = owners.clone();
    for wish in owners.wishes() {
        let touched = |path: &Path| {
            let there = |root: &Path| there.value(root).is_some();
            paths
                .iter()
                .any(|root| path == root || (path.starts_with(root) && (released || !there(root))))
        };
        let entries = wish
            .entries
            .iter()
            .filter_map(|(path, value)| match (touched(path), released) {
                (false, _) => Some((path.clone(), value.clone())),
                (true, true) => None,
                (true, false) => Some((path.clone(), there.value(path).cloned())),
            });
        let entries: BTreeMap<Path, Option<Value>> = entries.collect();
        if entries != wish.entries {
            let changed = Wish {
                entries,
                ..wish.clone()
            };
            // Only entries were taken from a wish that was good, or values that the device has.
            after
                .contribute(changed, there, schema)
                .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        }
    }
    Ok(after)
}
