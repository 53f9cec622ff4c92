//! Coming back after the agent's death, and what has to be kept for it.

use super::live::{Hold, Live, Why, Work};
use super::past::Over;
use super::turn::{About, Turn};
use super::{Effect, Participant, Timer};
use crate::{Answer, DeviceId, Moment, ParticipantRecord, Standing, Step};

impl<C: Clone> Participant<C> {
    /// The participant that these records leave behind, and what it does first: it looks at the device, then asks.
    /// `records` are those of one device, in the order they were written. Timers are armed in full.
    pub fn recover(device: DeviceId, records: &[ParticipantRecord<C>], now: Moment) -> (Self, Vec<Effect<C>>) {
        let mut participant = Self::new(device);
        for record in records.iter().filter(|it| it.device() == device) {
            participant.replay(record);
        }
        let mut turn = Turn::new(now);
        if let Some(live) = &participant.live {
            turn.arm(Timer::InDoubt, live.lease.in_doubt);
            turn.arm(Timer::Ask, live.lease.ask_every);
            participant.work(Work::Look(Why::Resume), &mut turn);
        }
        (participant, turn.effects)
    }

    fn replay(&mut self, record: &ParticipantRecord<C>) {
        match record {
            ParticipantRecord::Pending { .. } => self.live = Live::pending(record),
            ParticipantRecord::Raised { transaction, epoch, .. } => {
                if let Some(live) = self.live.as_mut().filter(|it| it.transaction == *transaction) {
                    live.epoch = *epoch;
                }
            }
            ParticipantRecord::Ended {
                transaction,
                epoch,
                standing,
                looked_on,
                ..
            } => {
                let live = self.live.take_if(|it| it.transaction == *transaction);
                let about = About {
                    transaction: *transaction,
                    epoch: *epoch,
                    step: Step::Revert,
                };
                let answer = match standing {
                    Standing::Confirmed => Answer::Confirmed,
                    Standing::Untouched | Standing::Staged | Standing::Applied => Answer::Reverted,
                    Standing::Unknown => Answer::Unknown,
                };
                self.past.remember(Over {
                    answer,
                    looked_on: *looked_on || live.is_some_and(|it| it.looks_on),
                    ..Over::reverted(about)
                });
            }
        }
    }

    /// The shortest records that recover to where this participant is: what a compaction has to keep.
    pub fn records(&self, now: Moment) -> Vec<ParticipantRecord<C>> {
        let ended = self.past.iter().filter(|it| it.recorded);
        let ended = ended.map(|it| it.to_record(self.device, now));
        let pending = self
            .live
            .iter()
            .filter(|it| it.recorded)
            .map(|it| it.to_record(self.device, now));
        ended.chain(pending).collect()
    }
}

impl Over {
    /// The end, as it is written down.
    pub(super) fn to_record<C>(&self, device: DeviceId, at: Moment) -> ParticipantRecord<C> {
        ParticipantRecord::Ended {
            device,
            transaction: self.transaction,
            epoch: self.epoch,
            standing: self.standing(),
            looked_on: self.looked_on,
            at,
        }
    }
}

impl<C: Clone> Live<C> {
    /// The way back, as it is written down.
    pub(super) fn to_record(&self, device: DeviceId, at: Moment) -> ParticipantRecord<C> {
        ParticipantRecord::Pending {
            device,
            transaction: self.transaction,
            epoch: self.epoch,
            change: self.change.clone(),
            evidence: self.evidence.clone().unwrap_or_default(),
            guarantee: self.guarantee,
            renews: self.renews,
            demand: self.demand,
            lease: self.lease.clone(),
            looks_on: self.looks_on,
            at,
        }
    }

    fn pending(record: &ParticipantRecord<C>) -> Option<Self> {
        let ParticipantRecord::Pending {
            transaction,
            epoch,
            change,
            evidence,
            guarantee,
            renews,
            demand,
            lease,
            looks_on,
            ..
        } = record
        else {
            return None;
        };
        let about = About {
            transaction: *transaction,
            epoch: *epoch,
            step: Step::Apply,
        };
        let mut live = Self::new(about, change.clone(), *demand, lease.clone());
        live.looks_on = *looks_on;
        live.evidence = Some(evidence.clone());
        live.guarantee = *guarantee;
        live.renews = *renews;
        live.recorded = true;
        live.hold = Hold::Resuming;
        live.owes = None;
        Some(live)
    }
}
