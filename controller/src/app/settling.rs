//! How transactions ended: kept, told and noted.

use std::sync::Arc;

use fabric_events::Severity;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use transaction::{Ending, TransactionId};

use super::unkept::{AGAIN, Each, Ended, News};
use super::{App, AppError, Asker, TOLD, stamp};
use crate::agents::Agents;
use crate::commit::{Outcome, Track};
use crate::plan::{PlannedIntent, Purpose};
use crate::store::NewIntent;

impl App {
    /// Takes outcomes until none come any more: keeps them, moves intents on, tells who watches.
    pub async fn settle(self: Arc<Self>, mut outcomes: mpsc::Receiver<Outcome>) {
        let mut again = tokio::time::interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                outcome = outcomes.recv() => match outcome {
                    Some(outcome) => self.heed(outcome).await,
                    None => return,
                },
                _ = again.tick() => self.keep_again().await,
            }
        }
    }

    async fn heed(self: &Arc<Self>, outcome: Outcome) {
        match outcome {
            Outcome::Settled(settlement, track) => {
                let reason = ended(&settlement.ending, &self.agents).1;
                let led = settlement.transaction;
                self.close(led, Some(settlement.ending), &reason, &track).await;
                self.snap_later(led, track.told(led).into_iter().map(|it| it.0).collect());
            }
            Outcome::Refused {
                transaction,
                reason,
                track,
            } => self.close(transaction, None, &reason, &track).await,
            Outcome::Parted { transaction } => self.operation.journal.kept(transaction),
            Outcome::Cleared { transaction, device } => {
                self.keep_in_turn(News::Cleared(transaction, device)).await;
            }
        }
    }

    /// Keeps how a transaction ended and tells who watches: it, or each that rode it.
    async fn close(&self, led: TransactionId, ending: Option<Ending>, reason: &str, track: &Arc<Track>) {
        let told = track.told(led);
        let each = told
            .iter()
            .map(|(it, track)| Each::of(*it, &with_minded(reason, track)));
        let over = Ended {
            led,
            riders: track.riders(),
            ending: ending.clone(),
            each: each.collect(),
        };
        for (transaction, track) in &told {
            self.keep_faults(*transaction, track).await;
        }
        let reasons: Vec<String> = over.each.iter().map(|it| it.reason.clone()).collect();
        self.keep_in_turn(News::Ended(over)).await;
        for ((transaction, track), reason) in told.into_iter().zip(reasons) {
            self.tell_end(transaction, ending.as_ref(), &reason, track).await;
        }
    }

    /// Keeps what went wrong on the devices of a transaction. How it ended does not wait for that.
    async fn keep_faults(&self, transaction: TransactionId, track: &Track) {
        let faults = track.faults();
        if faults.is_empty() {
            return;
        }
        let (id, faults) = (transaction.to_string(), json!(faults).to_string());
        if let Err(error) = self.store.keep_faults(&id, &faults).await {
            tracing::error!(%transaction, %error, "cannot keep what went wrong on its devices");
        }
    }

    /// Tells who watches, and everybody else, how a transaction ended.
    pub(super) async fn tell_end(
        &self,
        transaction: TransactionId,
        ending: Option<&Ending>,
        reason: &str,
        track: Arc<Track>,
    ) {
        self.gatekeeper.forget(transaction);
        let state = ending.map_or("rolled-back", |ending| ended(ending, &self.agents).0);
        self.tell_ending(transaction, state, reason);
        track.end(state, reason);
        let mut told = self.told.lock().await;
        if told.len() >= TOLD {
            told.pop_front();
        }
        told.push_back(track);
    }

    /// Tells everybody how a transaction ended, signed.
    fn tell_ending(&self, transaction: TransactionId, state: &str, reason: &str) {
        let severity = match state {
            "committed" => Severity::Info,
            "torn" => Severity::Critical,
            _ => Severity::Warning,
        };
        let data = json!({ "transaction": transaction.to_string(), "state": state, "reason": reason });
        self.events.publish("task-completed", String::new(), severity, data);
    }

    /// Keeps how a transaction ended that its devices know by the name of the one that led it; without an ending it was
    /// never admitted. Who rode with it is kept before.
    pub(crate) async fn settled(
        &self,
        led: TransactionId,
        ending: Option<&Ending>,
        each: &mut Each,
    ) -> Result<(), AppError> {
        let (transaction, reason) = (each.transaction, each.reason.clone());
        let state = ending.map_or("rolled-back", |ending| ended(ending, &self.agents).0);
        let holds = ending.is_some_and(holds);
        let id = transaction.to_string();
        let (row, plan) = self.asked_for(&id).await?;
        if row.state != "running" {
            return Ok(());
        }
        if !std::mem::replace(&mut each.learnt, true) {
            self.learn(&id, &plan, ending, &reason).await;
        }
        let led = led.to_string();
        self.incur(&led, ending).await?;
        if holds {
            let mut network = self.network.lock().await;
            self.remember(&id, &plan, &network).await?;
            network.took(&plan, &self.store).await?;
        }
        for intent in &plan.intents {
            self.keep_intent(intent, holds, &row.asked_by).await?;
        }
        for intent in plan.withdraws.iter().filter(|_| holds) {
            self.store.move_intent(intent, "withdrawn").await?;
        }
        if let (Some(Ending::Committed), Some(Purpose::Replace { device })) = (ending, &plan.purpose) {
            self.waive_for(device, &row.asked_by).await?;
        }
        // Noted first: an ending that is stored is never noted any more.
        let asker = Asker {
            who: "controller".to_owned(),
            door: "inside",
            proven: true,
        };
        let detail = if led == id {
            json!({ "reason": reason })
        } else {
            json!({ "reason": reason, "rode": led })
        };
        if !each.noted {
            self.note(&asker, state, &id, detail).await?;
            each.noted = true;
        }
        self.store.move_plan(&plan.id, "committing", state).await?;
        self.store.end(&id, state, &reason, stamp()).await?;
        self.operation.settled(transaction, &row, state);
        Ok(())
    }

    /// An intent is active once it is true; one that failed is kept for the record, but never in the place of one that
    /// holds.
    async fn keep_intent(&self, intent: &PlannedIntent, committed: bool, asked_by: &str) -> Result<(), AppError> {
        let held = self
            .store
            .intent(&intent.id)
            .await?
            .is_some_and(|kept| kept.state == "active");
        if held && !committed {
            return Ok(());
        }
        let new = NewIntent {
            id: intent.id.clone(),
            name: intent.name.clone(),
            class: intent.class.clone(),
            body: json!(intent).to_string(),
            asked_by: asked_by.to_owned(),
            at: stamp(),
        };
        Ok(self
            .store
            .keep_intent(&new, if committed { "active" } else { "failed" })
            .await?)
    }
}

/// Why it ended so, with what an operator must hear of besides.
fn with_minded(reason: &str, track: &Track) -> String {
    let said = std::iter::once(reason.to_owned()).chain(track.minded());
    said.filter(|it| !it.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Whether what was planned is what the network was decided to be.
pub(super) fn holds(ending: &Ending) -> bool {
    match ending {
        Ending::Committed => true,
        Ending::RolledBack { .. } => false,
        Ending::Torn { decision, .. } => matches!(decision, transaction::Decision::Confirm),
    }
}

/// The word for an ending and the reason, with devices by their names.
pub(crate) fn ended(ending: &Ending, agents: &Agents) -> (&'static str, String) {
    use crate::commit::Agents as _;
    match ending {
        Ending::Committed => ("committed", String::new()),
        Ending::RolledBack { reason } => ("rolled-back", named(reason.to_string(), agents)),
        Ending::Torn { decision, devices } => {
            let each: Vec<String> = devices
                .iter()
                .map(|it| format!("{}: {}", agents.name(it.device), it.reason))
                .collect();
            let decided = if matches!(decision, transaction::Decision::Confirm) {
                "confirm"
            } else {
                "revert"
            };
            ("torn", format!("decided to {decided}, look at {}", each.join("; ")))
        }
    }
}

/// Replaces the ids of devices by their names.
fn named(mut text: String, agents: &Agents) -> String {
    for (id, name) in agents.names() {
        text = text.replace(&id.to_string(), name);
    }
    text
}
