//! Transactions of ten through the machines alone, every participant's steps included, on one core.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::ensure;
use transaction::participant::{self, Operation, Outcome};
use transaction::{
    Charge, Coordinator, Decision, Demand, DeviceId, Epoch, Gate, Guarantee, IntentId, Member, Moment, Participant,
    Terms, TransactionId, coordinator,
};

use crate::measure::own_cpu;

/// How many devices take part in each.
pub const PARTICIPANTS: u32 = 10;

/// Transactions a second of processor time: a core of their own, whatever else runs on the machine.
pub fn for_a_while(span: Duration) -> anyhow::Result<f64> {
    let mut participants: Vec<_> = (0..PARTICIPANTS)
        .map(|it| Participant::new(DeviceId(it.into())))
        .collect();
    let (begin, mut used, mut count) = (own_cpu()?, 0.0, 0u32);
    while used < span.as_secs_f64() {
        commit(u128::from(count) + 1, &mut participants)?;
        count += 1;
        used = own_cpu()? - begin;
    }
    Ok(f64::from(count) / used)
}

/// One transaction from its beginning to Committed; messages arrive in order, devices do what they are told.
fn commit(number: u128, participants: &mut [Participant<u64>]) -> anyhow::Result<()> {
    let now = Moment(0);
    let mut coordinator = Coordinator::new(charge(number), Epoch(1))?;
    let mut inputs = VecDeque::from([coordinator::Input::Begin]);
    while let Some(input) = inputs.pop_front() {
        for effect in coordinator.step(input, now) {
            if let coordinator::Effect::Send(request) = effect {
                let at = usize::try_from(request.device.0)?;
                serve(&mut participants[at], participant::Input::Request(request), &mut inputs);
            }
        }
    }
    ensure!(
        coordinator.decision() == Some(Decision::Confirm),
        "transaction {number} did not commit"
    );
    ensure!(coordinator.ending().is_some(), "transaction {number} did not end");
    Ok(())
}

fn serve(
    participant: &mut Participant<u64>,
    input: participant::Input<u64>,
    inputs: &mut VecDeque<coordinator::Input>,
) {
    let mut next = Some(input);
    while let Some(input) = next.take() {
        for effect in participant.step(input, Moment(0)) {
            match effect {
                participant::Effect::Device { operation, work } => {
                    next = Some(participant::Input::Done {
                        operation,
                        outcome: outcome(&work),
                    });
                }
                participant::Effect::Reply(reply) => inputs.push_back(coordinator::Input::Reply(reply)),
                participant::Effect::Record(_)
                | participant::Effect::Inquire(_)
                | participant::Effect::Arm { .. }
                | participant::Effect::Disarm(_) => {}
            }
        }
    }
}

fn outcome(work: &Operation<u64>) -> Outcome {
    match work {
        Operation::Stage { .. } | Operation::Restage { .. } => Outcome::Staged {
            evidence: String::new(),
            guarantee: Guarantee::Confirmed,
            renews: true,
        },
        Operation::Apply { .. } => Outcome::Applied,
        Operation::Renew { .. } => Outcome::Renewed,
        Operation::Confirm { .. } => Outcome::Confirmed { saved: true },
        Operation::Revert { .. } => Outcome::Reverted,
        Operation::Read { .. } => Outcome::Unknown {
            reason: "not asked here".to_owned(),
        },
    }
}

fn charge(number: u128) -> Charge<u64> {
    let member = |device: u32| Member {
        device: DeviceId(device.into()),
        change: device.into(),
        demand: Demand::Any,
        wave: 0,
        debts: Vec::new(),
        looks_on: false,
        lingers: false,
    };
    Charge {
        transaction: TransactionId(number),
        intents: vec![IntentId(number)],
        riders: Vec::new(),
        comment: "bench".to_owned(),
        members: (0..PARTICIPANTS).map(member).collect(),
        gate: Gate::None,
        terms: Terms::default(),
    }
}
