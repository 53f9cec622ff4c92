//! Coordinators, told and watched: what they tell of how far they are, and debts that an operator took on himself.

use super::*;
use crate::{
    Answer, Charge, Cleared, CoordinatorRecord, Debt, Demand, Due, Gate, Guarantee, Member, Order, Progress, Reply,
    Report, Step, Terms, TermsError,
};
use std::time::Duration;

mod onlookers;

const NOW: Moment = Moment(0);
const T: TransactionId = TransactionId(1);

type Effects = Vec<Effect<u8>>;

fn charge(debts: &[Debt<u8>]) -> Charge<u8> {
    let member = |device: u128| Member {
        device: DeviceId(device),
        change: 7,
        demand: Demand::Any,
        wave: 0,
        debts: if device == 1 { debts.to_vec() } else { Vec::new() },
        looks_on: false,
        lingers: false,
    };
    Charge {
        transaction: T,
        intents: Vec::new(),
        riders: Vec::new(),
        comment: String::new(),
        members: vec![member(1), member(2)],
        gate: Gate::None,
        terms: Terms::default(),
    }
}

/// What a device that does everything answers.
fn yes(order: &Order<u8>) -> Answer {
    match order {
        Order::Stage { .. } => Answer::Staged {
            guarantee: Guarantee::Confirmed,
            renews: true,
        },
        Order::Apply => Answer::Applied,
        Order::Renew { .. } => Answer::Renewed,
        Order::Confirm { .. } => Answer::Confirmed,
        Order::Revert { .. } => Answer::Reverted,
        Order::Inquire => Answer::Unknown,
    }
}

/// Goes on until nothing is said any more; each answer comes so many times. Gives all effects in order.
fn run(coordinator: &mut Coordinator<u8>, first: Effects, times: usize) -> Effects {
    let (mut all, mut next) = (Vec::new(), first);
    while !next.is_empty() {
        let mut came = Vec::new();
        for effect in &next {
            let Effect::Send(request) = effect else { continue };
            let reply = Reply {
                transaction: request.transaction,
                epoch: request.epoch,
                device: request.device,
                step: request.order.step(),
                answer: yes(&request.order),
            };
            let answers = (0..times).flat_map(|_| coordinator.step(Input::Reply(reply.clone()), NOW));
            came.extend(answers.collect::<Vec<_>>());
        }
        all.extend(std::mem::replace(&mut next, came));
    }
    all
}

fn told(effects: &Effects) -> Vec<&Progress> {
    let told = effects.iter().filter_map(|it| {
        let Effect::Progress(progress) = it else { return None };
        Some(progress)
    });
    told.collect()
}

fn records(effects: &Effects) -> Vec<CoordinatorRecord<u8>> {
    let records = effects.iter().filter_map(|it| {
        let Effect::Record(record) = it else { return None };
        Some(record.clone())
    });
    records.collect()
}

fn count_up_by_one(told: &[&Progress]) -> bool {
    told.windows(2).all(|it| it[1].sequence == it[0].sequence + 1)
}

#[test]
fn what_is_told_counts_up_by_one_and_a_repeated_answer_tells_nothing() {
    let [once, often] = [1, 3].map(|times| {
        let mut coordinator = Coordinator::new(charge(&[]), Epoch(1)).unwrap();
        let begun = coordinator.step(Input::Begin, NOW);
        run(&mut coordinator, begun, times)
    });
    let told_once = told(&once);
    assert_eq!(told_once.first().map(|it| it.sequence), Some(1));
    assert!(count_up_by_one(&told_once), "{told_once:?}");
    assert!(
        told_once.is_sorted_by_key(|it| it.total),
        "the sum never falls: {told_once:?}"
    );
    assert_eq!(told_once.last().map(|it| it.total), Some(100));
    assert_eq!(told_once, told(&often));
    let of = |step| told_once.iter().filter(move |it| it.step == Some(step));
    for (step, percent) in [(Step::Stage, 33), (Step::Apply, 66), (Step::Confirm, 100)] {
        assert!(of(step).all(|it| it.percent == percent), "{step}: {told_once:?}");
    }
    assert_eq!(
        told_once.len(),
        6,
        "stage, apply and confirm of two devices: {told_once:?}"
    );
}

#[test]
fn what_devices_are_at_is_passed_on_and_counts_for_nothing_until_it_is_done() {
    let mut coordinator = Coordinator::new(charge(&[]), Epoch(1)).unwrap();
    coordinator.step(Input::Begin, NOW);
    let mut all = Vec::new();
    for words in ["waits for a lock", "edits"] {
        let report = Report {
            device: DeviceId(2),
            step: Step::Stage,
            words: words.to_owned(),
        };
        all.extend(coordinator.step(Input::Report(report), NOW));
    }
    let told = told(&all);
    assert_eq!(told.iter().map(|it| it.sequence).collect::<Vec<_>>(), [1, 2]);
    let notes: Vec<_> = told.iter().filter_map(|it| it.note.as_deref()).collect();
    assert_eq!(notes, ["waits for a lock", "edits"]);
    assert!(told.iter().all(|it| (it.percent, it.total) == (0, 0)), "{told:?}");
}

#[test]
fn whoever_takes_over_says_so_first_and_counts_on_above_all_that_was_told() {
    let mut coordinator = Coordinator::new(charge(&[]), Epoch(1)).unwrap();
    let begun = coordinator.step(Input::Begin, NOW);
    let mut on_record = records(&begun);
    let mut before = told(&run(&mut coordinator, begun, 1))
        .last()
        .map_or(0, |it| it.sequence);
    for epoch in [2, 3, 9] {
        let (_, effects) = Coordinator::recover(&on_record, Epoch(epoch), NOW).unwrap();
        let told = told(&effects);
        assert_eq!(
            told[0].note.as_deref(),
            Some(format!("taken over under epoch {epoch}").as_str())
        );
        assert!(
            matches!(effects[0], Effect::Progress(_)),
            "before anything else: {effects:?}"
        );
        assert!(told[0].sequence > before && count_up_by_one(&told), "{told:?}");
        before = told[told.len() - 1].sequence;
        on_record.extend(records(&effects)); // dies before anybody has answered
    }
    assert_eq!(on_record.len(), 2, "begun and decided, each once: {on_record:?}");
}

#[test]
fn what_an_operator_waived_is_let_go_of_with_the_vote_and_nothing_is_repaired() {
    let debt = Debt {
        transaction: TransactionId(8),
        due: Due::Waived,
    };
    let mut coordinator = Coordinator::new(charge(&[debt]), Epoch(1)).unwrap();
    let begun = coordinator.step(Input::Begin, NOW);
    let waived = |effects: &Effects| {
        let waived = effects.iter().filter_map(|it| {
            let Effect::Send(request) = it else { return None };
            let Order::Stage { waived, .. } = &request.order else {
                panic!("nothing but stages is asked for at first: {request:?}");
            };
            Some((request.device.0, waived.clone()))
        });
        waived.collect::<Vec<_>>()
    };
    assert_eq!(waived(&begun), [(1, vec![TransactionId(8)]), (2, vec![])]);
    let all = run(&mut coordinator, begun, 2);
    let cleared = CoordinatorRecord::Cleared {
        transaction: TransactionId(8),
        device: DeviceId(1),
        how: Cleared::Waived,
        at: NOW,
    };
    let at = all
        .iter()
        .position(|it| *it == Effect::Record(cleared.clone()))
        .unwrap();
    let repaired = Effect::Repaired {
        transaction: TransactionId(8),
        device: DeviceId(1),
    };
    assert_eq!(all[at + 1], repaired, "told once that is on record");
    assert_eq!(all.iter().filter(|it| **it == repaired).count(), 1);
    assert_eq!(coordinator.ending(), Some(&Ending::Committed));
}

#[test]
fn what_a_device_is_owed_comes_before_anything_new() {
    let debt = Debt {
        transaction: TransactionId(8),
        due: Due::Repair {
            decision: Decision::Confirm,
            change: 5,
        },
    };
    let mut coordinator = Coordinator::new(charge(&[debt]), Epoch(1)).unwrap();
    let begun = coordinator.step(Input::Begin, NOW);
    let sent = |effects: &Effects| {
        let sent = effects.iter().filter_map(|it| {
            let Effect::Send(request) = it else { return None };
            Some((request.transaction, request.device.0, request.order.step()))
        });
        sent.collect::<Vec<_>>()
    };
    assert_eq!(
        sent(&begun),
        [(TransactionId(8), 1, Step::Confirm)],
        "nobody stages meanwhile"
    );
    let all = run(&mut coordinator, begun, 1);
    assert_eq!(sent(&all)[1..3], [(T, 1, Step::Stage), (T, 2, Step::Stage)]);
    assert_eq!(coordinator.ending(), Some(&Ending::Committed));
}

#[test]
fn a_charge_that_cannot_be_carried_out_is_refused() {
    let transaction = charge(&[]).transaction;
    let refused = |change: &dyn Fn(&mut Charge<u8>)| {
        let mut charge = charge(&[]);
        change(&mut charge);
        Coordinator::new(charge, Epoch(1)).map(|_| ()).unwrap_err()
    };
    let device = charge(&[]).members[0].device;
    let twice = refused(&|it| it.members.push(it.members[0].clone()));
    assert_eq!(twice, ChargeError::Twice { transaction, device });
    assert_eq!(refused(&|it| it.members.clear()), ChargeError::Nobody { transaction });
    let source = TermsError::Zero { name: "lease" };
    let lease = refused(&|it| it.terms.lease = Duration::ZERO);
    assert_eq!(lease, ChargeError::Terms { transaction, source });
    let waived = |from| Debt {
        transaction: from,
        due: Due::Waived,
    };
    for debts in [
        vec![waived(transaction)],
        vec![waived(TransactionId(77)), waived(TransactionId(77))],
    ] {
        let debt = debts[0].transaction;
        let seen = refused(&|it| it.members[0].debts.clone_from(&debts));
        assert_eq!(
            seen,
            ChargeError::Debt {
                transaction,
                device,
                debt
            }
        );
    }
}

fn superseded(step: Step) -> Input {
    let by = Epoch(u64::MAX);
    Input::Reply(reply(1, step, Answer::Superseded { by }))
}

fn reply(device: u128, step: Step, answer: Answer) -> Reply {
    Reply {
        transaction: T,
        epoch: Epoch(1),
        device: DeviceId(device),
        step,
        answer,
    }
}

/// That another leads only the journal can know.
#[test]
fn a_participants_word_fences_nobody() {
    let mut coordinator = Coordinator::new(charge(&[]), Epoch(1)).unwrap();
    coordinator.step(Input::Begin, NOW);
    let (device, claimed, step) = (DeviceId(1), Epoch(u64::MAX), Some(Step::Stage));
    let before = coordinator.clone();
    let effects = coordinator.step(superseded(Step::Stage), NOW);
    assert_eq!(effects, [Effect::Verify { device, claimed, step }]);
    assert_eq!(coordinator, before, "nothing comes of it before the journal was asked");
    let inquiry = crate::Inquiry {
        transaction: T,
        epoch: claimed,
        device,
        standing: crate::Standing::Applied,
    };
    let effects = coordinator.step(Input::Asked(inquiry), NOW);
    assert_eq!(
        effects,
        [Effect::Verify {
            device,
            claimed,
            step: None
        }]
    );
    assert!(
        coordinator
            .step(Input::Unfounded { device, step: None }, NOW)
            .is_empty()
    );
    assert_eq!(coordinator, before);
    // Where the journal says so too, nothing more comes out.
    let mut fenced = coordinator.clone();
    fenced.step(Input::Fenced, NOW);
    assert_eq!(*fenced.phase(), Phase::Fenced);
    // Where it knows of nobody the liar's own part fails.
    coordinator.step(Input::Unfounded { device, step }, NOW);
    let Phase::Reverting {
        reason: Reason::Failed { device: failed, reason },
    } = coordinator.phase()
    else {
        panic!("{coordinator:?}");
    };
    assert_eq!(*failed, device);
    assert!(reason.contains("none does"), "{reason}");
}

/// After the decision a lie only delays its own acknowledgement.
#[test]
fn a_lie_after_the_decision_is_not_yet() {
    let mut coordinator = Coordinator::new(charge(&[]), Epoch(1)).unwrap();
    coordinator.step(Input::Begin, NOW);
    coordinator.step(Input::Cancel, NOW);
    coordinator.step(superseded(Step::Revert), NOW);
    let device = DeviceId(1);
    coordinator.step(
        Input::Unfounded {
            device,
            step: Some(Step::Revert),
        },
        NOW,
    );
    coordinator.step(Input::Reply(reply(2, Step::Revert, Answer::Reverted)), NOW);
    assert_eq!(coordinator.ending(), None, "the liar has not acknowledged");
    coordinator.step(Input::Reply(reply(1, Step::Revert, Answer::Reverted)), NOW);
    assert!(matches!(coordinator.ending(), Some(Ending::RolledBack { .. })));
}

#[test]
fn only_what_can_ride_together_does() {
    let of = |riders: &[u128], members: usize, gate: Gate| {
        let mut charge = charge(&[]);
        charge.members.truncate(members);
        charge.gate = gate;
        charge.riders = riders.iter().copied().map(TransactionId).collect();
        charge.check()
    };
    let refused = Err(ChargeError::Riders { transaction: T });
    assert_eq!(of(&[2, 3], 1, Gate::None), Ok(()));
    assert_eq!(of(&[], 2, Gate::Last), Ok(()));
    assert_eq!(of(&[2], 1, Gate::None), refused, "one rides nothing");
    assert_eq!(of(&[2, 2], 1, Gate::None), refused);
    assert_eq!(of(&[2, 1], 1, Gate::None), refused, "nobody rides himself");
    assert_eq!(of(&[2, 3], 2, Gate::None), refused);
    assert_eq!(of(&[2, 3], 1, Gate::Last), refused);
}
