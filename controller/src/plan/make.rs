//! Intents on one side, the network as it was read on the other: what has to change between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use intents::{Class, CompileError, Compiled, Contribution, Envelope, Library, World, compile};
use knowledge_model::owners::{Desired, Ownership, Planned, Turn, Wish, plan as between};
use knowledge_model::{Schema, Tree};
use transaction::DeviceId;

use super::document::{DevicePlan, Plan, PlannedEntry, PlannedIntent, PlannedWish, Stood};
use super::gate::{PlannedGate, Word};
use super::valid::unfit;
use crate::network::{Known, Network};

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The intents name what is not there, or ask for what the model forbids.
    #[error("{}, nothing was planned", counted(.0.len(), "fault"))]
    Invalid(Vec<String>),
    /// The intents are at odds with others or with what was found.
    #[error("{}, nothing was planned", counted(.0.len(), "conflict"))]
    Conflict(Vec<String>),
    /// What is asked depends on what these devices hold.
    #[error("{} must be read first", counted(.0.len(), "device"))]
    Unread(Vec<DeviceId>),
    /// A change could cut the way over which it would be taken back.
    #[error(
        "nothing was planned: it may cut the agent's own way, and only the agent could take it back; force it if that is meant"
    )]
    CutOff(Vec<String>),
}

/// So many of a thing, in words.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// An intent with the id that it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub envelope: Envelope,
}

/// What is asked of each device, before the devices were read.
#[derive(Debug, Clone)]
pub struct Drafted {
    pub(super) intents: Vec<PlannedIntent>,
    pub(super) withdraws: Vec<String>,
    pub(super) risk: intents::Risk,
    pub(super) dry_run: bool,
    pub(super) wishes: BTreeMap<DeviceId, Vec<Wish>>,
    pub(super) demands: BTreeMap<DeviceId, String>,
    pub(super) words: BTreeMap<DeviceId, Word>,
}

impl Drafted {
    /// What the intents promise and stir, device by device.
    pub fn words(&self) -> BTreeMap<DeviceId, Word> {
        self.words.clone()
    }

    /// The devices that must be read.
    pub fn devices(&self) -> Vec<DeviceId> {
        self.wishes.keys().copied().collect()
    }
}

/// What is known while intents are drafted.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The classes.
    pub library: &'a Library,
    /// The devices, and who owns what on them.
    pub network: &'a Network,
    /// What devices hold, as far as they were read.
    pub read: &'a HashMap<DeviceId, Tree>,
}

/// Finds out what is asked of which device.
///
/// # Errors
/// Every name that is not in the inventory, and every slot that cannot be written; or the devices that must be read
/// before it can be said.
pub fn draft(drafts: &[Draft], withdraws: &[String], ground: &Ground<'_>) -> Result<Drafted, PlanError> {
    let (mut faults, mut unread) = (Vec::new(), BTreeSet::new());
    let mut drafted = Drafted {
        intents: Vec::new(),
        withdraws: withdraws.to_vec(),
        risk: intents::Risk::Low,
        dry_run: drafts.iter().any(|draft| draft.envelope.dry_run),
        wishes: BTreeMap::new(),
        demands: BTreeMap::new(),
        words: BTreeMap::new(),
    };
    for draft in drafts {
        match ground.library.class(&draft.envelope.class) {
            Some(class) => match add(draft, class, ground, &mut drafted) {
                Ok(()) => {}
                Err(CompileError::Unread(devices)) => unread.extend(devices),
                Err(CompileError::Invalid(more)) => faults.extend(more),
            },
            None => faults.push(format!("no class is named {}", draft.envelope.class)),
        }
    }
    // An intent that is asked for again may leave devices that it held.
    let held: Vec<String> = drafts
        .iter()
        .map(|draft| draft.id.clone())
        .chain(withdraws.iter().cloned())
        .collect();
    let network = ground.network;
    for device in network.devices().filter(|device| network.owns(device.id, &held)) {
        drafted.wishes.entry(device.id).or_default();
    }
    if !faults.is_empty() {
        Err(PlanError::Invalid(faults))
    } else if !unread.is_empty() {
        let named = unread.iter().filter_map(|name| network.named(name));
        Err(PlanError::Unread(named.map(|device| device.id).collect()))
    } else {
        Ok(drafted)
    }
}

/// The slots of every class that this controller does not carry out: it says so instead of letting them have no effect.
const NOT_CARRIED_OUT: [&str; 4] = ["schedule", "validity", "report", "on_violation"];

fn add(draft: &Draft, class: &Class, ground: &Ground<'_>, drafted: &mut Drafted) -> Result<(), CompileError> {
    let (envelope, network) = (&draft.envelope, ground.network);
    let idle = NOT_CARRIED_OUT
        .iter()
        .filter(|slot| envelope.slots.contains_key(**slot));
    let mut faults: Vec<String> = idle
        .map(|slot| {
            format!(
                "{}: this controller does not carry out `{slot}` yet: leave it out",
                class.name
            )
        })
        .collect();
    if envelope.slots.contains_key("exceptions") && !class.resolvers().any(|it| takes_exceptions(it.1)) {
        faults.push(format!(
            "{}: nothing can be left out of it: name what it is for",
            class.name
        ));
    }
    let Ok(priority) = i32::try_from(envelope.priority) else {
        faults.push(format!("{}: priority {} is too large", class.name, envelope.priority));
        return Err(CompileError::Invalid(faults));
    };
    if !faults.is_empty() {
        return Err(CompileError::Invalid(faults));
    }
    let configurations = configurations(&draft.id, class, ground);
    let world = World {
        inventory: network.inventory(),
        configurations: &configurations,
    };
    let wanted = match compile(class, envelope, &world)? {
        Compiled::Configuration(wanted) => wanted,
        Compiled::Call(_) => {
            let what = format!(
                "{} changes nothing, so there is no plan for it: ask it with `entente ask -f FILE`",
                class.name
            );
            return Err(CompileError::Invalid(vec![what]));
        }
    };
    drafted.risk = drafted.risk.max(class.risk);
    let targets = wanted.keys().cloned().collect();
    for (name, Contribution { tree, composed }) in wanted {
        let Some(device) = network.named(&name) else { continue };
        let word = drafted.words.entry(device.id).or_default();
        word.add(draft, class, (&name, &tree));
        let mut wish = Wish::new(draft.id.as_str(), priority, tree);
        wish.composed = composed;
        drafted.wishes.entry(device.id).or_default().push(wish);
        if let Some(guarantee) = &envelope.guarantee {
            demand(&mut drafted.demands, device.id, guarantee);
        }
    }
    drafted.intents.push(PlannedIntent {
        id: draft.id.clone(),
        name: envelope.name.clone(),
        class: class.name.clone(),
        slots: envelope
            .slots
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect(),
        targets,
        asked: envelope.to_json(),
    });
    Ok(())
}

fn takes_exceptions(resolver: &str) -> bool {
    let named = intents::Resolver::all().find(|it| it.name() == resolver);
    named.is_some_and(|it| it.takes().contains(&"exceptions"))
}

/// What resolvers see of the devices: what they hold without what this very intent made, so that asking for it again
/// comes to the same.
fn configurations(intent: &str, class: &Class, ground: &Ground<'_>) -> BTreeMap<String, Tree> {
    if class.resolvers().next().is_none() {
        return BTreeMap::new();
    }
    let known = ground.network.devices().filter_map(|device| {
        let tree = ground.read.get(&device.id)?;
        Some((device.name.clone(), ground.network.without(device.id, intent, tree)))
    });
    known.collect()
}

/// The stronger of two demands counts.
fn demand(demands: &mut BTreeMap<DeviceId, String>, device: DeviceId, guarantee: &str) {
    let held = demands.entry(device).or_insert_with(|| guarantee.to_owned());
    if rank(guarantee) < rank(held) {
        guarantee.clone_into(held);
    }
}

/// The plan, from what was asked and what the devices hold.
///
/// # Errors
/// Every conflict with other intents or with what was found, and every entry that the model forbids.
pub fn finish(drafted: Drafted, read: &HashMap<DeviceId, Tree>, network: &Network) -> Result<Plan, PlanError> {
    let (mut devices, mut conflicts, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let empty = Tree::new();
    for device in network
        .devices()
        .filter(|device| drafted.wishes.contains_key(&device.id))
    {
        let wishes = drafted.wishes.get(&device.id).map_or(&[] as &[Wish], Vec::as_slice);
        let there = read.get(&device.id).unwrap_or(&empty);
        match device_plan(device, wishes, &drafted, there, network) {
            Ok(plan) => devices.push(plan),
            Err(PlanError::Conflict(more) | PlanError::CutOff(more)) => conflicts.extend(more),
            Err(PlanError::Invalid(more)) => faults.extend(more),
            Err(unread @ PlanError::Unread(_)) => return Err(unread),
        }
    }
    if !faults.is_empty() {
        return Err(PlanError::Invalid(faults));
    }
    if !conflicts.is_empty() {
        return Err(PlanError::Conflict(conflicts));
    }
    let guarantee = weakest(&devices);
    Ok(Plan {
        id: String::new(),
        hash: String::new(),
        intents: drafted.intents,
        withdraws: drafted.withdraws,
        purpose: None,
        warnings: Vec::new(),
        devices,
        risk: drafted.risk.word().to_owned(),
        guarantee,
        dry_run: drafted.dry_run,
        notices: Vec::new(),
        library: String::new(),
        gate: PlannedGate::default(),
        forced: false,
    })
}

/// The weakest guarantee of those that change.
pub(super) fn weakest(devices: &[DevicePlan]) -> Option<String> {
    let changing = devices.iter().filter(|device| !device.entries.is_empty());
    changing
        .map(|device| device.guarantee.clone())
        .max_by_key(|word| rank(word))
}

/// The place of a guarantee among all, the strongest first.
fn rank(word: &str) -> Option<usize> {
    transaction::Guarantee::ALL
        .iter()
        .position(|class| class.to_string() == word)
}

fn device_plan(
    device: &Known,
    wishes: &[Wish],
    drafted: &Drafted,
    there: &Tree,
    network: &Network,
) -> Result<DevicePlan, PlanError> {
    let schema = Schema::canonical();
    let before = network.owners(device.id);
    let mut after = before.clone();
    let again = drafted.intents.iter().map(|intent| &intent.id);
    let leaving = again.filter(|id| wishes.iter().all(|wish| *wish.intent != ***id));
    for intent in drafted.withdraws.iter().chain(leaving) {
        after.withdraw(intent, schema);
    }
    for wish in wishes {
        let named = |fault: &knowledge_model::data::Fault| format!("{}: {fault}", device.name);
        after
            .contribute(wish.clone(), there, schema)
            .map_err(|faults| PlanError::Invalid(faults.iter().map(named).collect()))?;
    }
    let desired = after.desired(schema);
    let asking = |intent: &str| wishes.iter().any(|wish| *wish.intent == *intent);
    let asked = desired
        .entries
        .iter()
        .filter(|(_, bid)| bid.value.is_some() && asking(&bid.intent));
    let unsaid = device.unsaid(asked.map(|(path, _)| path));
    if !unsaid.is_empty() {
        return Err(PlanError::Invalid(unsaid));
    }
    let names: Vec<&str> = drafted.intents.iter().map(|intent| intent.id.as_str()).collect();
    let turn = Turn::new(before, &after).asking(&names);
    let planned = between(&turn, there, schema, &|tree| device.normal(tree));
    let named = |conflicts: Vec<knowledge_model::owners::Conflict>| {
        PlanError::Conflict(conflicts.iter().map(|it| format!("{}: {it}", device.name)).collect())
    };
    let mut planned = planned.map_err(named)?;
    planned.delta = device.shown(&planned.delta);
    let unfit = unfit(device, there, &planned.delta);
    if !unfit.is_empty() {
        return Err(PlanError::Invalid(unfit));
    }
    let demand = drafted.demands.get(&device.id).cloned();
    let short = |promised: &&str| demand.as_deref().is_some_and(|wanted| rank(promised) > rank(wanted));
    if let Some(promised) = network
        .promised(device.id)
        .filter(short)
        .filter(|_| !planned.delta.is_empty())
    {
        let wanted = demand.unwrap_or_default();
        let fault = format!("{} only promises {promised}, and {wanted} was demanded", device.name);
        return Err(PlanError::Invalid(vec![fault]));
    }
    shown(device, wishes, planned, (&after, there), network).map(|plan| DevicePlan { demand, ..plan })
}

/// A change with its previews, as it is shown and kept.
pub(super) fn shown(
    device: &Known,
    wishes: &[Wish],
    planned: Planned,
    (after, there): (&Ownership, &Tree),
    network: &Network,
) -> Result<DevicePlan, PlanError> {
    let desired = after.desired(Schema::canonical());
    let (preview, rollback) = device.preview(&planned.delta, there).map_err(PlanError::Invalid)?;
    let entries = planned
        .delta
        .iter()
        .map(|(path, edit)| PlannedEntry::of(path, edit, owners(after, &desired, path)));
    Ok(DevicePlan {
        id: device.id.to_string(),
        name: device.name.clone(),
        guarantee: network.guarantee(device.id),
        demand: None,
        wave: 0,
        entries: entries.collect(),
        preview,
        rollback,
        cuts: Vec::new(),
        wishes: wishes.iter().map(PlannedWish::of).collect(),
        stood: planned
            .baseline
            .iter()
            .map(|(path, value)| Stood::of(path, value.as_ref()))
            .collect(),
    })
}

/// The intents that want something at a path; of a list that several fill, the one whose rule it is.
fn owners(after: &Ownership, desired: &Desired, path: &knowledge_model::Path) -> Vec<String> {
    let wanting = after.wishes().filter(|wish| wish.entries.contains_key(path));
    let wanting: Vec<String> = wanting.map(|wish| wish.intent.to_string()).collect();
    if wanting.is_empty() {
        return desired
            .entries
            .get(path)
            .map(|bid| bid.intent.to_string())
            .into_iter()
            .collect();
    }
    wanting
}
