//! Joining: who is registered, found, heard, shut out, and what is refused and why.

use std::sync::Arc;
use std::time::Duration;

use fabric_identity::est::{self, EstError};
use fabric_wire::v1::{Hello, Leave, Update, downward, upward};
use serde_json::json;
use tokio::time::timeout;

use super::crafted::{Crafted, SOON, answered, enrolment, key};
use super::stage::Stage;

const QUICK: &[(&str, &str)] = &[
    ("ENTENTE_AGENTS_HEARTBEAT", "1s"),
    ("ENTENTE_AGENTS_GRACE", "1s"),
    ("ENTENTE_AGENTS_OFFLINE_AFTER", "2s"),
];

fn named(listed: &[(String, String)]) -> Vec<&str> {
    listed.iter().map(|(name, _)| name.as_str()).collect()
}

fn present(listed: &[(String, String)], name: &str, presence: &str) -> bool {
    listed.contains(&(name.to_owned(), presence.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one life of two agents, told in order")]
async fn agents_are_registered_found_and_heard_and_a_restart_takes_nobody_for_absent() {
    fabric_identity::install_cryptography();
    let mut stage = Stage::start(QUICK);
    let north = Crafted::enrolled(&stage, "north", &["pe1"]).await;
    let south = Crafted::enrolled(&stage, "south", &["pe2"]).await;
    let said = Hello {
        languages: vec!["en".into(), "zh".into()],
        attributes: [("site".to_owned(), "hill".to_owned())].into(),
        description: "speaks for the hill".into(),
        ..north.hello(&["pe1"])
    };
    let mut first = north.join(said.clone()).await.unwrap();
    let cli = Hello {
        capabilities: vec!["cli".into()],
        ..south.hello(&["pe2"])
    };
    let second = south.join(cli.clone()).await.unwrap();
    let resource = first.welcome().resource.clone();
    assert_eq!(resource.len(), 36, "a resource id comes with the welcome");
    assert_ne!(resource, second.welcome().resource);
    assert_eq!(first.welcome().events, format!(":{}", stage.ports[1]));

    assert_eq!(named(&stage.listed("")), ["north", "south"]);
    assert_eq!(named(&stage.listed("--capability netconf")), ["north"]);
    assert_eq!(named(&stage.listed("--attribute site=hill --language zh")), ["north"]);
    assert_eq!(named(&stage.listed("--attribute site=dale")), Vec::<&str>::new());
    assert_eq!(
        named(&stage.listed("--capability netconf --capability cli")),
        Vec::<&str>::new()
    );
    assert_eq!(named(&stage.listed("--presence offline")), Vec::<&str>::new());
    let shown = stage.data("agent show north");
    assert_eq!(shown["resource"], resource.as_str());
    assert_eq!(
        (&shown["description"], &shown["standing"]),
        (&"speaks for the hill".into(), &"valid".into())
    );
    assert_eq!(shown["devices"], serde_json::json!(["pe1"]));
    assert_eq!(
        stage.entente("agent list --attribute hill").0,
        3,
        "an attribute has a name and a value"
    );
    assert_eq!(stage.entente("agent show nobody").0, 8);

    // What it says about itself may change, but not into what is not taken.
    let update = Update {
        description: "speaks for the dale".into(),
        capabilities: vec!["netconf".into(), "gate".into()],
        address: "192.0.2.7:1".into(),
        ..Update::default()
    };
    let tricky = Update {
        description: "\u{1b}[2J../../etc".into(),
        ..update.clone()
    };
    assert_eq!(
        answered(&mut first, upward::Body::Update(update)).await,
        Ok(resource.clone())
    );
    assert_eq!(named(&stage.listed("--capability gate")), ["north"]);
    assert_eq!(
        answered(&mut first, upward::Body::Update(tricky)).await,
        Err("registration failed: information that is not taken: description".into())
    );
    assert_eq!(stage.data("agent show north")["description"], "speaks for the dale");

    // A lost stream is told at once, and told apart from one that is away for long.
    drop(second);
    stage.until(
        "south to be offline for a while",
        "agent list --presence temporarily-offline",
        |it| it.contains("south"),
    );
    stage.until("south to be offline", "agent list --presence offline", |it| {
        it.contains("south")
    });
    let again = south.join(cli.clone()).await.unwrap();
    assert!(present(&stage.listed(""), "south", "online"));

    // The controller is killed and comes back: nobody has called yet, and nobody is taken for absent.
    stage.down();
    assert!(timeout(SOON, first.next()).await.unwrap().is_err());
    drop(again);
    stage.up();
    let listed = stage.listed("");
    assert!(
        present(&listed, "north", "online") && present(&listed, "south", "online"),
        "{listed:?}"
    );
    let mut first = north.join(said).await.unwrap();
    assert_eq!(
        first.welcome().resource,
        resource,
        "it keeps its resource id over a restart"
    );

    // Who takes its leave is found no longer, until it joins again.
    assert_eq!(
        answered(&mut first, upward::Body::Leave(Leave {})).await,
        Ok(resource.clone())
    );
    assert!(!named(&stage.listed("")).contains(&"north"));
    assert_eq!(stage.data("agent show north")["presence"], "deregistered");
    let _first = north.join(north.hello(&["pe1"])).await.unwrap();
    assert!(present(&stage.listed(""), "north", "online"));
    stage.ok("agent deregister north");
    assert!(!named(&stage.listed("")).contains(&"north"));
    assert_eq!(stage.entente("agent deregister nobody").0, 8);
    stage.ok("audit verify");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_registered_is_refused_with_its_reason() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let good = || edge.hello(&["pe1"]);
    let (code, words) = edge
        .refused(Hello {
            capabilities: vec![],
            program: String::new(),
            ..good()
        })
        .await;
    assert_eq!(
        (code.as_str(), words.as_str()),
        (
            "malformed",
            "registration failed: missing information: description, capabilities"
        )
    );
    let control = vec!["net\u{7}conf".to_owned()];
    let (code, words) = edge
        .refused(Hello {
            capabilities: control,
            ..good()
        })
        .await;
    assert_eq!(
        (code.as_str(), words.as_str()),
        (
            "malformed",
            "registration failed: information that is not taken: capabilities"
        )
    );
    for name in ["../edge", "edge\u{0}", "edge-2", "EDGE"] {
        let (code, words) = edge
            .refused(Hello {
                agent: name.into(),
                ..good()
            })
            .await;
        assert_eq!(code, "denied", "{words}");
        assert!(!words.chars().any(char::is_control), "{words:?}");
    }
    let (code, _) = edge.refused(edge.hello(&["pe2"])).await;
    assert_eq!(code, "out-of-scope");

    // What an agent of the first release leaves out goes without saying.
    let _joined = edge.join(good()).await.unwrap();
    let shown = stage.data("agent show edge");
    assert_eq!(shown["languages"], serde_json::json!(["en"]));
    assert_eq!(shown["protocols"], serde_json::json!(["entente.v1"]));
    assert!(shown["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_one_version_older_or_newer_works_or_is_refused_by_name() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let good = || edge.hello(&["pe1"]);
    // One version older or newer works where both have one in common, and is refused by name where not.
    for (lowest_version, highest_version) in [(1, 2), (0, 1)] {
        let joined = edge
            .join(Hello {
                lowest_version,
                highest_version,
                ..good()
            })
            .await
            .unwrap();
        assert_eq!(joined.welcome().version, 1);
    }
    for (lowest_version, highest_version) in [(2, 3), (0, 0)] {
        let (code, words) = edge
            .refused(Hello {
                lowest_version,
                highest_version,
                ..good()
            })
            .await;
        assert_eq!(code, "version");
        assert_eq!(
            words,
            format!("the agent speaks versions {lowest_version} to {highest_version}, the controller 1 to 1")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn an_operator_approves_holds_releases_and_revokes() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(QUICK);
    let fingerprint = stage.data("agent invite other --device pe2")["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    let (enrolment, key) = (enrolment(&stage, &fingerprint), key());
    let waits = Crafted::applied(&enrolment, "edge", &key).await;
    assert!(matches!(waits, Err(EstError::Waiting)), "{waits:?}");
    let rows = stage.data("agent list");
    assert_eq!(
        (&rows[0]["name"], &rows[0]["standing"]),
        (&"edge".into(), &"waiting".into())
    );
    let shown = stage.data("agent show edge");
    assert_eq!(shown["application"]["function"], "speaks for the hill", "{shown}");
    let digest = est::digest(&key);
    assert_eq!(shown["application"]["key"], digest.as_str(), "both sides show the same");
    let (by, other) = (format!("--key {digest}"), format!("--key {}", "0".repeat(64)));
    assert_eq!(
        stage.entente("agent revoke controller").0,
        3,
        "nobody shuts the controller out by its name"
    );
    assert_eq!(
        stage.entente(&format!("agent approve edge {by} --device pe9")).0,
        8,
        "no such device"
    );
    assert_eq!(
        stage
            .entente(&format!("agent approve edge {by} --device pe1 --may fly"))
            .0,
        3
    );
    assert_eq!(stage.entente(&format!("agent approve nobody {by} --device pe1")).0, 8);
    let (code, words) = stage.entente(&format!("agent approve edge {other} --device pe1"));
    assert!(code == 3 && words.contains(&digest), "whose key waits is said: {words}");
    assert_eq!(
        stage.entente("agent approve edge --device pe1").0,
        2,
        "a key must be named"
    );
    stage.ok(&format!(
        "agent approve edge {by} --device pe1 --organisation Hill --developer Ann --function watches --skill netconf"
    ));
    let own = Crafted::applied(&enrolment, "edge", &key)
        .await
        .expect("it is approved");
    let edge = Crafted::with(&stage, "edge", own, key);
    // It was verified that it can do one thing: it is found by that, and by nothing else that it says, nor refused for it.
    let mut boasts = edge.hello(&["pe1"]);
    boasts.capabilities.push("levitate".to_owned());
    let mut link = edge.join(boasts).await.unwrap();
    let more = upward::Body::Update(Update {
        description: "speaks for the hill".to_owned(),
        capabilities: vec!["netconf".to_owned(), "fly".to_owned()],
        address: "192.0.2.1:7000".to_owned(),
        ..Update::default()
    });
    let said = |shown: &serde_json::Value| (shown["capabilities"].clone(), shown["unverified"].clone());
    let shown = stage.data("agent show edge");
    assert_eq!(said(&shown), (json!(["netconf"]), json!(["levitate"])));
    answered(&mut link, more)
        .await
        .expect("an update refuses nobody either");
    let shown = stage.data("agent show edge");
    assert_eq!(said(&shown), (json!(["netconf"]), json!(["fly"])));
    assert!(stage.ok("agent list --capability netconf").contains("edge"));
    assert!(!stage.ok("agent list --capability fly").contains("edge"));
    assert_eq!(
        (&shown["standing"], &shown["certificates"][0]["organisation"]),
        (&"valid".into(), &"Hill".into())
    );

    // Held by mistake: the stream ends within five seconds, and nothing is let in until it is released.
    stage.ok("agent hold edge");
    assert!(
        timeout(Duration::from_secs(15), link.next())
            .await
            .expect("within five seconds where there is time")
            .is_err()
    );
    stage.until("edge to be offline", "agent list --presence offline", |it| {
        it.contains("edge")
    });
    assert_eq!(stage.data("agent show edge")["standing"], "held");
    assert!(shut_out(&edge).await);
    stage.ok("agent release edge");
    let mut link = edge.join(edge.hello(&["pe1"])).await.expect("it may come back");

    stage.ok("agent revoke edge --reason key-compromise");
    assert!(
        timeout(Duration::from_secs(15), link.next())
            .await
            .expect("within five seconds where there is time")
            .is_err()
    );
    assert_eq!(stage.data("agent show edge")["standing"], "revoked");
    assert!(shut_out(&edge).await);
    assert_eq!(
        stage.entente("agent release edge").0,
        8,
        "what is revoked is not given back"
    );
    assert_eq!(stage.entente("agent revoke ../edge").0, 2, "that is no name");

    // Turned away: the next application waits anew.
    let stranger = super::crafted::key();
    assert!(matches!(
        Crafted::applied(&enrolment, "stranger", &stranger).await,
        Err(EstError::Waiting)
    ));
    stage.ok("agent reject stranger");
    assert!(!stage.ok("agent list").contains("stranger"));
    stage.ok("audit verify");
}

/// Whether an agent comes in no more, by whatever step it is stopped.
async fn shut_out(agent: &Crafted) -> bool {
    let Ok(io) = agent.dial().await else { return true };
    let hello = agent.hello(&["pe1"]);
    let membership = fabric_wire::Membership::new(hello, fabric_wire::Limits::default());
    membership.join(io).await.is_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_of_an_agent_that_died_is_not_waited_for() {
    fabric_identity::install_cryptography();
    let stage = Arc::new(Stage::start(QUICK));
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let mut first = edge.join(edge.hello(&["pe1"])).await.unwrap();
    let asking = stage.clone();
    let asking = tokio::task::spawn_blocking(move || asking.entente("device get pe1"));
    loop {
        let message = timeout(SOON, first.next()).await.unwrap().unwrap();
        if matches!(message.body, Some(downward::Body::Query(_))) {
            break;
        }
    }
    // The one that comes back has another session, and knows nothing of the question.
    drop(first);
    let _second = edge.join(edge.hello(&["pe1"])).await.unwrap();
    let (code, said) = timeout(SOON, asking).await.unwrap().unwrap();
    assert!(code != 0 && said.contains("the agent left"), "{code}: {said}");
}
