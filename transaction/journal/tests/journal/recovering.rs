//! Whole transactions whose journal is cut at every byte: whoever comes back brings every device to one and the same end,
//! and never takes back what somebody was told to keep.

use std::collections::VecDeque;
use std::sync::Arc;

use transaction::participant::{self, Operation, Outcome, Participant};
use transaction::{
    Charge, Coordinator, CoordinatorRecord, Decision, Demand, DeviceId, Ending, Gate, Guarantee, Member, Moment,
    Standing, Terms, TransactionId, coordinator,
};
use transaction_journal::{Append, Epoch, Json, Log, Record};

use crate::disk::MemoryDisk;

type Records = CoordinatorRecord<u64>;

const SEGMENT: u64 = 16_384;
const T: TransactionId = TransactionId(1);
const NOW: Moment = Moment(0);

/// A device that does what it is told, with its agent.
#[derive(Clone)]
struct Agent {
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

/// What stood on the disk before and after one record was written, and the agents at that moment.
struct Written {
    from: usize,
    to: usize,
    agents: Vec<Agent>,
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

fn length(disk: &MemoryDisk) -> usize {
    let files = disk.files();
    let bytes = files.values().next().unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// One transaction from its beginning to its end; what was written and when, and the file.
fn whole(takes: &[bool]) -> (Vec<Written>, String, Vec<u8>) {
    let disk = MemoryDisk::default();
    let (mut log, _) = Log::open(Arc::new(disk.clone()), SEGMENT).unwrap();
    let agent = |(at, takes): (usize, &bool)| Agent {
        machine: Participant::new(DeviceId(at as u128)),
        takes: *takes,
        changed: false,
    };
    let mut agents: Vec<Agent> = takes.iter().enumerate().map(agent).collect();
    let mut coordinator = Coordinator::new(charge(takes.len()), Epoch(1));
    let first = coordinator.step(coordinator::Input::Begin, NOW);
    let mut written = Vec::new();
    drive(&mut coordinator, first, &mut agents, |record, agents| {
        let (from, mut payload) = (length(&disk), Vec::new());
        Json(record).encode(&mut payload).unwrap();
        let append = Append {
            epoch: Epoch(1),
            payloads: vec![payload],
        };
        log.write(&[append]).unwrap();
        let (to, agents) = (length(&disk), agents.to_vec());
        written.push(Written { from, to, agents });
    });
    let (name, mut bytes) = disk.files().into_iter().next().unwrap();
    bytes.truncate(length(&disk));
    (written, name, bytes)
}

/// What is on record after the cut.
fn recovered(name: &str, bytes: &[u8]) -> Vec<Records> {
    let disk = MemoryDisk::with([(name.to_owned(), bytes.to_vec())]);
    let (_, found) = Log::open(Arc::new(disk), SEGMENT).unwrap();
    let records = found
        .entries
        .iter()
        .map(|it| Json::<Records>::decode(&it.record).unwrap().0);
    records.collect()
}

fn has_heard(agents: &[Agent], standing: Standing) -> bool {
    agents.iter().any(|it| it.machine.ended(T) == Some(standing))
}

/// Whoever comes back after this cut, with the agents as they were when the power went.
fn comes_back(cut: usize, records: &[Records], mut agents: Vec<Agent>) -> &'static str {
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

#[test]
fn cut_at_every_byte_of_a_transaction_all_devices_come_to_one_end() {
    let stories = [
        (
            &[true, true, true][..],
            ["never begun", "rolled back", "committed", "over"],
        ),
        (
            &[true, false, true][..],
            ["never begun", "rolled back", "rolled back", "over"],
        ),
    ];
    for (takes, expected) in stories {
        let (written, name, bytes) = whole(takes);
        assert_eq!(written.len(), 3, "begun, decided, settled");
        for (nth, Written { from, to, agents }) in written.iter().enumerate() {
            assert!(to - from > 60, "a record of {} bytes", to - from);
            for cut in *from..=*to {
                let end = comes_back(cut, &recovered(&name, &bytes[..cut]), agents.clone());
                let whole = usize::from(cut == *to);
                assert_eq!(end, expected[nth + whole], "cut at {cut} of {from}..{to}");
            }
        }
    }
}
