//! One agent with its device, and one leader, each stepped alone: what comes of an input depends on nothing else.

use crate::device::Device;
use simulation::planted::planted;
use std::collections::BTreeSet;
use transaction::coordinator::{self, Coordinator};
use transaction::participant::{self, Effect, Outcome, Participant};
use transaction::{
    Answer, CoordinatorRecord, DeviceId, Ending, Epoch, Inquiry, Moment, ParticipantRecord, Reply, Request, Standing,
};

pub const NOW: Moment = Moment(0);
/// Every agent calls its own device so: which it is among the others matters to leaders only.
pub const MINE: DeviceId = DeviceId(0);

/// A message on its way between one agent and whoever leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Message {
    Down(Request<u8>),
    Up(Reply),
    Ask(Inquiry),
}

impl Message {
    /// Most messages stay on their way for ever: each may arrive late, never, or any number of times. Only those whose
    /// every arrival makes something new arrive once, so that the space is finite.
    pub fn is_consumed(&self) -> bool {
        match self {
            Self::Down(request) => matches!(request.order, transaction::Order::Renew { .. }),
            Self::Up(reply) => matches!(reply.answer, Answer::Deferred { .. }),
            Self::Ask(_) => true,
        }
    }
}

/// What an agent can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// This message, by number.
    Hears(u8),
    /// The operation under way is over.
    Finishes,
    /// What came of the operation under way is not known, and its session is gone.
    LosesOutcome,
    /// The device takes the change back.
    TakesBack,
    /// This timer fires.
    Fired(participant::Timer),
}

/// Where a step may be cut short by a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cuts {
    /// Nowhere.
    None,
    /// Where it makes a difference: before a record, before an operation or an ending, and after the last effect. A death
    /// between two sends is one after both, with the second lost.
    Telling,
    /// Between any two effects.
    Everywhere,
}

/// An agent with its device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Agent {
    machine: Participant<u8>,
    journal: Vec<ParticipantRecord<u8>>,
    /// Records at its end that a power cut would take.
    unsynced: usize,
    pub timers: BTreeSet<participant::Timer>,
    timed: bool,
    pub device: Device,
    pub done: Option<(u64, Outcome)>,
    highest: Epoch,
    /// It died once.
    pub died: bool,
    /// It obeyed an older epoch than one that it had answered.
    pub obeyed_old: bool,
}

/// What may come of one input: the agent afterwards, and what it said.
pub type Came = (Agent, Vec<Message>);

impl Agent {
    pub fn new(device: Device, timed: bool) -> Self {
        Self {
            machine: Participant::new(MINE),
            journal: Vec::new(),
            unsynced: 0,
            timers: BTreeSet::new(),
            timed,
            device,
            done: None,
            highest: Epoch(0),
            died: false,
            obeyed_old: false,
        }
    }

    /// How the part ended, as far as that is durable.
    pub fn end(&self) -> Option<Standing> {
        self.journal.iter().rev().find_map(|it| match it {
            ParticipantRecord::Ended { standing, .. } => Some(*standing),
            ParticipantRecord::Pending { .. } | ParticipantRecord::Raised { .. } => None,
        })
    }

    /// Whether nothing is under way here, and nothing held.
    pub fn is_free(&self) -> bool {
        self.machine.live().is_none() && !self.device.staged && !self.device.pending
    }

    /// What tells this agent from others in anything that may come. The numbers of operations and questions only tell
    /// the next from the last, and of the journal counts what it recovers to.
    pub fn name(&self) -> String {
        let recovered = (self.unsynced == 0).then(|| Participant::recover(MINE, &self.journal, NOW).0);
        let journal = recovered.is_none().then_some(&self.journal);
        let done = self.done.as_ref().map(|(_, outcome)| outcome);
        let rest = (
            &self.timers,
            &self.device,
            done,
            self.highest,
            self.died,
            self.obeyed_old,
            self.end(),
        );
        without_numbers(&format!("{:?} {recovered:?} {journal:?} {rest:?}", self.machine))
    }

    /// Everything that may come of this input: the whole step first, then each step that is cut short.
    pub fn step(mut self, input: &participant::Input<u8>, cuts: Cuts) -> Vec<Came> {
        let before = self.clone();
        let effects = self.machine.step(input.clone(), NOW);
        let old = matches!(input, participant::Input::Request(it) if it.epoch < self.highest);
        self.obeyed_old |= old && !effects.iter().all(|it| matches!(it, Effect::Reply(_)));
        let stepped = self.clone();
        let (mut said, mut came) = (Vec::new(), Vec::new());
        effects.iter().for_each(|it| self.obey(it.clone(), &mut said));
        came.push((self, said));
        if !before.died {
            for cut in places(&effects, cuts, |it| {
                matches!(it, Effect::Record(_) | Effect::Device { .. })
            }) {
                let (mut agent, mut said) = (stepped.clone(), Vec::new());
                effects[..cut].iter().for_each(|it| agent.obey(it.clone(), &mut said));
                agent.revive(&mut said);
                came.push((agent, said));
            }
        }
        came
    }

    /// It dies, and comes back at once.
    fn revive(&mut self, said: &mut Vec<Message>) {
        self.died = true;
        self.journal.truncate(self.journal.len() - self.unsynced);
        self.unsynced = 0;
        self.done = None;
        self.timers.clear();
        self.device.drops();
        let (machine, effects) = Participant::recover(MINE, &self.journal, NOW);
        self.machine = machine;
        for effect in effects {
            self.obey(effect, said);
        }
    }

    fn obey(&mut self, effect: Effect<u8>, said: &mut Vec<Message>) {
        match effect {
            Effect::Record(record) => {
                self.journal.push(record);
                self.unsynced += usize::from(planted("no-sync"));
            }
            Effect::Device { operation, work } => self.done = Some((operation, self.device.does(&work))),
            Effect::Reply(reply) => {
                // "Not yet" and "unknown" promise nothing, and may be forgotten with who said them.
                if !matches!(
                    reply.answer,
                    Answer::Superseded { .. } | Answer::Deferred { .. } | Answer::Unknown
                ) {
                    self.highest = self.highest.max(reply.epoch);
                }
                said.push(Message::Up(reply));
            }
            Effect::Inquire(inquiry) => said.push(Message::Ask(inquiry)),
            Effect::Arm { timer, .. } if self.timed => drop(self.timers.insert(timer)),
            Effect::Arm { .. } => {}
            Effect::Disarm(timer) => drop(self.timers.remove(&timer)),
        }
    }
}

/// The same text without the numbers of operations and questions.
fn without_numbers(text: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = text;
    let marks = ["operations: ", "asks: ", "work: Some(("];
    while let Some((at, mark)) = marks.iter().filter_map(|it| Some((rest.find(it)?, it))).min() {
        let (before, after) = rest.split_at(at + mark.len());
        parts.push(before);
        rest = after.trim_start_matches(|it: char| it.is_ascii_digit());
    }
    parts.push(rest);
    parts.concat()
}

/// After how many of these effects a death may cut them short.
pub fn places<E>(effects: &[E], cuts: Cuts, tells: impl Fn(&E) -> bool) -> Vec<usize> {
    let before = (0..effects.len()).filter(|at| cuts == Cuts::Everywhere || tells(&effects[*at]));
    match cuts {
        Cuts::None => Vec::new(),
        Cuts::Telling | Cuts::Everywhere => before.chain([effects.len()]).collect(),
    }
}

/// One who leads.
#[derive(Debug, Clone)]
pub struct Leader {
    pub machine: Coordinator<u8>,
    pub timers: BTreeSet<coordinator::Timer>,
}

/// What a leader does that others notice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Does {
    Records(CoordinatorRecord<u8>),
    Says {
        to: usize,
        message: Message,
    },
    Settles(Ending),
    Forgets,
    /// Anything else: a death may come before it and after it.
    Else,
}

impl Leader {
    pub fn step(&mut self, input: coordinator::Input, timed: bool) -> Vec<Does> {
        let effects = self.machine.step(input, NOW);
        if effects
            .iter()
            .any(|it| matches!(it, coordinator::Effect::Verify { .. }))
        {
            // Nobody lies in this space, so the journal says the same.
            return self.step(coordinator::Input::Fenced, timed);
        }
        self.does(effects, timed)
    }

    pub fn does(&mut self, effects: Vec<coordinator::Effect<u8>>, timed: bool) -> Vec<Does> {
        effects.into_iter().map(|it| self.perform(it, timed)).collect()
    }

    fn perform(&mut self, effect: coordinator::Effect<u8>, timed: bool) -> Does {
        match effect {
            coordinator::Effect::Record(record) => return Does::Records(record),
            coordinator::Effect::Send(mut request) => {
                let to = usize::try_from(request.device.0).unwrap_or(0);
                request.device = MINE;
                let message = Message::Down(request);
                return Does::Says { to, message };
            }
            coordinator::Effect::Settled(settlement) => return Does::Settles(settlement.ending),
            coordinator::Effect::Forget => return Does::Forgets,
            coordinator::Effect::Arm { timer, .. } if timed => drop(self.timers.insert(timer)),
            coordinator::Effect::Disarm(timer) => drop(self.timers.remove(&timer)),
            coordinator::Effect::Arm { .. }
            | coordinator::Effect::Gate { .. }
            | coordinator::Effect::Progress(_)
            | coordinator::Effect::Release { .. }
            | coordinator::Effect::Repaired { .. }
            | coordinator::Effect::Verify { .. } => {}
        }
        Does::Else
    }
}
