//! The agent dies and comes back: its records say what was open, the device says where it stands.

use std::time::Duration;

use adapters_port::Guarantee;
use transaction::{Answer, Order, Standing};

use crate::bench::{Bench, hostname, stage_for, until};
use crate::device::{Device, Fault};

async fn applied_then_killed(guarantee: Guarantee) -> Bench {
    let mut bench = Bench::with(Device::new(guarantee)).await;
    bench.staged(1, hostname("old", "new")).await;
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    bench.kill().await;
    assert_eq!(bench.device.text("system/hostname").unwrap(), "new");
    bench.start().await;
    bench
}

#[tokio::test]
async fn killed_between_apply_and_confirm_it_asks_and_confirms() {
    for guarantee in [Guarantee::Confirmed, Guarantee::Plain] {
        let mut bench = applied_then_killed(guarantee).await;
        assert_eq!(bench.inquiry().await.standing, Standing::Applied, "{guarantee:?}");
        assert_eq!(bench.ask(1, Order::Confirm { change: None }).await, Answer::Confirmed);
        assert_eq!(bench.device.text("system/hostname").unwrap(), "new");
        assert!(bench.device.now().pending.is_none());
    }
}

#[tokio::test]
async fn killed_between_apply_and_confirm_it_asks_and_reverts() {
    for guarantee in [Guarantee::Confirmed, Guarantee::Plain] {
        let mut bench = applied_then_killed(guarantee).await;
        assert_eq!(bench.inquiry().await.standing, Standing::Applied, "{guarantee:?}");
        assert_eq!(bench.ask(1, Order::Revert { change: None }).await, Answer::Reverted);
        assert_eq!(bench.device.text("system/hostname").unwrap(), "old");
        assert_eq!(bench.device.now().locked_by, None);
    }
}

#[tokio::test]
async fn what_the_device_took_back_meanwhile_is_repaired_when_confirm_was_decided() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    let order = stage_for(
        hostname("old", "new"),
        Duration::from_millis(100),
        Duration::from_secs(20),
    );
    assert!(matches!(bench.ask(1, order).await, Answer::Staged { .. }));
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    bench.kill().await;
    until("the device took it back", || {
        bench.device.text("system/hostname").unwrap() == "old"
    })
    .await;
    bench.start().await;
    assert_eq!(bench.ask(1, Order::Confirm { change: None }).await, Answer::Confirmed);
    assert_eq!(bench.device.text("system/hostname").unwrap(), "new");
}

#[tokio::test]
async fn a_decision_reaches_an_agent_that_lost_its_records() {
    let mut bench = applied_then_killed(Guarantee::Plain).await;
    bench.kill().await;
    std::fs::remove_dir_all(bench.folder.path().join("records")).unwrap();
    bench.start().await;
    assert_eq!(bench.ask(1, Order::Confirm { change: None }).await, Answer::Unknown);
    let change = Some(hostname("old", "new"));
    assert_eq!(bench.ask(1, Order::Revert { change }).await, Answer::Reverted);
    assert_eq!(bench.device.text("system/hostname").unwrap(), "old");
    let change = Some(hostname("old", "newest"));
    assert_eq!(bench.ask(2, Order::Confirm { change }).await, Answer::Confirmed);
    assert_eq!(bench.device.text("system/hostname").unwrap(), "newest");
}

#[tokio::test]
async fn a_repeat_after_a_restart_is_answered_as_the_first_time() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    bench.staged(1, hostname("old", "new")).await;
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    assert_eq!(bench.ask(1, Order::Confirm { change: None }).await, Answer::Confirmed);
    bench.kill().await;
    bench.start().await;
    assert_eq!(bench.ask(1, Order::Confirm { change: None }).await, Answer::Confirmed);
    assert_eq!(bench.device.now().asked, ["apply", "confirm"]);
}

#[tokio::test]
async fn told_to_stop_it_says_what_is_open() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    bench.staged(1, hostname("old", "new")).await;
    assert_eq!(bench.ask(1, Order::Apply).await, Answer::Applied);
    let left = bench.stop().await;
    assert_eq!((left.open.len(), left.at_work.len()), (1, 0));
    assert_eq!(
        (left.open[0].device.as_str(), left.open[0].standing),
        ("r1", Standing::Applied)
    );
    assert!(!left.is_nothing());
    bench.start().await;
    assert_eq!(bench.inquiry().await.standing, Standing::Applied);
}

#[tokio::test]
async fn a_step_that_does_not_end_in_time_is_left_over() {
    let mut bench = Bench::with(Device::new(Guarantee::Confirmed)).await;
    bench.restart_draining(Duration::from_millis(50)).await;
    assert!(bench.stop().await.is_nothing(), "nothing is under way");
    bench.restart_draining(Duration::from_millis(50)).await;
    bench.staged(1, hostname("old", "new")).await;
    bench.device.now().fault = Fault::ApplyHangs;
    bench.say(1, 1, Order::Apply).await;
    until("it applies", || bench.device.now().asked.iter().any(|it| it == "apply")).await;
    let left = bench.stop().await;
    assert_eq!(left.at_work, ["r1"], "{left:?}");
    assert!(!left.is_nothing(), "nobody else may speak for the device yet");
}
