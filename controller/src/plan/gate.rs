//! What is looked at before a change may stay: what the intents promise, and what the change must not break.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use adapters_platform::Seen;
use intents::{Class, Stirs};
use knowledge_model::{Delta, Tree};
use serde::{Deserialize, Serialize};
use transaction::DeviceId;
use utoipa::ToSchema;

use super::document::{DevicePlan, Plan};
use super::look::Look;
use super::make::Draft;
use super::promise::promises;
use super::touch::Touch;
use crate::network::{Known, Network};

/// How long a check of what stood before may be red, in seconds: one more look.
const PATIENCE: u64 = 3;
/// How long a session that may be reset has to come back, and a new one to be opened, in seconds.
const COMES_BACK: u64 = 60;
/// How long another promise may take to come true, in seconds.
const COMES_TRUE: u64 = 5;
/// Room for the looking itself, in seconds, and for one probe.
const ROOM: u64 = 20;
const PROBE: u64 = 4;
/// The hold time of a BGP session that does not say its own (RFC 4271 suggests 90, vendors take 180), and the dead
/// interval of OSPF (RFC 2328), in seconds.
const HOLD: u64 = 180;
const DEAD: u64 = 40;

/// What is looked at between apply and the decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedGate {
    /// Whether nothing is looked at, because the caller asked for `gate: none`.
    pub off: bool,
    /// Every check, also those that do not count.
    pub checks: Vec<PlannedCheck>,
    /// How long every check must hold without a break, in seconds; 0: to be seen once is enough.
    pub steady: u64,
    /// By when the answer is in, in seconds.
    pub within: u64,
}

impl PlannedGate {
    /// Whether anything is looked at.
    pub fn counts(&self) -> bool {
        !self.off && counted(self).next().is_some()
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedCheck {
    /// What must be so, in words; unique on its device.
    pub name: String,
    /// The device's id.
    pub device: String,
    /// The intent that promises it; nothing where it is what the change must not break.
    pub intent: Option<String>,
    /// What is looked at.
    pub look: Look,
    /// How long it may be red or without data before the gate fails, in seconds.
    pub patience: u64,
    /// Why it does not count, where it does not: red before, or nothing that the device tells.
    pub excluded: Option<String>,
}

/// What the intents of a plan say of one device beyond configuration.
#[derive(Debug, Clone, Default)]
pub struct Word {
    /// What they promise, each with the intent's id.
    pub promises: Vec<(String, Look)>,
    /// What they stir.
    pub stirs: Stirs,
}

impl Word {
    /// Adds what an intent says of a device, for which it wants these entries.
    pub fn add(&mut self, draft: &Draft, class: &Class, (device, wanted): (&str, &Tree)) {
        self.stirs.reset |= class.stirs.reset;
        self.stirs.drain |= class.stirs.drain;
        if !draft.envelope.ungated {
            let promises = promises(class, &draft.envelope, device, wanted).into_iter();
            self.promises.extend(promises.map(|it| (draft.id.clone(), it)));
        }
    }
}

/// What a gate is made from, beside the plan.
#[derive(Debug)]
pub struct Grounds<'a> {
    /// What the intents say, device by device.
    pub words: &'a BTreeMap<DeviceId, Word>,
    /// What the devices hold.
    pub read: &'a HashMap<DeviceId, Tree>,
    /// What the devices say of themselves.
    pub states: &'a HashMap<DeviceId, Tree>,
    /// The devices.
    pub network: &'a Network,
}

/// The gate of a plan.
pub fn gate(plan: &Plan, grounds: &Grounds<'_>) -> PlannedGate {
    let mut gate = PlannedGate::default();
    for planned in plan.devices.iter().filter(|it| !it.entries.is_empty()) {
        let known = grounds.network.named(&planned.name);
        let (Some(known), Ok(delta)) = (known, planned.delta()) else {
            continue;
        };
        let (empty, silent, mute) = (Tree::new(), Tree::new(), Word::default());
        let one = One {
            planned,
            known,
            delta: &delta,
            there: grounds.read.get(&known.id).unwrap_or(&empty),
            state: Seen::all(grounds.states.get(&known.id).unwrap_or(&silent)),
            word: grounds.words.get(&known.id).unwrap_or(&mute),
        };
        one.add_to(&mut gate);
    }
    let patience = counted(&gate).map(|it| it.patience).max().unwrap_or(0);
    let probes = counted(&gate)
        .filter(|it| matches!(it.look, Look::Reach { .. }))
        .count();
    gate.within = gate.steady + patience + ROOM + PROBE * u64::try_from(probes).unwrap_or(0);
    gate
}

fn counted(gate: &PlannedGate) -> impl Iterator<Item = &PlannedCheck> {
    gate.checks.iter().filter(|it| it.excluded.is_none())
}

/// One device of a plan.
struct One<'a> {
    planned: &'a DevicePlan,
    known: &'a Known,
    delta: &'a Delta,
    there: &'a Tree,
    state: Vec<Seen>,
    word: &'a Word,
}

impl One<'_> {
    fn add_to(&self, gate: &mut PlannedGate) {
        let touch = Touch::new(self.delta, self.there);
        if !touch.stirs() {
            return;
        }
        gate.checks.push(self.check(None, Look::Management, PATIENCE, None));
        let promised = self.word.promises.iter().map(|it| self.promise(it, &touch));
        let kept = self.sessions(&touch).into_iter().chain(self.links(&touch));
        let mut known = HashSet::new();
        for check in promised.chain(kept) {
            // What is promised need not be kept a second time.
            if known.insert(subject(&check.look)) {
                gate.checks.push(check);
            }
        }
        gate.steady = gate.steady.max(self.steady(&touch));
    }

    fn check(&self, intent: Option<&String>, look: Look, patience: u64, excluded: Option<String>) -> PlannedCheck {
        PlannedCheck {
            name: look.words(),
            device: self.planned.id.clone(),
            intent: intent.cloned(),
            look,
            patience,
            excluded,
        }
    }

    fn promise(&self, (intent, look): &(String, Look), touch: &Touch<'_>) -> PlannedCheck {
        let excluded = match look.observed() {
            None => Some("nobody looks at it yet".to_owned()),
            Some((name, labels)) => (!self.known.observes(name, &labels)).then(|| {
                let platform = self.known.platforms.first().map_or("its platform", String::as_str);
                format!("{platform} has no words for it")
            }),
        };
        let patience = match look {
            Look::Session { protocol, neighbor, .. } if self.stands(protocol, neighbor) => {
                self.patience(touch.session(protocol, neighbor))
            }
            Look::Session { .. } => COMES_BACK,
            Look::Management | Look::Route { .. } | Look::Reach { .. } | Look::Link { .. } | Look::Unseen { .. } => {
                COMES_TRUE
            }
        };
        self.check(Some(intent), look.clone(), patience, excluded)
    }

    /// Whether a session stands before the change.
    fn stands(&self, protocol: &str, neighbor: &str) -> bool {
        let mut own = self
            .state
            .iter()
            .filter(|it| self::protocol(&it.name) == Some(protocol) && is_up(it));
        own.any(|it| it.labels.get("neighbor").is_some_and(|it| it == neighbor))
    }

    /// How long a session that stood may be down.
    fn patience(&self, touched: bool) -> u64 {
        if touched && self.word.stirs.reset {
            COMES_BACK
        } else {
            PATIENCE
        }
    }

    /// The sessions that stand now must stand afterwards, and exchange what they did.
    fn sessions(&self, touch: &Touch<'_>) -> Vec<PlannedCheck> {
        let mut checks = Vec::new();
        for seen in self.state.iter().filter(|it| it.name.ends_with("/state")) {
            let Some(protocol) = protocol(&seen.name) else { continue };
            let Some(neighbor) = seen.labels.get("neighbor") else {
                continue;
            };
            let family = seen.labels.get("family").cloned();
            let least = |what: &str| {
                let name = seen.name.replace("/state", what);
                let same = self.state.iter().find(|it| it.name == name && it.labels == seen.labels);
                u64::from(same.is_some_and(|it| it.value != adapters_platform::Measure::Number(0.0)))
            };
            let is_bgp = protocol == "bgp";
            let touched = touch.session(protocol, neighbor);
            let stirs = self.word.stirs;
            let excluded = if !is_up(seen) {
                Some(format!("it was {} before", word(seen)))
            } else if touch.ends(protocol, neighbor) {
                Some("the change ends it".to_owned())
            } else if touched && stirs.drain {
                Some("the class says that it is drained".to_owned())
            } else {
                None
            };
            let look = Look::Session {
                protocol: protocol.to_owned(),
                neighbor: neighbor.clone(),
                family,
                received: if is_bgp { least("/received") } else { 0 },
                sent: if is_bgp { least("/sent") } else { 0 },
            };
            checks.push(self.check(None, look, self.patience(touched), excluded));
        }
        checks
    }

    /// An interface that the change touches and that is up stays up.
    fn links(&self, touch: &Touch<'_>) -> Vec<PlannedCheck> {
        let links = self
            .state
            .iter()
            .filter(|it| it.name == "interface/oper-status" && is_up(it));
        let names = links.filter_map(|it| it.labels.get("interface"));
        names
            .filter(|name| touch.interface(name))
            .map(|name| {
                let excluded = touch.shuts(name).then(|| "the change shuts or removes it".to_owned());
                let look = Look::Link {
                    interface: name.clone(),
                };
                self.check(None, look, PATIENCE, excluded)
            })
            .collect()
    }

    /// As long as the longest hold time of a touched session, and as long as the device takes to act on a change.
    fn steady(&self, touch: &Touch<'_>) -> u64 {
        let settle = self.known.settle().as_secs().max(1);
        let up = self.state.iter().filter(|it| is_up(it));
        let sessions = up.filter_map(|it| Some((protocol(&it.name)?, it.labels.get("neighbor")?)));
        let promised = self.word.promises.iter().filter_map(|(_, look)| match look {
            Look::Session { protocol, neighbor, .. } => Some((protocol.as_str(), neighbor)),
            Look::Management | Look::Route { .. } | Look::Reach { .. } | Look::Link { .. } | Look::Unseen { .. } => {
                None
            }
        });
        let holds = sessions
            .chain(promised)
            .filter(|(protocol, neighbor)| touch.session(protocol, neighbor))
            .map(|(protocol, neighbor)| self.hold(protocol, neighbor));
        holds.max().unwrap_or(0).max(settle)
    }

    /// After how long without a word a session ends, in seconds.
    fn hold(&self, protocol: &str, neighbor: &str) -> u64 {
        match protocol {
            "bgp" => {
                let configured = self
                    .there
                    .text(&bgp(neighbor).child("hold-time"))
                    .and_then(|it| it.parse().ok());
                let own = |it: &&Seen| {
                    let about = it.labels.get("neighbor").is_some_and(|it| it == neighbor);
                    it.name == "bgp-neighbor/hold-time" && about
                };
                let agreed = self.state.iter().find(own).and_then(seconds);
                agreed.or(configured).unwrap_or(HOLD)
            }
            "ospf" => {
                let intervals = self.there.iter().filter(|(path, _)| path.name() == "dead-interval");
                let seconds = intervals.filter_map(|(_, value)| value.text()?.parse().ok());
                seconds.max().unwrap_or(DEAD)
            }
            _ => 0,
        }
    }
}

/// The entry of a BGP neighbour.
pub(super) fn bgp(neighbor: &str) -> knowledge_model::Path {
    knowledge_model::Path::root().child("bgp").keyed("neighbor", [neighbor])
}

fn protocol(name: &str) -> Option<&'static str> {
    match name {
        "bgp-session/state" => Some("bgp"),
        "ospf-neighbor/state" => Some("ospf"),
        "bfd-session/state" => Some("bfd"),
        _ => None,
    }
}

fn word(seen: &Seen) -> &str {
    match &seen.value {
        adapters_platform::Measure::Word(word) => word,
        adapters_platform::Measure::Number(_) => "",
    }
}

/// A span of whole seconds, where it is one.
fn seconds(seen: &Seen) -> Option<u64> {
    match seen.value {
        adapters_platform::Measure::Number(number) if number >= 1.0 => {
            Some(Duration::from_secs_f64(number.min(65_535.0)).as_secs())
        }
        adapters_platform::Measure::Number(_) | adapters_platform::Measure::Word(_) => None,
    }
}

fn is_up(seen: &Seen) -> bool {
    matches!(word(seen), "established" | "full" | "up")
}

/// What two looks have in common when one makes the other needless.
fn subject(look: &Look) -> String {
    match look {
        Look::Session {
            protocol,
            neighbor,
            family,
            ..
        } => format!("{protocol} {neighbor} {}", family.as_deref().unwrap_or_default()),
        Look::Management | Look::Route { .. } | Look::Reach { .. } | Look::Link { .. } | Look::Unseen { .. } => {
            look.words()
        }
    }
}

#[cfg(test)]
mod tests;
