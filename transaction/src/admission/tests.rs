//! Admission, told and watched.

use super::*;

fn submission(ticket: u128, devices: &[u128], mergeable: bool) -> Input {
    Input::Submit(Submission {
        ticket: TicketId(ticket),
        devices: devices.iter().copied().map(DeviceId).collect(),
        mergeable,
    })
}

fn over(ticket: u128, how: Over) -> Input {
    Input::Over {
        ticket: TicketId(ticket),
        how,
    }
}

/// The tickets admitted by these effects.
fn admitted(effects: &[Effect]) -> Vec<Vec<u128>> {
    let tickets = |it: &Effect| match it {
        Effect::Admit { tickets, .. } => Some(tickets.iter().map(|it| it.0).collect()),
        Effect::Refuse { .. } | Effect::Arm { .. } | Effect::Disarm(_) => None,
    };
    effects.iter().filter_map(tickets).collect()
}

#[test]
fn disjoint_sets_do_not_wait_for_each_other() {
    let mut admission = Admission::new(Limits::default());
    assert_eq!(admitted(&admission.step(submission(1, &[1, 2], false))), [[1]]);
    assert_eq!(admitted(&admission.step(submission(2, &[3], false))), [[2]]);
}

#[test]
fn nobody_is_overtaken_on_a_device_he_waits_for() {
    let mut admission = Admission::new(Limits::default());
    admission.step(submission(1, &[1], false));
    admission.step(submission(2, &[1, 2], false));
    assert!(
        admitted(&admission.step(submission(3, &[2], false))).is_empty(),
        "2 came first and wants device 2"
    );
    let waiting = admission.waiting();
    assert_eq!(waiting[1].before, 1);
    assert_eq!(waiting[1].behind, [TicketId(2)]);
    assert_eq!(admitted(&admission.step(over(1, Over::Committed))), [[2]]);
    assert_eq!(admitted(&admission.step(over(2, Over::Committed))), [[3]]);
}

#[test]
fn a_device_is_free_as_soon_as_its_part_is_done() {
    let mut admission = Admission::new(Limits::default());
    admission.step(submission(1, &[1, 2], false));
    admission.step(submission(2, &[2], false));
    let release = Input::Release {
        ticket: TicketId(1),
        device: DeviceId(2),
        owed: None,
    };
    assert_eq!(admitted(&admission.step(release)), [[2]]);
}

#[test]
fn what_waits_for_one_device_is_merged_and_run_singly_if_that_fails() {
    let mut admission = Admission::new(Limits::default());
    admission.step(submission(1, &[1], true));
    admission.step(submission(2, &[1], true));
    admission.step(submission(3, &[1], true));
    admission.step(submission(4, &[1], false));
    admission.step(submission(5, &[1], true));
    assert_eq!(admitted(&admission.step(over(1, Over::Committed))), [[2, 3]]);
    assert_eq!(admitted(&admission.step(over(2, Over::RolledBack))), [[2]]);
    assert_eq!(admitted(&admission.step(over(2, Over::Committed))), [[3]]);
    assert_eq!(
        admitted(&admission.step(over(3, Over::RolledBack))),
        [[4]],
        "5 must not overtake 4"
    );
    assert_eq!(admitted(&admission.step(over(4, Over::Committed))), [[5]]);
}

#[test]
fn what_a_device_is_owed_comes_with_its_next_transaction() {
    let mut admission = Admission::new(Limits::default());
    admission.step(submission(1, &[1], false));
    let (device, transaction) = (DeviceId(1), TransactionId(7));
    admission.step(Input::Release {
        ticket: TicketId(1),
        device,
        owed: Some(transaction),
    });
    admission.step(over(1, Over::Torn));
    let effects = admission.step(submission(2, &[1], false));
    let debts = vec![(device, transaction)];
    assert!(effects.contains(&Effect::Admit {
        tickets: vec![TicketId(2)],
        debts
    }));
    admission.step(Input::Cleared { device, transaction });
    assert_eq!(admission.owed(device).count(), 0);
}

#[test]
fn the_queue_is_bounded_in_number_and_in_time() {
    let mut admission = Admission::new(Limits {
        waiting: 1,
        ..Limits::default()
    });
    admission.step(submission(1, &[1], false));
    admission.step(submission(2, &[1], false));
    let refusal = Refusal::Full {
        ticket: TicketId(3),
        waiting: 1,
    };
    let refused = admission.step(submission(3, &[1], false));
    assert_eq!(
        refused,
        [Effect::Refuse {
            ticket: TicketId(3),
            refusal
        }]
    );
    let late = admission.step(Input::Fired(Timer::Wait(TicketId(2))));
    assert!(matches!(late[..], [Effect::Disarm(_), Effect::Refuse { .. }]));
    assert!(admission.waiting().is_empty());
}

#[test]
fn a_restart_holds_what_was_held_even_twice() {
    let mut admission = Admission::new(Limits::default());
    let devices = BTreeSet::from([DeviceId(1)]);
    admission.step(Input::Held {
        tickets: vec![TicketId(1)],
        devices: devices.clone(),
    });
    admission.step(Input::Held {
        tickets: vec![TicketId(2)],
        devices,
    });
    admission.step(submission(3, &[1], false));
    assert!(admitted(&admission.step(over(1, Over::Committed))).is_empty());
    assert_eq!(admitted(&admission.step(over(2, Over::Committed))), [[3]]);
}

#[test]
fn what_was_merged_before_a_restart_goes_singly_after_it() {
    let mut admission = Admission::new(Limits::default());
    admission.step(Input::Held {
        tickets: vec![TicketId(1), TicketId(2)],
        devices: [DeviceId(1)].into(),
    });
    assert_eq!(admitted(&admission.step(over(1, Over::RolledBack))), [[1]]);
    assert_eq!(admitted(&admission.step(over(1, Over::Committed))), [[2]]);
}

#[test]
fn whoever_withdraws_leaves_the_queue_and_blocks_nobody() {
    let mut admission = Admission::new(Limits::default());
    admission.step(submission(1, &[1], false));
    admission.step(submission(2, &[1, 2], false));
    assert!(
        admitted(&admission.step(submission(3, &[2], false))).is_empty(),
        "2 came first"
    );
    let ticket = TicketId(2);
    let effects = admission.step(Input::Withdraw(ticket));
    let refusal = Refusal::Withdrawn { ticket };
    assert!(effects.contains(&Effect::Refuse { ticket, refusal }), "{effects:?}");
    assert_eq!(admitted(&effects), [[3]]);
    assert!(
        admission.step(Input::Withdraw(TicketId(1))).is_empty(),
        "who runs is cancelled, not withdrawn"
    );
}

#[test]
fn who_waits_to_be_run_singly_can_withdraw_too() {
    let mut admission = Admission::new(Limits::default());
    admission.step(submission(1, &[1], false));
    for ticket in 2..=4 {
        admission.step(submission(ticket, &[1], true));
    }
    assert_eq!(admitted(&admission.step(over(1, Over::Committed))), [[2, 3, 4]]);
    assert!(
        admission.step(Input::Withdraw(TicketId(3))).is_empty(),
        "it rides, so that what carries it is cancelled"
    );
    assert_eq!(admitted(&admission.step(over(2, Over::RolledBack))), [[2]]);
    let ticket = TicketId(3);
    let refusal = Refusal::Withdrawn { ticket };
    assert_eq!(
        admission.step(Input::Withdraw(ticket)),
        [Effect::Refuse { ticket, refusal }]
    );
    assert_eq!(admitted(&admission.step(over(2, Over::Committed))), [[4]]);
    admission.step(over(4, Over::Committed));
    assert_eq!(
        admitted(&admission.step(submission(5, &[1], false))),
        [[5]],
        "the device is free"
    );
}
