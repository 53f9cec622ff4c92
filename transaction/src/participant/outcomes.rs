//! What comes back from the device on the way to a decision.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an outcome that answers no question of this step, now or in future, is treated as the worst one"
)]

use super::live::{Hold, Told, Why, Work};
use super::past::Over;
use super::turn::Turn;
use super::{Outcome, Participant, timers};
use crate::{Answer, Standing};

impl<C: Clone> Participant<C> {
    pub(super) fn done(&mut self, operation: u64, outcome: Outcome, turn: &mut Turn<C>) {
        if self.leftover.take_if(|it| *it == operation).is_some() {
            return self.set_to_work(turn);
        }
        let Some(live) = &mut self.live else { return };
        let Some((_, work)) = live.work.take_if(|(number, _)| *number == operation) else {
            return;
        };
        match work {
            Work::Stage => self.staged(outcome, turn),
            Work::Apply => self.applied(outcome, turn),
            Work::Renew => self.renewed(outcome, turn),
            Work::Confirm => self.confirmed(outcome, turn),
            Work::Revert => self.reverted(outcome, turn),
            Work::LetGo => self.let_go(outcome, turn),
            Work::Restage => self.restaged(outcome, turn),
            Work::Reapply => self.reapplied(outcome, turn),
            Work::Look(why) => self.looked(why, outcome, turn),
        }
    }

    /// The decision was heard while the device was at work: now it can be done.
    pub(super) fn conclude_if_told(&mut self, turn: &mut Turn<C>) -> bool {
        let due = self
            .live
            .as_ref()
            .is_some_and(|it| it.told.is_some() && it.owes.is_some() && it.work.is_none());
        if due {
            self.conclude(turn);
        }
        due
    }

    fn staged(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        let Outcome::Staged {
            evidence,
            guarantee,
            renews,
        } = outcome
        else {
            return self.not_staged(outcome, turn);
        };
        live.evidence = Some(evidence);
        live.guarantee = guarantee;
        live.renews = renews || live.looks_on; // nothing is armed that could run out
        live.hold = Hold::Staged;
        let (vote, met) = (live.vote(), live.demand.is_met_by(guarantee));
        if self.conclude_if_told(turn) {
            return;
        }
        if met {
            self.answer(vote, turn);
            return self.start_doubt(turn);
        }
        let reason = format!("this session gives only {guarantee}");
        self.answer(Answer::Refused { reason }, turn);
        self.work(Work::LetGo, turn);
    }

    fn not_staged(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &self.live else { return };
        if live.told == Some(Told::Confirm) {
            return self.put_off(outcome, turn);
        }
        if live.told == Some(Told::Revert) {
            return self.finish(Answer::Reverted, turn);
        }
        let answer = match outcome {
            Outcome::Stale { what } | Outcome::Foreign { what } => Answer::Stale { what },
            Outcome::Busy { holder } => Answer::Busy { holder },
            other => Answer::Refused { reason: other.words() },
        };
        let (transaction, epoch) = (live.transaction, live.epoch);
        self.answer(answer.clone(), turn);
        self.past.remember(Over {
            transaction,
            epoch,
            answer,
            recorded: false,
            looked_on: false,
        });
        self.live = None;
    }

    fn applied(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        match outcome {
            Outcome::Applied => self.is_applied(turn),
            // Of who looks on the apply was to look: there is nothing else to see.
            Outcome::Unknown { .. } if !live.looks_on => self.work(Work::Look(Why::Apply), turn),
            other => {
                live.hold = Hold::Failed(other.words());
                self.failed(turn);
            }
        }
    }

    fn is_applied(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        live.hold = Hold::Applied;
        if !self.conclude_if_told(turn) {
            self.answer(Answer::Applied, turn);
            self.arm_renew(turn);
            self.start_doubt(turn);
        }
    }

    fn failed(&mut self, turn: &mut Turn<C>) {
        let Some(Hold::Failed(reason)) = self.live.as_ref().map(|it| it.hold.clone()) else {
            return;
        };
        if !self.conclude_if_told(turn) {
            self.answer(Answer::Failed { reason }, turn);
            self.start_doubt(turn);
        }
    }

    fn renewed(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        match outcome {
            Outcome::Renewed => self.is_renewed(turn),
            _ if planted!(IgnoreLapse) => self.is_renewed(turn),
            Outcome::Foreign { what } => {
                if !self.conclude_if_told(turn) {
                    self.answer(Answer::Failed { reason: what }, turn);
                }
            }
            Outcome::Unreachable { .. } | Outcome::Busy { .. } => self.not_renewed(turn),
            Outcome::Staged { .. }
            | Outcome::Applied
            | Outcome::Confirmed { .. }
            | Outcome::Reverted
            | Outcome::Stands { .. }
            | Outcome::Refused { .. }
            | Outcome::Stale { .. }
            | Outcome::Unknown { .. } => self.work(Work::Look(Why::Renew), turn),
        }
    }

    fn is_renewed(&mut self, turn: &mut Turn<C>) {
        if !self.conclude_if_told(turn) {
            self.answer(Answer::Renewed, turn);
        }
        self.arm_renew(turn);
    }

    /// Not this time: the coordinator asks again, and looks at how fresh the lease is before it decides.
    fn not_renewed(&mut self, turn: &mut Turn<C>) {
        if !self.conclude_if_told(turn) {
            self.answer(
                Answer::Deferred {
                    reason: "the lease could not be renewed".to_owned(),
                },
                turn,
            );
        }
        self.arm_renew(turn);
    }

    fn let_go(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        let strangers = matches!(outcome, Outcome::Foreign { .. }) && !live.recorded;
        let undone = outcome == Outcome::Reverted || strangers;
        if undone && !live.recorded && live.told.is_none() {
            let (transaction, epoch) = (live.transaction, live.epoch);
            self.past.remember(Over {
                transaction,
                epoch,
                answer: Answer::Reverted,
                recorded: false,
                looked_on: false,
            });
            self.live = None;
            return timers::disarm_all(turn);
        }
        if undone {
            live.hold = Hold::Lapsed;
        } else {
            live.hold = Hold::Failed(outcome.words());
            let again = live.lease.in_doubt;
            turn.arm(super::Timer::InDoubt, again);
        }
        self.conclude_if_told(turn);
    }

    fn looked(&mut self, why: Why, outcome: Outcome, turn: &mut Turn<C>) {
        match why {
            Why::BeforeConfirm | Why::AfterConfirm => self.looked_to_confirm(why, outcome, turn),
            Why::Apply => self.looked_after_apply(outcome, turn),
            Why::Renew | Why::Lapse => self.looked_after_lease(why, outcome, turn),
            Why::Resume => self.looked_on_return(outcome, turn),
        }
    }

    fn looked_after_apply(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        if outcome
            == (Outcome::Stands {
                standing: Standing::Applied,
            })
        {
            return self.is_applied(turn);
        }
        if let Some(live) = &mut self.live {
            live.hold = Hold::Failed(outcome.words());
        }
        self.failed(turn);
    }

    fn looked_after_lease(&mut self, why: Why, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        let answer = match outcome {
            Outcome::Stands {
                standing: Standing::Applied,
            }
            | Outcome::Unreachable { .. }
            | Outcome::Busy { .. } => {
                if why == Why::Lapse {
                    turn.arm(super::Timer::Lapse, live.lease.span(live.renews));
                }
                return self.not_renewed(turn);
            }
            Outcome::Stands {
                standing: Standing::Untouched,
            } => return self.is_taken_back(turn),
            other => {
                let reason = other.words();
                live.hold = Hold::Failed(reason.clone());
                Answer::Failed { reason }
            }
        };
        if !self.conclude_if_told(turn) {
            self.answer(answer, turn);
        }
    }

    /// The device took the change back, and not the lock with it: perhaps nobody ever tells us to let go.
    fn is_taken_back(&mut self, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        live.hold = Hold::TakenBack;
        if !self.conclude_if_told(turn) {
            self.answer(Answer::Lapsed, turn);
            self.work(Work::LetGo, turn);
        }
    }

    /// What is read untouched after a crash is not believed to stay so: an apply may still be on its way in a session
    /// that is not dead yet. Only a revert under lock settles it.
    fn looked_on_return(&mut self, outcome: Outcome, turn: &mut Turn<C>) {
        let Some(live) = &mut self.live else { return };
        live.hold = match outcome {
            Outcome::Stands {
                standing: Standing::Applied,
            } => Hold::Applied,
            Outcome::Stands {
                standing: Standing::Confirmed,
            } => Hold::Confirmed,
            Outcome::Unreachable { .. } | Outcome::Busy { .. } | Outcome::Unknown { .. } => Hold::Resuming,
            other => Hold::Failed(other.words()),
        };
        if live.hold == Hold::Applied {
            self.arm_renew(turn);
        }
        if !self.conclude_if_told(turn) {
            self.inquire(turn);
        }
    }
}

impl Outcome {
    /// In words, for people.
    pub(super) fn words(self) -> String {
        match self {
            Self::Refused { reason } | Self::Unreachable { reason } | Self::Unknown { reason } => reason,
            Self::Stale { what } => format!("moved on: {what}"),
            Self::Foreign { what } => format!("a stranger's work is in the way: {what}"),
            Self::Busy { holder } => format!("held by {holder}"),
            Self::Stands {
                standing: Standing::Untouched,
            } => "the change is not in effect".to_owned(),
            Self::Stands { standing } => format!("read back as {standing:?}").to_lowercase(),
            Self::Staged { .. } | Self::Applied | Self::Renewed | Self::Confirmed { .. } | Self::Reverted => {
                "answered to another question".to_owned()
            }
        }
    }
}
