//! Operations on their way to a device and back, and what befalls them.

use super::{Acting, Event, World};
use crate::adapter::{Act, Trace};
use crate::change::Change;
use crate::points;
use crate::respect;
use crate::weather::{MISHAPS, Mishap};
use transaction::participant::{Operation, Outcome};
use transaction::{ParticipantRecord, Taken, TransactionId};

/// How long a driver waits for one operation.
const DEADLINE: u64 = 10_000;

impl World {
    pub(super) fn operate(&mut self, at: usize, operation: u64, work: Operation<Change>) {
        let Some((transaction, _)) = self.agents[at].participant.live() else {
            return;
        };
        let life = self.agents[at].life;
        self.agents[at].operation = Some(operation);
        let latency = self.chance.between(5, 60);
        let point = points::of_operation(&work);
        self.say(|| {
            format!(
                "d{at} operation {operation}: {}",
                point.trim_start_matches("participant: ")
            )
        });
        if !self.devices[at].up {
            let outcome = Outcome::Unreachable {
                reason: "no answer".to_owned(),
            };
            return self.schedule(
                latency,
                Event::OperationDone {
                    agent: at,
                    life,
                    operation,
                    outcome,
                },
            );
        }
        let session = self.session(at);
        self.devices[at].in_flight.insert(session);
        let troubled = self.now < self.weather.end && self.chance.permille(self.weather.mishaps);
        let mishap = troubled.then(|| self.chance.pick(&MISHAPS));
        if let Some(mishap) = mishap {
            self.mishaps.insert((mishap, point));
            self.say(|| format!("d{at} mishap: {mishap:?}"));
        }
        self.schedule(
            DEADLINE,
            Event::OperationLate {
                agent: at,
                life,
                operation,
            },
        );
        let acts = match mishap {
            Some(Mishap::Hang) => return,
            Some(Mishap::Late) => DEADLINE + self.chance.below(4_000),
            Some(_) | None => latency,
        };
        let acting = Acting {
            agent: at,
            life,
            operation,
            session,
            transaction,
            work,
            mishap,
        };
        self.schedule(acts, Event::OperationActs(Box::new(acting)));
    }

    /// The session of this agent, a new one if the old one is dead.
    fn session(&mut self, at: usize) -> u32 {
        let device = &mut self.devices[at];
        let alive = self.agents[at].session.filter(|it| device.sessions.contains(it));
        let session = alive.unwrap_or_else(|| device.open());
        self.agents[at].session = Some(session);
        session
    }

    pub(super) fn operation_acts(&mut self, acting: Acting) {
        let at = acting.agent;
        let device = &mut self.devices[at];
        device.in_flight.remove(&acting.session);
        if !device.up || !device.sessions.contains(&acting.session) {
            return self.answer(
                &acting,
                Outcome::Unknown {
                    reason: "the session is gone".to_owned(),
                },
            );
        }
        match acting.mishap {
            Some(Mishap::DropBefore) => {
                device.close(acting.session);
                return self.answer(
                    &acting,
                    Outcome::Unknown {
                        reason: "the session dropped".to_owned(),
                    },
                );
            }
            Some(Mishap::RebootBefore) => {
                device.reboot();
                self.note_reboot(at);
                return self.answer(
                    &acting,
                    Outcome::Unknown {
                        reason: "the device rebooted".to_owned(),
                    },
                );
            }
            Some(Mishap::Refuse) if !self.refuses_by_lines(&acting) => {
                return self.answer(
                    &acting,
                    Outcome::Refused {
                        reason: "the device said no".to_owned(),
                    },
                );
            }
            Some(
                Mishap::Refuse
                | Mishap::Hang
                | Mishap::DropAfter
                | Mishap::Late
                | Mishap::RebootAfter
                | Mishap::CannotSave,
            )
            | None => {}
        }
        let outcome = self.act(&acting);
        let device = &mut self.devices[at];
        let lost = Outcome::Unknown {
            reason: "the session dropped".to_owned(),
        };
        match acting.mishap {
            Some(Mishap::DropAfter) => device.close(acting.session),
            Some(Mishap::RebootAfter) => {
                device.reboot();
                self.note_reboot(at);
            }
            Some(Mishap::Late) => return,
            Some(Mishap::Refuse | Mishap::Hang | Mishap::DropBefore | Mishap::RebootBefore | Mishap::CannotSave)
            | None => return self.answer(&acting, outcome),
        }
        self.answer(&acting, lost);
    }

    fn refuses_by_lines(&self, acting: &Acting) -> bool {
        let lines = self.devices[acting.agent].class.taken() == Taken::ByLines;
        lines && matches!(acting.work, Operation::Apply { .. })
    }

    fn act(&mut self, acting: &Acting) -> Outcome {
        let at = acting.agent;
        let refused = acting.mishap == Some(Mishap::Refuse);
        let lines = refused.then(|| usize::try_from(self.chance.below(2)).unwrap_or(0));
        let mut act = Act {
            device: &mut self.devices[at],
            session: acting.session,
            transaction: acting.transaction,
            lines,
            cannot_save: acting.mishap == Some(Mishap::CannotSave),
            trace: Trace::default(),
        };
        let before = act.device.clone();
        let outcome = act.perform(&acting.work);
        let trace = act.trace;
        let seen = respect::unnamed(&before, &self.devices[at], acting.work.change(), &trace.named);
        if let Some(seen) = seen {
            self.ledger.breaks("respect", format!("device {at}: {seen}"));
        }
        self.note(acting, &outcome, &trace);
        outcome
    }

    fn note_reboot(&mut self, at: usize) {
        let id = self.agents[at].device;
        self.ledger.rebooted.push((id, self.now));
    }

    fn note(&mut self, acting: &Acting, outcome: &Outcome, trace: &Trace) {
        let (at, transaction) = (acting.agent, acting.transaction);
        let part = (transaction, self.agents[at].device);
        if matches!(outcome, Outcome::Staged { .. }) {
            self.ledger.staged.insert(part);
        }
        if trace.applied {
            let recorded = self.agents[at].journal.is_durable(|it| is_pending(it, transaction));
            self.ledger.applies(part, recorded);
            self.ledger.suffices(part, self.devices[at].class);
        }
        if trace.confirmed {
            self.ledger.confirms(part);
        }
        if let Some((armed, lease)) = trace.armed {
            let after = self.skewed(std::time::Duration::from_millis(lease));
            self.schedule(after, Event::DeviceTimer { device: at, armed });
        }
    }

    fn answer(&mut self, acting: &Acting, outcome: Outcome) {
        let Acting {
            agent, life, operation, ..
        } = *acting;
        let after = self.chance.between(2, 30);
        self.schedule(
            after,
            Event::OperationDone {
                agent,
                life,
                operation,
                outcome,
            },
        );
    }

    /// The driver's deadline: the outcome is unknown, the session is closed, though it may not die at once.
    pub(super) fn operation_late(&mut self, at: usize, life: u32, operation: u64) {
        let agent = &mut self.agents[at];
        if !agent.alive || agent.life != life || agent.operation != Some(operation) {
            return;
        }
        if let Some(session) = agent.session.take() {
            let after = self.chance.below(5_000);
            self.schedule(after, Event::SessionDies { device: at, session });
        }
        let outcome = Outcome::Unknown {
            reason: "no answer in 10 s".to_owned(),
        };
        self.operation_done(at, life, operation, outcome);
    }

    pub(super) fn device_timer(&mut self, at: usize, armed: u32) {
        if self.devices[at].expire(armed) {
            self.say(|| format!("d{at} takes the change back by itself"));
        }
    }
}

fn is_pending(record: &ParticipantRecord<Change>, of: TransactionId) -> bool {
    matches!(record, ParticipantRecord::Pending { transaction, .. } if *transaction == of)
}
