//! An agent in another language, made from the protobuf files and the docs alone, enrols, joins and votes.

use crate::bench::bench;
use fabric_wire::ControllerLink;
use fabric_wire::v1::{
    Answer, Apply, Change, Confirm, Entry, Query, Revert, Scope, Source, Stage, Standing, Step, Value, answer,
    downward, upward, value, vote,
};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(30);

fn scalar(text: &str) -> Option<Value> {
    Some(Value {
        kind: Some(value::Kind::Scalar(text.into())),
    })
}

fn stage(before: &str, after: &str) -> downward::Body {
    let path = "interface[eth1]/mtu".into();
    let change = Change {
        entries: vec![Entry {
            path,
            before: scalar(before),
            after: scalar(after),
        }],
        ..Change::default()
    };
    downward::Body::Stage(Stage {
        change: Some(change),
        ..Stage::default()
    })
}

/// Asks for a step of a transaction and waits for its answer, past progress.
async fn asked(link: &mut ControllerLink, transaction: u8, step: Step, body: downward::Body) -> Answer {
    let scope = Scope {
        transaction: vec![transaction; 16],
        epoch: 1,
        device: "pe1".into(),
        step: step.into(),
        attempt: 0,
    };
    let number = link.offer(Some(scope.clone()), body).unwrap();
    let mut seen_progress = false;
    loop {
        let message = timeout(SOON, link.next()).await.expect("an answer").unwrap();
        assert_eq!(message.scope.as_ref(), Some(&scope));
        match message.body {
            Some(upward::Body::Progress(progress)) => seen_progress |= progress.words == "working",
            Some(upward::Body::Answer(answer)) => {
                assert!(seen_progress, "progress flows");
                assert_eq!(answer.to, number);
                return answer;
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn mtu(link: &mut ControllerLink, transaction: u8) -> String {
    let query = Query {
        source: Source::Running.into(),
        ..Query::default()
    };
    let answer = asked(link, transaction, Step::Query, downward::Body::Query(query)).await;
    let Some(answer::Outcome::Reading(reading)) = answer.outcome else {
        panic!("{answer:?}")
    };
    let entry = reading
        .entries
        .iter()
        .find(|it| it.path == "interface[eth1]/mtu")
        .unwrap();
    let Some(value::Kind::Scalar(mtu)) = entry.value.clone().unwrap().kind else {
        panic!("{reading:?}")
    };
    mtu
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_agent_made_from_the_files_alone_enrols_joins_and_votes() {
    if !tests_real::wanted("a_python_agent_made_from_the_files_alone_enrols_joins_and_votes") {
        return;
    }
    let mut bench = bench().await;
    let token = bench.token("snake-1", &["pe*"]);
    let here = tests_real::root();
    let mut python = Command::new(tests_real::python())
        .arg(here.join("fabric/identity/tests/agent.py"))
        .args([
            &bench.enrolment.address,
            &bench.address,
            &bench.enrolment.fingerprint,
            &token,
            "snake-1",
            "pe1",
        ])
        .arg(here.join("fabric/wire/proto"))
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let arrival = tokio::select! {
        arrival = timeout(SOON, bench.door.next()) => arrival,
        ended = python.wait() => panic!("the agent has ended: {ended:?}"),
    };
    let mut link = arrival.expect("it joins in time").unwrap();
    assert_eq!(
        (link.hello().agent.as_str(), link.hello().program.as_str()),
        ("snake-1", "agent.py")
    );

    let answer = asked(&mut link, 1, Step::Stage, stage("1500", "9000")).await;
    let Some(answer::Outcome::Vote(vote)) = answer.outcome else {
        panic!("{answer:?}")
    };
    assert!(matches!(vote.choice, Some(vote::Choice::Yes(_))), "{vote:?}");
    let answer = asked(&mut link, 1, Step::Apply, downward::Body::Apply(Apply::default())).await;
    assert_eq!(answer.standing(), Standing::Applied);
    let answer = asked(&mut link, 1, Step::Confirm, downward::Body::Confirm(Confirm::default())).await;
    assert_eq!(answer.standing(), Standing::Confirmed);
    assert_eq!(mtu(&mut link, 1).await, "9000");

    let answer = asked(&mut link, 2, Step::Stage, stage("1500", "1400")).await;
    let Some(answer::Outcome::Vote(vote)) = answer.outcome else {
        panic!("{answer:?}")
    };
    assert!(
        matches!(vote.choice, Some(vote::Choice::Stale(_))),
        "the device has moved on: {vote:?}"
    );

    asked(&mut link, 3, Step::Stage, stage("9000", "1400")).await;
    asked(&mut link, 3, Step::Apply, downward::Body::Apply(Apply::default())).await;
    let answer = asked(&mut link, 3, Step::Revert, downward::Body::Revert(Revert::default())).await;
    assert_eq!(answer.standing(), Standing::Untouched);
    assert_eq!(mtu(&mut link, 3).await, "9000");
}
