//! A transaction's steps while nobody dies.

use std::collections::BTreeMap;
use std::time::Duration;

use adapters_port::{Guarantee, Protocol};
use device_agent::check::{Color, Task, Wanted};
use device_agent::link::{Downward, Gate, Upward};
use device_agent::part::Part;
use knowledge_model::{Delta, Value};
use transaction::{Answer, DeviceId, Epoch, Order, Request, Standing, TransactionId};

use crate::bench::{Bench, R1, hostname, on_record, stage, stage_for, until};
use crate::device::{Device, Fault};

#[tokio::test]
async fn a_change_is_staged_applied_and_confirmed() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let answer = bench.ask(1, stage(hostname("old", "new"))).await;
    let vote = Answer::Staged {
        guarantee: transaction::Guarantee::Confirmed,
        renews: true,
    };
    assert_eq!(answer, vote);
    assert_eq!(bench.device.text("system/hostname").unwrap(), "old");
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    assert_eq!(bench.device.text("system/hostname").unwrap(), "new");
    assert_eq!(bench.ask(1, Order::Renew { round: 1 }).await, Answer::Renewed);
    assert_eq!(bench.ask(1, Order::Confirm { change: None }).await, Answer::Confirmed);
    assert_eq!(
        bench.ask(1, Order::Confirm { change: None }).await,
        Answer::Confirmed,
        "a repeat is answered alike"
    );
    assert_eq!(bench.device.now().asked, ["apply", "renew", "confirm"]);
    assert_eq!(bench.device.now().locked_by, None, "the lock is free");
}

#[tokio::test]
async fn a_change_is_taken_back() {
    for guarantee in [Guarantee::Confirmed, Guarantee::Plain] {
        let mut bench = Bench::with(Device::new(guarantee)).await;
        bench.staged(1, hostname("old", "new")).await;
        assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
        assert_eq!(bench.ask(1, Order::Revert { change: None }).await, Answer::Reverted);
        assert_eq!(bench.device.text("system/hostname").unwrap(), "old");
        assert_eq!(bench.device.now().locked_by, None);
        bench.staged(2, hostname("old", "newer")).await;
    }
}

#[tokio::test]
async fn the_way_back_is_on_disk_before_the_first_byte_of_an_apply() {
    let mut bench = Bench::with(Device::new(Guarantee::Plain)).await;
    bench.staged(1, hostname("old", "new")).await;
    assert!(!on_record(bench.folder.path(), "Pending"));
    let folder = bench.folder.path().to_owned();
    let look = move || assert!(on_record(&folder, "\"Pending\""), "applied before it was on record");
    bench.device.now().before_apply = Some(Box::new(look));
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
}

#[tokio::test]
async fn a_device_that_moved_on_or_is_held_votes_no() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let answer = bench.ask(1, stage(hostname("older", "new"))).await;
    assert!(
        matches!(&answer, Answer::Stale { what } if what.contains("system/hostname")),
        "{answer:?}"
    );
    bench.device.now().locked_by = Some(77);
    let answer = bench.ask(2, stage(hostname("old", "new"))).await;
    assert!(
        matches!(&answer, Answer::Busy { holder } if holder.contains("77")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_next_way_is_taken_where_the_first_does_not_answer() {
    let first = Device::new(Guarantee::Confirmed);
    let second = Device {
        guarantee: Guarantee::Plain,
        protocol: Protocol::Cli,
        ..first.clone()
    };
    let mut bench = Bench::with_ways(vec![first, second]).await;
    bench.device.now().fault = Fault::Silent;
    let answer = bench.ask(1, stage(hostname("old", "new"))).await;
    assert!(
        matches!(
            answer,
            Answer::Staged {
                guarantee: transaction::Guarantee::Plain,
                ..
            }
        ),
        "{answer:?}"
    );
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    assert_eq!(bench.ask(1, Order::Confirm { change: None }).await, Answer::Confirmed);
    assert_eq!(bench.device.text("system/hostname").unwrap(), "new");
}

#[tokio::test]
async fn a_refused_apply_is_answered_and_reverted() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    bench.device.now().fault = Fault::RefusesApply;
    bench.staged(1, hostname("old", "new")).await;
    let answer = bench.ask(1, Order::Apply).await;
    assert!(
        matches!(&answer, Answer::Failed { reason } if reason.contains("no room")),
        "{answer:?}"
    );
    assert_eq!(bench.ask(1, Order::Revert { change: None }).await, Answer::Reverted);
    assert_eq!(bench.device.now().locked_by, None);
}

/// A part that changes nothing: this has to stand.
fn stands(hostname: &str) -> Part {
    Part {
        delta: Delta::new(),
        stands: BTreeMap::from([("system/hostname".parse().unwrap(), Some(Value::scalar(hostname)))]),
        ..self::hostname(hostname, hostname)
    }
}

#[tokio::test]
async fn what_has_to_stand_is_looked_at_again_when_it_applies_and_when_the_agent_comes_back() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let answer = bench.ask(1, stage(stands("other"))).await;
    assert!(matches!(&answer, Answer::Stale { .. }), "{answer:?}");
    bench.staged(2, stands("old")).await;
    assert_eq!(bench.ask(2, Order::Apply).await, Answer::Applied);
    assert_eq!(bench.ask(2, Order::Confirm { change: None }).await, Answer::Confirmed);

    let moves = |bench: &Bench, to: &str| {
        let path = "system/hostname".parse().unwrap();
        bench.device.now().running.insert(path, Value::scalar(to));
    };
    bench.staged(3, stands("old")).await;
    moves(&bench, "moved");
    let answer = bench.ask(3, Order::Apply).await;
    assert!(
        matches!(&answer, Answer::Failed { reason } if reason.contains("system/hostname")),
        "{answer:?}"
    );
    assert_eq!(bench.ask(3, Order::Revert { change: None }).await, Answer::Reverted);

    // Applied, and moved while the agent was away.
    bench.staged(4, stands("moved")).await;
    assert_eq!(bench.ask(4, Order::Apply).await, Answer::Applied);
    bench.kill().await;
    moves(&bench, "old");
    bench.start().await;
    bench.inquiry().await;
    let answer = bench.ask(4, Order::Renew { round: 1 }).await;
    assert!(matches!(&answer, Answer::Failed { .. }), "{answer:?}");
    // Nobody tells it the end of that: the next one begins all the same.
    bench.staged(5, hostname("old", "new")).await;
    assert_eq!(
        bench.device.now().asked,
        [""; 0],
        "nothing was asked of the device for it"
    );
}

#[tokio::test]
async fn where_a_stranger_wrote_no_lock_is_left() {
    let orders = [
        Order::Confirm { change: None },
        Order::Revert { change: None },
        Order::Renew { round: 1 },
    ];
    for order in orders {
        let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
        bench.staged(1, hostname("old", "new")).await;
        assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
        assert!(bench.device.now().locked_by.is_some());
        let theirs = Value::scalar("theirs");
        bench
            .device
            .now()
            .running
            .insert("system/hostname".parse().unwrap(), theirs);
        let answer = bench.ask(1, order).await;
        let (Answer::Deferred { reason } | Answer::Foreign { what: reason } | Answer::Failed { reason }) = &answer
        else {
            panic!("{answer:?}");
        };
        assert!(reason.contains("system/hostname"), "{reason}");
        assert_eq!(bench.device.now().locked_by, None, "{answer:?}");
        assert_eq!(bench.device.text("system/hostname").unwrap(), "theirs");
    }
}

#[tokio::test]
async fn an_apply_that_never_ends_is_found_out_by_reading_back() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    bench.device.now().fault = Fault::ApplyHangs;
    bench.staged(1, hostname("old", "new")).await;
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    assert_eq!(bench.ask(1, Order::Confirm { change: None }).await, Answer::Confirmed);
    assert_eq!(bench.device.text("system/hostname").unwrap(), "new");
}

#[tokio::test]
async fn a_lease_is_renewed_without_being_asked() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let order = stage_for(hostname("old", "new"), Duration::from_secs(6), Duration::from_secs(60));
    assert!(matches!(bench.ask(1, order).await, Answer::Staged { .. }));
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    let renewed = || bench.device.now().asked.iter().filter(|it| *it == "renew").count() >= 4;
    until("the lease is renewed four times", renewed).await;
    assert_eq!(bench.device.text("system/hostname").unwrap(), "new");
}

#[tokio::test]
async fn when_nobody_is_heard_the_agent_takes_a_plain_change_back_by_itself() {
    let mut bench = Bench::with(Device::new(Guarantee::Plain)).await;
    let order = stage_for(hostname("old", "new"), Duration::from_secs(4), Duration::from_secs(2));
    assert!(matches!(bench.ask(1, order).await, Answer::Staged { .. }));
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    assert_eq!(bench.inquiry().await.standing, Standing::Applied, "it asks first");
    until("the change is gone", || {
        bench.device.text("system/hostname").unwrap() == "old"
    })
    .await;
    assert_eq!(bench.ask(1, Order::Revert { change: None }).await, Answer::Reverted);
}

#[tokio::test]
async fn a_device_of_somebody_else_is_refused() {
    let mut bench = Bench::with(Device::new(Guarantee::Plain)).await;
    let request = Request {
        transaction: TransactionId(1),
        epoch: Epoch(1),
        device: DeviceId(99),
        order: stage(hostname("old", "new")),
    };
    bench.send(Downward::Request(request)).await;
    let Upward::Reply(reply) = bench.next().await else {
        panic!("no reply")
    };
    assert!(matches!(reply.answer, Answer::Refused { .. }));
}

fn task(name: &str, wanted: Wanted) -> Task {
    Task {
        name: name.to_owned(),
        wanted,
        patience: None,
    }
}

#[tokio::test]
async fn a_gate_is_green_while_the_device_answers_and_is_as_it_was_made() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let part = hostname("old", "new");
    bench.staged(1, part.clone()).await;
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    let gate = async |bench: &mut Bench, within| {
        let checks = vec![
            task("answers", Wanted::Answers),
            task("equal", Wanted::Equal { part: part.clone() }),
        ];
        let (transaction, steady) = (TransactionId(1), Duration::ZERO);
        bench
            .send(Downward::Gate(Gate {
                transaction,
                device: R1,
                checks,
                within,
                steady,
            }))
            .await;
        loop {
            if let Upward::Health { findings, .. } = bench.next().await {
                return findings.into_iter().map(|it| it.color).collect::<Vec<_>>();
            }
        }
    };
    let long = Duration::from_secs(5);
    assert_eq!(gate(&mut bench, long).await, [Color::Green, Color::Green]);
    let foreign = Value::scalar("foreign");
    bench
        .device
        .now()
        .running
        .insert("system/hostname".parse().unwrap(), foreign);
    assert_eq!(
        gate(&mut bench, Duration::from_secs(1)).await,
        [Color::Green, Color::Red]
    );
    bench.device.now().fault = Fault::Silent;
    assert_eq!(
        gate(&mut bench, Duration::from_millis(100)).await,
        [Color::Red, Color::NoData]
    );
}

#[tokio::test]
async fn who_asks_about_more_devices_than_are_looked_at_at_once_is_answered_about_each() {
    const MANY: u128 = 600;
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    for transaction in 1..=MANY {
        bench
            .send(Downward::Gate(Gate {
                transaction: TransactionId(transaction),
                device: R1,
                checks: vec![task("answers", Wanted::Answers)],
                within: Duration::from_secs(8),
                // Each takes a while, so that others have to wait for it.
                steady: Duration::from_millis(100),
            }))
            .await;
    }
    let mut answered = std::collections::BTreeSet::new();
    while answered.len() < usize::try_from(MANY).unwrap() {
        if let Upward::Health { transaction, .. } = bench.next().await {
            answered.insert(transaction);
        }
    }
}
