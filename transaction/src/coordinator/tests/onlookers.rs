//! Coordinators of transactions in which devices only look on.

use super::*;

/// A transaction in which these devices only look on, once everybody has voted yes.
fn voted(onlookers: &[usize]) -> Coordinator<u8> {
    let mut charge = charge(&[]);
    onlookers.iter().for_each(|it| charge.members[*it].looks_on = true);
    let mut coordinator = Coordinator::new(charge, Epoch(1)).unwrap();
    coordinator.step(Input::Begin, NOW);
    let yes = Answer::Staged {
        guarantee: Guarantee::Confirmed,
        renews: true,
    };
    for device in [1, 2] {
        coordinator.step(Input::Reply(reply(device, Step::Stage, yes.clone())), NOW);
    }
    coordinator
}

fn is_told(effects: &Effects, device: u128, step: Step) -> bool {
    let told = |it: &Effect<u8>| matches!(it, Effect::Send(it) if it.device.0 == device && it.order.step() == step);
    effects.iter().any(told)
}

fn is_free(effects: &Effects, device: u128) -> bool {
    let device = DeviceId(device);
    effects.contains(&Effect::Release { device, owed: false })
}

#[test]
fn after_the_decision_nobody_waits_for_who_only_looks_on() {
    let mut coordinator = voted(&[1]);
    coordinator.step(Input::Reply(reply(1, Step::Apply, Answer::Applied)), NOW);
    assert_eq!(
        coordinator.decision(),
        None,
        "until then its word counts like any other"
    );
    let decided = coordinator.step(Input::Reply(reply(2, Step::Apply, Answer::Applied)), NOW);
    assert!(
        is_told(&decided, 2, Step::Confirm) && is_free(&decided, 2),
        "{decided:?}"
    );
    assert!(!is_free(&decided, 1) && coordinator.ending().is_none());
    // Whatever it says now, or if it says nothing: there is nothing that it could be owed.
    let mut silent = coordinator.clone();
    coordinator.step(Input::Reply(reply(2, Step::Confirm, Answer::Reverted)), NOW);
    for it in [&mut coordinator, &mut silent] {
        it.step(Input::Reply(reply(1, Step::Confirm, Answer::Confirmed)), NOW);
        assert_eq!(it.ending(), Some(&Ending::Committed));
    }
}

#[test]
fn who_only_looks_on_is_not_owed_what_another_is() {
    for answered in [true, false] {
        let mut coordinator = voted(&[1]);
        coordinator.step(Input::Reply(reply(1, Step::Apply, Answer::Applied)), NOW);
        if answered {
            coordinator.step(Input::Reply(reply(2, Step::Apply, Answer::Applied)), NOW);
        } else {
            let told = coordinator.step(Input::Cancel, NOW);
            assert!(is_told(&told, 2, Step::Revert) && is_free(&told, 2), "{told:?}");
        }
        coordinator.step(Input::Fired(Timer::Repair), NOW);
        let Some(Ending::Torn { devices, .. }) = coordinator.ending() else {
            panic!("{coordinator:?}")
        };
        let torn: Vec<u128> = devices.iter().map(|it| it.device.0).collect();
        assert_eq!(torn, [1]);
    }
}

#[test]
fn a_no_of_who_only_looks_on_counts_and_the_others_alone_have_to_go_back() {
    let mut coordinator = voted(&[1]);
    coordinator.step(Input::Reply(reply(1, Step::Apply, Answer::Applied)), NOW);
    let reason = "moved on".to_owned();
    coordinator.step(Input::Reply(reply(2, Step::Apply, Answer::Failed { reason })), NOW);
    assert!(coordinator.ending().is_none() && coordinator.has_reverted());
    coordinator.step(Input::Reply(reply(1, Step::Revert, Answer::Reverted)), NOW);
    assert!(matches!(coordinator.ending(), Some(Ending::RolledBack { .. })));
}

#[test]
fn where_all_only_look_on_the_decision_is_the_end_also_after_a_crash() {
    let mut coordinator = voted(&[0, 1]);
    let began = CoordinatorRecord::Began {
        charge: coordinator.charge().clone(),
        at: NOW,
    };
    coordinator.step(Input::Reply(reply(1, Step::Apply, Answer::Applied)), NOW);
    let all = coordinator.step(Input::Reply(reply(2, Step::Apply, Answer::Applied)), NOW);
    assert_eq!(coordinator.ending(), Some(&Ending::Committed));
    assert_eq!(records(&all).len(), 2, "the decision and the end: {all:?}");
    let records = [began, records(&all)[0].clone()];
    let (again, effects) = Coordinator::recover(&records, Epoch(2), NOW).unwrap();
    assert_eq!(again.ending(), Some(&Ending::Committed));
    assert!(
        is_told(&effects, 1, Step::Confirm) && is_free(&effects, 2),
        "{effects:?}"
    );
}

/// Its agent is from before there was such a thing, and holds the device until it has heard the decision.
#[test]
fn who_looks_on_with_an_agent_that_does_not_let_go_is_waited_for() {
    let mut charge = charge(&[]);
    (charge.members[1].looks_on, charge.members[1].lingers) = (true, true);
    let began = CoordinatorRecord::Began { charge, at: NOW };
    let decision = Decision::Confirm;
    let decided = CoordinatorRecord::Decided {
        transaction: T,
        decision,
        at: NOW,
    };
    // Also where the record is read again: what an older program wrote says nothing of either.
    let records = [began, decided].map(|it| it.with_onlookers(|_| true));
    let (mut coordinator, effects) = Coordinator::recover(&records, Epoch(2), NOW).unwrap();
    assert!(!is_free(&effects, 2), "{effects:?}");
    let confirmed = |device| {
        Input::Reply(Reply {
            epoch: Epoch(2),
            ..reply(device, Step::Confirm, Answer::Confirmed)
        })
    };
    coordinator.step(confirmed(1), NOW);
    assert_eq!(coordinator.ending(), None);
    assert!(is_free(&coordinator.step(confirmed(2), NOW), 2));
    assert_eq!(coordinator.ending(), Some(&Ending::Committed));
}

/// A journal of before there was such a thing: who only looked on is not waited for, and owed nothing whatever it says.
#[test]
fn a_record_of_before_says_by_its_change_who_only_looks_on() {
    let mut charge = charge(&[]);
    charge.members[1].change = 0;
    let began = CoordinatorRecord::Began { charge, at: NOW };
    let decision = Decision::Confirm;
    let decided = CoordinatorRecord::Decided {
        transaction: T,
        decision,
        at: NOW,
    };
    let records = [began, decided];
    let ending = |records: &[CoordinatorRecord<u8>]| {
        let (mut coordinator, _) = Coordinator::recover(records, Epoch(2), NOW).unwrap();
        for (device, answer) in [(2, Answer::Reverted), (1, Answer::Confirmed)] {
            let epoch = Epoch(2);
            let reply = reply(device, Step::Confirm, answer);
            coordinator.step(Input::Reply(Reply { epoch, ..reply }), NOW);
        }
        coordinator.ending().cloned()
    };
    assert!(
        matches!(ending(&records), Some(Ending::Torn { .. })),
        "as it stands it changes something"
    );
    let read = records.map(|it| it.with_onlookers(|change| *change != 0));
    assert_eq!(ending(&read), Some(Ending::Committed));
}
