//! What a coordinator is charged with: the plan of one transaction.

use crate::{Decision, Demand, DeviceId, IntentId, Terms, TermsError, TransactionId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One transaction's plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Charge<C> {
    /// Its name.
    pub transaction: TransactionId,
    /// The intents that ride it, at least one where people ask.
    pub intents: Vec<IntentId>,
    /// The transactions that were asked for and ride this one together; none where it was asked for itself. Each is told
    /// how this one ends, unless it is rolled back: then they run one by one, under their own names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub riders: Vec<TransactionId>,
    /// Who asked, for the devices' own commit comments.
    pub comment: String,
    /// Who takes part, each device once.
    pub members: Vec<Member<C>>,
    /// Whether and when the network's health is asked.
    pub gate: Gate,
    /// The deadlines.
    pub terms: Terms,
}

/// One device's part.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Member<C> {
    /// Which device.
    pub device: DeviceId,
    /// What is to change on it, with what it was made from.
    pub change: C,
    /// What the caller insists on.
    pub demand: Demand,
    /// Lower waves apply first and revert last.
    pub wave: u16,
    /// What the device is still owed from earlier transactions: repaired first, in this order.
    pub debts: Vec<Debt<C>>,
    /// Nothing changes on it: it takes part because something has to stand there. Its vote counts like any other until the
    /// decision; after that it has nothing to keep and nothing to take back, and nobody waits for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub looks_on: bool,
    /// It looks on, and its agent is from before there was such a thing: that holds the device until it has heard the
    /// decision, and is waited for like any other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lingers: bool,
}

/// A decided state that a device did not reach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Debt<C> {
    /// The transaction in which it was decided.
    pub transaction: TransactionId,
    /// What becomes of it.
    pub due: Due<C>,
}

impl<C> Debt<C> {
    /// Whether an operator took it on himself.
    pub fn is_waived(&self) -> bool {
        match self.due {
            Due::Waived => true,
            Due::Repair { .. } => false,
        }
    }
}

/// What becomes of a debt when the device is next needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Due<C> {
    /// The device is first brought to what had been decided.
    Repair {
        /// What was decided.
        decision: Decision,
        /// The change that it was about.
        change: C,
    },
    /// An operator took it on himself: the device is left as it is.
    Waived,
}

/// When the network's health is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Gate {
    /// Never.
    #[default]
    None,
    /// Once everybody has applied.
    Last,
    /// After each wave: a canary.
    EachWave,
}

/// A plan that no coordinator carries out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChargeError {
    /// Nobody takes part.
    #[error("charge a coordinator with {transaction}: no device takes part")]
    Nobody {
        /// Of which transaction.
        transaction: TransactionId,
    },
    /// A device has two parts: which one is told where it stands?
    #[error("charge a coordinator with {transaction}: {device} takes part twice")]
    Twice {
        /// Of which transaction.
        transaction: TransactionId,
        /// Which device.
        device: DeviceId,
    },
    /// A device is to pay the same debt twice, or one of this very transaction.
    #[error("charge a coordinator with {transaction}: {device} cannot pay what it is owed from {debt}")]
    Debt {
        /// Of which transaction.
        transaction: TransactionId,
        /// Which device.
        device: DeviceId,
        /// The debt.
        debt: TransactionId,
    },
    /// Several ride it that cannot ride one.
    #[error("charge a coordinator with {transaction}: only small changes of one device ride together, each once")]
    Riders {
        /// Of which transaction.
        transaction: TransactionId,
    },
    /// Its deadlines cannot work.
    #[error("charge a coordinator with {transaction}")]
    Terms {
        /// Of which transaction.
        transaction: TransactionId,
        /// Why not.
        source: TermsError,
    },
}

impl<C> Charge<C> {
    /// Whether a coordinator can carry it out: somebody takes part, each device once, on terms that can work.
    pub fn check(&self) -> Result<(), ChargeError> {
        let transaction = self.transaction;
        if self.members.is_empty() {
            return Err(ChargeError::Nobody { transaction });
        }
        let mut devices = BTreeSet::new();
        for Member { device, debts, .. } in &self.members {
            let device = *device;
            if !devices.insert(device) {
                return Err(ChargeError::Twice { transaction, device });
            }
            let mut owed = BTreeSet::from([transaction]);
            if let Some(debt) = debts.iter().find(|it| !owed.insert(it.transaction)) {
                let debt = debt.transaction;
                return Err(ChargeError::Debt {
                    transaction,
                    device,
                    debt,
                });
            }
        }
        if !self.riders.is_empty() && !self.can_carry() {
            return Err(ChargeError::Riders { transaction });
        }
        let checked = self.terms.check();
        checked.map_err(|source| ChargeError::Terms { transaction, source })
    }

    /// Whether what rides it may: several, under other names than this, on one device, with no gate to fail for each other.
    fn can_carry(&self) -> bool {
        let distinct: BTreeSet<TransactionId> = self.riders.iter().copied().chain([self.transaction]).collect();
        let several = self.riders.len() > 1 && distinct.len() == self.riders.len() + 1;
        several && self.members.len() == 1 && self.gate == Gate::None
    }

    /// How many waves there are.
    pub fn waves(&self) -> u32 {
        let mut waves: Vec<u16> = self.members.iter().map(|it| it.wave).collect();
        waves.sort_unstable();
        waves.dedup();
        u32::try_from(waves.len()).unwrap_or(u32::MAX)
    }

    /// How many times the gate is asked.
    pub fn gates(&self) -> u32 {
        match self.gate {
            Gate::None => 0,
            Gate::Last => 1,
            Gate::EachWave => self.waves(),
        }
    }
}
