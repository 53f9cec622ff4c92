//! Small changes that waited for one device ride one transaction, and each hears its own end.

use super::*;

/// A small change of device 7, at a place of its own.
fn small(number: u128) -> Charge<Change> {
    let mut charge = charge(number, 7, &format!("entente {number} by ana"));
    charge.members[0].change.entries.push(Entry {
        path: format!("interface[e{number}]/description"),
        before: None,
        after: Some(Content::Scalar("x".to_owned())),
    });
    charge
}

fn staged() -> Answer {
    Answer::Staged {
        guarantee: Guarantee::Confirmed,
        renews: true,
    }
}

/// The transactions that were asked to stage, in order, each once.
fn asked(heard: &Heard) -> Vec<u128> {
    let mut asked: Vec<u128> = Vec::new();
    for request in heard.0.lock().unwrap().iter() {
        let number = request.transaction.0;
        if request.order.step() == Step::Stage && !asked.contains(&number) {
            asked.push(number);
        }
    }
    asked
}

/// Waits until so many were asked to stage; the last of them.
async fn nth(heard: &Heard, count: usize) -> u128 {
    until(|| asked(heard).len() >= count).await;
    assert_eq!(asked(heard).len(), count, "one at a time");
    asked(heard)[count - 1]
}

/// The device does what it is asked for in this transaction, up to the end.
async fn does_all(hub: &Hub, heard: &Heard, number: u128) {
    for (step, answer) in [
        (Step::Stage, staged()),
        (Step::Apply, Answer::Applied),
        (Step::Confirm, Answer::Confirmed),
    ] {
        heard_step(heard, number, step).await;
        hub.reply(says(number, step, answer));
    }
}

/// The device refuses this transaction.
async fn refuses(hub: &Hub, heard: &Heard, number: u128) {
    heard_step(heard, number, Step::Stage).await;
    let reason = "no".to_owned();
    hub.reply(says(number, Step::Stage, Answer::Refused { reason }));
    heard_step(heard, number, Step::Revert).await;
    hub.reply(says(number, Step::Revert, Answer::Reverted));
}

async fn next(outcomes: &mut mpsc::Receiver<Outcome>) -> Outcome {
    let next = tokio::time::timeout(Duration::from_secs(20), outcomes.recv()).await;
    next.unwrap().unwrap()
}

/// Who is told of the next ending, and which.
async fn told(outcomes: &mut mpsc::Receiver<Outcome>) -> (Vec<u128>, Ending) {
    match next(outcomes).await {
        Outcome::Settled(settlement, track) => {
            let told = track.told(settlement.transaction);
            (told.iter().map(|(it, _)| it.0).collect(), settlement.ending)
        }
        other @ (Outcome::Parted { .. } | Outcome::Cleared { .. } | Outcome::Refused { .. }) => panic!("{other:?}"),
    }
}

struct Stage {
    hub: Arc<Hub>,
    heard: Arc<Heard>,
    outcomes: mpsc::Receiver<Outcome>,
    tracks: Vec<Arc<Track>>,
}

/// One runs, and these wait behind it for the same device.
async fn behind_one(riders: Vec<Charge<Change>>) -> Stage {
    let heard = Arc::new(Heard::default());
    let (outcomes, told) = mpsc::channel(16);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    hub.submit(small(1), Ride::Along, Arc::default()).await;
    heard_of(&heard, 1).await;
    let mut tracks = Vec::new();
    for rider in riders {
        let (transaction, track) = (rider.transaction, hub.announce(rider.transaction));
        hub.submit(rider, Ride::Along, track.clone()).await;
        until(|| hub.waits(transaction).is_some()).await;
        tracks.push(track);
    }
    Stage {
        hub,
        heard,
        outcomes: told,
        tracks,
    }
}

#[tokio::test]
async fn what_waited_for_one_device_is_one_transaction_and_each_is_told() {
    let mut stage = behind_one(vec![small(2), small(3), small(4)]).await;
    let (hub, heard) = (stage.hub.clone(), stage.heard.clone());
    does_all(&hub, &heard, 1).await;
    assert_eq!(told(&mut stage.outcomes).await, (vec![1], Ending::Committed));
    let carrier = nth(&heard, 2).await;
    assert!(carrier > 4, "it has a name of its own");
    let sent = heard.0.lock().unwrap().clone();
    let entries = sent.iter().find_map(|it| {
        let Order::Stage { change, .. } = &it.order else {
            return None;
        };
        (it.transaction.0 == carrier).then_some(change.entries.len())
    });
    assert_eq!(entries, Some(3), "all three changes are in it");
    assert_eq!(hub.load(), (1, 0), "who rides waits for nothing");
    does_all(&hub, &heard, carrier).await;
    assert_eq!(told(&mut stage.outcomes).await, (vec![2, 3, 4], Ending::Committed));
    for track in &stage.tracks {
        let events = track.after(0).await;
        let said = |words: &str| events.iter().any(|it| it.text.contains(words));
        assert!(
            said("one of 3 that waited") && said("apply done: configuration 66%"),
            "{events:?}"
        );
    }
    assert!(hub.open().is_empty() || !hub.open().contains(&TransactionId(2)));
    // The device is free again.
    hub.submit(small(5), Ride::Along, Arc::default()).await;
    heard_of(&heard, 5).await;
}

#[tokio::test]
async fn one_that_is_refused_does_not_take_the_others_down() {
    let mut stage = behind_one(vec![small(2), small(3), small(4)]).await;
    let (hub, heard) = (stage.hub.clone(), stage.heard.clone());
    does_all(&hub, &heard, 1).await;
    assert_eq!(told(&mut stage.outcomes).await.0, [1]);
    let carrier = nth(&heard, 2).await;
    refuses(&hub, &heard, carrier).await;
    assert!(matches!(next(&mut stage.outcomes).await, Outcome::Parted { transaction } if transaction.0 == carrier));
    assert_eq!(nth(&heard, 3).await, 2);
    does_all(&hub, &heard, 2).await;
    assert_eq!(told(&mut stage.outcomes).await, (vec![2], Ending::Committed));
    assert_eq!(nth(&heard, 4).await, 3);
    refuses(&hub, &heard, 3).await;
    let (who, ending) = told(&mut stage.outcomes).await;
    assert!(who == [3] && matches!(&ending, Ending::RolledBack { reason } if reason.to_string().contains("no")));
    assert_eq!(nth(&heard, 5).await, 4);
    does_all(&hub, &heard, 4).await;
    assert_eq!(told(&mut stage.outcomes).await, (vec![4], Ending::Committed));
}

#[tokio::test]
async fn who_withdraws_from_a_ride_leaves_the_others_to_go_on() {
    let mut stage = behind_one(vec![small(2), small(3), small(4)]).await;
    let (hub, heard) = (stage.hub.clone(), stage.heard.clone());
    does_all(&hub, &heard, 1).await;
    assert_eq!(told(&mut stage.outcomes).await.0, [1]);
    let carrier = nth(&heard, 2).await;
    heard_step(&heard, carrier, Step::Stage).await;
    assert!(hub.cancel(TransactionId(3)).await);
    heard_step(&heard, carrier, Step::Revert).await;
    assert!(hub.cancel(TransactionId(4)).await, "still known, wherever it is");
    hub.reply(says(carrier, Step::Revert, Answer::Reverted));
    assert!(matches!(next(&mut stage.outcomes).await, Outcome::Parted { .. }));
    assert_eq!(nth(&heard, 3).await, 2);
    does_all(&hub, &heard, 2).await;
    assert_eq!(told(&mut stage.outcomes).await, (vec![2], Ending::Committed));
    for number in [3, 4] {
        let (transaction, reason) = refused(&mut stage.outcomes).await;
        assert!(
            transaction.0 == number && reason.contains("withdrawn"),
            "{transaction} {reason}"
        );
    }
    assert_eq!(asked(&heard).len(), 3, "nobody heard of those that were withdrawn");
}

#[tokio::test]
async fn what_contradicts_itself_goes_one_by_one() {
    let mut other = small(3);
    other.members[0].change.entries[0] = Entry {
        after: Some(Content::Scalar("y".to_owned())),
        ..small(2).members[0].change.entries[0].clone()
    };
    let mut stage = behind_one(vec![small(2), other]).await;
    let (hub, heard) = (stage.hub.clone(), stage.heard.clone());
    for (count, number) in [(1, 1), (2, 2), (3, 3)] {
        assert_eq!(nth(&heard, count).await, number);
        does_all(&hub, &heard, number).await;
        assert_eq!(told(&mut stage.outcomes).await, (vec![number], Ending::Committed));
    }
}

/// What carried others is taken up after a restart from its first record alone, and tells each of them.
#[tokio::test]
async fn what_carried_others_is_resumed_for_each_of_them() {
    for decided in [true, false] {
        let heard = Arc::new(Heard::default());
        let (outcomes, mut outcome) = mpsc::channel(4);
        let (transaction, at) = (TransactionId(9), transaction::Moment(0));
        let charge = Charge {
            riders: vec![TransactionId(2), TransactionId(3)],
            ..charge(9, 7, "")
        };
        let mut records = vec![CoordinatorRecord::Began { charge, at }];
        if decided {
            let decision = transaction::Decision::Confirm;
            records.push(CoordinatorRecord::Decided {
                transaction,
                decision,
                at,
            });
        }
        let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), records).await;
        assert!(hub.track(TransactionId(3)).is_some(), "who rides is found");
        let (step, answer) = if decided {
            (Step::Confirm, Answer::Confirmed)
        } else {
            (Step::Revert, Answer::Reverted)
        };
        heard_step(&heard, 9, step).await;
        // Its device is held for it.
        hub.submit(small(5), Ride::Along, Arc::default()).await;
        until(|| hub.waits(TransactionId(5)).is_some()).await;
        hub.reply(says(9, step, answer));
        let (who, ending) = told(&mut outcome).await;
        assert_eq!((who, ending == Ending::Committed), (vec![2, 3], decided));
        heard_of(&heard, 5).await;
    }
}

/// What was written before anybody could ride reads as what nobody rides, and a charge without riders is written as then.
#[test]
fn journals_of_before_are_read() {
    let written = serde_json::to_string(&charge(1, 7, "")).unwrap();
    assert!(!written.contains("riders"), "{written}");
    let read: Charge<Change> = serde_json::from_str(&written).unwrap();
    assert_eq!(read, charge(1, 7, ""));
}
