//! What a participant remembers of transactions that are over, so that a repeat is answered as it was.

use crate::{Answer, Epoch, Standing, Step, TransactionId};
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
        if self.answer == Answer::Confirmed {
            Standing::Confirmed
        } else {
            Standing::Untouched
        }
    }

    /// What this step is answered now that all is over.
    pub fn answer_to(&self, step: Step) -> Answer {
        let kept = self.answer == Answer::Confirmed;
        match step {
            Step::Stage if !kept && self.answer == Answer::Reverted => Answer::Refused {
                reason: "this transaction was reverted here".to_owned(),
            },
            Step::Stage => self.answer.clone(),
            Step::Apply | Step::Renew { .. } if !kept => Answer::Lapsed,
            Step::Apply | Step::Renew { .. } => Answer::Confirmed,
            Step::Confirm | Step::Revert => {
                if kept {
                    Answer::Confirmed
                } else {
                    Answer::Reverted
                }
            }
            Step::Inquire => Answer::Stands {
                standing: self.standing(),
            },
        }
    }
}
