//! Processes, their journals and the network between them: one state of the space.

use crate::device::Device;
use simulation::planted::planted;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use transaction::coordinator::{self, Coordinator};
use transaction::participant::{self, Outcome, Participant};
use transaction::{
    Answer, Charge, CoordinatorRecord, Decision, Demand, DeviceId, Ending, Epoch, Gate, Inquiry, Member, Moment, Order,
    ParticipantRecord, Reply, Request, Standing, Terms, TransactionId,
};

const T: TransactionId = TransactionId(1);
const NOW: Moment = Moment(0);

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Message {
    Down(Request<u8>),
    Up(Reply),
    Ask(Inquiry),
}

/// Messages on their way, each once, in an order that is the same in equal states.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Network(BTreeMap<u64, Message>);

impl Network {
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        self.0.values()
    }

    fn insert(&mut self, message: Message) -> bool {
        self.0.insert(message.place(), message).is_none()
    }

    fn remove(&mut self, message: &Message) {
        self.0.remove(&message.place());
    }
}

impl Message {
    fn place(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// Most messages stay on their way for ever: each may arrive late, never, or any number of times. Only those whose
    /// every arrival makes something new arrive once, so that the space is finite.
    fn is_consumed(&self) -> bool {
        match self {
            Self::Down(request) => matches!(request.order, Order::Renew { .. }),
            Self::Up(reply) => matches!(reply.answer, Answer::Deferred { .. }),
            Self::Ask(_) => true,
        }
    }
}

/// A coordinator, or nothing where it has died or was fenced.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leader {
    pub machine: Option<Coordinator<u8>>,
    pub epoch: Epoch,
    pub timers: BTreeSet<coordinator::Timer>,
}

/// An agent with its device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Agent {
    pub machine: Participant<u8>,
    pub journal: Vec<ParticipantRecord<u8>>,
    /// Records at its end that a power cut would take.
    pub unsynced: usize,
    pub timers: BTreeSet<participant::Timer>,
    pub device: Device,
    pub done: Option<(u64, Outcome)>,
    pub highest: Epoch,
}

/// What has gone wrong so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Spent {
    pub crashes: u8,
    pub take_overs: u8,
    pub mishaps: u8,
    pub timers: u8,
}

/// One state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub coordinators: Vec<Leader>,
    pub journal: Vec<CoordinatorRecord<u8>>,
    /// Records at its end that a power cut would take.
    pub unsynced: usize,
    pub agents: Vec<Agent>,
    pub network: Network,
    pub spent: Spent,
    pub told: Vec<Ending>,
    pub heard_confirm: bool,
    /// A Confirm was on record, whether or not it has been forgotten since.
    pub was_confirmed: bool,
    pub is_contradicted: bool,
    pub obeyed_old: bool,
    /// Whether timers can fire in this space; where they cannot, they need not be remembered.
    pub timed: bool,
}

impl Agent {
    /// How the part ended, as far as that is durable.
    pub fn end(&self) -> Option<Standing> {
        self.journal.iter().rev().find_map(|it| match it {
            ParticipantRecord::Ended { standing, .. } => Some(*standing),
            ParticipantRecord::Pending { .. } | ParticipantRecord::Raised { .. } => None,
        })
    }
}

impl State {
    pub fn new(devices: Vec<Device>, timed: bool) -> Self {
        let agent = |(at, device): (usize, Device)| Agent {
            machine: Participant::new(DeviceId(at as u128)),
            journal: Vec::new(),
            unsynced: 0,
            timers: BTreeSet::new(),
            device,
            done: None,
            highest: Epoch(0),
        };
        let charge = charge(devices.len());
        let machine = Some(Coordinator::new(charge, Epoch(1)));
        let mut state = Self {
            coordinators: vec![Leader {
                machine,
                epoch: Epoch(1),
                timers: BTreeSet::new(),
            }],
            journal: Vec::new(),
            unsynced: 0,
            agents: devices.into_iter().enumerate().map(agent).collect(),
            network: Network::default(),
            spent: Spent::default(),
            told: Vec::new(),
            heard_confirm: false,
            was_confirmed: false,
            is_contradicted: false,
            obeyed_old: false,
            timed,
        };
        state.lead(0, coordinator::Input::Begin, None);
        state
    }

    pub fn has(&self, standing: Standing) -> bool {
        self.agents.iter().any(|it| it.end() == Some(standing))
    }

    pub fn everybody_ended(&self) -> bool {
        self.agents.iter().all(|it| it.end().is_some())
    }

    pub fn decided_confirm(&self) -> bool {
        self.journal.iter().any(|it| {
            matches!(
                it,
                CoordinatorRecord::Decided {
                    decision: Decision::Confirm,
                    ..
                }
            )
        })
    }

    pub fn is_leaderless(&self) -> bool {
        self.coordinators.iter().all(|it| it.machine.is_none()) && !self.is_settled()
    }

    fn is_settled(&self) -> bool {
        self.told.iter().any(|it| !matches!(it, Ending::Torn { .. }))
    }

    fn lease(&self) -> Epoch {
        self.coordinators.iter().map(|it| it.epoch).max().unwrap_or(Epoch(0))
    }

    pub fn receivers(&self, message: &Message) -> Vec<usize> {
        match message {
            Message::Down(request) => vec![usize::try_from(request.device.0).unwrap_or(0)],
            Message::Up(_) | Message::Ask(_) => (0..self.coordinators.len()).collect(),
        }
    }

    pub fn deliver(&mut self, message: &Message, to: usize, cut: Option<usize>) -> bool {
        if message.is_consumed() {
            self.network.remove(message);
        }
        match message {
            Message::Down(request) => {
                let old = request.epoch < self.agents[to].highest;
                self.follow(to, participant::Input::Request(request.clone()), cut, old)
            }
            Message::Up(reply) => self.lead(to, coordinator::Input::Reply(reply.clone()), cut),
            Message::Ask(inquiry) if self.coordinators[to].machine.is_some() => {
                self.lead(to, coordinator::Input::Asked(*inquiry), cut)
            }
            Message::Ask(inquiry) => {
                // Who leads and knows nothing of it presumes an abort.
                let epoch = self.coordinators[to].epoch;
                let knows = self.journal.iter().any(|it| it.transaction() == T) && !self.is_settled();
                if knows || epoch != self.lease() {
                    return false;
                }
                self.network.insert(Message::Down(inquiry.presumed(epoch)))
            }
        }
    }

    pub fn finish(&mut self, at: usize, cut: Option<usize>) -> bool {
        let Some((operation, outcome)) = self.agents[at].done.take() else {
            return false;
        };
        self.follow(at, participant::Input::Done { operation, outcome }, cut, false)
    }

    pub fn loses_outcome(&mut self, at: usize) -> bool {
        self.spent.mishaps += 1;
        let agent = &mut self.agents[at];
        agent.device.drops();
        if let Some((_, outcome)) = &mut agent.done {
            *outcome = Outcome::Unknown { reason: String::new() };
        }
        true
    }

    pub fn coordinator_fires(&mut self, at: usize, timer: coordinator::Timer) -> bool {
        self.spent.timers += 1;
        self.coordinators[at].timers.remove(&timer);
        self.lead(at, coordinator::Input::Fired(timer), None)
    }

    pub fn participant_fires(&mut self, at: usize, timer: participant::Timer) -> bool {
        self.spent.timers += 1;
        self.agents[at].timers.remove(&timer);
        self.follow(at, participant::Input::Fired(timer), None, false)
    }

    pub fn take_over(&mut self) -> bool {
        if self.is_settled() || self.coordinators.len() > 2 {
            return false;
        }
        self.spent.take_overs += 1;
        let epoch = Epoch(self.lease().0 + 1);
        self.coordinators.push(Leader {
            machine: None,
            epoch,
            timers: BTreeSet::new(),
        });
        let at = self.coordinators.len() - 1;
        if let Some((machine, effects)) = Coordinator::recover(&self.journal, epoch, NOW) {
            self.coordinators[at].machine = Some(machine);
            self.perform(at, effects, None);
        }
        true
    }

    /// A step of a coordinator, cut short by its death after so many effects. False: the cut changes nothing.
    fn lead(&mut self, at: usize, input: coordinator::Input, cut: Option<usize>) -> bool {
        let Some(machine) = &mut self.coordinators[at].machine else {
            return false;
        };
        let effects = machine.step(input, NOW);
        self.perform(at, effects, cut)
    }

    fn perform(&mut self, at: usize, effects: Vec<coordinator::Effect<u8>>, cut: Option<usize>) -> bool {
        if cut.is_some_and(|it| it > effects.len()) {
            return false;
        }
        for effect in effects.into_iter().take(cut.unwrap_or(usize::MAX)) {
            if !self.act(at, effect) {
                self.coordinators[at].machine = None;
                return true;
            }
        }
        if planted("send-before-sync") && cut.is_none() {
            self.unsynced = 0;
        }
        if cut.is_some() {
            self.spent.crashes += 1;
            self.journal.truncate(self.journal.len() - self.unsynced);
            self.unsynced = 0;
            self.coordinators[at].machine = None;
            self.coordinators[at].timers.clear();
        }
        true
    }

    /// One effect. False: this coordinator is fenced.
    fn act(&mut self, at: usize, effect: coordinator::Effect<u8>) -> bool {
        match effect {
            coordinator::Effect::Record(record) => {
                if self.coordinators[at].epoch < self.lease() {
                    return false;
                }
                self.note(&record);
                self.journal.push(record);
                self.unsynced += usize::from(planted("no-sync") || planted("send-before-sync"));
            }
            coordinator::Effect::Send(request) => {
                self.heard_confirm |= matches!(request.order, Order::Confirm { .. });
                self.network.insert(Message::Down(request));
            }
            coordinator::Effect::Arm { timer, .. } if self.timed => drop(self.coordinators[at].timers.insert(timer)),
            coordinator::Effect::Disarm(timer) => drop(self.coordinators[at].timers.remove(&timer)),
            coordinator::Effect::Settled(settlement) => {
                self.is_contradicted |= self.told.iter().any(|it| *it != settlement.ending);
                self.told = vec![settlement.ending];
            }
            coordinator::Effect::Forget => {
                self.journal.clear();
                self.unsynced = 0;
            }
            coordinator::Effect::Arm { .. }
            | coordinator::Effect::Gate { .. }
            | coordinator::Effect::Progress(_)
            | coordinator::Effect::Release { .. }
            | coordinator::Effect::Repaired { .. } => {}
        }
        true
    }

    fn note(&mut self, record: &CoordinatorRecord<u8>) {
        if let CoordinatorRecord::Decided { decision, .. } = record {
            let other = |it: &CoordinatorRecord<u8>| matches!(it, CoordinatorRecord::Decided { decision: was, .. } if was != decision);
            self.is_contradicted |= self.journal.iter().any(other);
            self.was_confirmed |= *decision == Decision::Confirm;
        }
    }

    /// A step of a participant, cut short by its death after so many effects; it comes back at once.
    fn follow(&mut self, at: usize, input: participant::Input<u8>, cut: Option<usize>, old: bool) -> bool {
        let effects = self.agents[at].machine.step(input, NOW);
        if cut.is_some_and(|it| it > effects.len()) {
            return false;
        }
        self.obeyed_old |= old && !effects.iter().all(|it| matches!(it, participant::Effect::Reply(_)));
        for effect in effects.into_iter().take(cut.unwrap_or(usize::MAX)) {
            self.obey(at, effect);
        }
        if cut.is_some() {
            self.spent.crashes += 1;
            self.revive(at);
        }
        true
    }

    fn revive(&mut self, at: usize) {
        let agent = &mut self.agents[at];
        agent.journal.truncate(agent.journal.len() - agent.unsynced);
        agent.unsynced = 0;
        agent.done = None;
        agent.timers.clear();
        agent.device.drops();
        let (machine, effects) = Participant::recover(DeviceId(at as u128), &agent.journal, NOW);
        agent.machine = machine;
        for effect in effects {
            self.obey(at, effect);
        }
    }

    fn obey(&mut self, at: usize, effect: participant::Effect<u8>) {
        let agent = &mut self.agents[at];
        match effect {
            participant::Effect::Record(record) => {
                agent.journal.push(record);
                agent.unsynced += usize::from(planted("no-sync"));
            }
            participant::Effect::Device { operation, work } => {
                let outcome = agent.device.does(&work);
                agent.done = Some((operation, outcome));
            }
            participant::Effect::Reply(reply) => {
                if !matches!(reply.answer, Answer::Superseded { .. }) {
                    agent.highest = agent.highest.max(reply.epoch);
                }
                self.network.insert(Message::Up(reply));
            }
            participant::Effect::Inquire(inquiry) => drop(self.network.insert(Message::Ask(inquiry))),
            participant::Effect::Arm { timer, .. } if self.timed => drop(agent.timers.insert(timer)),
            participant::Effect::Arm { .. } => {}
            participant::Effect::Disarm(timer) => drop(agent.timers.remove(&timer)),
        }
    }
}

fn charge(participants: usize) -> Charge<u8> {
    let member = |at: usize| Member {
        device: DeviceId(at as u128),
        change: 7,
        demand: Demand::Any,
        wave: 0,
        debts: Vec::new(),
    };
    Charge {
        transaction: T,
        intents: Vec::new(),
        comment: String::new(),
        members: (0..participants).map(member).collect(),
        gate: Gate::None,
        terms: Terms::default(),
    }
}
