//! A client with a valid login lies to the controller's broker in every way; each lie is counted by its reason and
//! changes nothing, also over a restart.

use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use fabric_events::{Event, Severity, Signer, stamp};
use fabric_identity::{Authority, Identity, LifeTimes, Permission, Role};
use serde_json::{Value, json};

use super::crafted::{Crafted, key};
use super::stage::{DEVICES, Stage};
use super::telling::{QUICK, now};

fn joined(agent: &str, id: &str) -> Event {
    Event {
        specversion: "1.0".into(),
        id: id.into(),
        source: format!("entente://agent/{agent}"),
        kind: "agent-joined".into(),
        time: stamp(now()),
        subject: String::new(),
        severity: Severity::Info,
        datacontenttype: "application/json".into(),
        data: json!({}),
    }
}

fn sealed(agent: &Crafted, event: &Event, at: SystemTime) -> String {
    let signer = Signer::new(&agent.own.certificate, agent.key.serialized_der()).unwrap();
    String::from_utf8(signer.seal(event, at).unwrap()).unwrap()
}

/// The same event with another protected header.
fn reheaded(sealed: &str, change: impl Fn(&mut Value)) -> String {
    let mut event: Value = serde_json::from_str(sealed).unwrap();
    let (header, signature) = event["signature"].as_str().unwrap().split_once("..").unwrap();
    let mut header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    change(&mut header);
    event["signature"] = format!("{}..{signature}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string())).into();
    event.to_string()
}

/// An event of an agent that another authority vouches for.
fn foreign(stage: &Stage, event: &Event) -> String {
    let authority = Authority::open(&stage.path("foreign"), LifeTimes::default(), now()).unwrap();
    let key = key();
    let identity = Identity {
        name: "edge".parse().unwrap(),
        role: Role::Agent,
        devices: ["*".parse().unwrap()].into(),
        may: Permission::ALL.into(),
    };
    let own = authority.issue_own(identity, &key, &[], now()).unwrap();
    let signer = Signer::new(&own.certificate, key.serialized_der()).unwrap();
    String::from_utf8(signer.seal(event, now()).unwrap()).unwrap()
}

/// Says something with mosquitto's own client over the login of `liar`, at the port of the streams.
fn say(stage: &Stage, words: &str) -> bool {
    tests_real::operations(tests_real::Part::Mosquitto, 1);
    std::fs::write(stage.path("said"), words).unwrap();
    let mut command = Command::new(tests_real::program(&["mosquitto_pub"]).expect("mosquitto_pub is installed"));
    command.current_dir(stage.path("."));
    command.args([
        "-V",
        "5",
        "-q",
        "1",
        "-h",
        "127.0.0.1",
        "-p",
        &stage.ports[1].to_string(),
        "--tls-alpn",
        "mqtt",
    ]);
    command.args([
        "--cafile",
        "ca.pem",
        "--cert",
        "liar.pem",
        "--key",
        "liar.key",
        "--insecure",
    ]);
    command.args(["-t", "entente/v1/event/agent-joined/info/_", "-f", "said"]);
    command.output().unwrap().status.success()
}

fn counted(stage: &Stage, reason: &str) -> u64 {
    stage.data("event count")["refused"][reason]
        .as_u64()
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn every_lie_to_the_controller_is_counted_by_its_reason_and_changes_nothing() {
    if !tests_real::wanted("lying::every_lie_to_the_controller_is_counted_by_its_reason_and_changes_nothing") {
        return;
    }
    fabric_identity::install_cryptography();
    let mut stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let gone = Crafted::enrolled(&stage, "gone", &["pe2"]).await;
    let liar = Crafted::enrolled(&stage, "liar", &["pe3"]).await;
    liar.write(&stage.path("."));
    drop(edge.join(edge.hello(&["pe1"])).await.unwrap());
    stage.until("edge to be away", "agent list --presence temporarily-offline", |it| {
        it.contains("edge")
    });
    stage.ok("agent revoke gone");

    let (good, hour) = (
        sealed(&edge, &joined("edge", "good"), now()),
        Duration::from_secs(3_600),
    );
    let lies = [
        (serde_json::to_string(&joined("edge", "1")).unwrap(), "unsigned"),
        (good.replace("good", "well"), "altered"),
        (sealed(&edge, &joined("edge", "2"), now() - hour), "stale"),
        (sealed(&edge, &joined("edge", "3"), now() + hour), "stale"),
        (sealed(&gone, &joined("gone", "4"), now()), "revoked"),
        (sealed(&liar, &joined("edge", "5"), now()), "other-name"),
        (reheaded(&good, |it| it["alg"] = "none".into()), "alg-none"),
        (foreign(&stage, &joined("edge", "6")), "foreign-key"),
        (
            reheaded(&good, |it| it["jwk"] = json!({ "kty": "OKP", "crv": "Ed25519" })),
            "embedded-key",
        ),
        (
            sealed(
                &liar,
                &Event {
                    subject: DEVICES[0].1.into(),
                    ..joined("liar", "7")
                },
                now(),
            ),
            "out-of-scope",
        ),
        ("{".to_owned(), "malformed"),
    ];
    for (lie, reason) in &lies {
        let before = counted(&stage, reason);
        assert!(say(&stage, lie), "the login is good");
        stage.until(reason, "event count --output json", |_| {
            counted(&stage, reason) == before + 1
        });
    }
    assert_eq!(stage.data("event count")["believed"], 0, "nothing of it is believed");
    assert!(
        stage.ok("agent list --presence temporarily-offline").contains("edge"),
        "and edge is still away"
    );

    // The truth is believed once: edge is heard. A repeat is counted, after a restart too.
    assert!(say(&stage, &good));
    stage.until("edge to be heard", "agent list --presence online", |it| {
        it.contains("edge")
    });
    assert!(say(&stage, &good));
    stage.until("the repeat", "event count --output json", |_| {
        counted(&stage, "replayed") == 1
    });
    stage.down();
    stage.up();
    assert_eq!(counted(&stage, "replayed"), 0, "the count begins anew");
    assert!(say(&stage, &good));
    stage.until("the repeat after a restart", "event count --output json", |_| {
        counted(&stage, "replayed") == 1
    });
    assert_eq!(stage.data("event count")["believed"], 0);
}
