//! Which transactions the journal may forget: over, nobody owed, and the store says how they ended.

use std::collections::{BTreeSet, HashMap, HashSet};

use transaction::{CoordinatorRecord, DeviceId, Ending, TransactionId};

/// What the journal holds, as far as forgetting goes.
#[derive(Debug, Default)]
pub struct Tally {
    open: HashMap<TransactionId, Open>,
    over: HashSet<TransactionId>,
}

#[derive(Debug, Default)]
struct Open {
    settled: bool,
    owed: BTreeSet<DeviceId>,
    kept: bool,
}

impl Tally {
    /// Takes in a record that was written, or found.
    pub fn enter<C>(&mut self, record: &CoordinatorRecord<C>) {
        let transaction = record.transaction();
        let open = self.open.entry(transaction).or_default();
        match record {
            CoordinatorRecord::Began { .. } | CoordinatorRecord::Decided { .. } => {}
            CoordinatorRecord::Settled { ending, .. } => {
                open.settled = true;
                if let Ending::Torn { devices, .. } = ending {
                    open.owed = devices.iter().map(|torn| torn.device).collect();
                }
            }
            CoordinatorRecord::Cleared { device, .. } => {
                open.owed.remove(device);
            }
        }
        self.close(transaction);
    }

    /// The store says how this transaction ended.
    pub fn kept(&mut self, transaction: TransactionId) {
        if let Some(open) = self.open.get_mut(&transaction) {
            open.kept = true;
            self.close(transaction);
        }
    }

    fn close(&mut self, transaction: TransactionId) {
        let over = |open: &Open| open.settled && open.kept && open.owed.is_empty();
        if self.open.get(&transaction).is_some_and(over) {
            self.open.remove(&transaction);
            self.over.insert(transaction);
        }
    }

    /// The transactions that are over and that the store has not been asked about.
    pub fn settled(&self) -> Vec<TransactionId> {
        let settled = self.open.iter().filter(|(_, open)| open.settled && !open.kept);
        settled.map(|(transaction, _)| *transaction).collect()
    }

    /// What may be forgotten now.
    pub fn over(&self) -> &HashSet<TransactionId> {
        &self.over
    }

    /// These were forgotten.
    pub fn forgotten(&mut self, gone: &HashSet<TransactionId>) {
        self.over.retain(|transaction| !gone.contains(transaction));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transaction::{Cleared, Decision, Moment, Torn};

    const ONE: TransactionId = TransactionId(1);

    fn settled(ending: Ending) -> CoordinatorRecord<()> {
        let at = Moment(0);
        CoordinatorRecord::Settled {
            transaction: ONE,
            ending,
            at,
        }
    }

    #[test]
    fn nothing_goes_before_the_store_knows_and_nobody_is_owed() {
        let mut tally = Tally::default();
        tally.kept(ONE);
        tally.enter(&settled(Ending::Committed));
        assert!(tally.over().is_empty(), "the store has not said so since");
        assert_eq!(tally.settled(), [ONE]);
        tally.kept(ONE);
        assert!(tally.over().contains(&ONE));

        let mut tally = Tally::default();
        let device = DeviceId(7);
        let devices = vec![Torn {
            device,
            guarantee: None,
            reason: "away".to_owned(),
        }];
        let decision = Decision::Confirm;
        tally.enter(&settled(Ending::Torn { decision, devices }));
        tally.kept(ONE);
        assert!(tally.over().is_empty(), "a device is owed");
        let (transaction, how, at) = (ONE, Cleared::Repaired, Moment(0));
        tally.enter::<()>(&CoordinatorRecord::Cleared {
            transaction,
            device,
            how,
            at,
        });
        assert!(tally.over().contains(&ONE));
    }
}
