//! One step under way: the moment, and the effects so far.

use super::{Coordinator, Effect, Stand, Timer};
use crate::{CoordinatorRecord, DeviceId, Moment, Progress, Report, Step};
use std::time::Duration;

/// Collects the effects of one step, in order.
pub(super) struct Turn<C> {
    pub now: Moment,
    pub effects: Vec<Effect<C>>,
}

impl<C> Turn<C> {
    pub fn new(now: Moment) -> Self {
        Self {
            now,
            effects: Vec::new(),
        }
    }

    pub fn push(&mut self, effect: Effect<C>) {
        self.effects.push(effect);
    }

    pub fn record(&mut self, record: CoordinatorRecord<C>) {
        self.effects.push(Effect::Record(record));
    }

    pub fn arm(&mut self, timer: Timer, after: Duration) {
        self.effects.push(Effect::Arm { timer, after });
    }

    pub fn disarm(&mut self, timer: Timer) {
        self.effects.push(Effect::Disarm(timer));
    }
}

impl<C: Clone> Coordinator<C> {
    /// Passes on what a device is at.
    pub(super) fn report(&mut self, report: Report, turn: &mut Turn<C>) {
        if self.seat(report.device).is_some() {
            self.progress(Some(report.device), Some(report.step), Some(report.words), turn);
        }
    }

    /// Says something in words.
    pub(super) fn note(&mut self, device: Option<DeviceId>, words: &str, turn: &mut Turn<C>) {
        self.progress(device, None, Some(words.to_owned()), turn);
    }

    /// A device has finished a step.
    pub(super) fn stepped(&mut self, at: usize, step: Step, turn: &mut Turn<C>) {
        let device = self.seats[at].device;
        self.progress(Some(device), Some(step), None, turn);
    }

    fn progress(&mut self, device: Option<DeviceId>, step: Option<Step>, note: Option<String>, turn: &mut Turn<C>) {
        self.sequence += 1;
        let percent = device
            .and_then(|it| self.seat(it))
            .map_or(self.total(), |at| done(&self.seats[at].stand));
        let total = self.total();
        turn.push(Effect::Progress(Progress {
            sequence: self.sequence,
            device,
            step,
            percent,
            total,
            note,
        }));
    }

    fn total(&self) -> u8 {
        let sum: u64 = self.seats.iter().map(|it| u64::from(done(&it.stand))).sum();
        u8::try_from(sum / (self.seats.len() as u64).max(1)).unwrap_or(100)
    }
}

/// A participant's share of the whole: a third each for stage, apply and the decision.
fn done(stand: &Stand) -> u8 {
    match stand {
        Stand::Idle | Stand::Repaying | Stand::Staging => 0,
        Stand::Staged | Stand::Applying => 33,
        Stand::Applied | Stand::Told => 66,
        Stand::Ended | Stand::Owed { .. } => 100,
    }
}
