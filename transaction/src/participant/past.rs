//! What a participant remembers of transactions that are over, so that a repeat is answered as it was.

use crate::{Answer, Epoch, Order, Standing, Step, TransactionId};
use std::collections::VecDeque;

/// How many endings are remembered. Admission lets the next transaction begin only when the last is acknowledged, so
/// this bounds how old a message may be, not how many transactions may be open.
const REMEMBERED: usize = 16;

/// The endings remembered, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Past {
    over: VecDeque<Over>,
}

/// One transaction that is over here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Over {
    pub transaction: TransactionId,
    pub epoch: Epoch,
    /// `Confirmed`, `Reverted`, or the no that was voted.
    pub answer: Answer,
    /// Whether that is on record.
    pub recorded: bool,
    /// Whether nothing changed here: then both ends are the same, and it is at the one that it is told.
    pub looked_on: bool,
}

impl Past {
    pub fn find(&self, transaction: TransactionId) -> Option<&Over> {
        self.over.iter().rev().find(|it| it.transaction == transaction)
    }

    pub fn find_mut(&mut self, transaction: TransactionId) -> Option<&mut Over> {
        self.over.iter_mut().rev().find(|it| it.transaction == transaction)
    }

    pub fn remember(&mut self, over: Over) {
        self.over.retain(|it| it.transaction != over.transaction);
        if self.over.len() == REMEMBERED {
            self.over.pop_front();
        }
        self.over.push_back(over);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Over> {
        self.over.iter()
    }
}

impl Over {
    pub fn standing(&self) -> Standing {
        match self.answer {
            Answer::Confirmed => Standing::Confirmed,
            Answer::Unknown => Standing::Unknown,
            Answer::Reverted
            | Answer::Staged { .. }
            | Answer::Refused { .. }
            | Answer::Stale { .. }
            | Answer::Busy { .. }
            | Answer::Applied
            | Answer::Failed { .. }
            | Answer::Renewed
            | Answer::Lapsed
            | Answer::Deferred { .. }
            | Answer::Foreign { .. }
            | Answer::Superseded { .. }
            | Answer::Stands { .. } => Standing::Untouched,
        }
    }

    /// What an operator took on himself is over without an ending: a later word about it that brings the change along
    /// is heard again.
    pub fn is_reopened_by<C>(&self, order: &Order<C>) -> bool {
        let brings = matches!(
            order,
            Order::Confirm { change: Some(_) } | Order::Revert { change: Some(_) }
        );
        self.answer == Answer::Unknown && brings
    }

    /// What this step is answered now that all is over.
    pub fn answer_to(&self, step: Step) -> Answer {
        match (step, self.standing()) {
            (Step::Confirm, Standing::Untouched) if self.looked_on => Answer::Confirmed,
            (Step::Revert, Standing::Confirmed) if self.looked_on => Answer::Reverted,
            (Step::Stage, Standing::Untouched) if self.answer != Answer::Reverted => self.answer.clone(),
            (Step::Stage, Standing::Confirmed) => Answer::Confirmed,
            (Step::Stage, _) => Answer::Refused {
                reason: "this transaction is over here".to_owned(),
            },
            (Step::Apply | Step::Renew { .. }, Standing::Confirmed) => Answer::Confirmed,
            (Step::Apply | Step::Renew { .. }, _) => Answer::Lapsed,
            (Step::Confirm | Step::Revert, Standing::Confirmed) => Answer::Confirmed,
            (Step::Confirm | Step::Revert, Standing::Unknown) => Answer::Unknown,
            (Step::Confirm | Step::Revert, _) => Answer::Reverted,
            (Step::Inquire, standing) => Answer::Stands { standing },
        }
    }
}
