//! What an all-seeing bookkeeper saw, and the invariants as functions over it. No transition code is used here.

use crate::change::Path;
use std::collections::{BTreeMap, BTreeSet};
use transaction::{Decision, Demand, DeviceId, Ending, Epoch, Guarantee, Standing, TransactionId};

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which of the eight.
    pub invariant: &'static str,
    /// What was seen.
    pub seen: String,
}

/// What was decided, without the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Keep.
    Confirm,
    /// Go back.
    Revert,
}

impl From<&Decision> for Verdict {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Confirm => Self::Confirm,
            Decision::Revert { .. } => Self::Revert,
        }
    }
}

/// One device's part in one transaction.
pub type Part = (TransactionId, DeviceId);

/// The bookkeeper.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Who takes part in what.
    pub members: BTreeMap<TransactionId, Vec<DeviceId>>,
    /// Who takes part and changes nothing.
    pub onlookers: BTreeSet<Part>,
    /// Transactions that several ride of whom one or all only look on.
    pub rode_onlookers: BTreeSet<TransactionId>,
    /// Who staged.
    pub staged: BTreeSet<Part>,
    /// How often a change took effect.
    pub applied: BTreeMap<Part, u32>,
    /// Which transaction took effect last on a device.
    pub latest: BTreeMap<DeviceId, TransactionId>,
    /// What was put on record first.
    pub decided: BTreeMap<TransactionId, Verdict>,
    /// Transactions of which somebody has heard Confirm.
    pub heard: BTreeSet<TransactionId>,
    /// Which ends were acknowledged.
    pub ended: BTreeMap<Part, Standing>,
    /// Who was owed something and is no longer.
    pub cleared: BTreeSet<Part>,
    /// Which endings were told.
    pub endings: BTreeMap<TransactionId, Ending>,
    /// The highest epoch that a participant answered.
    pub highest: BTreeMap<Part, Epoch>,
    /// The moment, in milliseconds since the world began.
    pub now: u64,
    /// Which places a transaction writes on a device.
    pub touched: BTreeMap<Part, BTreeSet<Path>>,
    /// What each transaction was made of: one wish, or several that were merged.
    pub riders: BTreeMap<TransactionId, Vec<TransactionId>>,
    /// When each transaction was planned.
    pub planned: BTreeMap<TransactionId, u64>,
    /// When each transaction's ending was on record.
    pub over: BTreeMap<TransactionId, u64>,
    /// What the operator edited in running, and when.
    pub edited: Vec<(DeviceId, Path, u64)>,
    /// When a device came up with what it had saved.
    pub rebooted: Vec<(DeviceId, u64)>,
    /// When nobody could get at a device: it was away, its agent was, or the operator's edits stood in its candidate.
    pub barred: Vec<(DeviceId, u64, u64)>,
    /// The last number of what was told of a transaction, under each epoch.
    pub progress: BTreeMap<(TransactionId, Epoch), u64>,
    /// What callers insisted on.
    pub demanded: BTreeMap<Part, Demand>,
    /// How often a device gave less than that.
    pub unmet: u64,
    /// Who was told that it does not begin.
    pub refused: BTreeSet<TransactionId>,
    /// How often somebody was refused, and for what.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Who says what he likes: of his own part nothing is known, and the others are held to everything.
    pub liar: Option<DeviceId>,
    /// How often he did.
    pub lies_told: u64,
    /// The first invariant that did not hold.
    pub broken: Option<Broken>,
}

impl Ledger {
    /// Notes what did not hold; the first counts.
    pub fn breaks(&mut self, invariant: &'static str, seen: String) {
        self.broken.get_or_insert(Broken { invariant, seen });
    }

    /// Whether what this device says of itself is worth nothing.
    pub fn lies(&self, device: DeviceId) -> bool {
        self.liar == Some(device)
    }

    /// Those that change something and do not lie: the ones that have to agree.
    fn changing(&self, transaction: TransactionId) -> Vec<DeviceId> {
        let mut members = self.honest(transaction);
        members.retain(|it| !self.onlookers.contains(&(transaction, *it)));
        members
    }

    /// Those that take part and do not lie.
    fn honest(&self, transaction: TransactionId) -> Vec<DeviceId> {
        let members = self.members.get(&transaction).cloned().unwrap_or_default();
        members.into_iter().filter(|it| !self.lies(*it)).collect()
    }

    fn demand(&mut self, holds: bool, invariant: &'static str, seen: impl FnOnce() -> String) {
        if !holds {
            self.breaks(invariant, seen());
        }
    }

    /// 3: nothing applied before all have staged; and nothing twice, unless it is a repair.
    pub fn applies(&mut self, part: Part, recorded: bool) {
        let (transaction, device) = part;
        let members = self.honest(transaction);
        let all = self.members.contains_key(&transaction)
            && members.iter().all(|it| self.staged.contains(&(transaction, *it)));
        self.demand(all, "no early effect", || {
            format!("{device} applied before everybody had staged")
        });
        if self.onlookers.contains(&part) {
            self.applied.insert(part, 1); // it looked once more, and there is no way back to keep
            return;
        }
        self.demand(recorded, "durability", || {
            format!("{device} applied and the way back is not durable")
        });
        let repair = self.decided.get(&transaction) == Some(&Verdict::Confirm);
        let times = *self.applied.entry(part).and_modify(|it| *it += 1).or_insert(1);
        self.demand(times == 1 || repair, "no early effect", || {
            format!("{device} applied twice")
        });
        let over = self.ended.contains_key(&part);
        self.demand(!over, "agreement", || {
            format!("{device} applied after its part was over")
        });
        self.latest.insert(device, transaction);
    }

    /// 2: nothing takes effect on a device that gives less than was insisted on.
    pub fn suffices(&mut self, part: Part, class: Guarantee) {
        let demand = self.demanded.get(&part).copied().unwrap_or_default();
        self.demand(demand.is_met_by(class), "validity", || {
            format!("{} gives {class} and applied what wants {demand:?}", part.1)
        });
    }

    /// 2: confirmed only if every participant staged and applied, and that was decided.
    pub fn confirms(&mut self, part: Part) {
        let (transaction, device) = part;
        let decided = self.decided.get(&transaction) == Some(&Verdict::Confirm);
        self.demand(decided, "validity", || {
            format!("{device} was confirmed, and that is not what is on record")
        });
        let members = self.honest(transaction);
        let all = members.iter().all(|it| self.applied.contains_key(&(transaction, *it)));
        self.demand(all, "validity", || {
            format!("{device} was confirmed before everybody had applied")
        });
    }

    /// 4: one decision, which no crash changes.
    pub fn decides(&mut self, transaction: TransactionId, verdict: Verdict) {
        let first = *self.decided.entry(transaction).or_insert(verdict);
        self.demand(first == verdict, "durability", || {
            format!("{transaction}: {first:?} was on record, now {verdict:?}")
        });
        if verdict == Verdict::Confirm {
            let members = self.honest(transaction);
            let all = members.iter().all(|it| self.applied.contains_key(&(transaction, *it)));
            self.demand(all, "validity", || {
                format!("{transaction}: confirm on record before everybody had applied")
            });
        }
    }

    /// 4: whoever hears a decision hears what is durable. `leads` is whether the speaker holds the lease; one who
    /// does not is held off by 5.
    pub fn tells(&mut self, transaction: TransactionId, told: Verdict, durable: bool, leads: bool) {
        let decided = self.decided.get(&transaction).copied();
        let began = self.members.contains_key(&transaction) && !self.endings.contains_key(&transaction);
        match told {
            Verdict::Confirm => {
                let holds = decided == Some(told) && (durable || !leads);
                self.demand(holds, "durability", || {
                    format!("{transaction}: confirm was told before it was durable")
                });
                self.heard.insert(transaction);
            }
            Verdict::Revert if leads => {
                // Of what is over and acknowledged nobody need know any longer: presumed, and harmless.
                let holds = decided == Some(told) || !began;
                self.demand(holds, "agreement", || {
                    format!("{transaction}: revert was told, on record is {decided:?}")
                });
            }
            Verdict::Revert => {}
        }
    }

    /// Somebody is told that it does not begin, and it has not: no record of it is there.
    pub fn refuses(&mut self, transaction: TransactionId, why: &'static str, begun: bool) {
        self.demand(!begun, "usefulness", || {
            format!("{transaction} was refused ({why}) and had begun")
        });
        self.refused.insert(transaction);
        *self.refusals.entry(why).or_insert(0) += 1;
    }

    /// 1, of the state as it stands: of any two who ended otherwise one is named.
    pub fn agrees(&mut self) {
        let split = self.endings_by_transaction().find_map(|(transaction, ends)| {
            let named = |it: &&(DeviceId, Standing)| self.names(transaction, it.0) || self.lies(it.0);
            let kept = ends
                .iter()
                .filter(|it| it.1 == Standing::Confirmed && !named(it))
                .map(|it| it.0)
                .next();
            let back = ends
                .iter()
                .filter(|it| it.1 != Standing::Confirmed && !named(it))
                .map(|it| it.0)
                .next();
            kept.zip(back)
                .map(|(kept, back)| format!("{transaction}: {kept} kept the change, {back} did not"))
        });
        if let Some(seen) = split {
            self.breaks("agreement", seen);
        }
    }

    fn endings_by_transaction(&self) -> impl Iterator<Item = (TransactionId, Vec<(DeviceId, Standing)>)> {
        self.members.keys().map(|transaction| {
            let range = (*transaction, DeviceId(0))..=(*transaction, DeviceId(u128::MAX));
            let ends = self.ended.range(range).map(|((_, device), end)| (*device, *end));
            (*transaction, ends.collect())
        })
    }

    /// 2 and 3, of the state as it stands: whoever is confirmed was to be, and all had applied; whoever applied did so when
    /// all had staged.
    pub fn is_valid(&mut self) {
        let kept = self.ended.iter().filter(|(_, end)| **end == Standing::Confirmed);
        let unwanted = kept
            .map(|(part, _)| *part)
            .find(|it| self.decided.get(&it.0) != Some(&Verdict::Confirm));
        if let Some((transaction, device)) = unwanted {
            self.breaks(
                "validity",
                format!("{device} ended confirmed in {transaction}, and that was not decided"),
            );
        }
        let missing =
            |seen: &dyn Fn(Part) -> bool, of: TransactionId| self.honest(of).into_iter().find(|it| !seen((of, *it)));
        let confirmed = self.decided.iter().filter(|(_, it)| **it == Verdict::Confirm);
        let unapplied = confirmed
            .map(|(it, _)| *it)
            .find_map(|it| missing(&|part| self.applied.contains_key(&part), it).map(|device| (it, device)));
        if let Some((transaction, device)) = unapplied {
            self.breaks(
                "validity",
                format!("{transaction}: confirm is on record, and {device} has not applied"),
            );
        }
        let missing = |of: TransactionId| self.honest(of).into_iter().find(|it| !self.staged.contains(&(of, *it)));
        let early = self
            .applied
            .keys()
            .find_map(|(it, _)| missing(*it).map(|device| (*it, device)));
        if let Some((transaction, device)) = early {
            self.breaks(
                "no early effect",
                format!("{transaction} is in effect somewhere, and {device} has not staged"),
            );
        }
    }

    /// 1: nobody ends confirmed while another ends reverted, unless that is named.
    pub fn ends(&mut self, part: Part, standing: Standing, truly: bool, durable: bool) {
        let (transaction, device) = part;
        if self.onlookers.contains(&part) {
            return; // on it both ends are the same
        }
        if self.ended.insert(part, standing).is_some_and(|it| it == standing) {
            return;
        }
        self.demand(durable, "durability", || {
            format!("{device} acknowledged an end that is not durable")
        });
        let alone = self.latest.get(&device) == Some(&transaction);
        self.demand(truly || !alone, "validity", || {
            format!("{device} says {standing:?} and is not")
        });
        let other = self
            .ended
            .iter()
            .find(|((it, _), end)| *it == transaction && **end != standing);
        let split = other
            .map(|((_, it), end)| (*it, *end))
            .filter(|(it, _)| !self.names(transaction, *it) && !self.names(transaction, device))
            .filter(|(it, _)| !self.lies(*it) && !self.lies(device));
        if let Some((it, end)) = split {
            self.breaks("agreement", format!("{device} ended {standing:?}, {it} ended {end:?}"));
        }
    }

    fn names(&self, transaction: TransactionId, device: DeviceId) -> bool {
        match self.endings.get(&transaction) {
            Some(Ending::Torn { devices, .. }) => devices.iter().any(|it| it.device == device),
            Some(Ending::Committed | Ending::RolledBack { .. }) | None => false,
        }
    }

    /// 1 and 4: what is told as the ending is what happened.
    pub fn settles(&mut self, transaction: TransactionId, ending: &Ending) {
        let ends: Vec<Standing> = self
            .ended
            .iter()
            .filter(|((it, device), _)| *it == transaction && !self.lies(*device))
            .map(|(_, it)| *it)
            .collect();
        let members = self.changing(transaction).len();
        let decided = self.decided.get(&transaction).copied();
        let holds = match ending {
            Ending::Committed => ends.len() == members && ends.iter().all(|it| *it == Standing::Confirmed),
            Ending::RolledBack { .. } => decided == Some(Verdict::Revert) && !ends.contains(&Standing::Confirmed),
            Ending::Torn { devices, .. } => {
                let looked_on = |it: &transaction::Torn| self.onlookers.contains(&(transaction, it.device));
                !devices.is_empty() && !devices.iter().any(looked_on)
            }
        };
        self.demand(holds, "agreement", || {
            format!("{transaction}: told as {ending:?}, on record {decided:?}, ends {ends:?}")
        });
        let before = self.endings.insert(transaction, ending.clone());
        let same = before.as_ref().is_none_or(|it| it == ending);
        self.demand(same, "durability", || {
            format!("{transaction}: told as {before:?}, then as {ending:?}")
        });
    }

    /// What is told is numbered without gaps, and whoever takes over numbers on above everything that was told before.
    pub fn hears(&mut self, transaction: TransactionId, epoch: Epoch, sequence: u64) {
        let before = self.progress.range((transaction, Epoch(0))..(transaction, epoch));
        let highest = before.map(|(_, it)| *it).max();
        let last = self.progress.insert((transaction, epoch), sequence);
        let follows = match (last, highest) {
            (Some(last), _) => sequence == last + 1,
            (None, Some(highest)) => sequence > highest,
            (None, None) => true,
        };
        self.demand(follows, "progress", || {
            format!("{transaction}: {sequence} was told after {last:?}, before {epoch} {highest:?}")
        });
    }

    /// 5: an older epoch changes nothing.
    pub fn is_old(&self, part: Part, epoch: Epoch) -> bool {
        self.highest.get(&part).is_some_and(|it| epoch < *it)
    }

    /// A participant has answered this epoch with more than "not yet" or "unknown": these promise nothing, and may be
    /// forgotten with the process that gave them.
    pub fn answers(&mut self, part: Part, epoch: Epoch) {
        let highest = self.highest.entry(part).or_insert(epoch);
        *highest = epoch.max(*highest);
    }

    /// 4: a Confirm that somebody has heard is on disk until everybody has acknowledged it.
    pub fn keeps(&mut self, is_durable: impl Fn(TransactionId) -> bool) {
        let free = |part: Part| self.onlookers.contains(&part) || self.lies(part.1);
        let acked = |part: Part| self.ended.contains_key(&part) || self.cleared.contains(&part) || free(part);
        let waits = |it: &&TransactionId| {
            self.members
                .get(*it)
                .is_some_and(|of| of.iter().any(|at| !acked((**it, *at))))
        };
        let lost = self.heard.iter().filter(waits).find(|it| !is_durable(**it)).copied();
        if let Some(transaction) = lost {
            self.breaks(
                "durability",
                format!("{transaction}: a confirm that was heard would not survive a crash"),
            );
        }
    }
}
