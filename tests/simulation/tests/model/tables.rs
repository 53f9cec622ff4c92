//! Each agent, leader, message and journal that occurs once, by number, and what comes of each input to each: the steps
//! of the machines are taken once, a state of the space is a few numbers.

mod kinds;

pub use kinds::Kind;

use crate::device::Device;
use crate::local::{Agent, Cuts, Does, Input, Leader, MINE, Message, NOW};
use crate::mix::ByMix;
use crate::space::Bounds;
use kinds::{kind, unnamed, whose};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use transaction::coordinator::{self, Coordinator, Phase, Seat, Stand};
use transaction::{
    Answer, Charge, CoordinatorRecord, Decision, Demand, DeviceId, Ending, Epoch, Gate, Member, Reason, Standing, Step,
    Terms, TransactionId, participant,
};

/// Values by number, each once.
#[derive(Debug)]
struct Numbered<K, V> {
    numbers: HashMap<K, u32>,
    values: Vec<V>,
}

impl<K: Hash + Eq, V> Numbered<K, V> {
    fn new() -> Self {
        Self {
            numbers: HashMap::new(),
            values: Vec::new(),
        }
    }

    fn number(&mut self, key: K, value: impl FnOnce() -> V) -> u32 {
        let next = u32::try_from(self.values.len()).unwrap();
        *self.numbers.entry(key).or_insert_with(|| {
            self.values.push(value());
            next
        })
    }

    fn of(&self, number: u32) -> &V {
        &self.values[number as usize]
    }
}

/// What the invariants ask of an agent.
#[derive(Debug, Clone)]
pub struct AgentFacts {
    pub agent: Agent,
    pub end: Option<Standing>,
    pub is_free: bool,
}

/// What telling two leaders apart takes: all but the sequence of their progress, which decides nothing.
type LeaderKey = (Epoch, Phase, Vec<Seat>, BTreeSet<coordinator::Timer>);

/// What is asked of a leader.
#[derive(Debug, Clone)]
pub struct LeaderFacts {
    leader: Leader,
    pub epoch: Epoch,
    pub phase: Phase,
    /// What a permutation of the participants leaves as it is, and what it moves.
    pub core: u64,
    pub seats: Vec<u64>,
    pub reason: u32,
    /// It has decided, and waits for nobody but those who only look on.
    pub waits_for_onlookers: bool,
}

/// One leader's step: who it is afterwards, and what it did.
pub type Led = Arc<(u32, Vec<Does>)>;
/// All that may come of an agent's step: who it is afterwards, and the set of messages it sent.
pub type Followed = Arc<Vec<(u32, u128)>>;

/// Whom a leader hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    From(usize, u8),
    Fired(coordinator::Timer),
}

type Journal = Vec<CoordinatorRecord<u8>>;

/// What is on record, and what is asked of it for every state.
#[derive(Debug)]
pub struct JournalFacts {
    pub records: Journal,
    pub kinds: Vec<Kind>,
    /// Whom an ending on record names, as a set.
    pub torn: u8,
}

/// An ending that was told.
#[derive(Debug)]
pub struct EndingFacts {
    pub ending: Ending,
    pub kind: Kind,
    pub torn: u8,
}

/// Whom this ending names, as a set.
fn torn(ending: &Ending) -> u8 {
    match ending {
        Ending::Torn { devices, .. } => devices.iter().fold(0, |set, it| set | 1 << it.device.0),
        Ending::Committed | Ending::RolledBack { .. } => 0,
    }
}

#[derive(Debug)]
pub struct Tables {
    participants: usize,
    bounds: Bounds,
    agents: Numbered<String, AgentFacts>,
    leaders: Numbered<LeaderKey, LeaderFacts>,
    messages: Numbered<Message, Message>,
    journals: Numbered<Journal, JournalFacts>,
    endings: Numbered<Ending, EndingFacts>,
    reasons: Numbered<Reason, ()>,
    followed: HashMap<(u32, Input, Cuts), Followed, ByMix>,
    led: HashMap<(u32, Word), Led, ByMix>,
    /// Which messages are answers to a leader.
    pub answers: u128,
}

pub const T: TransactionId = TransactionId(1);

impl Tables {
    pub fn new(participants: usize, bounds: Bounds) -> Self {
        let mut journals = Numbered::new();
        let nothing = || JournalFacts {
            records: Vec::new(),
            kinds: Vec::new(),
            torn: 0,
        };
        journals.number(Vec::new(), nothing); // number 0
        Self {
            participants,
            bounds,
            agents: Numbered::new(),
            leaders: Numbered::new(),
            messages: Numbered::new(),
            journals,
            endings: Numbered::new(),
            reasons: Numbered::new(),
            followed: HashMap::default(),
            led: HashMap::default(),
            answers: 0,
        }
    }

    /// The same agent, of which it is not remembered whether it died.
    pub fn without_death(&mut self, number: u32) -> u32 {
        let agent = &self.agents.of(number).agent;
        if !agent.died {
            return number;
        }
        let mut agent = agent.clone();
        agent.died = false;
        self.agent_number(agent)
    }

    pub fn new_agent(&mut self, device: Device) -> u32 {
        self.agent_number(Agent::new(device, self.bounds.timed()))
    }

    /// A coordinator of a new transaction, and what it does first.
    pub fn begin(&mut self) -> (u32, Vec<Does>) {
        let machine = Coordinator::new(charge(self.participants, self.bounds), Epoch(1)).unwrap();
        let timers = BTreeSet::new();
        let mut leader = Leader { machine, timers };
        let does = leader.step(coordinator::Input::Begin, self.bounds.timed());
        (self.leader_number(leader), does)
    }

    /// Who takes over from this journal, and what it does first; none if there is nothing to do.
    pub fn recover(&mut self, journal: u32, epoch: Epoch) -> Option<(u32, Vec<Does>)> {
        let (machine, effects) = Coordinator::recover(&self.journals.of(journal).records, epoch, NOW)?;
        let timers = BTreeSet::new();
        let mut leader = Leader { machine, timers };
        let does = leader.does(effects, self.bounds.timed());
        Some((self.leader_number(leader), does))
    }

    fn agent_number(&mut self, agent: Agent) -> u32 {
        self.agents.number(agent.name(), || AgentFacts {
            end: agent.end(),
            is_free: agent.is_free(),
            agent,
        })
    }

    fn leader_number(&mut self, leader: Leader) -> u32 {
        let (machine, timers) = (&leader.machine, &leader.timers);
        let (phase, seats) = (machine.phase().clone(), machine.seats().to_vec());
        let key = (machine.epoch(), phase.clone(), seats.clone(), timers.clone());
        let core = hash(&(
            kind(&phase),
            timers.iter().filter(|it| whose(it).is_none()).collect::<Vec<_>>(),
        ));
        let seats = seats.into_iter().map(|mut seat| {
            let about: Vec<_> = timers
                .iter()
                .filter(|it| whose(it) == Some(seat.device))
                .copied()
                .map(unnamed)
                .collect();
            seat.device = MINE;
            hash(&(seat, about))
        });
        let seats: Vec<u64> = seats.collect();
        let reason = self.phase_reason(&phase);
        let waits_for_onlookers = waits_for_onlookers(machine);
        self.leaders.number(key, || LeaderFacts {
            waits_for_onlookers,
            epoch: leader.machine.epoch(),
            leader,
            phase,
            core,
            seats,
            reason,
        })
    }

    /// A refusal of an old epoch says the same whatever was asked.
    fn plain(&self, mut message: Message) -> Message {
        if let Message::Up(reply) = &mut message
            && self.bounds.reduced // refusals of old epochs are made equal
            && matches!(reply.answer, Answer::Superseded { .. })
        {
            (reply.step, reply.epoch) = (Step::Inquire, Epoch(1));
        }
        message
    }

    /// The number of a message: at most 128 different ones occur between one agent and whoever leads.
    pub fn message_number(&mut self, message: &Message) -> u8 {
        let number = self.messages.number(message.clone(), || message.clone());
        assert!(number < 128, "more messages than a set has room for");
        self.answers |= u128::from(matches!(message, Message::Up(_))) << number;
        u8::try_from(number).unwrap()
    }

    pub fn message(&self, number: u8) -> &Message {
        self.messages.of(u32::from(number))
    }

    /// Under which epoch this message refuses an older one, if it does.
    pub fn refusal(&self, number: u8) -> Option<Epoch> {
        if let Message::Up(reply) = self.message(number)
            && let Answer::Superseded { by } = reply.answer
        {
            Some(by)
        } else {
            None
        }
    }

    pub fn agent(&self, number: u32) -> &AgentFacts {
        self.agents.of(number)
    }

    pub fn leader(&self, number: u32) -> &LeaderFacts {
        self.leaders.of(number)
    }

    pub fn leader_timers(&self, number: u32) -> &BTreeSet<coordinator::Timer> {
        &self.leaders.of(number).leader.timers
    }

    pub fn journal(&self, number: u32) -> &JournalFacts {
        self.journals.of(number)
    }

    pub fn journal_number(&mut self, journal: Journal) -> u32 {
        let kinds = journal.iter().map(|it| self.record_kind(it)).collect();
        let named = |it: &CoordinatorRecord<u8>| match it {
            CoordinatorRecord::Settled { ending, .. } => torn(ending),
            CoordinatorRecord::Began { .. } | CoordinatorRecord::Decided { .. } | CoordinatorRecord::Cleared { .. } => {
                0
            }
        };
        let torn = journal.iter().fold(0, |set, it| set | named(it));
        self.journals.number(journal.clone(), || JournalFacts {
            records: journal,
            kinds,
            torn,
        })
    }

    pub fn ending(&self, number: u32) -> &EndingFacts {
        self.endings.of(number)
    }

    pub fn ending_number(&mut self, ending: &Ending) -> u32 {
        let kind = self.told_kind(ending);
        self.endings.number(ending.clone(), || EndingFacts {
            ending: ending.clone(),
            kind,
            torn: torn(ending),
        })
    }

    fn reason_number(&mut self, decision: &Decision) -> u32 {
        match decision {
            Decision::Confirm => 0,
            Decision::Revert { reason } => 1 + self.reasons.number(reason.clone(), || ()),
        }
    }

    /// All that may come of this input to this agent.
    pub fn follow(&mut self, agent: u32, input: Input, cuts: Cuts) -> Followed {
        if let Some(known) = self.followed.get(&(agent, input, cuts)) {
            return known.clone();
        }
        let mut it = self.agents.of(agent).agent.clone();
        let came = match input {
            Input::Hears(message) => match self.message(message) {
                Message::Down(request) => it.step(&participant::Input::Request(request.clone()), cuts),
                Message::Up(_) | Message::Ask(_) => Vec::new(),
            },
            Input::Finishes => match it.done.take() {
                Some((operation, outcome)) => it.step(&participant::Input::Done { operation, outcome }, cuts),
                None => Vec::new(),
            },
            Input::Fired(timer) => {
                it.timers.remove(&timer);
                it.step(&participant::Input::Fired(timer), cuts)
            }
            Input::LosesOutcome => {
                it.device.drops();
                if let Some((_, outcome)) = &mut it.done {
                    *outcome = participant::Outcome::Unknown { reason: String::new() };
                }
                vec![(it, Vec::new())]
            }
            Input::TakesBack => {
                it.device.takes_back();
                vec![(it, Vec::new())]
            }
        };
        let numbered = came.into_iter().map(|(agent, said)| {
            let sent = said
                .into_iter()
                .fold(0, |set, it| set | 1 << self.message_number(&self.plain(it)));
            (self.agent_number(agent), sent)
        });
        let followed: Followed = Arc::new(numbered.collect());
        self.followed.insert((agent, input, cuts), followed.clone());
        followed
    }

    /// What comes of this word to this leader.
    pub fn lead(&mut self, leader: u32, word: Word) -> Led {
        if let Some(known) = self.led.get(&(leader, word)) {
            return known.clone();
        }
        let mut it = self.leaders.of(leader).leader.clone();
        let input = match word {
            Word::Fired(timer) => {
                it.timers.remove(&timer);
                coordinator::Input::Fired(timer)
            }
            Word::From(agent, message) => heard(agent, self.message(message)),
        };
        let does = it.step(input, self.bounds.timed());
        let led = Arc::new((self.leader_number(it), does));
        self.led.insert((leader, word), led.clone());
        led
    }
}

/// What a leader is told when this message of this agent arrives.
fn heard(agent: usize, message: &Message) -> coordinator::Input {
    let device = DeviceId(agent as u128);
    match message.clone() {
        Message::Up(reply) => coordinator::Input::Reply(transaction::Reply { device, ..reply }),
        Message::Ask(inquiry) => coordinator::Input::Asked(transaction::Inquiry { device, ..inquiry }),
        Message::Down(_) => panic!("an order is heard by an agent"),
    }
}

/// Whether nobody who leads will ever take up this answer: it comes too late for where the asker is. None: it is dead.
pub fn is_late<'a>(message: &Message, asker: impl Fn(Epoch) -> Option<&'a Phase>, lowest: Option<Epoch>) -> bool {
    let Message::Up(reply) = message else { return false };
    if let Answer::Superseded { by } = reply.answer {
        return lowest.is_none_or(|it| it >= by);
    }
    match asker(reply.epoch) {
        None | Some(Phase::Settled { .. } | Phase::Fenced) => true,
        Some(Phase::Confirming) => reply.step != Step::Confirm,
        Some(Phase::Reverting { .. }) => reply.step != Step::Revert,
        Some(Phase::Applying { .. } | Phase::Gating { .. } | Phase::Deciding) => reply.step == Step::Stage,
        Some(Phase::New | Phase::Repaying | Phase::Preparing) => false,
    }
}

pub fn hash(value: &impl Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Whether it has decided, and waits for nobody but those who only look on.
fn waits_for_onlookers(machine: &Coordinator<u8>) -> bool {
    let decided = matches!(machine.phase(), Phase::Confirming | Phase::Reverting { .. });
    let members = &machine.charge().members;
    let all = machine.seats().iter().zip(members);
    let mut open = all.filter(|(seat, _)| !matches!(seat.stand, Stand::Ended | Stand::Owed { .. }));
    decided && open.all(|(_, member)| member.looks_on)
}

fn charge(participants: usize, bounds: Bounds) -> Charge<u8> {
    let member = |at: usize| Member {
        device: DeviceId(at as u128),
        change: 7,
        demand: Demand::Any,
        wave: 0,
        debts: Vec::new(),
        looks_on: bounds.looks_on(at, participants),
        lingers: false,
    };
    Charge {
        transaction: T,
        intents: Vec::new(),
        riders: Vec::new(),
        comment: String::new(),
        members: (0..participants).map(member).collect(),
        gate: Gate::None,
        terms: Terms::default(),
    }
}
