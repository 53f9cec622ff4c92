//! Every failure is kept as a case, and plans are warned by those that are like them.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use knowledge_cases::{Attempt, Case, Cure, Kind, Shelf};
use serde_json::json;
use transaction::{DeviceId, Ending, Reason};
use uuid::Uuid;

use crate::app::{App, AppError, Asker, missing, stamp};
use crate::network::Network;
use crate::plan::{DevicePlan, Plan, Warning};
use crate::store::Store;

/// How many cases are kept.
const CASES: usize = 10_000;
/// How many warnings a plan carries at most.
const WARNINGS: usize = 5;
/// How many bytes of what was tried are kept.
const TRIED: usize = 4096;

/// The cases that were kept.
///
/// # Errors
/// Where the store fails, or holds what is no case.
pub async fn shelf(store: &Store) -> anyhow::Result<Shelf> {
    let mut shelf = Shelf::new(CASES);
    for body in store.cases().await? {
        shelf.put(serde_json::from_str(&body)?);
    }
    Ok(shelf)
}

impl App {
    /// Keeps how a transaction failed; one that did not is no case. Without an ending it never began.
    pub(crate) async fn learn(&self, transaction: &str, plan: &Plan, ending: Option<&Ending>, reason: &str) {
        let network = self.network.lock().await;
        let Some(case) = case(transaction, plan, ending, reason, &network) else {
            return;
        };
        drop(network);
        let (case, gone) = self.cases.lock().unwrap_or_else(PoisonError::into_inner).put(case);
        let kept = async {
            self.store
                .keep_case(&case.id, case.at, &json!(case).to_string())
                .await?;
            match &gone {
                Some(gone) => self.store.forget_case(gone).await,
                None => Ok(()),
            }
        };
        if let Err(error) = kept.await {
            tracing::error!(%transaction, %error, "cannot keep a case");
        }
    }

    /// What went wrong before where a plan is like it.
    pub(crate) async fn warnings(&self, plan: &Plan) -> Vec<Warning> {
        let network = self.network.lock().await;
        let changing = plan.devices.iter().filter(|device| !device.entries.is_empty());
        let attempts: Vec<Attempt> = changing.map(|device| attempt(plan, device, &network)).collect();
        drop(network);
        let shelf = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut seen, mut warnings) = (BTreeSet::new(), Vec::new());
        for attempt in &attempts {
            for case in shelf.like(attempt, WARNINGS) {
                if warnings.len() < WARNINGS && seen.insert(case.id.clone()) {
                    warnings.push(warning(case, &attempt.device));
                }
            }
        }
        warnings
    }

    /// The cases, the latest first; those that speak of something where it is asked for, the likest first.
    pub fn cases(&self, about: Option<&str>, most: usize) -> Vec<Case> {
        let shelf = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
        match about {
            Some(about) => shelf.search(about, most).into_iter().cloned().collect(),
            None => shelf.all().take(most).cloned().collect(),
        }
    }

    /// One case.
    pub fn case(&self, id: &str) -> Result<Case, AppError> {
        let shelf = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.case(id).cloned().ok_or_else(|| missing("case", id))
    }

    /// Notes what the cure of a case was.
    pub async fn cure(&self, id: &str, text: &str, asker: &Asker) -> Result<Case, AppError> {
        let cure = Cure {
            text: text.to_owned(),
            by: asker.who.clone(),
            at: stamp(),
        };
        let cured = self.cases.lock().unwrap_or_else(PoisonError::into_inner).cure(id, cure);
        let case = cured.ok_or_else(|| missing("case", id))?;
        self.store
            .keep_case(&case.id, case.at, &json!(case).to_string())
            .await?;
        self.note(asker, "cure", id, json!({ "text": text })).await?;
        Ok(case)
    }
}

fn case(transaction: &str, plan: &Plan, ending: Option<&Ending>, reason: &str, network: &Network) -> Option<Case> {
    let (kind, blamed) = match ending {
        Some(Ending::Committed) => return None,
        Some(Ending::RolledBack { reason }) => blame(reason),
        Some(Ending::Torn { devices, .. }) => (Kind::Torn, devices.iter().map(|it| it.device).collect()),
        None => (Kind::NotBegun, Vec::new()),
    };
    let blamed: BTreeSet<String> = blamed.iter().map(ToString::to_string).collect();
    let meant = |device: &&DevicePlan| blamed.is_empty() || blamed.contains(&device.id);
    let devices: Vec<&DevicePlan> = plan.devices.iter().filter(meant).collect();
    let attempts: Vec<Attempt> = devices.iter().map(|device| attempt(plan, device, network)).collect();
    let all = |pick: fn(&Attempt) -> &[String]| {
        let each: BTreeSet<String> = attempts.iter().flat_map(|it| pick(it).iter().cloned()).collect();
        each.into_iter().collect::<Vec<_>>()
    };
    let changing = plan.devices.iter().filter(|device| !device.entries.is_empty());
    let others: Vec<&str> = changing.clone().map(|device| device.name.as_str()).collect();
    let impact = if kind == Kind::Torn {
        format!("of {} devices, {} are not as was decided", others.len(), blamed.len())
    } else {
        format!("none of {} devices changed: {}", others.len(), others.join(", "))
    };
    let tried: String = devices
        .iter()
        .map(|device| format!("{}:\n{}\n", device.name, device.preview))
        .collect();
    let names = |named: bool| {
        if named {
            devices.iter().map(|it| it.name.clone()).collect()
        } else {
            Vec::new()
        }
    };
    Some(Case {
        id: Uuid::now_v7().to_string(),
        at: stamp(),
        times: 1,
        kind,
        transaction: transaction.to_owned(),
        devices: names(!blamed.is_empty()),
        platforms: all(|it| &it.platforms),
        classes: all(|it| &it.classes),
        paths: all(|it| &it.paths),
        impact,
        words: reason.to_owned(),
        suggestion: kind.remedy().to_owned(),
        tried: cut(&tried),
        cure: None,
    })
}

fn blame(reason: &Reason) -> (Kind, Vec<DeviceId>) {
    match reason {
        Reason::Refused { device, .. } => (Kind::Refused, vec![*device]),
        Reason::Stale { device, .. } => (Kind::Stale, vec![*device]),
        Reason::Busy { device, .. } => (Kind::Busy, vec![*device]),
        Reason::Failed { device, .. } => (Kind::Failed, vec![*device]),
        Reason::Lapsed { device } => (Kind::Lapsed, vec![*device]),
        Reason::Owed { device, .. } => (Kind::Owed, vec![*device]),
        Reason::Deadline { waiting, .. } => (Kind::Late, waiting.clone()),
        Reason::Gate { .. } => (Kind::Unhealthy, Vec::new()),
        Reason::Cancelled => (Kind::Cancelled, Vec::new()),
        Reason::Restarted => (Kind::Interrupted, Vec::new()),
    }
}

fn attempt(plan: &Plan, device: &DevicePlan, network: &Network) -> Attempt {
    let known = network.named(&device.name);
    let paths: BTreeSet<String> = device.entries.iter().map(|entry| keyless(&entry.path)).collect();
    Attempt {
        device: device.name.clone(),
        platforms: known.map(|known| known.platforms.clone()).unwrap_or_default(),
        classes: plan.intents.iter().map(|intent| intent.class.clone()).collect(),
        paths: paths.into_iter().collect(),
        words: device.preview.clone(),
    }
}

/// A path without the keys of its lists: `interface[eth1]/mtu` is about `interface/mtu`.
fn keyless(path: &str) -> String {
    let (mut bare, mut inside, mut escaped) = (String::new(), false, false);
    for it in path.chars() {
        match (it, inside, escaped) {
            ('\\', true, false) => escaped = true,
            (']', true, false) => inside = false,
            ('[', false, _) => inside = true,
            (_, true, _) => escaped = false,
            (_, false, _) => bare.push(it),
        }
    }
    bare
}

fn warning(case: &Case, device: &str) -> Warning {
    Warning {
        case: case.id.clone(),
        device: device.to_owned(),
        kind: case.kind.word().to_owned(),
        times: case.times,
        words: case.words.clone(),
        suggestion: case.suggestion.clone(),
        cure: case.cure.as_ref().map(|cure| cure.text.clone()),
    }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(TRIED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_without_its_keys_says_what_it_is_about() {
        assert_eq!(super::keyless("interface[eth1]/mtu"), "interface/mtu");
        assert_eq!(
            super::keyless("interface[a\\]b]/address[10.0.0.1/8]"),
            "interface/address"
        );
        assert_eq!(super::keyless("system/hostname"), "system/hostname");
    }
}
