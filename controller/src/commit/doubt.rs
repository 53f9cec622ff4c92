//! After a restore: transactions whose end the backup does not know. Their devices are asked, and nothing is presumed.
//!
//! A backup is older than the network. What it holds as undecided may have been decided since, and what it has never
//! heard of may be in effect. So every participant is asked where it stands before a word is sent to any of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use transaction::coordinator::Input;
use transaction::{
    Answer, Charge, Coordinator, CoordinatorRecord, Decision, DeviceId, Ending, Epoch, Inquiry, IntentId, Order,
    Reason, Request, Settlement, Standing, Step, Torn, TransactionId, admission,
};
use transaction_journal::{Epoch as JournalEpoch, Json};

use super::change::Change;
use super::hub::{Hub, Outcome, tickets};
use super::run::{Start, now};
use super::track::Track;
use super::verdict::{Found, Verdict, judge};

/// How long the answers of one round are waited for.
const ROUND: Duration = Duration::from_secs(2);
/// How long participants of a transaction that the backup knows may stay silent.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long it is tried to find out about a transaction that it does not know; the next question tries anew.
const ATTEMPT: Duration = Duration::from_secs(60);

/// A restore: everything that began before it is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The first epoch after it.
    pub epoch: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

impl Restored {
    /// Whether a transaction began before the restore: its id carries the time.
    pub fn covers(&self, transaction: TransactionId) -> bool {
        u64::try_from(transaction.0 >> 80).is_ok_and(|began| began <= self.at)
    }

    /// Whether a transaction that nobody here knows began before the restore.
    pub fn precedes(&self, inquiry: &Inquiry) -> bool {
        inquiry.epoch.0 < self.epoch || self.covers(inquiry.transaction)
    }
}

/// What a device that forgot a transaction shows: entries by their paths.
type Touched = Vec<super::change::Entry>;

/// One transaction in doubt.
pub struct Doubt {
    hub: Arc<Hub>,
    transaction: TransactionId,
    inputs: mpsc::Receiver<Input>,
    track: Arc<Track>,
}

impl Hub {
    /// Takes up a transaction that began before the restore: its devices are held until it is known how it ended.
    pub async fn doubt(self: &Arc<Self>, charge: Charge<Change>, decided: Option<Decision>) {
        let (transaction, devices) = (charge.transaction, charge.members.iter().map(|it| it.device).collect());
        let tickets = tickets(&charge);
        tracing::warn!(%transaction, "in doubt since the restore: its devices are asked");
        let doubt = self.doubtful(transaction, &charge.riders);
        self.tell_admission(admission::Input::Held { tickets, devices }).await;
        tokio::spawn(doubt.known(charge, decided));
    }

    /// Takes up a transaction of which the backup has no record: it had not begun then.
    pub async fn doubt_anew(self: &Arc<Self>, charge: Charge<Change>) {
        let (ground, at) = (self.ground(), now());
        let epoch = JournalEpoch(ground.epoch.0);
        let began = CoordinatorRecord::Began {
            charge: charge.clone(),
            at,
        };
        match ground.journal.append(epoch, vec![Json(began)]).await {
            Ok(_) => self.doubt(charge, None).await,
            Err(error) => {
                tracing::error!(transaction = %charge.transaction, %error, "cannot record, so nothing is asked")
            }
        }
    }

    /// An agent asks about a transaction of before the restore that nobody here knows.
    pub(super) fn doubt_unknown(self: &Arc<Self>, inquiry: Inquiry) {
        let transaction = inquiry.transaction;
        tracing::warn!(%transaction, device = %inquiry.device, "asked about a transaction that the backup does not know");
        let doubt = self.doubtful(transaction, &[]);
        tokio::spawn(doubt.unknown());
    }

    fn doubtful(self: &Arc<Self>, transaction: TransactionId, riders: &[TransactionId]) -> Doubt {
        let (inputs, track) = self.occupy(transaction, riders);
        Doubt {
            hub: self.clone(),
            transaction,
            inputs,
            track,
        }
    }
}

impl Doubt {
    /// Finds out how a transaction ended whose plan is known, puts it on record and sees it through.
    async fn known(mut self, charge: Charge<Change>, decided: Option<Decision>) {
        // Who only had to stand as it did says nothing of how it ended, unless nobody else was to change.
        let changing = charge.members.iter().any(|member| !member.change.entries.is_empty());
        let touched: BTreeMap<DeviceId, Touched> = charge
            .members
            .iter()
            .filter(|member| !changing || !member.change.entries.is_empty())
            .map(|member| (member.device, member.change.entries.clone()))
            .collect();
        let end = Instant::now() + PATIENCE;
        let mut found: BTreeMap<DeviceId, Option<Found>> = touched.keys().map(|device| (*device, None)).collect();
        let verdict = loop {
            let patient = Instant::now() < end;
            match judge(&found, patient) {
                Verdict::Wait => self.ask(&mut found, &touched).await,
                verdict @ (Verdict::Confirm | Verdict::Revert | Verdict::Look(_)) => break verdict,
            }
        };
        self.track.add(
            None,
            format!("in doubt since the restore: {}", word(&verdict)),
            50,
            None,
        );
        let at = now();
        let transaction = self.transaction;
        let decision = match verdict {
            Verdict::Confirm => Decision::Confirm,
            Verdict::Revert | Verdict::Wait => Decision::Revert {
                reason: Reason::Restarted,
            },
            // On who only looks on both ends are the same: nobody has to look there.
            Verdict::Look(_) if !changing && found.values().all(Option::is_some) => {
                match found.values().any(|it| *it == Some(Found::Confirmed)) {
                    true => Decision::Confirm,
                    false => Decision::Revert {
                        reason: Reason::Restarted,
                    },
                }
            }
            Verdict::Look(devices) => return self.torn(charge.intents, decided, &found, devices).await,
        };
        let mut records = vec![CoordinatorRecord::Began { charge, at }];
        let mut written = Vec::new();
        if decided.is_none() {
            written.push(CoordinatorRecord::Decided {
                transaction,
                decision: decision.clone(),
                at,
            });
        }
        records.push(CoordinatorRecord::Decided {
            transaction,
            decision: decided.unwrap_or(decision),
            at,
        });
        if !self.record(written).await {
            return;
        }
        let epoch = self.hub.ground().epoch;
        if let Some((coordinator, effects)) = Coordinator::recover(&records, epoch, at) {
            self.hub.run(coordinator, Start::Resume(effects), self.track.clone());
        }
    }

    /// Nothing is sent: the devices named are for a person to look at.
    async fn torn(
        self,
        intents: Vec<IntentId>,
        decided: Option<Decision>,
        found: &BTreeMap<DeviceId, Option<Found>>,
        devices: Vec<DeviceId>,
    ) {
        let (transaction, at) = (self.transaction, now());
        let kept = |it: &Option<Found>| matches!(it, Some(Found::Confirmed | Found::Forgotten));
        let (new, reason) = (decided.is_none(), Reason::Restarted);
        let decision = decided.unwrap_or(if found.values().any(kept) {
            Decision::Confirm
        } else {
            Decision::Revert { reason }
        });
        let torn = |device| Torn {
            device,
            guarantee: None,
            reason: "in doubt since the restore: what it holds does not say how the transaction ended".to_owned(),
        };
        let ending = Ending::Torn {
            decision: decision.clone(),
            devices: devices.into_iter().map(torn).collect(),
        };
        let mut records = Vec::new();
        if new {
            records.push(CoordinatorRecord::Decided {
                transaction,
                decision,
                at,
            });
        }
        records.push(CoordinatorRecord::Settled {
            transaction,
            ending: ending.clone(),
            at,
        });
        if !self.record(records).await {
            return;
        }
        let (ticket, how) = (self.track.ticket(transaction), admission::Over::Torn);
        self.hub.tell_admission(admission::Input::Over { ticket, how }).await;
        self.hub.leave(transaction);
        let settlement = Settlement {
            transaction,
            intents,
            ending,
        };
        self.hub
            .tell_outcome(Outcome::Settled(settlement, self.track.clone()))
            .await;
    }

    /// Finds out about a transaction of which nothing is known here, from everybody; while one is silent nothing is said.
    async fn unknown(mut self) {
        let end = Instant::now() + ATTEMPT;
        let devices = self.hub.ground().agents.devices();
        let mut found: BTreeMap<DeviceId, Option<Found>> = devices.into_iter().map(|device| (device, None)).collect();
        let nothing = BTreeMap::new();
        let transaction = self.transaction;
        while Instant::now() < end {
            match judge_unknown(&found) {
                Verdict::Wait | Verdict::Look(_) => self.ask(&mut found, &nothing).await,
                Verdict::Confirm => {
                    tracing::warn!(%transaction, "a device has confirmed it: the others keep it too");
                    self.see_through(&found, || Order::Confirm { change: None }).await;
                    break;
                }
                Verdict::Revert => {
                    tracing::warn!(%transaction, "no device has confirmed it: all go back");
                    self.see_through(&found, || Order::Revert { change: None }).await;
                    break;
                }
            }
        }
        self.hub.leave(transaction);
    }

    /// Tells those that hold the change what became of it, until they have it.
    async fn see_through(&mut self, found: &BTreeMap<DeviceId, Option<Found>>, order: impl Fn() -> Order<Change>) {
        let end = Instant::now() + PATIENCE;
        let mut open: Vec<DeviceId> = found
            .iter()
            .filter(|(_, it)| **it == Some(Found::Undecided))
            .map(|(device, _)| *device)
            .collect();
        while !open.is_empty() && Instant::now() < end {
            for device in &open {
                self.send(*device, order());
            }
            let until = Instant::now() + ROUND;
            while let Ok(Some(input)) = timeout_at(until, self.inputs.recv()).await {
                let Input::Reply(reply) = input else { continue };
                if matches!(reply.answer, Answer::Confirmed | Answer::Reverted | Answer::Unknown) {
                    open.retain(|device| *device != reply.device);
                }
                if open.is_empty() {
                    return;
                }
            }
        }
    }

    /// One round: who has not answered is asked, and who does not remember is read.
    async fn ask(&mut self, found: &mut BTreeMap<DeviceId, Option<Found>>, touched: &BTreeMap<DeviceId, Touched>) {
        let silent = |found: &BTreeMap<DeviceId, Option<Found>>| found.values().any(Option::is_none);
        for (device, _) in found.iter().filter(|(_, it)| it.is_none()) {
            self.send(*device, Order::Inquire);
        }
        let until = Instant::now() + ROUND;
        while silent(found)
            && let Ok(Some(input)) = timeout_at(until, self.inputs.recv()).await
        {
            let Input::Reply(reply) = input else { continue };
            let said = match reply.answer {
                _ if reply.step != Step::Inquire => continue,
                Answer::Stands {
                    standing: Standing::Confirmed,
                }
                | Answer::Confirmed => Some(Found::Confirmed),
                Answer::Unknown => self.forgotten(reply.device, touched).await,
                Answer::Superseded { by } => {
                    tracing::error!(%by, "a higher epoch has spoken since the backup: restore it again");
                    continue;
                }
                Answer::Stands { .. }
                | Answer::Staged { .. }
                | Answer::Refused { .. }
                | Answer::Stale { .. }
                | Answer::Busy { .. }
                | Answer::Applied
                | Answer::Failed { .. }
                | Answer::Renewed
                | Answer::Lapsed
                | Answer::Reverted
                | Answer::Deferred { .. }
                | Answer::Foreign { .. } => Some(Found::Undecided),
            };
            if let Some(slot) = found.get_mut(&reply.device) {
                *slot = said;
            }
        }
    }

    /// What stands on a device that does not remember; nothing where it cannot be read now.
    async fn forgotten(&self, device: DeviceId, touched: &BTreeMap<DeviceId, Touched>) -> Option<Found> {
        let Some(entries) = touched.get(&device) else {
            return Some(Found::Before);
        };
        let paths = entries.iter().map(|entry| entry.path.clone()).collect();
        let there = self.hub.ground().agents.look(device, paths).await?;
        let all = |side: fn(&super::change::Entry) -> &Option<super::change::Content>| {
            entries
                .iter()
                .all(|entry| there.get(&entry.path) == side(entry).as_ref())
        };
        Some(if all(|entry| &entry.after) {
            Found::Forgotten
        } else if all(|entry| &entry.before) {
            Found::Before
        } else {
            Found::Neither
        })
    }

    fn send(&self, device: DeviceId, order: Order<Change>) {
        let ground = self.hub.ground();
        // Who is not reached is asked again in the next round.
        let _ = ground.agents.offer(Request {
            transaction: self.transaction,
            epoch: ground.epoch,
            device,
            order,
        });
    }

    async fn record(&self, records: Vec<CoordinatorRecord<Change>>) -> bool {
        let ground = self.hub.ground();
        let Epoch(epoch) = ground.epoch;
        let records = records.into_iter().map(Json).collect();
        let written = ground.journal.append(JournalEpoch(epoch), records).await;
        if let Err(error) = &written {
            tracing::error!(transaction = %self.transaction, %error, "cannot record, so nothing is sent");
        }
        written.is_ok()
    }
}

/// Of a transaction that is not known here, who never heard of it says nothing about it.
fn judge_unknown(found: &BTreeMap<DeviceId, Option<Found>>) -> Verdict {
    let of_it = found.iter().filter(|(_, it)| **it != Some(Found::Before));
    judge(&of_it.map(|(device, it)| (*device, *it)).collect(), true)
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Wait => "its devices are asked",
        Verdict::Confirm => "it was confirmed, and is kept",
        Verdict::Revert => "nobody was told to keep it, and all go back",
        Verdict::Look(_) => "its devices do not agree",
    }
}
