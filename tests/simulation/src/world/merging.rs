//! Wishes for one device that wait at the same time ride one transaction, and go singly where that is rolled back.

use super::{World, short};
use transaction::coordinator::Input;
use transaction::{Ending, TicketId, TransactionId, admission};

/// From here on transactions have several riders.
const MERGED: u128 = 1_000;

impl World {
    /// A name for a transaction that carries several wishes.
    pub(super) fn name_merged(&mut self) -> TransactionId {
        self.merged += 1;
        TransactionId(MERGED + self.merged)
    }

    /// The wishes that ride a transaction.
    pub(super) fn riders(&self, transaction: TransactionId) -> Vec<TransactionId> {
        let riders = self.ledger.riders.get(&transaction);
        riders.cloned().unwrap_or_else(|| vec![transaction])
    }

    /// What admission knows a transaction by: any of its tickets.
    pub(super) fn tickets(&self, transaction: TransactionId) -> Vec<TicketId> {
        self.riders(transaction).iter().map(|it| TicketId(it.0)).collect()
    }

    /// Whether a wish is over: on its own, or with others where that was not undone.
    pub(super) fn has_ended(&self, wish: TransactionId) -> bool {
        let kept = |it: &Ending| !matches!(it, Ending::RolledBack { .. });
        self.ledger.endings.contains_key(&wish)
            || self.ledger.refused.contains(&wish)
            || self
                .carriers(wish)
                .any(|it| self.ledger.endings.get(&it).is_some_and(kept))
    }

    /// Whether somebody sees to a wish already: it began, or rides a transaction that was not rolled back.
    pub(super) fn is_seen_to(&self, wish: TransactionId) -> bool {
        let rolled_back = |it: &TransactionId| matches!(self.ledger.endings.get(it), Some(Ending::RolledBack { .. }));
        self.is_begun(wish)
            || self.ledger.refused.contains(&wish)
            || self.carriers(wish).any(|it| self.is_begun(it) && !rolled_back(&it))
    }

    /// Somebody withdraws who rides with others, or waits to be run singly. What carries him is taken back, unless that is
    /// decided otherwise already, and the others go on by themselves.
    pub(super) fn withdraw_rider(&mut self, at: usize, wish: TransactionId) {
        let led = &self.controllers[at].coordinators;
        let carrier = self.carriers(wish).find(|it| led.contains_key(it));
        self.withdrawn.insert(wish);
        if let Some(carrier) = carrier {
            self.say(|| format!("{} is withdrawn from {}", short(wish), short(carrier)));
            self.coordinate(at, carrier, Input::Cancel);
        } else {
            self.admit(at, admission::Input::Withdraw(TicketId(wish.0)));
        }
    }

    /// Of those that were admitted one was withdrawn, or they do not go together: several go singly, and who is alone does not
    /// begin.
    pub(super) fn keep_out(&mut self, at: usize, wishes: &[TransactionId]) {
        let Some(first) = wishes.first().copied() else { return };
        if wishes.len() == 1 {
            let begun = self.is_begun(first);
            self.ledger.refuses(first, "withdrawn", begun);
        }
        let (ticket, how) = (TicketId(first.0), admission::Over::RolledBack);
        self.admit(at, admission::Input::Over { ticket, how });
    }

    fn carriers(&self, wish: TransactionId) -> impl Iterator<Item = TransactionId> {
        let carries = move |(it, riders): (&TransactionId, &Vec<TransactionId>)| {
            (it.0 > MERGED && riders.contains(&wish)).then_some(*it)
        };
        self.ledger.riders.iter().filter_map(carries)
    }
}
