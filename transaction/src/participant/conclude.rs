//! What a participant does once it is told: confirm, revert, and repair what was taken back meanwhile.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an outcome that answers no question of this step, now or in future, is treated as the worst one"
)]

use super::live::{Hold, Told, Why, Work};
use super::past::Over;
use super::turn::{About, Turn};
use super::{Outcome, Participant, timers};
use crate::{Answer, Standing, Step};

impl<C: Clone> Participant<C> {
    /// Starts, or starts again, what was decided. No operation is under way.
    pub(super) fn conclude(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &self.live else { return };
        match (live.told, &live.hold) {
            (Some(Told::Confirm), _) if live.looks_on => self.finish(Answer::Confirmed, turn),
            (Some(Told::Revert), _) if live.looks_on => self.finish(Answer::Reverted, turn),
            (Some(Told::Revert), Hold::Lapsed) => self.finish(Answer::Reverted, turn),
            (Some(Told::Revert), _) => self.work(Work::Revert, turn),
            (Some(Told::Confirm), Hold::Applied | Hold::Confirmed) => self.work(Work::Confirm, turn),
            (Some(Told::Confirm), _) => self.work(Work::Look(Why::BeforeConfirm), turn),
            (None, _) => {}
        }
    }

    /// The part is over. That is on record before the coordinator hears it: it may forget as soon as it does.
    pub(super) fn finish(&mut self, answer: Answer, turn: &mut Turn<C>) {
        let Some(live) = self.live.take() else { return };
        let step = if live.told == Some(Told::Confirm) {
            Step::Confirm
        } else {
            Step::Revert
        };
        let about = About {
            transaction: live.transaction,
            epoch: live.epoch,
            step,
        };
        let over = Over {
            answer: answer.clone(),
            looked_on: live.looks_on,
            ..Over::reverted(about)
        };
        if planted!(AckBeforeRecord) {
            self.reply(about, answer.clone(), turn);
        }
        self.record_end(&over, turn);
        self.past.remember(over);
        timers::disarm_all(turn);
        self.reply(about, answer, turn);
    }

    /// Not yet. The coordinator asks again for as long as it waits, and the participant does not rely on it: nobody may
    /// hold a device for ever for a transaction that is over.
    pub(super) fn put_off(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        let reason = outcome.words();
        self.answer(Answer::Deferred { reason }, turn);
        self.try_again(turn);
    }

    pub(super) fn confirmed(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        match outcome {
            Outcome::Confirmed { saved: true } => self.finish(Answer::Confirmed, turn),
            Outcome::Confirmed { saved: false } => {
                if let Some(live) = &mut self.live {
                    live.hold = Hold::Confirmed;
                }
                self.put_off(
                    Outcome::Unknown {
                        reason: "confirmed, but not saved".to_owned(),
                    },
                    turn,
                );
            }
            Outcome::Foreign { .. } | Outcome::Unreachable { .. } | Outcome::Busy { .. } => self.put_off(outcome, turn),
            _ if planted!(IgnoreLapse) => self.finish(Answer::Confirmed, turn),
            Outcome::Staged { .. }
            | Outcome::Applied
            | Outcome::Renewed
            | Outcome::Reverted
            | Outcome::Stands { .. }
            | Outcome::Refused { .. }
            | Outcome::Stale { .. }
            | Outcome::Unknown { .. } => self.work(Work::Look(Why::AfterConfirm), turn),
        }
    }

    /// The device says where it stands; no decision rests on an error text.
    pub(super) fn looked_to_confirm(&mut self, why: Why, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        match outcome {
            Outcome::Stands {
                standing: Standing::Applied,
            } if why == Why::BeforeConfirm => {
                live.hold = Hold::Applied;
                self.work(Work::Confirm, turn);
            }
            Outcome::Stands {
                standing: Standing::Confirmed,
            } if why == Why::BeforeConfirm => {
                live.hold = Hold::Confirmed;
                self.work(Work::Confirm, turn);
            }
            // It is permanent, but nobody said that it is saved: the next try finds that out.
            Outcome::Stands {
                standing: Standing::Confirmed,
            } => {
                live.hold = Hold::Confirmed;
                self.put_off(
                    Outcome::Unknown {
                        reason: "confirmed, perhaps not saved".to_owned(),
                    },
                    turn,
                );
            }
            Outcome::Stands {
                standing: Standing::Applied,
            } => self.put_off(outcome, turn),
            Outcome::Stands { .. } if planted!(SkipRepair) => self.finish(Answer::Confirmed, turn),
            Outcome::Stands {
                standing: Standing::Untouched | Standing::Staged | Standing::Unknown,
            } => {
                live.hold = Hold::Failed("being repaired".to_owned());
                self.work(Work::Restage, turn);
            }
            Outcome::Foreign { what } | Outcome::Stale { what } => self.answer(Answer::Foreign { what }, turn),
            other => self.put_off(other, turn),
        }
    }

    pub(super) fn restaged(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        match outcome {
            Outcome::Staged {
                evidence,
                guarantee,
                renews,
            } => {
                live.evidence = Some(evidence);
                live.guarantee = guarantee;
                live.renews = renews;
                self.apply(Work::Reapply, turn);
            }
            Outcome::Stale { what } => self.answer(Answer::Foreign { what }, turn),
            other => self.put_off(other, turn),
        }
    }

    pub(super) fn reapplied(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        match outcome {
            Outcome::Applied => {
                live.hold = Hold::Applied;
                self.work(Work::Confirm, turn);
            }
            Outcome::Unknown { .. } => self.put_off(outcome, turn),
            other => {
                self.put_off(other, turn);
                self.work(Work::LetGo, turn);
            }
        }
    }

    pub(super) fn reverted(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        match outcome {
            Outcome::Reverted => self.finish(Answer::Reverted, turn),
            // What a stranger wrote is his if nothing of ours was ever applied.
            Outcome::Foreign { .. } if !self.has_applied() => self.finish(Answer::Reverted, turn),
            Outcome::Foreign { what } => self.answer(Answer::Foreign { what }, turn),
            other => self.put_off(other, turn),
        }
    }
}
