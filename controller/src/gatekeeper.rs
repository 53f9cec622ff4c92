//! The health gate of running transactions: what their plans want looked at, asked of the agents near the devices.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, join_all};
use transaction::{DeviceId, TransactionId};

use crate::agents::{Agents, Looked};
use crate::commit::{Agents as _, Gates, Track};
use crate::plan::{PlannedCheck, PlannedGate};

/// How long the look before a change may take.
const BEFORE: Duration = Duration::from_secs(30);
/// How many failed checks a reason names.
const NAMED: usize = 4;

/// Knows what the plans of running transactions want looked at.
#[derive(Clone)]
pub struct Gatekeeper {
    agents: Arc<Agents>,
    planned: Arc<Mutex<HashMap<TransactionId, Watched>>>,
    doorman: Arc<OnceLock<Doorman>>,
}

/// What is looked at in one transaction.
#[derive(Debug, Clone)]
pub struct Watched {
    gate: PlannedGate,
    /// The devices that change, by name, wave by wave.
    waves: Vec<Vec<String>>,
    /// What is promised and held already before the change, as device and name of the check.
    held: BTreeSet<(String, String)>,
}

impl Watched {
    /// What a plan wants looked at, and in which order its devices change.
    pub fn of(gate: PlannedGate, waves: Vec<Vec<String>>) -> Self {
        let held = BTreeSet::new();
        Self { gate, waves, held }
    }

    /// Whether others are still to change once this wave has.
    fn is_early(&self, wave: u16) -> bool {
        usize::from(wave) + 1 < self.waves.len()
    }

    /// What is looked at after a wave: at the end everything; before that only what held before, for what is promised may
    /// need the others.
    fn after(&self, wave: u16) -> PlannedGate {
        let early = self.is_early(wave);
        let held = |it: &PlannedCheck| self.held.contains(&(it.device.clone(), it.name.clone()));
        let counts = |it: &&PlannedCheck| it.excluded.is_none() && (!early || it.intent.is_none() || held(it));
        PlannedGate {
            checks: self.gate.checks.iter().filter(counts).cloned().collect(),
            ..self.gate.clone()
        }
    }

    /// Who has changed by the end of this wave, and who has not.
    fn parted(&self, wave: u16) -> (String, String) {
        let (done, left) = self.waves.split_at(self.waves.len().min(usize::from(wave) + 1));
        (done.concat().join(", "), left.concat().join(", "))
    }
}

/// Says whether a transaction may begin now that its devices are its own, with those that ride it, or why not.
pub type Doorman =
    Box<dyn Fn(TransactionId, Vec<TransactionId>) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

impl Gatekeeper {
    /// Nothing is planned yet.
    pub fn new(agents: Arc<Agents>) -> Self {
        Self {
            agents,
            planned: Arc::default(),
            doorman: Arc::default(),
        }
    }

    /// Who is asked before a transaction begins; the first one stays.
    pub fn ask_first(&self, doorman: Doorman) {
        let _ = self.doorman.set(doorman);
    }

    /// A transaction begins whose plan wants this.
    pub fn expect(&self, transaction: TransactionId, watched: Watched) {
        self.lock().insert(transaction, watched);
    }

    /// A transaction is over.
    pub fn forget(&self, transaction: TransactionId) {
        self.lock().remove(&transaction);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TransactionId, Watched>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn planned(&self, transaction: TransactionId) -> Option<Watched> {
        self.lock().get(&transaction).cloned()
    }

    /// Looks before the change: what must not break and is broken already is left out, by name; and where some devices go
    /// first, what is promised and holds already must hold after them, too.
    async fn exclude(self, transaction: TransactionId, track: Arc<Track>) {
        let Some(watched) = self.planned(transaction) else {
            return;
        };
        let early = watched.is_early(0);
        let asked = |it: &PlannedCheck| it.excluded.is_none() && (early || it.intent.is_none());
        let checks = watched.gate.checks.into_iter().filter(asked);
        let once = PlannedGate {
            checks: checks.map(|it| PlannedCheck { patience: 0, ..it }).collect(),
            within: BEFORE.as_secs(),
            ..PlannedGate::default()
        };
        for (device, found) in self.look(transaction, &once).await {
            let Ok(found) = found else { continue };
            for (check, (holds, words)) in found {
                match (holds, check.intent.is_some()) {
                    (true, true) => self.held_before(transaction, check),
                    (true, false) | (false, true) => {}
                    (false, false) => {
                        let name = self.agents.name(device);
                        let said = format!("does not count, red before: {}: {words}", check.name);
                        track.note(Some(name), said);
                        self.leave_out(transaction, &check, &words);
                    }
                }
            }
        }
    }

    fn held_before(&self, transaction: TransactionId, check: PlannedCheck) {
        if let Some(watched) = self.lock().get_mut(&transaction) {
            watched.held.insert((check.device, check.name));
        }
    }

    fn leave_out(&self, transaction: TransactionId, check: &PlannedCheck, words: &str) {
        let mut planned = self.lock();
        let checks = planned.get_mut(&transaction).map(|it| &mut it.gate.checks);
        let same = |it: &&mut PlannedCheck| it.device == check.device && it.name == check.name;
        if let Some(check) = checks.and_then(|it| it.iter_mut().find(same)) {
            check.excluded = Some(format!("red before: {words}"));
        }
    }

    async fn judge(self, transaction: TransactionId, wave: u16, track: Arc<Track>) -> Result<(), String> {
        let watched = self
            .planned(transaction)
            .ok_or("nobody knows what was to be looked at")?;
        let gate = watched.after(wave);
        begins(&watched, wave, &gate, &track);
        let mut failed = Vec::new();
        for (device, found) in self.look(transaction, &gate).await {
            let name = self.agents.name(device);
            let red = match found {
                Ok(found) => reds(&name, found),
                Err(words) => vec![format!("{name}: nothing could be looked at: {words}")],
            };
            match red.is_empty() {
                true => track.note(Some(name), "all its checks hold".to_owned()),
                false => red.iter().for_each(|it| track.note(Some(name.clone()), it.clone())),
            }
            failed.extend(red);
        }
        let said = match failed.len() {
            0 => return Ok(()),
            few @ 1..=NAMED => failed[..few].join("; "),
            many => format!("{}; and {} more", failed[..NAMED].join("; "), many - NAMED),
        };
        match watched.is_early(wave) {
            true => Err(format!("{said}; never changed: {}", watched.parted(wave).1)),
            false => Err(said),
        }
    }

    /// Asks every agent at once.
    async fn look(&self, transaction: TransactionId, gate: &PlannedGate) -> Vec<(DeviceId, Sight)> {
        let mut devices: BTreeMap<DeviceId, Vec<PlannedCheck>> = BTreeMap::new();
        for check in gate.checks.iter().filter(|it| it.excluded.is_none()) {
            if let Ok(device) = check.device.parse() {
                devices.entry(device).or_default().push(check.clone());
            }
        }
        let looks = devices.into_iter().map(|(device, checks)| async move {
            let looked = Looked {
                transaction,
                device,
                checks: &checks,
                steady: Duration::from_secs(gate.steady),
                within: Duration::from_secs(gate.within),
            };
            let found = self.agents.look(&looked).await;
            (device, found.map(|found| checks.into_iter().zip(found).collect()))
        });
        join_all(looks).await
    }
}

/// What was seen on one device: each check with whether it holds and what was seen.
type Sight = Result<Vec<(PlannedCheck, (bool, String))>, String>;

/// Says what is looked at now, and where devices changed before others, who has and who waits for the answer.
fn begins(watched: &Watched, wave: u16, gate: &PlannedGate, track: &Track) {
    let count = gate.checks.len();
    let holds = match gate.steady {
        0 => String::new(),
        seconds => format!(", each has to hold for {seconds} s"),
    };
    if watched.is_early(wave) {
        let (done, left) = watched.parted(wave);
        track.note(
            None,
            format!("wave {wave} has applied ({done}); what held before is looked at, then {left}"),
        );
    }
    track.note(None, format!("{count} checks run{holds}"));
}

/// What does not hold, in words.
fn reds(device: &str, found: Vec<(PlannedCheck, (bool, String))>) -> Vec<String> {
    let red = found.into_iter().filter(|(_, (holds, _))| !holds);
    red.map(|(check, (_, words))| format!("{device}: {}: {words}", check.name))
        .collect()
}

impl Gates for Gatekeeper {
    fn before(
        &self,
        transaction: TransactionId,
        riders: Vec<TransactionId>,
        track: Arc<Track>,
    ) -> BoxFuture<'static, Result<(), String>> {
        let (keeper, asked) = (self.clone(), self.doorman.get().map(|it| it(transaction, riders)));
        let before = async move {
            if let Some(asked) = asked {
                asked.await?;
            }
            keeper.exclude(transaction, track).await;
            Ok(())
        };
        before.boxed()
    }

    fn ask(&self, transaction: TransactionId, wave: u16, track: Arc<Track>) -> BoxFuture<'static, Result<(), String>> {
        self.clone().judge(transaction, wave, track).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Look;

    fn check(name: &str, intent: Option<&str>, excluded: Option<&str>) -> PlannedCheck {
        PlannedCheck {
            name: name.to_owned(),
            device: "d".to_owned(),
            intent: intent.map(str::to_owned),
            look: Look::Management,
            patience: 0,
            excluded: excluded.map(str::to_owned),
        }
    }

    #[test]
    fn before_the_end_only_what_held_before_is_looked_at() {
        let gate = PlannedGate {
            checks: vec![
                check("kept", None, None),
                check("red", None, Some("red before")),
                check("new", Some("i"), None),
                check("renewed", Some("i"), None),
            ],
            ..PlannedGate::default()
        };
        let waves = [["r1"].as_slice(), &["r2", "r3"]].map(|it| it.iter().map(|name| (*name).to_owned()).collect());
        let mut watched = Watched::of(gate.clone(), waves.to_vec());
        watched.held.insert(("d".to_owned(), "renewed".to_owned()));
        let asked =
            |it: &Watched, wave| -> Vec<String> { it.after(wave).checks.into_iter().map(|it| it.name).collect() };
        assert_eq!(asked(&watched, 0), ["kept", "renewed"]);
        assert_eq!(asked(&watched, 1), ["kept", "new", "renewed"]);
        assert_eq!(watched.parted(0), ("r1".to_owned(), "r2, r3".to_owned()));
        let at_once = Watched::of(gate, vec![vec!["r1".to_owned(), "r2".to_owned()]]);
        assert_eq!(asked(&at_once, 0), ["kept", "new", "renewed"], "one wave is the last");
    }
}
