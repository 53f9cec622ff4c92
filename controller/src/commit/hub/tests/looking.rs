//! Devices that are looked at before a transaction begins, and those that only look on.

use super::*;

/// Its devices are its own, and are looked at for as long as their agents take.
#[tokio::test]
async fn who_withdraws_while_his_devices_are_looked_at_is_heard_at_once() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
    hub.submit(charge(UNSEEN.0, 7, ""), Ride::Alone, Arc::default()).await;
    until(|| hub.load() == (1, 0)).await;
    assert!(hub.cancel(UNSEEN).await);
    let (transaction, reason) = in_time(refused(&mut told)).await;
    assert!(transaction == UNSEEN && reason.contains("withdrawn"), "{reason}");
    hub.submit(charge(2, 7, ""), Ride::Alone, Arc::default()).await;
    heard_of(&heard, 2).await;
    assert!(heard.0.lock().unwrap().iter().all(|it| it.transaction != UNSEEN));
}

#[tokio::test]
async fn devices_that_are_looked_at_for_too_long_are_not_waited_for() {
    let heard = Arc::new(Heard::default());
    let (outcomes, mut told) = mpsc::channel(4);
    let ground = Ground {
        look_within: Duration::from_millis(50),
        ..ground(Arc::new(Picky), &heard, outcomes)
    };
    let hub = Hub::start(ground, Vec::new()).await;
    hub.submit(charge(UNSEEN.0, 7, ""), Ride::Alone, Arc::default()).await;
    let (transaction, reason) = in_time(refused(&mut told)).await;
    assert!(
        transaction == UNSEEN && reason.contains("could not be looked at"),
        "{reason}"
    );
    hub.submit(charge(2, 7, ""), Ride::Alone, Arc::default()).await;
    heard_of(&heard, 2).await;
}

/// An agent of before holds the device until it has heard the decision: what comes next would find it busy.
#[tokio::test]
async fn what_is_only_looked_at_is_free_with_the_decision_where_the_agent_lets_go_by_itself() {
    for older in [false, true] {
        let heard = Arc::new(Heard(Locked::default(), Older::new(older)));
        let (outcomes, mut told) = mpsc::channel(4);
        let hub = Hub::start(ground(Arc::new(Picky), &heard, outcomes), Vec::new()).await;
        let mut both = charge(1, 7, "");
        both.members.push(Member {
            device: DeviceId(8),
            looks_on: true,
            ..both.members[0].clone()
        });
        hub.submit(both, Ride::Alone, Arc::default()).await;
        let staged = Answer::Staged {
            guarantee: Guarantee::Confirmed,
            renews: true,
        };
        let say = |device: u128, step: Step, answer: Answer| {
            hub.reply(Reply {
                device: DeviceId(device),
                ..says(1, step, answer)
            });
        };
        for (step, answer) in [(Step::Stage, staged), (Step::Apply, Answer::Applied)] {
            heard_step(&heard, 1, step).await;
            say(7, step, answer.clone());
            say(8, step, answer);
        }
        heard_step(&heard, 1, Step::Confirm).await;
        hub.submit(charge(2, 8, ""), Ride::Alone, Arc::default()).await;
        if older {
            until(|| hub.waits(TransactionId(2)).is_some()).await;
            say(7, Step::Confirm, Answer::Confirmed);
            say(8, Step::Confirm, Answer::Confirmed);
            heard_of(&heard, 2).await;
        } else {
            heard_of(&heard, 2).await;
            say(7, Step::Confirm, Answer::Confirmed);
        }
        assert_eq!(settled(&mut told).await, Ending::Committed);
    }
}
