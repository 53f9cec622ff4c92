//! The health gate of running transactions: what their plans want looked at, asked of the agents near the devices.

use std::collections::{BTreeMap, HashMap};
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
    planned: Arc<Mutex<HashMap<TransactionId, PlannedGate>>>,
    doorman: Arc<OnceLock<Doorman>>,
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
    pub fn expect(&self, transaction: TransactionId, gate: PlannedGate) {
        self.lock().insert(transaction, gate);
    }

    /// A transaction is over.
    pub fn forget(&self, transaction: TransactionId) {
        self.lock().remove(&transaction);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TransactionId, PlannedGate>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn planned(&self, transaction: TransactionId) -> Option<PlannedGate> {
        self.lock().get(&transaction).cloned()
    }

    /// Leaves out, by name, what must not break and is broken already.
    async fn exclude(self, transaction: TransactionId, track: Arc<Track>) {
        let Some(gate) = self.planned(transaction) else { return };
        let kept = |it: &PlannedCheck| it.intent.is_none() && it.excluded.is_none();
        let checks: Vec<PlannedCheck> = gate.checks.into_iter().filter(kept).collect();
        let once = PlannedGate {
            checks: checks
                .into_iter()
                .map(|it| PlannedCheck { patience: 0, ..it })
                .collect(),
            within: BEFORE.as_secs(),
            ..PlannedGate::default()
        };
        for (device, found) in self.look(transaction, &once).await {
            let Ok(found) = found else { continue };
            for (check, (_, words)) in found.into_iter().filter(|(_, (holds, _))| !holds) {
                let name = self.agents.name(device);
                track.note(
                    Some(name),
                    format!("does not count, red before: {}: {words}", check.name),
                );
                self.leave_out(transaction, &check, &words);
            }
        }
    }

    fn leave_out(&self, transaction: TransactionId, check: &PlannedCheck, words: &str) {
        let mut planned = self.lock();
        let checks = planned.get_mut(&transaction).map(|it| &mut it.checks);
        let same = |it: &&mut PlannedCheck| it.device == check.device && it.name == check.name;
        if let Some(check) = checks.and_then(|it| it.iter_mut().find(same)) {
            check.excluded = Some(format!("red before: {words}"));
        }
    }

    async fn judge(self, transaction: TransactionId, track: Arc<Track>) -> Result<(), String> {
        let gate = self
            .planned(transaction)
            .ok_or("nobody knows what was to be looked at")?;
        let count = gate.checks.iter().filter(|it| it.excluded.is_none()).count();
        let holds = match gate.steady {
            0 => String::new(),
            seconds => format!(", each has to hold for {seconds} s"),
        };
        track.note(None, format!("{count} checks run{holds}"));
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
        match failed.len() {
            0 => Ok(()),
            few @ 1..=NAMED => Err(failed[..few].join("; ")),
            many => Err(format!("{}; and {} more", failed[..NAMED].join("; "), many - NAMED)),
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

    fn ask(&self, transaction: TransactionId, _wave: u16, track: Arc<Track>) -> BoxFuture<'static, Result<(), String>> {
        self.clone().judge(transaction, track).boxed()
    }
}
