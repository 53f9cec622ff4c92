//! What a certificate allows is asked at the controller's end too: an agent that lies about it configures nothing, and
//! confirms nothing for another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fabric_events::Severity;
use fabric_wire::v1::{self, Scope, answer, upward};
use fabric_wire::{Limits, Membership};
use serde_json::json;
use tokio::sync::mpsc;

use super::crafted::Crafted;
use super::stage::{DEVICES, Stage};
use super::telling::{Mouth, QUICK, describe, serve, until_asked};

fn planned(stage: &Stage, file: &str) -> String {
    let plan = stage.data(&format!("plan -f {file}"));
    plan["id"].as_str().unwrap().to_owned()
}

fn said(stage: &Stage, words: &str) {
    let said = tests_real::until(words, Duration::from_secs(20), || {
        stage.log().contains(words).then_some(())
    });
    said.unwrap_or_else(|error| panic!("{error}\n{}", stage.log()));
}

/// An answer to a confirm that nobody has asked this agent for.
fn confirmed(transaction: &[u8]) -> (Scope, upward::Body) {
    let scope = Scope {
        transaction: transaction.to_vec(),
        epoch: 1,
        device: DEVICES[0].1.to_owned(),
        step: v1::Step::Confirm.into(),
        attempt: 0,
    };
    let answer = v1::Answer {
        standing: v1::Standing::Confirmed.into(),
        outcome: Some(answer::Outcome::Done(v1::Done::default())),
        ..v1::Answer::default()
    };
    (scope, upward::Body::Answer(answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_may_observe_and_publish_neither_configures_nor_confirms_for_another() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let monitor = Crafted::enrolled_to(&stage, "monitor", &["pe1", "pe2"], &["observe", "publish"]).await;
    let mouth = Mouth::of(&stage, &monitor, stage.ports[1]);
    let membership = Membership::new(monitor.hello(&["pe1", "pe2"]), Limits::default());
    let outlet = membership.outlet();
    let link = membership.join(monitor.dial().await.unwrap()).await.unwrap();
    let (sender, mut told) = mpsc::channel(64);
    let yes = || Arc::new(AtomicBool::new(true));
    tokio::spawn(serve(link, sender, (v1::Step::Confirm, yes())));

    // It is asked how its device is, and says yes to everything: but it is not asked to change it.
    describe(&stage, ("one", "pe2"), "first");
    let plan = planned(&stage, "one.yaml");
    until_asked(&mut told, v1::Step::Query).await;
    let alone = stage.data(&format!("commit {plan} --detach"));
    let alone = format!("transaction show {}", alone["id"].as_str().unwrap());
    assert_eq!(stage.data(&alone)["state"], "running");

    // Beside it the agent that configures the device. A second one is refused by name.
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let (sender, mut asked) = mpsc::channel(64);
    let gives = Arc::new(AtomicBool::new(false));
    let link = edge.join(edge.hello(&["pe1"])).await.unwrap();
    tokio::spawn(serve(link, sender, (v1::Step::Confirm, gives.clone())));
    let other = Crafted::enrolled(&stage, "other", &["pe1"]).await;
    let (code, words) = other.refused(other.hello(&["pe1"])).await;
    assert_eq!(code, "busy");
    assert!(words.starts_with("edge configures the device already"), "{words}");
    assert_eq!(stage.data("device list")[0]["agent"], "edge");

    // The transaction of edge's device waits for edge's word, whatever the monitor says.
    describe(&stage, ("two", "pe1"), "second");
    let plan = planned(&stage, "two.yaml");
    let committing = stage.data(&format!("commit {plan} --detach"));
    let id = committing["id"].as_str().unwrap().to_owned();
    let transaction = until_asked(&mut asked, v1::Step::Confirm).await;
    let (scope, lie) = confirmed(&transaction);
    outlet.offer(Some(scope), lie).unwrap();
    said(
        &stage,
        "passed over the words of an agent that does not configure the device",
    );
    let lie = json!({ "transaction": id, "epoch": 1, "outcome": "confirmed" });
    mouth.tell("lie", "task-completed", DEVICES[0].1, Severity::Info, lie);
    said(
        &stage,
        "passed over a task-completed of an agent that does not configure the device",
    );
    assert_eq!(stage.data(&format!("transaction show {id}"))["state"], "running");
    assert_eq!(stage.data(&alone)["state"], "running", "nobody configures pe2");
    while let Ok((step, _)) = told.try_recv() {
        assert_eq!(step, v1::Step::Query, "it was asked to change its device");
    }
    gives.store(true, Ordering::SeqCst);
    stage.until("edge's word to count", &format!("transaction show {id}"), |it| {
        it.contains("committed")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_shut_out_while_its_stream_is_down_has_its_transaction_withdrawn() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let (edge, slow) = (
        Crafted::enrolled(&stage, "edge", &["pe1"]).await,
        Crafted::enrolled(&stage, "slow", &["pe2"]).await,
    );
    let no = || Arc::new(AtomicBool::new(false));
    let (sender, mut of_edge) = mpsc::channel(64);
    let link = edge.join(edge.hello(&["pe1"])).await.unwrap();
    let serving = tokio::spawn(serve(link, sender, (v1::Step::Confirm, no())));
    let (sender, mut of_slow) = mpsc::channel(64);
    let link = slow.join(slow.hello(&["pe2"])).await.unwrap();
    tokio::spawn(serve(link, sender, (v1::Step::Apply, no())));

    describe(&stage, ("one", "pe1"), "first");
    describe(&stage, ("two", "pe2"), "first");
    let both = ["one.yaml", "two.yaml"].map(|it| {
        let intent = std::fs::read_to_string(stage.path(it)).unwrap();
        format!("  - {}\n", intent.trim_end().replace('\n', "\n    "))
    });
    std::fs::write(stage.path("both.yaml"), format!("intents:\n{}", both.concat())).unwrap();
    let plan = planned(&stage, "both.yaml");
    let committing = stage.data(&format!("commit {plan} --detach"));
    let id = committing["id"].as_str().unwrap().to_owned();
    until_asked(&mut of_edge, v1::Step::Apply).await;
    until_asked(&mut of_slow, v1::Step::Apply).await;
    serving.abort();
    stage.until("edge to be away", "agent list --presence temporarily-offline", |it| {
        it.contains("edge")
    });
    assert_eq!(stage.data(&format!("transaction show {id}"))["state"], "running");
    stage.ok("agent revoke edge");
    until_asked(&mut of_slow, v1::Step::Revert).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_health_of_a_device_is_asked_of_who_may_observe_it() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let edge = Crafted::enrolled_to(&stage, "edge", &["pe1"], &["configure"]).await;
    let (sender, mut told) = mpsc::channel(256);
    let yes = || Arc::new(AtomicBool::new(true));
    let link = edge.join(edge.hello(&["pe1"])).await.unwrap();
    tokio::spawn(serve(link, sender, (v1::Step::Confirm, yes())));
    let intent = "class: interface.set\nname: one\nslots: { device: pe1, interface: eth1, description: first }\n";
    std::fs::write(stage.path("one.yaml"), intent).unwrap();

    // Nobody may look at the device: that is said before anything is planned.
    let (code, said) = stage.entente("plan -f one.yaml");
    assert!(
        code != 0 && said.contains("no agent speaks for pe1: start one that may observe it"),
        "{code}: {said}"
    );

    // Beside the one that configures it stands one that observes it: each is asked what it may answer.
    let monitor = Crafted::enrolled_to(&stage, "monitor", &["pe1"], &["observe"]).await;
    let (sender, mut asked) = mpsc::channel(256);
    let link = monitor.join(monitor.hello(&["pe1"])).await.unwrap();
    tokio::spawn(serve(link, sender, (v1::Step::Confirm, yes())));
    let said = stage.ok("commit -f one.yaml");
    assert!(said.contains("committed"), "{said}");
    until_asked(&mut asked, v1::Step::Gate).await;
    let mut steps = Vec::new();
    while let Ok((step, _)) = told.try_recv() {
        steps.push(step);
    }
    assert!(steps.contains(&v1::Step::Confirm), "{steps:?}");
    assert!(
        !steps.contains(&v1::Step::Gate) && !steps.contains(&v1::Step::Query),
        "{steps:?}"
    );
}
