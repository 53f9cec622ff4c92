//! Events: what agents tell, signed, is believed, shown to who listens, and causes what it must; what is a lie does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use fabric_events::mqtt::{Destination, Publisher};
use fabric_events::{Event, Outbox, Severity, Signer, stamp};
use fabric_identity::tls::{self, Trust};
use fabric_wire::AgentLink;
use fabric_wire::v1::{self, answer, downward, upward, vote};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::crafted::{Crafted, SOON};
use super::stage::{DEVICES, Stage};

pub const QUICK: &[(&str, &str)] = &[
    ("ENTENTE_AGENTS_HEARTBEAT", "1s"),
    ("ENTENTE_AGENTS_GRACE", "1s"),
    ("ENTENTE_AGENTS_OFFLINE_AFTER", "60s"),
];

#[expect(clippy::disallowed_methods, reason = "a test stands at the edge")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// What an agent publishes with.
pub struct Mouth {
    pub publisher: Arc<Publisher>,
    pub source: String,
    stop: CancellationToken,
}

impl Drop for Mouth {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Mouth {
    pub fn of(stage: &Stage, agent: &Crafted, port: u16) -> Self {
        let outbox = Outbox::open(&stage.path(&format!("{}.outbox", agent.name)), 1_000).unwrap();
        let (publisher, stop) = (Publisher::new(outbox), CancellationToken::new());
        let trust = Trust::Authority(agent.own.authority.clone());
        let key = agent.key.serialized_der();
        let config = Arc::new(tls::client_of_events((&agent.own, key), trust, None).unwrap());
        let signer = Arc::new(Signer::new(&agent.own.certificate, key).unwrap());
        let to = Destination {
            host: "127.0.0.1".into(),
            port,
            proves: Arc::new(move || Some(config.clone())),
            client: format!("{}-mouth", agent.name),
        };
        let (sending, token) = (publisher.clone(), stop.clone());
        tokio::spawn(async move {
            sending
                .run(to, Arc::new(move || Some(signer.clone())), now, token)
                .await
        });
        Self {
            publisher,
            source: format!("entente://agent/{}", agent.name),
            stop,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an event has this much to say")]
    pub fn tell(&self, id: &str, kind: &str, subject: &str, severity: Severity, data: Value) {
        let event = Event {
            specversion: "1.0".into(),
            id: id.into(),
            source: self.source.clone(),
            kind: kind.into(),
            time: stamp(now()),
            subject: subject.into(),
            severity,
            datacontenttype: "application/json".into(),
            data,
        };
        self.publisher.publish(event).unwrap();
    }
}

/// An agent whose device takes everything; it says what it was asked, and keeps its answers to one step to itself until
/// it is told to give them.
pub async fn serve(
    mut link: AgentLink,
    asked: mpsc::Sender<(v1::Step, Vec<u8>)>,
    (withheld, gives): (v1::Step, Arc<AtomicBool>),
) {
    while let Ok(message) = link.next().await {
        let (Some(scope), Some(body)) = (message.scope, message.body) else {
            continue;
        };
        if scope.step() == withheld && !gives.load(Ordering::SeqCst) {
            let _ = asked.send((scope.step(), scope.transaction.clone())).await; // nobody listens any more
            continue;
        }
        let (standing, outcome) = match body {
            downward::Body::Query(_) => (
                v1::Standing::Unspecified,
                answer::Outcome::Reading(v1::Reading::default()),
            ),
            downward::Body::Stage(_) => {
                let yes = vote::Choice::Yes(v1::Yes {
                    guarantee: v1::Guarantee::Confirmed.into(),
                    renews: true,
                });
                (
                    v1::Standing::Staged,
                    answer::Outcome::Vote(v1::Vote { choice: Some(yes) }),
                )
            }
            downward::Body::Gate(gate) => {
                let green = |it: v1::Check| v1::Finding {
                    name: it.name,
                    color: v1::Color::Green.into(),
                    words: "as it should be".to_owned(),
                };
                let findings = gate.checks.into_iter().map(green).collect();
                (
                    v1::Standing::Unspecified,
                    answer::Outcome::Health(v1::Health { findings }),
                )
            }
            downward::Body::Confirm(_) => (v1::Standing::Confirmed, answer::Outcome::Done(v1::Done::default())),
            downward::Body::Welcome(_)
            | downward::Body::Refused(_)
            | downward::Body::Heartbeat(_)
            | downward::Body::Registered(_) => continue,
            downward::Body::Apply(_)
            | downward::Body::Renew(_)
            | downward::Body::Revert(_)
            | downward::Body::Inquire(_)
            | downward::Body::Watch(_)
            | downward::Body::Unwatch(_) => (v1::Standing::Applied, answer::Outcome::Done(v1::Done::default())),
        };
        let _ = asked.send((scope.step(), scope.transaction.clone())).await; // nobody listens any more
        let answer = v1::Answer {
            to: message.sequence,
            standing: standing.into(),
            outcome: Some(outcome),
            ..v1::Answer::default()
        };
        link.offer(Some(scope), upward::Body::Answer(answer)).unwrap();
    }
}

pub async fn until_asked(asked: &mut mpsc::Receiver<(v1::Step, Vec<u8>)>, step: v1::Step) -> Vec<u8> {
    let waiting = async {
        loop {
            let (was, transaction) = asked.recv().await.expect("the agent lives");
            if was == step {
                return transaction;
            }
        }
    };
    timeout(SOON, waiting)
        .await
        .unwrap_or_else(|_| panic!("{step:?} was not asked"))
}

pub fn describe(stage: &Stage, (name, device): (&str, &str), text: &str) {
    let intent = format!(
        "class: interface.set\nname: {name}\ngate: none\npriority: {}\nslots: {{ device: {device}, interface: eth1, description: {text} }}\n",
        if text == "first" { 100 } else { 200 }
    );
    std::fs::write(stage.path(&format!("{name}.yaml")), intent).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_agents_tell_is_shown_and_causes_what_it_must() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let mouth = Mouth::of(&stage, &edge, stage.ports[1]);
    let device = DEVICES[0].1;

    // agent-joined: the registry hears of an agent whose stream is lost.
    drop(edge.join(edge.hello(&["pe1"])).await.unwrap());
    stage.until("edge to be away", "agent list --presence temporarily-offline", |it| {
        it.contains("edge")
    });
    mouth.tell("joined", "agent-joined", "", Severity::Info, json!({}));
    stage.until("edge to be heard", "agent list --presence online", |it| {
        it.contains("edge")
    });

    // link-fault: its device is read, to see what has drifted.
    let (sender, mut asked) = mpsc::channel(64);
    let confirms = Arc::new(AtomicBool::new(false));
    let link = edge.join(edge.hello(&["pe1"])).await.unwrap();
    tokio::spawn(serve(link, sender, (v1::Step::Confirm, confirms.clone())));
    mouth.tell(
        "fault",
        "link-fault",
        device,
        Severity::Error,
        json!({ "link": "eth1", "state": "down" }),
    );
    until_asked(&mut asked, v1::Step::Query).await;

    // task-completed: what waits for the device goes on, although the answer on the stream is missing.
    describe(&stage, ("one", "pe1"), "first");
    describe(&stage, ("two", "pe1"), "second");
    let plans = ["one", "two"].map(|it| {
        stage.data(&format!("plan -f {it}.yaml"))["id"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    let first: Value = stage.data(&format!("commit {} --detach", plans[0]));
    let transaction = until_asked(&mut asked, v1::Step::Confirm).await;
    let second: Value = stage.data(&format!("commit {} --detach", plans[1]));
    let id = first["id"].as_str().unwrap_or_else(|| panic!("{first}")).to_owned();
    assert!(stage.data(&format!("transaction show {id}"))["state"] == "running");
    // An answer for another epoch is none: it is asked again. The stream says nothing until all is over.
    let lie = json!({ "transaction": id, "epoch": 99, "outcome": "confirmed" });
    let believed = || stage.data("event count")["believed"].as_u64().unwrap();
    let before = believed();
    mouth.tell("another-epoch", "task-completed", device, Severity::Info, lie);
    stage.until("it to be believed", "event count --output json", |_| {
        believed() > before
    });
    until_asked(&mut asked, v1::Step::Confirm).await;
    assert!(stage.data(&format!("transaction show {id}"))["state"] == "running");
    let said = json!({ "transaction": id, "epoch": 1, "outcome": "confirmed" });
    mouth.tell("completed", "task-completed", device, Severity::Info, said);
    stage.until("the first to be committed", &format!("transaction show {id}"), |it| {
        it.contains("committed")
    });
    confirms.store(true, Ordering::SeqCst);
    assert_ne!(
        until_asked(&mut asked, v1::Step::Stage).await,
        transaction,
        "the next one is let in"
    );
    let id = second["id"].as_str().unwrap().to_owned();
    stage.until("the second to end", &format!("transaction show {id}"), |it| {
        !it.contains("running")
    });

    listened(&stage);
}

/// Who listens sees what was believed, and can ask for less.
fn listened(stage: &Stage) {
    let all = stage.ok("event tail --since 0 --count 4 --output json");
    for expected in ["agent-joined", "link-fault", "task-completed"] {
        assert!(all.contains(expected), "{expected} is missing in\n{all}");
    }
    let some = stage.ok("event tail --since 0 --count 1 --type link-fault --object pe1 --severity error");
    assert!(
        some.contains("error") && some.contains("link-fault edge") && some.contains("\"link\":\"eth1\""),
        "{some}"
    );
    let grave = stage.ok("event tail --since 0 --count 1 --severity warning --output json");
    assert!(grave.contains("link-fault"), "{grave}");
    assert_eq!(stage.entente("event tail --object nothing --count 1").0, 8);
    assert_eq!(stage.entente("event tail --severity loud --count 1").0, 3);
    let (code, said) = stage.entente("event tail --type Link_Fault --count 1");
    assert!(
        code == 3 && said.contains("no controller or agent tells of \"Link_Fault\""),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_a_lie_is_counted_and_changes_nothing() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let other = Crafted::enrolled(&stage, "other", &["pe2"]).await;
    drop(edge.join(edge.hello(&["pe1"])).await.unwrap());
    stage.until("edge to be away", "agent list --presence temporarily-offline", |it| {
        it.contains("edge")
    });
    // A valid login, and words in another's name: they are not believed, and edge stays away.
    let mut mouth = Mouth::of(&stage, &other, stage.ports[1]);
    mouth.source = "entente://agent/edge".into();
    mouth.tell("lie", "agent-joined", "", Severity::Info, json!({}));
    stage.until("the lie is counted", "event count --output json", |it| {
        it.contains("\"other-name\": 1")
    });
    // About a device that is not its own, the broker does not even take it.
    mouth.source = "entente://agent/other".into();
    mouth.tell("beyond", "link-fault", DEVICES[0].1, Severity::Error, json!({}));
    let refused = |it: &str| serde_json::from_str::<Value>(it).unwrap()["broker"]["refused"] == 1;
    stage.until("the broker refuses it", "event count --output json", refused);
    let counts = stage.data("event count");
    assert_eq!(counts["believed"], 0, "{counts}");
    assert!(stage.ok("agent list --presence temporarily-offline").contains("edge"));
}
