//! Two agents that would configure one device: the first keeps it, also over a restart of the controller; the second is refused
//! for that device alone, and both are told to operators.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use fabric_wire::v1;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::crafted::Crafted;
use super::stage::{DEVICES, Stage};
use super::telling::{QUICK, describe, serve, until_asked};

/// Joins as an agent whose devices take everything.
async fn joins(
    agent: &Crafted,
    devices: &[&str],
) -> (tokio::task::JoinHandle<()>, mpsc::Receiver<(v1::Step, Vec<u8>)>) {
    let link = agent.join(agent.hello(devices)).await.unwrap();
    let (sender, asked) = mpsc::channel(256);
    let gives = Arc::new(AtomicBool::new(true));
    (tokio::spawn(serve(link, sender, (v1::Step::Confirm, gives))), asked)
}

fn commit(stage: &Stage, (name, device): (&str, &str), text: &str) {
    describe(stage, (name, device), text);
    stage.ok(&format!("commit -f {name}.yaml"));
}

fn withheld(stage: &Stage) -> Value {
    stage.data("agent show other")["withheld"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_overlaps_on_one_device_is_refused_for_that_one_alone_also_after_a_restart() {
    fabric_identity::install_cryptography();
    let mut stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let other = Crafted::enrolled(&stage, "other", &["pe1", "pe2"]).await;
    let (_edge, mut of_edge) = joins(&edge, &["pe1"]).await;
    commit(&stage, ("one", "pe1"), "first");
    let (_other, mut of_other) = joins(&other, &["pe1", "pe2"]).await;

    // Both are told.
    stage.until("other to have joined", "agent list --output json", |it| {
        it.contains("configures it")
    });
    assert_eq!(withheld(&stage), json!(["pe1: edge configures it"]));
    assert!(
        stage.ok("agent list").contains("WITHHELD"),
        "{}",
        stage.ok("agent list")
    );
    assert_eq!(stage.data("agent show edge")["withheld"], json!([]));
    let told = stage.ok("event tail --since 0 --count 1 --type device-withheld --object pe1");
    assert!(
        told.contains("\"agent\":\"other\"") && told.contains("\"keeper\":\"edge\""),
        "{told}"
    );

    // Each is asked for what it keeps, and for nothing else.
    commit(&stage, ("two", "pe2"), "first");
    let two = until_asked(&mut of_other, v1::Step::Confirm).await;
    commit(&stage, ("one", "pe1"), "second");
    until_asked(&mut of_edge, v1::Step::Confirm).await;
    assert_eq!(stage.data("device list")[0]["agent"], "edge");
    assert_eq!(stage.data("device list")[1]["agent"], "other");
    while let Ok((step, transaction)) = of_other.try_recv() {
        let is_own = step == v1::Step::Query || transaction == two;
        assert!(is_own, "it was asked to configure what it does not keep: {step:?}");
    }

    // After a restart the first is its keeper still, although the second is there before it.
    stage.down();
    stage.up();
    let (_other, _of_other) = joins(&other, &["pe1", "pe2"]).await;
    stage.until("other to have joined", "agent list --output json", |it| {
        it.contains("configures it")
    });
    assert_eq!(withheld(&stage), json!(["pe1: edge configures it"]));
    let (serving, mut of_edge) = joins(&edge, &["pe1"]).await;
    stage.until("edge to be back", "device list --output json", |it| {
        it.contains("\"edge\"")
    });
    commit(&stage, ("one", "pe1"), "first");
    until_asked(&mut of_edge, v1::Step::Confirm).await;

    // It is waited for while its stream is away for a moment; once it is not to come back, the device goes to the other.
    serving.abort();
    stage.until("edge to be away", "agent list --presence temporarily-offline", |it| {
        it.contains("edge")
    });
    assert_eq!(withheld(&stage), json!(["pe1: edge configures it"]));
    assert!(stage.path("state/keepers.jsonl").exists() && stage.log().contains(DEVICES[0].1));
    stage.ok("agent deregister edge");
    stage.until("other to keep pe1", "agent show other --output json", |it| {
        !it.contains("configures it")
    });
    assert_eq!(stage.data("device list")[0]["agent"], "other");
}
