//! Who is sent what, as foreign clients see it.

use super::{OWN, files, listener, published, publisher, start};
use crate::cast::{Cast, event};
use crate::{SOON, broker, now, signs};
use fabric_events::broker::Limits;
use std::collections::BTreeSet;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_is_sent_its_own_devices_faults_and_no_others() {
    if !tests_real::wanted("builtin::an_agent_is_sent_its_own_devices_faults_and_no_others") {
        return;
    }
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    files(&cast);
    let it = start(&cast, 0, Limits::default()).await;
    // edge-3 speaks for pe*; it asks for everything and is sent what is its own. The controller is sent all.
    let own = listener(&cast, it.port, "edge-3", "entente/v1/event/#", 2);
    let all = listener(&cast, it.port, "controller-1", "entente/v1/event/link-fault/+/+", 3);
    it.until("both listen", |it| it.broker.traffic().subscriptions == 2)
        .await;
    let (publisher, stop) = (publisher(&cast, "edge-2"), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let own_publisher = super::publisher(&cast, "edge-1");
    for (publisher, holder) in [(&publisher, "edge-2"), (&own_publisher, "edge-1")] {
        let (sending, to) = (publisher.clone(), broker(&cast, holder, "mouth", it.port));
        let (signs, stop) = (signs(&cast, holder), stop.clone());
        tokio::spawn(async move { sending.run(to, signs, now, stop).await });
    }
    // What is not its own comes first, and goes to the controller alone: had it been sent to edge-3, it would be there
    // before the two that it waits for.
    publisher.publish(event("edge-2", "1", "ce1")).unwrap();
    it.until("the stranger's fault is handed out", |it| {
        it.broker.traffic().delivered == 1
    })
    .await;
    own_publisher.publish(event("edge-1", "2", "pe1")).unwrap();
    own_publisher.publish(event("edge-1", "3", "pe2")).unwrap();
    let printed = async |child: Child| {
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said.lines()
            .map(|it| it.rsplit('/').next().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(printed(own).await, ["pe1".to_owned(), "pe2".to_owned()].into());
    assert_eq!(
        printed(all).await,
        ["ce1".to_owned(), "pe1".to_owned(), "pe2".to_owned()].into()
    );
    assert_eq!(
        it.broker.traffic().delivered,
        5,
        "two to edge-3, three to the controller"
    );

    // Somebody else's devices are neither asked for by name nor spoken of.
    let nosy = listener(&cast, it.port, "edge-3", "entente/v1/event/+/+/ce1", 1);
    let output = nosy.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("denied"), "the subscription is refused: {said}");
    let before = it.broker.traffic().refused;
    published(&cast, it.port, "entente/v1/event/link-fault/error/ce1", b"{}").await;
    published(&cast, it.port, "$SYS/broker/load", b"{}").await;
    it.until("both are refused", |it| it.broker.traffic().refused == before + 2)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paho_finds_a_broker_that_keeps_to_the_standard() {
    if !tests_real::wanted("builtin::paho_finds_a_broker_that_keeps_to_the_standard") {
        return;
    }
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    files(&cast);
    let it = start(&cast, 0, Limits::default()).await;
    let mut python = Command::new(tests_real::python())
        .arg(tests_real::root().join("fabric/events/tests/judge.py"))
        .args([&it.port.to_string(), OWN, "ce1"])
        .current_dir(cast.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(python.stdout.take().unwrap()).lines();
    let first = tokio::time::timeout(SOON, lines.next_line())
        .await
        .expect("it speaks")
        .unwrap();
    if first.as_deref() == Some("away") {
        it.until("it has gone", |it| it.broker.traffic().connected == 0).await;
        assert!(published(&cast, it.port, OWN, b"two").await.status.success());
        python.stdin.take().unwrap().write_all(b"\n").await.unwrap();
    }
    let output = tokio::time::timeout(SOON, python.wait_with_output())
        .await
        .expect("it ends")
        .unwrap();
    assert!(
        output.status.success(),
        "{first:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers = lines.next_line().await.unwrap().and_then(|it| it.parse().ok());
    tests_real::operations(
        tests_real::Part::PahoMqtt,
        answers.expect("it says how many answers it got"),
    );
}
