//! One world: controllers, agents, devices, a network, an operator, and time, all from one seed.

mod agents;
mod charges;
mod compaction;
mod controllers;
mod faults;
mod look;
mod lying;
mod merging;
mod network;
mod operations;
mod recovery;
mod scenario;
mod setup;

pub use scenario::{Part, Scenario, Wish};

use crate::chance::Chance;
use crate::change::Change;
use crate::device::Device;
use crate::disk::Journal;
use crate::ledger::{Broken, Ledger};
use crate::oracle::{self, Excuse};
use crate::weather::{Mishap, Weather};
use agents::Agent;
use controllers::Controller;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use transaction::admission::{self, Limits};
use transaction::participant::{Operation, Outcome};
use transaction::{
    CoordinatorRecord, DeviceId, Ending, Epoch, Guarantee, Inquiry, Moment, Reply, Request, TransactionId, coordinator,
    participant,
};

/// A device away for longer than this may end torn. Less than `repair_within` on the fastest clock.
pub const PATIENCE: u64 = 1_200_000;
/// More events than any world needs.
const MOST_EVENTS: u64 = 400_000;

/// What can happen.
#[derive(Debug, Clone)]
enum Event {
    Submit(TransactionId),
    Cancel(TransactionId),
    AdmissionTimer {
        controller: usize,
        life: u32,
        timer: admission::Timer,
    },
    ToAgent(usize, Request<Change>),
    ToController(usize, Up),
    Gate(Whose, u32, bool),
    CoordinatorTimer(Whose, coordinator::Timer, u64),
    AgentTimer {
        agent: usize,
        life: u32,
        timer: participant::Timer,
        arming: u64,
    },
    OperationActs(Box<Acting>),
    OperationDone {
        agent: usize,
        life: u32,
        operation: u64,
        outcome: Outcome,
    },
    OperationLate {
        agent: usize,
        life: u32,
        operation: u64,
    },
    DeviceTimer {
        device: usize,
        armed: u32,
    },
    SessionDies {
        device: usize,
        session: u32,
    },
    RestartController(usize),
    RestartAgent(usize),
    CompactController(usize),
    CompactAgent(usize),
    OperatorActs,
    OperatorSeesItFree(usize),
    OperatorUnlocks(usize),
    OutageBegins {
        device: usize,
        of_agent: bool,
    },
    OutageEnds {
        device: usize,
        of_agent: bool,
    },
    FaultsEnd,
}

/// One coordinator, in one life of its controller.
#[derive(Debug, Clone, Copy)]
struct Whose {
    controller: usize,
    life: u32,
    transaction: TransactionId,
}

/// What an agent says.
#[derive(Debug, Clone)]
enum Up {
    Reply(Reply),
    Inquiry(Inquiry),
}

/// An operation on its way to a device.
#[derive(Debug, Clone)]
struct Acting {
    agent: usize,
    life: u32,
    operation: u64,
    session: u32,
    transaction: TransactionId,
    work: Operation<Change>,
    mishap: Option<Mishap>,
}

/// One world.
pub struct World {
    /// Its seed.
    pub seed: u64,
    /// Milliseconds since it began.
    pub now: u64,
    /// What goes wrong in it.
    pub weather: Weather,
    /// What was seen.
    pub ledger: Ledger,
    /// Who said what, if it is to be read.
    pub transcript: Option<Vec<String>>,
    /// Kills at each point.
    pub visits: BTreeMap<&'static str, u64>,
    /// Mishaps at each operation.
    pub mishaps: BTreeSet<(Mishap, &'static str)>,
    chance: Chance,
    /// Drawn apart from the rest: what was added to the worlds later, so that the others stay what they were.
    luck: Chance,
    /// Drawn apart once more: what the liar says, and which riders withdraw.
    tongue: Chance,
    /// The agent that lies, if one does.
    liar: Option<usize>,
    /// Who was withdrawn while it rode with others.
    withdrawn: BTreeSet<TransactionId>,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    bodies: BTreeMap<u64, Event>,
    sequence: u64,
    scenario: Scenario,
    submitted: BTreeSet<TransactionId>,
    devices: Vec<Device>,
    agents: Vec<Agent>,
    controllers: Vec<Controller>,
    journal: Journal<CoordinatorRecord<Change>>,
    changes: BTreeMap<(TransactionId, DeviceId), Change>,
    /// Since when the operator's edits stand in each candidate.
    dirty: Vec<Option<u64>>,
    merged: u128,
    lease: Epoch,
    passes: BTreeMap<&'static str, u32>,
    values: u64,
    /// How often the shared journal lost its power while another controller could lead.
    cuts_beside: u64,
    /// How many may wait for devices, and how long.
    limits: Limits,
    /// How many endings and refusals were judged.
    judged: usize,
}

/// How a world ended.
#[derive(Debug, Clone)]
pub struct Outcomes {
    /// What did not hold, if anything.
    pub broken: Option<Broken>,
    /// Each transaction's ending, with the weakest guarantee among its devices.
    pub endings: Vec<(Guarantee, Ending)>,
    /// Whether somebody ended otherwise than the others, named or not.
    pub split: bool,
    /// How often somebody was refused, and for what.
    pub refusals: BTreeMap<&'static str, u64>,
    /// How often a device gave less than a caller insisted on.
    pub unmet: u64,
    /// How often the shared journal lost its power while another controller could lead.
    pub cuts_beside: u64,
    /// How many lies a participant told.
    pub lies: u64,
    /// How many took part and only looked on.
    pub onlookers: u64,
    /// In how many transactions that several rode one or all of these only looked on.
    pub rode_onlookers: u64,
    /// The devices that ended torn: what each promises, and what excuses it.
    pub torn: Vec<(Guarantee, Excuse)>,
}

impl World {
    /// Lets it run to its end.
    pub fn run(&mut self) -> Outcomes {
        let mut steps = 0;
        let limit = self.weather.end + 10_000_000;
        while let Some(Reverse((at, id))) = self.events.pop() {
            self.now = at;
            self.ledger.now = at;
            steps += 1;
            if let Some(event) = self.bodies.remove(&id) {
                self.happen(event);
                self.look();
            }
            if self.ledger.broken.is_some() || (self.now >= self.weather.end && self.is_quiet()) {
                break;
            }
            if steps > MOST_EVENTS || self.now > limit {
                let open = self.unfinished();
                self.ledger
                    .breaks("termination", format!("after {steps} events: {open}"));
            }
        }
        if self.ledger.broken.is_none() && !self.is_quiet() {
            let open = self.unfinished();
            self.ledger
                .breaks("termination", format!("nothing happens any more: {open}"));
        }
        self.judge();
        self.outcomes()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Submit(transaction) => self.submit(transaction),
            Event::Cancel(transaction) => self.cancel(transaction),
            Event::AdmissionTimer {
                controller,
                life,
                timer,
            } => self.waited(controller, life, timer),
            Event::ToAgent(agent, request) => self.agent_hears(agent, request),
            Event::ToController(controller, up) => self.controller_hears(controller, up),
            Event::Gate(whose, round, passed) => self.gate_answers(whose, round, passed),
            Event::CoordinatorTimer(whose, timer, arming) => self.coordinator_timer(whose, timer, arming),
            Event::AgentTimer {
                agent,
                life,
                timer,
                arming,
            } => self.agent_timer(agent, life, timer, arming),
            Event::OperationActs(acting) => self.operation_acts(*acting),
            Event::OperationDone {
                agent,
                life,
                operation,
                outcome,
            } => {
                self.operation_done(agent, life, operation, outcome);
            }
            Event::OperationLate { agent, life, operation } => self.operation_late(agent, life, operation),
            Event::DeviceTimer { device, armed } => self.device_timer(device, armed),
            Event::SessionDies { device, session } => self.devices[device].close(session),
            Event::RestartController(controller) => self.restart_controller(controller),
            Event::RestartAgent(agent) => self.restart_agent(agent),
            Event::CompactController(controller) => self.compact_controller(controller),
            Event::CompactAgent(agent) => self.compact_agent(agent),
            Event::OperatorActs => self.operator_acts(),
            Event::OperatorSeesItFree(device) => self.operator_sees_it_free(device),
            Event::OperatorUnlocks(device) => self.operator_unlocks(device),
            Event::OutageBegins { device, of_agent } => self.outage_begins(device, of_agent),
            Event::OutageEnds { device, of_agent } => self.outage_ends(device, of_agent),
            Event::FaultsEnd => self.faults_end(),
        }
    }

    fn is_quiet(&self) -> bool {
        self.unfinished().is_empty()
    }

    /// What is still open: transactions, participants, locks.
    fn unfinished(&self) -> String {
        let mut open = Vec::new();
        for wish in self.scenario.transactions() {
            if !self.has_ended(wish) {
                open.push(format!("{} has not ended", short(wish)));
            }
        }
        for (at, agent) in self.agents.iter().enumerate() {
            if !agent.alive {
                open.push(format!("agent {at} is away"));
            } else if let Some((transaction, standing)) = agent.participant.live()
                && !self.is_torn(transaction, agent.device)
                && self.liar != Some(at)
            {
                open.push(format!("device {at} stands {standing:?} in {}", short(transaction)));
            }
        }
        // What a liar leaves on its own device nobody was told of: a person has to look there.
        let honest = |it: &(usize, &Device)| self.liar != Some(it.0);
        let held = self.devices.iter().enumerate().filter(honest);
        for (at, device) in held.filter(|(_, it)| !it.is_clean()) {
            open.push(format!(
                "device {at} is held: {:?} {:?} pending {}",
                device.lock,
                device.staged,
                device.pending.is_some()
            ));
        }
        open.join(", ")
    }

    fn is_torn(&self, transaction: TransactionId, device: DeviceId) -> bool {
        match self.ledger.endings.get(&transaction) {
            Some(Ending::Torn { devices, .. }) => devices.iter().any(|it| it.device == device),
            Some(Ending::Committed | Ending::RolledBack { .. }) | None => false,
        }
    }

    /// Usefulness, and who may be torn: whenever an ending is told.
    fn judge(&mut self) {
        let must_commit = |it: &TransactionId| self.weather.must_commit && !self.is_doomed(*it);
        let failed = self
            .ledger
            .endings
            .iter()
            .find(|(it, ending)| **ending != Ending::Committed && must_commit(it))
            .map(|(it, ending)| format!("{} could have committed and ended {ending:?}", short(*it)));
        let refused = self.ledger.refused.iter().find(|it| must_commit(it)).copied();
        if let Some(seen) = failed {
            self.ledger.breaks("usefulness", seen);
        }
        if let Some(transaction) = refused {
            let seen = format!("{} could have committed and was refused", short(transaction));
            self.ledger.breaks("usefulness", seen);
        }
        let ended = self.ledger.barred.len();
        self.ledger.barred.extend(self.barred_now());
        let torn = oracle::torn(&self.ledger, PATIENCE);
        self.ledger.barred.truncate(ended);
        let unexcused = |it: &&((TransactionId, DeviceId), Option<Excuse>)| it.1.is_none() && !self.ledger.lies(it.0.1);
        if let Some(((transaction, device), _)) = torn.iter().find(unexcused) {
            let seen = format!("{device} ended torn in {} and nothing excuses it", short(*transaction));
            self.ledger.breaks("usefulness", seen);
        }
    }

    /// Whether somebody withdrew from this transaction, the network was not well after it, or somebody in it lies.
    fn is_doomed(&self, transaction: TransactionId) -> bool {
        self.riders(transaction)
            .iter()
            .filter_map(|it| self.scenario.wish(*it))
            .any(|it| {
                let lies = it.parts.iter().any(|part| Some(part.device) == self.liar);
                lies || !it.healthy || it.cancelled.is_some()
            })
    }

    fn outcomes(&self) -> Outcomes {
        let weakest = |it: &TransactionId| {
            let wishes = self.riders(*it);
            let parts = wishes.iter().flat_map(|it| self.scenario.parts(*it));
            let members = parts.map(|part| self.devices[part.device].class);
            members.reduce(Guarantee::with).unwrap_or(Guarantee::Plain)
        };
        let endings = self
            .ledger
            .endings
            .iter()
            .map(|(it, ending)| (weakest(it), ending.clone()))
            .collect();
        let split = self
            .ledger
            .broken
            .as_ref()
            .is_some_and(|it| it.invariant == "agreement");
        let class = |device: DeviceId| {
            let at = self.agents.iter().position(|it| it.device == device);
            at.map_or(Guarantee::Plain, |at| self.devices[at].class)
        };
        let torn = oracle::torn(&self.ledger, PATIENCE).into_iter();
        Outcomes {
            broken: self.ledger.broken.clone(),
            endings,
            split,
            refusals: self.ledger.refusals.clone(),
            unmet: self.ledger.unmet,
            cuts_beside: self.cuts_beside,
            lies: self.ledger.lies_told,
            onlookers: self.ledger.onlookers.len() as u64,
            rode_onlookers: self.ledger.rode_onlookers.len() as u64,
            torn: torn
                .filter_map(|((_, device), excuse)| Some((class(device), excuse?)))
                .collect(),
        }
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((self.now + after, self.sequence)));
        self.bodies.insert(self.sequence, event);
    }

    fn moment(&self) -> Moment {
        Moment(self.now)
    }

    fn say(&mut self, words: impl FnOnce() -> String) {
        if let Some(transcript) = &mut self.transcript {
            transcript.push(format!("{:>10.3}  {}", self.now as f64 / 1000.0, words()));
        }
    }
}

/// Whether this is the Confirm of that transaction.
fn is_confirm(record: &CoordinatorRecord<Change>, transaction: TransactionId) -> bool {
    matches!(record, CoordinatorRecord::Decided { transaction: it, decision: transaction::Decision::Confirm, .. }
        if *it == transaction)
}

/// The crash points of a compaction.
fn points_of(who: &str) -> [&'static str; 4] {
    let at = crate::points::ALL
        .iter()
        .position(|it| it.starts_with(who) && it.contains("compact"))
        .unwrap_or(0);
    [0, 1, 2, 3].map(|it| crate::points::ALL[at + it])
}

/// A transaction's name in a transcript.
fn short(transaction: TransactionId) -> String {
    format!("T{}", transaction.0)
}
