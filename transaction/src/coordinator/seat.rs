//! What the coordinator knows of one participant.

use crate::{DeviceId, Guarantee, Member};

/// One participant, seen from the coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seat {
    /// Which device.
    pub device: DeviceId,
    /// Its wave.
    pub wave: u16,
    /// Where it stands.
    pub stand: Stand,
    /// Nothing changes on it: after the decision nobody waits for it.
    pub looks_on: bool,
    /// What its session gives, once it has voted.
    pub guarantee: Option<Guarantee>,
    pub(super) renews: bool,
    /// Whether an apply may ever have reached it.
    pub(super) touched: bool,
    /// Debts paid so far.
    pub(super) paid: usize,
    /// The lease asked for last; the one acknowledged last; the youngest that is no longer fresh.
    pub(super) round: u32,
    pub(super) acked: Option<u32>,
    pub(super) stale: Option<u32>,
    /// Whether the participant needs the change sent along.
    pub(super) forgot: bool,
    pub(super) tries: u32,
    /// What stood in the way when it was last deferred.
    pub(super) deferred: Option<String>,
}

/// Where a participant stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stand {
    /// Nothing was asked of it.
    Idle,
    /// It is brought to what it is owed.
    Repaying,
    /// It is asked to stage.
    Staging,
    /// It voted yes.
    Staged,
    /// It is asked to apply.
    Applying,
    /// It has applied.
    Applied,
    /// It is told the decision.
    Told,
    /// It acknowledged the decision, or never had anything to undo.
    Ended,
    /// It is not in the decided state, or not known to be.
    Owed {
        /// Why.
        reason: String,
    },
}

impl Seat {
    pub(super) fn new<C>(member: &Member<C>) -> Self {
        Self {
            device: member.device,
            wave: member.wave,
            stand: Stand::Idle,
            looks_on: member.looks_on && !member.lingers,
            guarantee: None,
            renews: false,
            touched: false,
            paid: 0,
            round: 0,
            acked: None,
            stale: None,
            forgot: false,
            tries: 0,
            deferred: None,
        }
    }

    /// Whether its newest acknowledged lease is young enough to confirm on.
    pub fn is_fresh(&self) -> bool {
        self.acked.is_some() && self.acked > self.stale
    }

    pub(super) fn is_over(&self) -> bool {
        match self.stand {
            Stand::Ended | Stand::Owed { .. } => true,
            Stand::Idle
            | Stand::Repaying
            | Stand::Staging
            | Stand::Staged
            | Stand::Applying
            | Stand::Applied
            | Stand::Told => false,
        }
    }
}
