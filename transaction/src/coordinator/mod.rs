//! The coordinator: gathers votes, applies wave by wave, decides once, and sees the decision through.

mod decide;
mod effect;
mod finish;
mod recover;
mod renew;
mod replies;
mod seat;
#[cfg(test)]
mod tests;
mod turn;
mod waves;

pub use effect::{Effect, Input, Timer, Verdict};
pub use seat::{Seat, Stand};

use crate::{Charge, ChargeError, Decision, DeviceId, Ending, Epoch, Lease, Moment, Reason, TransactionId};
use turn::Turn;

/// The coordinator of one transaction, in one epoch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coordinator<C> {
    charge: Charge<C>,
    /// The participants' share of the terms, the same for all.
    lease: Lease,
    epoch: Epoch,
    phase: Phase,
    seats: Vec<Seat>,
    asked_gate: u32,
    sequence: u64,
}

/// Where a transaction is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing is on record yet.
    New,
    /// Devices are given what they are owed from before.
    Repaying,
    /// Votes are gathered.
    Preparing,
    /// A wave applies.
    Applying {
        /// Which.
        wave: u16,
    },
    /// The health gate looks.
    Gating {
        /// The last wave that has applied.
        wave: u16,
    },
    /// Everybody has applied and the gate has passed; fresh leases are gathered.
    Deciding,
    /// Confirm is on record.
    Confirming,
    /// Revert is on record.
    Reverting {
        /// Why.
        reason: Reason,
    },
    /// It is over.
    Settled {
        /// How.
        ending: Ending,
    },
    /// Another leads.
    Fenced,
}

impl<C: Clone> Coordinator<C> {
    /// A coordinator for a new transaction. Feed it [`Input::Begin`]. The epoch is the lease's and never falls.
    ///
    /// # Errors
    /// Where the charge cannot be carried out; nothing has happened then.
    pub fn new(charge: Charge<C>, epoch: Epoch) -> Result<Self, ChargeError> {
        charge.check()?;
        Ok(Self::charged(charge, epoch))
    }

    /// What is on record was checked before it came there.
    fn charged(charge: Charge<C>, epoch: Epoch) -> Self {
        let seats = charge.members.iter().map(Seat::new).collect();
        let lease = charge.terms.lease(charge.waves(), charge.gates());
        Self {
            charge,
            lease,
            epoch,
            phase: Phase::New,
            seats,
            asked_gate: 0,
            sequence: 0,
        }
    }

    /// Takes one input and says what is to be done, in order. `now` stamps records; nothing is decided by it.
    pub fn step(&mut self, input: Input, now: Moment) -> Vec<Effect<C>> {
        let mut turn = Turn::new(now);
        if self.phase != Phase::Fenced {
            self.route(input, &mut turn);
        }
        turn.effects
    }

    fn route(&mut self, input: Input, turn: &mut Turn<C>) {
        match input {
            Input::Begin => self.begin(turn),
            Input::Reply(reply) => self.reply(reply, turn),
            Input::Asked(inquiry) => self.asked(inquiry, turn),
            Input::Unreachable { device } => self.note(Some(device), "cannot be reached now, is tried again", turn),
            Input::Fired(timer) => self.fired(timer, turn),
            Input::Gate { round, verdict } => self.gate(round, verdict, turn),
            Input::Cancel => self.cancel(turn),
            Input::Report(report) => self.report(report, turn),
            Input::Fenced => self.phase = Phase::Fenced,
            Input::Unfounded { device, step } => self.unfounded(device, step, turn),
        }
    }

    /// The transaction.
    pub fn transaction(&self) -> TransactionId {
        self.charge.transaction
    }

    /// The plan it was charged with.
    pub fn charge(&self) -> &Charge<C> {
        &self.charge
    }

    /// The epoch it speaks in.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Where it is.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Where each participant stands, as far as is known here.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// What is on record, if anything is decided.
    pub fn decision(&self) -> Option<Decision> {
        match &self.phase {
            Phase::Confirming
            | Phase::Settled {
                ending: Ending::Committed,
            } => Some(Decision::Confirm),
            Phase::Reverting { reason }
            | Phase::Settled {
                ending: Ending::RolledBack { reason },
            } => Some(Decision::Revert { reason: reason.clone() }),
            Phase::Settled {
                ending: Ending::Torn { decision, .. },
            } => Some(decision.clone()),
            Phase::New
            | Phase::Repaying
            | Phase::Preparing
            | Phase::Applying { .. }
            | Phase::Gating { .. }
            | Phase::Deciding
            | Phase::Fenced => None,
        }
    }

    /// How it ended, if it did.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::Settled { ending } => Some(ending),
            Phase::New
            | Phase::Repaying
            | Phase::Preparing
            | Phase::Applying { .. }
            | Phase::Gating { .. }
            | Phase::Deciding
            | Phase::Confirming
            | Phase::Reverting { .. }
            | Phase::Fenced => None,
        }
    }

    /// Whether it runs and nothing is decided yet.
    fn is_open(&self) -> bool {
        match self.phase {
            Phase::Repaying | Phase::Preparing | Phase::Applying { .. } | Phase::Gating { .. } | Phase::Deciding => {
                true
            }
            Phase::New | Phase::Confirming | Phase::Reverting { .. } | Phase::Settled { .. } | Phase::Fenced => false,
        }
    }

    fn seat(&self, device: DeviceId) -> Option<usize> {
        self.seats.iter().position(|it| it.device == device)
    }
}
