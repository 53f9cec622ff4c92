//! Health checks that agents run: asked device by device, each answered once.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fabric_wire::v1::{self, Scope, Step, downward};
use tokio::sync::oneshot;
use transaction::{DeviceId, TransactionId};

use super::{Agents, inward};
use crate::plan::{Look, PlannedCheck};

/// How much longer than an agent may take its answer is waited for.
const TRAVEL: Duration = Duration::from_secs(5);

/// Why nobody is asked.
const UNSEEN: &str = "no agent that may observe it is here: see `entente agent list`";

/// What an agent is asked to look at.
#[derive(Debug, Clone)]
pub struct Looked<'a> {
    /// In which transaction.
    pub transaction: TransactionId,
    /// On which device.
    pub device: DeviceId,
    /// At what.
    pub checks: &'a [PlannedCheck],
    /// How long all must hold.
    pub steady: Duration,
    /// By when the answer is wanted.
    pub within: Duration,
}

/// How one check stands: whether it holds, and what was seen.
pub type Found = (bool, String);

type Answered = Result<Vec<v1::Finding>, String>;

/// The agent that was asked, and who waits for what it saw.
type Waiting = (String, oneshot::Sender<Answered>);

/// Who waits for what an agent saw.
#[derive(Debug, Default)]
pub struct Looks(Mutex<HashMap<(DeviceId, u32), Waiting>>);

impl Looks {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(DeviceId, u32), Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an agent was asked it knows nothing of any more: nobody waits for it.
    pub(super) fn forget(&self, name: &str) {
        self.lock().retain(|_, (asked, _)| asked != name);
    }

    /// Passes an answer on to whoever waits for it. Nobody answers but who was asked.
    pub(super) fn answered(&self, name: &str, device: DeviceId, attempt: u32, answer: v1::Answer) {
        let mut all = self.lock();
        if all.get(&(device, attempt)).is_none_or(|(asked, _)| asked != name) {
            return;
        }
        let Some((_, waiting)) = all.remove(&(device, attempt)) else {
            return;
        };
        drop(all);
        let seen = match answer.outcome {
            Some(v1::answer::Outcome::Health(health)) => Ok(health.findings),
            Some(v1::answer::Outcome::Fault(fault)) => Err(inward::words(&fault)),
            Some(_) | None => Err("the agent did not say what it saw".to_owned()),
        };
        // Who no longer waits has given up.
        let _ = waiting.send(seen);
    }
}

/// Who asked waits no longer once this is dropped, whatever became of it.
struct Asked<'a>(&'a Looks, (DeviceId, u32));

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

impl Agents {
    /// What the agent of a device sees, check by check in the order of the question. What it does not tell is red.
    ///
    /// # Errors
    /// Why nothing was seen at all.
    pub async fn look(&self, looked: &Looked<'_>) -> Result<Vec<Found>, String> {
        let attempt = self.count.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        let key = (looked.device, attempt);
        let (asked, outlet) = self.observer(looked.device).ok_or(UNSEEN)?;
        self.looks.lock().insert(key, (asked, sender));
        let _asked = Asked(&self.looks, key);
        let scope = Scope {
            transaction: looked.transaction.0.to_be_bytes().to_vec(),
            device: looked.device.to_string(),
            step: Step::Gate as i32,
            attempt,
            ..Scope::default()
        };
        let sent = outlet.offer(Some(scope), downward::Body::Gate(gate(looked)));
        let answer = match sent {
            Ok(_) => tokio::time::timeout(looked.within + TRAVEL, answer).await,
            Err(_) => return Err(UNSEEN.to_owned()),
        };
        let findings = match answer {
            Ok(Ok(findings)) => findings?,
            Ok(Err(_)) => return Err("its agent left".to_owned()),
            Err(_) => return Err("its agent did not answer in time".to_owned()),
        };
        let found = |check: &PlannedCheck| match findings.iter().find(|it| it.name == check.name) {
            Some(it) => (it.color() == v1::Color::Green, inward::plain(&it.words)),
            None => (false, "its agent says nothing of it".to_owned()),
        };
        Ok(looked.checks.iter().map(found).collect())
    }
}

fn gate(looked: &Looked<'_>) -> v1::Gate {
    let check = |check: &PlannedCheck| v1::Check {
        name: check.name.clone(),
        kind: kind(&check.look),
        // Zero would mean patience without end.
        patience_milliseconds: (check.patience * 1000).max(1),
    };
    v1::Gate {
        checks: looked.checks.iter().map(check).collect(),
        within_milliseconds: milliseconds(looked.within),
        steady_milliseconds: milliseconds(looked.steady),
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn kind(look: &Look) -> Option<v1::check::Kind> {
    use v1::check::Kind;
    Some(match look.clone() {
        Look::Management => Kind::Management(v1::Management {}),
        Look::Session {
            protocol,
            neighbor,
            family,
            received,
            sent,
        } => Kind::Session(v1::Session {
            protocol,
            neighbor,
            received_at_least: received,
            family: family.unwrap_or_default(),
            sent_at_least: sent,
        }),
        Look::Route { prefix, next_hop } => Kind::Route(v1::Route {
            prefix,
            next_hop: next_hop.unwrap_or_default(),
            absent: false,
        }),
        Look::Reach { address, lost } => Kind::Reach(v1::Reach {
            address,
            lost_per_thousand: u32::try_from(lost).unwrap_or(1000),
        }),
        Look::Link { interface } => Kind::Link(v1::Link { interface }),
        Look::Unseen { .. } => return None,
    })
}
