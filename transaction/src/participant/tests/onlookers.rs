//! Participants on whose device nothing changes.

use super::*;

/// Nothing changes: it is looked whether all stands.
fn look_on() -> Order<u8> {
    let mut order = stage(Vec::new());
    if let Order::Stage { looks_on, .. } = &mut order {
        *looks_on = true;
    }
    order
}

fn looking_on() -> Told {
    let mut told = Told::new();
    told.hears(request(1, 1, look_on()));
    let vote = told.device(Outcome::Staged {
        evidence: String::new(),
        guarantee: Guarantee::Confirmed,
        renews: false,
    });
    let renews = true; // nothing is armed that could run out
    let guarantee = Guarantee::Confirmed;
    assert_eq!(answers(&vote), [&Answer::Staged { guarantee, renews }]);
    told.hears(request(1, 1, Order::Apply));
    told
}

#[test]
fn who_only_looks_on_asks_nothing_of_the_device_but_to_be_looked_at() {
    for (order, end) in [
        (Order::Confirm { change: None }, Answer::Confirmed),
        (Order::Revert { change: None }, Answer::Reverted),
    ] {
        let mut told = looking_on();
        assert_eq!(answers(&told.device(Outcome::Applied)), [&Answer::Applied]);
        let renewed = told.hears(request(1, 1, Order::Renew { round: 1 }));
        assert!(
            answers(&renewed) == [&Answer::Renewed] && !works(&renewed),
            "{renewed:?}"
        );
        let ended = told.hears(request(1, 1, order));
        assert!(answers(&ended) == [&end] && !works(&ended), "{ended:?}");
        assert_eq!(told.participant.live(), None);
    }
}

#[test]
fn who_only_looks_on_says_no_where_the_second_look_shows_another_or_nothing() {
    let what = "a path".to_owned();
    for seen in [Outcome::Stale { what }, unknown()] {
        let mut told = looking_on();
        let said = told.device(seen);
        assert!(matches!(answers(&said)[..], [Answer::Failed { .. }]), "{said:?}");
        assert!(!works(&said), "an answer that is lost is no yes: {said:?}");
    }
    // It was on record that it was to look, and the agent died over it: it looks when it comes back.
    let told = looking_on();
    let records = told.participant.records(NOW);
    let (participant, effects) = Participant::recover(DEVICE, &records, NOW);
    assert!(works(&effects) && !participant.is_taken(), "{effects:?}");
}

#[test]
fn what_comes_next_does_not_wait_for_who_only_looked_on() {
    // The last word was lost.
    let mut told = looking_on();
    told.device(Outcome::Applied);
    assert!(!told.participant.is_taken());
    let next = told.hears(request(2, 1, stage(Vec::new())));
    assert!(works(&next), "{next:?}");
    assert_eq!(told.participant.live(), Some((TransactionId(2), Standing::Untouched)));
    let late = told.hears(request(1, 1, Order::Confirm { change: None }));
    assert_eq!(answers(&late), [&Answer::Confirmed], "on it both ends are the same");

    // It is still being looked at: one thing after the other, and what the look shows is nobody's answer.
    let mut told = looking_on();
    let next = told.hears(request(2, 1, stage(Vec::new())));
    assert!(!works(&next) && answers(&next).is_empty(), "{next:?}");
    let looked = told.device(Outcome::Applied);
    assert!(works(&looked) && answers(&looked).is_empty(), "{looked:?}");
    let staged = told.device(staged(Guarantee::Confirmed));
    assert!(matches!(answers(&staged)[..], [Answer::Staged { .. }]), "{staged:?}");
}

#[test]
fn who_only_looks_on_lets_go_by_itself_where_nobody_speaks_any_more() {
    let mut told = looking_on();
    told.device(Outcome::Applied);
    let effects = told.hears(Input::Fired(Timer::InDoubt));
    assert!(!works(&effects), "{effects:?}");
    assert_eq!(told.participant.live(), None);
    assert_eq!(told.participant.ended(TransactionId(1)), Some(Standing::Untouched));
}

/// A controller of before there was such a thing waits for it like for any other: either end is the one that it hears.
#[test]
fn who_only_looked_on_is_at_the_end_that_it_is_told_also_after_a_crash() {
    let ends = [
        (Order::Confirm { change: None }, Answer::Confirmed),
        (Order::Revert { change: None }, Answer::Reverted),
    ];
    for (order, end) in ends {
        let mut told = looking_on();
        told.device(Outcome::Applied);
        let mut written = told.participant.records(NOW);
        let let_go = told.hears(Input::Fired(Timer::InDoubt));
        for effect in let_go {
            if let Effect::Record(record) = effect {
                written.push(record);
            }
        }
        let compacted = told.participant.records(NOW);
        let late = told.hears(request(1, 1, order.clone()));
        assert_eq!(answers(&late), [&end]);
        for records in [written, compacted] {
            let (mut participant, _) = Participant::recover(DEVICE, &records, NOW);
            let late = participant.step(request(1, 1, order.clone()), NOW);
            assert_eq!(answers(&late), [&end], "{records:?}");
        }
    }
    // Who changed something and took it back is not where it was confirmed.
    let mut told = Told::new();
    told.hears(request(1, 1, Order::Revert { change: None }));
    let late = told.hears(request(1, 1, Order::Confirm { change: None }));
    assert_eq!(answers(&late), [&Answer::Reverted]);
}

/// What an agent of before wrote does not say that it only looks on.
#[test]
fn a_record_of_before_says_by_its_change_who_only_looks_on() {
    let mut told = looking_on();
    told.device(Outcome::Applied);
    let older = |mut record: ParticipantRecord<u8>| {
        if let ParticipantRecord::Pending { looks_on, .. } = &mut record {
            *looks_on = false;
        }
        record
    };
    let records: Vec<_> = told.participant.records(NOW).into_iter().map(older).collect();
    let taken = |records: &[ParticipantRecord<u8>]| Participant::recover(DEVICE, records, NOW).0.is_taken();
    assert!(taken(&records), "it cannot be told from one that changes something");
    let read = |changes: bool| {
        records
            .iter()
            .map(|it| it.clone().with_onlookers(|_| changes))
            .collect::<Vec<_>>()
    };
    assert!(taken(&read(true)) && !taken(&read(false)));
}
