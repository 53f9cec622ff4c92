//! Agents: the driver of a participant. It performs effects in order and decides nothing.

use super::{Event, Up, World, short};
use crate::change::Change;
use crate::disk::Journal;
use crate::points;
use std::collections::{BTreeMap, VecDeque};
use transaction::participant::{Effect, Input, Outcome, Participant, Timer};
use transaction::{Answer, DeviceId, ParticipantRecord, Reply, Request, Standing, Step, TransactionId};

/// One agent, with one device.
#[derive(Debug)]
pub(super) struct Agent {
    pub device: DeviceId,
    pub alive: bool,
    /// Away for an outage: not restarted before its end.
    pub gone: bool,
    pub life: u32,
    pub participant: Participant<Change>,
    pub journal: Journal<ParticipantRecord<Change>>,
    pub timers: BTreeMap<Timer, u64>,
    pub session: Option<u32>,
    pub operation: Option<u64>,
}

impl Agent {
    pub fn new(device: DeviceId) -> Self {
        Self {
            device,
            alive: true,
            gone: false,
            life: 0,
            participant: Participant::new(device),
            journal: Journal::default(),
            timers: BTreeMap::new(),
            session: None,
            operation: None,
        }
    }
}

impl World {
    pub(super) fn agent_hears(&mut self, at: usize, request: Request<Change>) {
        if !self.agents[at].alive {
            return;
        }
        let part = (request.transaction, request.device);
        let old = self.ledger.is_old(part, request.epoch);
        self.maybe_lie(at, &request);
        let effects = self.agent_step(at, Input::Request(request.clone()));
        let refuses =
            |it: &Effect<Change>| matches!(it, Effect::Reply(it) if matches!(it.answer, Answer::Superseded { .. }));
        if old && !effects.iter().all(refuses) {
            let seen = format!("{} listened to {} after a higher one", request.device, request.epoch);
            self.ledger.breaks("fencing", seen);
        }
        self.agent_acts(at, effects);
    }

    pub(super) fn agent_step(&mut self, at: usize, input: Input<Change>) -> Vec<Effect<Change>> {
        let now = self.moment();
        self.agents[at].participant.step(input, now)
    }

    pub(super) fn agent_timer(&mut self, at: usize, life: u32, timer: Timer, arming: u64) {
        let agent = &mut self.agents[at];
        if !agent.alive || agent.life != life || agent.timers.get(&timer) != Some(&arming) {
            return;
        }
        agent.timers.remove(&timer);
        let effects = self.agent_step(at, Input::Fired(timer));
        self.agent_acts(at, effects);
    }

    pub(super) fn operation_done(&mut self, at: usize, life: u32, operation: u64, outcome: Outcome) {
        let agent = &mut self.agents[at];
        if !agent.alive || agent.life != life || agent.operation != Some(operation) {
            return;
        }
        agent.operation = None;
        self.say(|| format!("d{at} answers operation {operation}: {outcome:?}"));
        let effects = self.agent_step(at, Input::Done { operation, outcome });
        self.agent_acts(at, effects);
    }

    /// Performs effects in order; between any two the agent may be killed.
    pub(super) fn agent_acts(&mut self, at: usize, effects: Vec<Effect<Change>>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            if self.is_killed_at(points::of_act(&effect)) {
                return self.kill_agent(at);
            }
            match effect {
                Effect::Record(record) => {
                    let sync = points::of_mark(&record).1;
                    self.agents[at].journal.append(record);
                    if self.is_killed_at(sync) {
                        return self.kill_agent(at);
                    }
                    self.agents[at].journal.sync();
                }
                Effect::Device { operation, work } => self.operate(at, operation, work),
                Effect::Reply(reply) => self.agent_replies(at, reply),
                Effect::Inquire(inquiry) => self.send_up(at, &Up::Inquiry(inquiry)),
                Effect::Arm { timer, after } => self.arm_agent(at, timer, after),
                Effect::Disarm(timer) => {
                    self.agents[at].timers.remove(&timer);
                }
            }
        }
        if self.is_killed_at("participant: after the last effect") {
            self.kill_agent(at);
        }
    }

    fn arm_agent(&mut self, at: usize, timer: Timer, after: std::time::Duration) {
        let after = self.skewed(after);
        let (arming, life) = (self.sequence, self.agents[at].life);
        self.agents[at].timers.insert(timer, arming);
        self.schedule(
            after,
            Event::AgentTimer {
                agent: at,
                life,
                timer,
                arming,
            },
        );
    }

    fn agent_replies(&mut self, at: usize, reply: Reply) {
        let part = (reply.transaction, reply.device);
        let promises_nothing = matches!(
            reply.answer,
            Answer::Superseded { .. } | Answer::Deferred { .. } | Answer::Unknown
        );
        if !promises_nothing {
            self.ledger.answers(part, reply.epoch);
        }
        let standing = match (reply.step, &reply.answer) {
            (Step::Confirm | Step::Revert, Answer::Confirmed) => Some(Standing::Confirmed),
            (Step::Confirm | Step::Revert, Answer::Reverted) => Some(Standing::Untouched),
            _ => None,
        };
        if let Some(standing) = standing {
            let truly = self.stands_truly(at, reply.transaction, standing);
            let durable = self.agents[at].journal.is_durable(|it| is_end(it, reply.transaction));
            self.ledger.ends(part, standing, truly, durable);
        }
        self.send_up(at, &Up::Reply(reply));
    }

    /// Whether the device is where the agent says, as far as nobody else has been at it.
    fn stands_truly(&self, at: usize, transaction: TransactionId, standing: Standing) -> bool {
        use crate::change::{Image, Path};
        let device = &self.devices[at];
        let id = self.agents[at].device;
        let Some(change) = self.changes.get(&(transaction, id)) else {
            return true;
        };
        let edited = |path: &Path| self.ledger.edited.iter().any(|(it, of, _)| *it == id && of == path);
        if change.edits.keys().any(edited) {
            return true;
        }
        let wanted = if standing == Standing::Confirmed {
            Image::After
        } else {
            Image::Before
        };
        let pending = device.pending.as_ref().is_some_and(|it| it.persist == transaction);
        change.image(|it| device.read(it)) == wanted && !pending
    }

    pub(super) fn kill_agent(&mut self, at: usize) {
        self.say(|| format!("agent {at} is killed"));
        let power_cut = self.chance.permille(500);
        let agent = &mut self.agents[at];
        agent.alive = false;
        agent.life += 1;
        agent.timers.clear();
        agent.operation = None;
        if power_cut {
            agent.journal.cut(&mut self.chance);
        }
        let dies = self.chance.below(5_000);
        if let Some(session) = agent.session.take() {
            self.schedule(dies, Event::SessionDies { device: at, session });
        }
        if self.weather.operator > 0 && self.chance.permille(800) {
            let after = dies + self.chance.between(1, 3_000);
            self.schedule(after, Event::OperatorSeesItFree(at));
        }
        if !self.agents[at].gone {
            let after = self.chance.between(200, 20_000);
            self.schedule(after, Event::RestartAgent(at));
        }
    }

    pub(super) fn restart_agent(&mut self, at: usize) {
        if self.agents[at].alive || self.agents[at].gone {
            return;
        }
        self.say(|| format!("agent {at} comes back"));
        let now = self.moment();
        let agent = &mut self.agents[at];
        agent.alive = true;
        agent.journal.open();
        let (participant, effects) = Participant::recover(agent.device, &agent.journal.records(), now);
        agent.participant = participant;
        if let Some((transaction, _)) = agent.participant.live() {
            self.say(|| format!("agent {at} remembers {}", short(transaction)));
        }
        self.agent_acts(at, effects);
    }
}

fn is_end(record: &ParticipantRecord<Change>, of: TransactionId) -> bool {
    matches!(record, ParticipantRecord::Ended { transaction, .. } if *transaction == of)
}
