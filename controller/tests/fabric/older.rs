//! An agent from before changes were bound to what has to stand: nothing of that kind is begun with it, and who is refused is
//! told what to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fabric_wire::AgentLink;
use fabric_wire::hello::{LOOKS_ON, STANDS};
use fabric_wire::v1::{self, Hello, answer, downward, upward, vote};
use tokio::sync::mpsc;

use super::crafted::Crafted;
use super::stage::Stage;
use super::telling::{QUICK, until_asked};

/// What stands on the device.
fn reading() -> v1::Reading {
    let entry = |path: &str, kind| v1::Observed {
        path: path.to_owned(),
        value: Some(v1::Value { kind: Some(kind) }),
    };
    let described = |name: &str, text: &str| {
        [
            entry(&format!("interface[{name}]"), v1::value::Kind::Present(true)),
            entry(
                &format!("interface[{name}]/description"),
                v1::value::Kind::Scalar(text.to_owned()),
            ),
        ]
    };
    v1::Reading {
        entries: [described("eth1", "first"), described("eth2", "old")].concat(),
        ..v1::Reading::default()
    }
}

/// An agent whose device has that and takes everything; it keeps its word about a confirm to itself until it is told to give it.
async fn serve(mut link: AgentLink, asked: mpsc::Sender<(v1::Step, Vec<u8>)>, confirms: Arc<AtomicBool>) {
    while let Ok(message) = link.next().await {
        let (Some(scope), Some(body)) = (message.scope, message.body) else {
            continue;
        };
        let _ = asked.send((scope.step(), scope.transaction.clone())).await; // nobody listens any more
        let (standing, outcome) = match body {
            downward::Body::Query(_) => (v1::Standing::Unspecified, answer::Outcome::Reading(reading())),
            downward::Body::Stage(_) => {
                let yes = vote::Choice::Yes(v1::Yes {
                    guarantee: v1::Guarantee::Confirmed.into(),
                    renews: true,
                });
                let vote = v1::Vote { choice: Some(yes) };
                (v1::Standing::Staged, answer::Outcome::Vote(vote))
            }
            downward::Body::Confirm(_) if !confirms.load(Ordering::SeqCst) => continue,
            downward::Body::Confirm(_) => (v1::Standing::Confirmed, answer::Outcome::Done(v1::Done::default())),
            downward::Body::Welcome(_)
            | downward::Body::Refused(_)
            | downward::Body::Heartbeat(_)
            | downward::Body::Registered(_) => continue,
            downward::Body::Apply(_)
            | downward::Body::Renew(_)
            | downward::Body::Revert(_)
            | downward::Body::Inquire(_)
            | downward::Body::Gate(_)
            | downward::Body::Watch(_)
            | downward::Body::Unwatch(_) => (v1::Standing::Applied, answer::Outcome::Done(v1::Done::default())),
        };
        let answer = v1::Answer {
            to: message.sequence,
            standing: standing.into(),
            outcome: Some(outcome),
            ..v1::Answer::default()
        };
        link.offer(Some(scope), upward::Body::Answer(answer)).unwrap();
    }
}

/// What the agent of today keeps to, that of yesterday, and that of the day before.
const TODAY: &[&str] = &[STANDS, LOOKS_ON];
const YESTERDAY: &[&str] = &[STANDS];
const BEFORE: &[&str] = &[];

/// What an agent was asked, and whether it gives its word about a confirm.
type Joins = (mpsc::Receiver<(v1::Step, Vec<u8>)>, Arc<AtomicBool>);

/// An agent that keeps to this joins; agents of different days say the same otherwise.
async fn joins(edge: &Crafted, keeps_to: &[&str], confirms: bool) -> Joins {
    let mut hello: Hello = edge.hello(&["pe1"]);
    hello.capabilities.extend(keeps_to.iter().map(|it| (*it).to_owned()));
    let (sender, asked) = mpsc::channel(256);
    let confirms = Arc::new(AtomicBool::new(confirms));
    tokio::spawn(serve(edge.join(hello).await.unwrap(), sender, confirms.clone()));
    (asked, confirms)
}

fn planned(stage: &Stage, name: &str, interface: &str, text: &str) -> String {
    let intent = format!(
        "class: interface.set\nname: {name}\ngate: none\nslots: {{ device: pe1, interface: {interface}, description: {text} }}\n"
    );
    std::fs::write(stage.path(&format!("{name}.yaml")), intent).unwrap();
    let plan = stage.data(&format!("plan -f {name}.yaml"));
    plan["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_agent_that_would_pass_over_what_has_to_stand_is_sent_no_such_change() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let remedy = "pe1: its agent edge (crafted 1) would pass over what has to stand there: update entente-agent and start it again";

    // Its device has already what is wanted, and has to have it still when the plan is true.
    let (mut asked, _) = joins(&edge, BEFORE, true).await;
    let plan = planned(&stage, "stands", "eth1", "first");
    let (code, said) = stage.entente(&format!("commit {plan}"));
    assert!(code == 6 && said.contains(remedy), "{code} {said}");
    while let Ok((step, _)) = asked.try_recv() {
        assert_eq!(step, v1::Step::Query, "nothing was begun");
    }

    // What is bound to nothing goes to it as ever.
    let free = planned(&stage, "free", "eth2", "new");
    stage.ok(&format!("commit {free}"));

    // Updated: the same plan is carried out.
    let (mut asked, confirms) = joins(&edge, TODAY, true).await;
    stage.ok(&format!("commit {plan}"));
    until_asked(&mut asked, v1::Step::Stage).await;

    // It is exchanged for the older one while a plan waits for its device.
    confirms.store(false, Ordering::SeqCst);
    let stands = planned(&stage, "again", "eth1", "first");
    let busy = planned(&stage, "free", "eth2", "newer");
    stage.data(&format!("commit {busy} --detach"));
    until_asked(&mut asked, v1::Step::Confirm).await;
    let waits = stage.data(&format!("commit {stands} --detach"));
    let waiting = uuid::Uuid::parse_str(waits["id"].as_str().unwrap()).unwrap();
    let waits = format!("transaction show {waiting}");
    assert_eq!(stage.data(&waits)["state"], "running");
    let (mut asked, _) = joins(&edge, BEFORE, true).await;
    stage.until("what waited to be refused", &waits, |it| it.contains("rolled-back"));
    assert!(stage.ok(&waits).contains(remedy), "{}", stage.ok(&waits));
    while let Ok((step, transaction)) = asked.try_recv() {
        let staged = step == v1::Step::Stage && transaction == waiting.as_bytes();
        assert!(!staged, "it was staged with an agent that is too old");
    }
}

/// On the device nothing changes. The agent of yesterday holds it until it has heard the decision, and is waited for; the one of
/// today lets go by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_agent_that_does_not_let_go_of_what_it_looks_at_is_waited_for() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let (mut asked, confirms) = joins(&edge, YESTERDAY, false).await;
    let plan = planned(&stage, "stands", "eth1", "first");
    let held = stage.data(&format!("commit {plan} --detach"));
    let held = format!("transaction show {}", held["id"].as_str().unwrap());
    until_asked(&mut asked, v1::Step::Confirm).await;
    until_asked(&mut asked, v1::Step::Confirm).await; // and again: it has not answered
    assert_eq!(stage.data(&held)["state"], "running");
    confirms.store(true, Ordering::SeqCst);
    stage.until("it to be heard", &held, |it| it.contains("committed"));

    let (mut asked, _) = joins(&edge, TODAY, false).await;
    let plan = planned(&stage, "again", "eth1", "first");
    stage.ok(&format!("commit {plan}"));
    until_asked(&mut asked, v1::Step::Confirm).await;
}
