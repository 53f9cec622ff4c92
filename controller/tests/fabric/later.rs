//! An event that was acknowledged is heard, also by who was away when the controller ended.

use std::sync::Arc;

use fabric_events::mqtt::{Destination, Subscriber};
use fabric_events::{Filter, Severity};
use fabric_identity::tls::{self, Trust};
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::crafted::{Crafted, SOON};
use super::stage::{DEVICES, Stage};
use super::telling::{Mouth, QUICK};

/// The next event that an agent is sent which listens to one device.
async fn heard(stage: &Stage, agent: &Crafted, device: &str) -> String {
    let trust = Trust::Authority(agent.own.authority.clone());
    let config = Arc::new(tls::client_of_events((&agent.own, agent.key.serialized_der()), trust, None).unwrap());
    let to = Destination {
        host: "127.0.0.1".into(),
        port: stage.ports[1],
        proves: Arc::new(move || Some(config.clone())),
        client: format!("{}-ear", agent.name),
    };
    let filter = Filter {
        devices: [device.to_owned()].into(),
        ..Filter::default()
    };
    let (subscriber, mut messages) = Subscriber::new(16);
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    tokio::spawn(async move { subscriber.run(to, filter, stop).await });
    let message = timeout(SOON, messages.recv()).await.expect("an event in time").unwrap();
    let said = String::from_utf8_lossy(message.bytes()).into_owned();
    message.done().await;
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_the_controller_for_who_was_away() {
    fabric_identity::install_cryptography();
    let mut stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1", "pe2"]).await;
    let monitor = Crafted::enrolled(&stage, "monitor", &["pe1"]).await;
    let mouth = Mouth::of(&stage, &edge, stage.ports[1]);
    let device = DEVICES[0].1;
    let fault = |id: &str, subject: &str| {
        let words = json!({ "link": "eth1", "state": "down" });
        mouth.tell(id, "link-fault", subject, Severity::Error, words);
    };
    fault("not-its-own", DEVICES[1].1);
    fault("while-away", device);
    let taken = tests_real::until("the broker to acknowledge both", SOON, || {
        (mouth.publisher.backlog().0 == 0).then_some(())
    });
    taken.unwrap_or_else(|error| panic!("{error}\n{}", stage.log()));
    stage.down(); // not a word more
    stage.up();
    let said = heard(&stage, &monitor, device).await;
    assert!(said.contains("while-away"), "{said}");
}
