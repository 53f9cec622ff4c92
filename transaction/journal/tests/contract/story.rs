//! Whole transactions told record by record, and whoever comes back after one of these was lost: every device is brought to
//! one and the same end, and nobody takes back what somebody was told to keep. Each kind of journal is cut under it.

use std::collections::VecDeque;

use transaction::participant::{self, Operation, Outcome, Participant};
use transaction::{
    Charge, Coordinator, CoordinatorRecord, Decision, Demand, DeviceId, Ending, Epoch, Gate, Guarantee, Member, Moment,
    Standing, Terms, TransactionId, coordinator,
};

/// What is on record.
pub type Records = CoordinatorRecord<u64>;

/// Who takes the change, and what becomes of it where so many records are left.
pub type Story = (&'static [bool], [&'static str; 4]);

/// All agree; and one of them does not.
pub const STORIES: [Story; 2] = [
    (&[true, true, true], ["never begun", "rolled back", "committed", "over"]),
    (
        &[true, false, true],
        ["never begun", "rolled back", "rolled back", "over"],
    ),
];

const T: TransactionId = TransactionId(1);
const NOW: Moment = Moment(0);

/// A device that does what it is told, with its agent.
#[derive(Clone)]
pub struct Agent {
    machine: Participant<u64>,
    /// Whether it will take the change.
    takes: bool,
    changed: bool,
}

impl Agent {
    fn hears(&mut self, request: transaction::Request<u64>) -> Vec<transaction::Reply> {
        let (mut replies, mut inputs) = (Vec::new(), VecDeque::from([participant::Input::Request(request)]));
        while let Some(input) = inputs.pop_front() {
            for effect in self.machine.step(input, NOW) {
                match effect {
                    participant::Effect::Device { operation, work } => {
                        let outcome = self.does(&work);
                        inputs.push_back(participant::Input::Done { operation, outcome });
                    }
                    participant::Effect::Reply(reply) => replies.push(reply),
                    participant::Effect::Record(_)
                    | participant::Effect::Inquire(_)
                    | participant::Effect::Arm { .. }
                    | participant::Effect::Disarm(_) => {}
                }
            }
        }
        replies
    }

    fn does(&mut self, work: &Operation<u64>) -> Outcome {
        match work {
            Operation::Stage { .. } if !self.takes => Outcome::Refused {
                reason: "no".to_owned(),
            },
            Operation::Stage { .. } | Operation::Restage { .. } => Outcome::Staged {
                evidence: String::new(),
                guarantee: Guarantee::Confirmed,
                renews: true,
            },
            Operation::Apply { .. } => {
                self.changed = true;
                Outcome::Applied
            }
            Operation::Renew { .. } => Outcome::Renewed,
            Operation::Confirm { .. } => Outcome::Confirmed { saved: true },
            Operation::Revert { .. } => {
                self.changed = false;
                Outcome::Reverted
            }
            Operation::Read { .. } => panic!("nobody died here"),
        }
    }
}

/// Does everything that follows; `write` makes a record durable. Gives the ending that was told.
fn drive(
    coordinator: &mut Coordinator<u64>,
    first: Vec<coordinator::Effect<u64>>,
    agents: &mut [Agent],
    mut write: impl FnMut(Records, &[Agent]),
) -> Option<Ending> {
    let (mut told, mut effects) = (None, VecDeque::from(first));
    while let Some(effect) = effects.pop_front() {
        match effect {
            coordinator::Effect::Record(record) => write(record, agents),
            coordinator::Effect::Send(request) => {
                let at = usize::try_from(request.device.0).unwrap();
                for reply in agents[at].hears(request) {
                    effects.extend(coordinator.step(coordinator::Input::Reply(reply), NOW));
                }
            }
            coordinator::Effect::Settled(settlement) => told = Some(settlement.ending),
            coordinator::Effect::Arm { .. }
            | coordinator::Effect::Disarm(_)
            | coordinator::Effect::Gate { .. }
            | coordinator::Effect::Progress(_)
            | coordinator::Effect::Release { .. }
            | coordinator::Effect::Repaired { .. }
            | coordinator::Effect::Verify { .. }
            | coordinator::Effect::Forget => {}
        }
    }
    told
}

fn charge(participants: usize) -> Charge<u64> {
    let member = |device: usize| Member {
        device: DeviceId(device as u128),
        change: 7,
        demand: Demand::Any,
        wave: 0,
        debts: Vec::new(),
        looks_on: false,
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

/// One transaction from its beginning to its end: each record, with the agents as they were when it was written.
pub fn whole(takes: &[bool]) -> Vec<(Records, Vec<Agent>)> {
    let agent = |(at, takes): (usize, &bool)| Agent {
        machine: Participant::new(DeviceId(at as u128)),
        takes: *takes,
        changed: false,
    };
    let mut agents: Vec<Agent> = takes.iter().enumerate().map(agent).collect();
    let mut coordinator = Coordinator::new(charge(takes.len()), Epoch(1)).unwrap();
    let first = coordinator.step(coordinator::Input::Begin, NOW);
    let mut written = Vec::new();
    drive(&mut coordinator, first, &mut agents, |record, agents| {
        written.push((record, agents.to_vec()));
    });
    assert_eq!(written.len(), 3, "begun, decided, settled");
    written
}

fn has_heard(agents: &[Agent], standing: Standing) -> bool {
    agents.iter().any(|it| it.machine.ended(T) == Some(standing))
}

/// Whoever comes back after this cut, with the agents as they were when the power went.
pub fn comes_back(cut: usize, records: &[Records], mut agents: Vec<Agent>) -> &'static str {
    let confirmed = records.iter().any(|it| {
        matches!(
            it,
            CoordinatorRecord::Decided {
                decision: Decision::Confirm,
                ..
            }
        )
    });
    assert!(
        !has_heard(&agents, Standing::Confirmed) || confirmed,
        "cut at {cut}: a confirm was heard and is lost"
    );
    let Some((mut coordinator, first)) = Coordinator::recover(records, Epoch(2), NOW) else {
        let over = records.iter().any(|it| matches!(it, CoordinatorRecord::Settled { .. }));
        let idle = agents.iter().all(|it| it.machine.live().is_none());
        assert!(idle, "cut at {cut}: somebody waits for a transaction that nobody knows");
        return if over { "over" } else { "never begun" };
    };
    let told = drive(&mut coordinator, first, &mut agents, |_, _| {});
    let (kept, end) = match told {
        Some(Ending::Committed) => (true, "committed"),
        Some(Ending::RolledBack { .. }) => (false, "rolled back"),
        other => panic!("cut at {cut}: {other:?}"),
    };
    assert_eq!(kept, confirmed, "cut at {cut}: not what is on record");
    assert!(
        agents.iter().all(|it| it.changed == kept),
        "cut at {cut}: they do not agree"
    );
    assert!(
        agents.iter().all(|it| it.machine.live().is_none()),
        "cut at {cut}: somebody still waits"
    );
    end
}
