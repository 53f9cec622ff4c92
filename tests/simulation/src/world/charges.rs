//! Plans: what a wanted transaction changes on each device, as the device stands when it is planned.

use super::{Part, Wish, World};
use crate::change::{Change, Path, Value};
use std::collections::BTreeSet;
use transaction::{
    Charge, CoordinatorRecord, Debt, Decision, DeviceId, Due, Ending, Gate, IntentId, Member, TransactionId,
};

/// What one or several wishes want of one device.
struct Share {
    first: Part,
    edits: BTreeSet<Path>,
    stands: BTreeSet<Path>,
}

/// What these wishes want, device by device.
fn shares(wishes: &[Wish]) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for part in wishes.iter().flat_map(|it| &it.parts) {
        let at = shares.iter().position(|it| it.first.device == part.device);
        let at = at.unwrap_or_else(|| {
            shares.push(Share {
                first: part.clone(),
                edits: BTreeSet::new(),
                stands: BTreeSet::new(),
            });
            shares.len() - 1
        });
        let wanted = if part.looks_on {
            &mut shares[at].stands
        } else {
            &mut shares[at].edits
        };
        wanted.extend(&part.paths);
    }
    shares
}

impl World {
    /// Whether these can ride one transaction: what has to stand for one is not changed by another.
    pub(super) fn go_together(&self, wishes: &[TransactionId]) -> bool {
        let wishes: Vec<Wish> = wishes
            .iter()
            .filter_map(|it| self.scenario.wish(*it))
            .cloned()
            .collect();
        shares(&wishes).iter().all(|it| it.edits.is_disjoint(&it.stands))
    }

    pub(super) fn charge(
        &mut self,
        transaction: TransactionId,
        wishes: &[TransactionId],
        debts: &[(DeviceId, TransactionId)],
    ) -> Charge<Change> {
        let wishes: Vec<Wish> = wishes
            .iter()
            .filter_map(|it| self.scenario.wish(*it))
            .cloned()
            .collect();
        let mut members = Vec::new();
        for share in shares(&wishes) {
            let part = &share.first;
            let device = self.agents[part.device].device;
            let mine = debts.iter().filter(|(it, _)| *it == device);
            let debts: Vec<Debt<Change>> = mine.filter_map(|(_, it)| self.debt(device, *it)).collect();
            let mut change = Change::default();
            let before = |path: u8| after_repair(&debts, path).unwrap_or_else(|| self.devices[part.device].read(path));
            for path in &share.stands {
                change.stands.insert(*path, before(*path));
            }
            for path in &share.edits {
                self.values += 1;
                change.edits.insert(*path, (before(*path), self.values));
            }
            members.push(Member {
                looks_on: change.looks_on(),
                lingers: false,
                device,
                change,
                demand: part.demand,
                wave: part.wave,
                debts,
            });
        }
        Charge {
            transaction,
            intents: wishes.iter().map(|it| IntentId(it.transaction.0)).collect(),
            riders: if wishes.len() > 1 {
                wishes.iter().map(|it| it.transaction).collect()
            } else {
                Vec::new()
            },
            comment: "simulated".to_owned(),
            members,
            gate: wishes.first().map_or(Gate::None, |it| it.gate),
            terms: self.scenario.terms.clone(),
        }
    }

    /// What becomes of a debt: mostly it is repaired, sometimes the operator takes it on himself.
    fn debt(&mut self, device: DeviceId, owed: TransactionId) -> Option<Debt<Change>> {
        let change = self.changes.get(&(owed, device))?.clone();
        let decision = self.journal.records().into_iter().find_map(|it| match it {
            CoordinatorRecord::Settled {
                transaction,
                ending: Ending::Torn { decision, .. },
                ..
            } if transaction == owed => Some(decision),
            CoordinatorRecord::Settled { .. }
            | CoordinatorRecord::Began { .. }
            | CoordinatorRecord::Decided { .. }
            | CoordinatorRecord::Cleared { .. } => None,
        })?;
        let waived = self.chance.permille(400);
        let due = if waived {
            Due::Waived
        } else {
            Due::Repair { decision, change }
        };
        Some(Debt { transaction: owed, due })
    }
}

/// What will stand there once the debts are repaired.
fn after_repair(debts: &[Debt<Change>], path: u8) -> Option<Value> {
    debts.iter().rev().find_map(|it| match &it.due {
        Due::Repair {
            decision: Decision::Confirm,
            change,
        } => change.edits.get(&path).map(|(_, after)| *after),
        Due::Repair {
            decision: Decision::Revert { .. },
            change,
        } => change.edits.get(&path).map(|(before, _)| *before),
        Due::Waived => None,
    })
}
