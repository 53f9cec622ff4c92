//! What operators teach: proposed, tried, activated, withdrawn and reverted, and never at the cost of what is read right.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod serving;

use serde_json::{Value, json};
use serving::Serving;

/// `entente` with these words as they are.
fn entente(serving: &Serving, words: &[&str]) -> (i32, String) {
    serving::said(&serving.command().args(words).output().unwrap())
}

fn check(serving: &Serving, words: &[&str], code: i32, expected: &[&str]) -> String {
    let (found, said) = entente(serving, words);
    assert_eq!(found, code, "entente {words:?}\n{said}");
    for part in expected {
        assert!(said.contains(part), "entente {words:?}: {part:?} is missing in\n{said}");
    }
    said
}

/// What a sentence is answered, without the conversation, which is new each time.
fn reading(serving: &Serving, say: &str) -> Value {
    let mut answer = serving
        .admin("POST", "/v1/utterances", &json!({ "text": say }).to_string(), &[])
        .json();
    answer.as_object_mut().unwrap().remove("conversation");
    answer
}

fn refused(serving: &Serving, body: &Value, expected: &str) {
    let answer = serving.admin("POST", "/v1/rules", &body.to_string(), &[]);
    assert!(
        (400..500).contains(&answer.status),
        "{body}: {} {}",
        answer.status,
        answer.body
    );
    assert!(
        answer.body.contains(expected),
        "{body}: {expected:?} is missing in {}",
        answer.body
    );
}

#[test]
fn a_correction_waits_is_tried_holds_and_goes() {
    let mut serving = Serving::start(&["r1", "r2"]);
    let (say, other) = (
        "stretch r1 eth1 frames up onto 1400",
        "stretch r2 eth3 frames up onto 9000",
    );
    let earlier = (reading(&serving, say), reading(&serving, other));
    assert_ne!(earlier.0["answer"], "intents", "{}", earlier.0);
    let propose = ["learn", "propose", say, "--means", "set the mtu of r1 eth1 to 1400"];
    check(
        &serving,
        &propose,
        0,
        &[
            "rule 1, a candidate: interface.set",
            "stretch {device} {interface} frames up onto {mtu}",
        ],
    );
    check(&serving, &propose, 9, &["rule 1 is the same and candidate"]);
    assert_eq!(reading(&serving, say), earlier.0, "a candidate changes nothing");
    check(
        &serving,
        &["learn", "try", "1"],
        0,
        &["would be read as     interface.set", "none that is read right"],
    );
    check(
        &serving,
        &["learn", "activate", "1"],
        0,
        &["version 1: these rules hold: 1"],
    );

    // It is read at once, with other values too.
    let taught = reading(&serving, other);
    assert_eq!(taught["answer"], "intents", "{taught}");
    assert_eq!(
        taught["readings"][0]["intent"],
        json!({ "class": "interface.set", "slots": { "device": "r2", "interface": "eth3", "mtu": 9000 } })
    );
    check(&serving, &["learn", "list"], 0, &["active", "interface.set"]);

    // It outlives the controller, and so does the way back.
    serving.kill();
    serving.serve();
    assert_eq!(reading(&serving, other), taught, "after a restart");
    check(&serving, &["class", "reload"], 0, &["revision"]);
    assert_eq!(reading(&serving, other), taught, "after a reload of the classes");
    goes_and_comes_back(&serving, [say, other], &earlier, &taught);
}

/// Withdrawn, brought back, and taken away again: each time it is read exactly as it was.
fn goes_and_comes_back(serving: &Serving, [say, other]: [&str; 2], earlier: &(Value, Value), taught: &Value) {
    check(serving, &["learn", "withdraw", "1"], 0, &["rule 1 is withdrawn"]);
    assert_eq!((reading(serving, say), reading(serving, other)), *earlier, "withdrawn");
    check(
        serving,
        &["learn", "revert", "1"],
        0,
        &["version 3: these rules hold: 1"],
    );
    assert_eq!(reading(serving, other), *taught, "reverted to version 1");
    check(serving, &["learn", "revert", "0"], 0, &["version 4: no rule holds"]);
    assert_eq!(
        (reading(serving, say), reading(serving, other)),
        *earlier,
        "reverted to nothing"
    );
    check(serving, &["learn", "revert", "0"], 9, &["hold already"]);
    check(serving, &["learn", "revert", "77"], 8, &["no version of the rules 77"]);
    check(
        serving,
        &["learn", "history"],
        0,
        &["activate 1", "withdraw 1", "revert to 1", "revert to 0"],
    );
    check(serving, &["learn", "show", "99"], 8, &["no rule 99"]);

    // All of it stands in the chain.
    check(serving, &["audit", "verify"], 0, &["entries hold"]);
    let chain = serving.admin("GET", "/v1/audit", "", &[]).body;
    for what in ["propose rule", "activate rule", "withdraw rule", "revert rules"] {
        assert!(chain.contains(what), "{what:?} is missing in {chain}");
    }
}

#[test]
fn what_would_change_what_is_read_right_is_not_activated() {
    let mut serving = Serving::prepared("127.0.0.1", &["r1", "r2"]);
    let corpus = serving.path("corpus");
    std::fs::create_dir_all(&corpus).unwrap();
    std::fs::copy(serving.path("inventory.yaml"), corpus.join("inventory.yaml")).unwrap();
    // Of these ids the first may be worked with and the second not: 4… and f… begin their SHA-256.
    let lines = ["p3", "p1"].map(|id| json!({ "id": id, "text": format!("stretch legs of r1 {id}"), "intents": [] }));
    std::fs::write(corpus.join("people.jsonl"), lines.map(|it| it.to_string()).join("\n")).unwrap();
    let home = serving.path(".config/entente");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("entente.yaml"), format!("corpus: {}\n", corpus.display())).unwrap();
    serving.serve();

    // It says `in` of every limit of an interface: the library's own examples are against it.
    let rate = json!({ "target": "r1", "interface": "eth1", "max": "9M", "direction": "in" });
    let greedy = json!({ "say": "limit eth1 on r1 to 9M", "intent": { "class": "qos.rate", "slots": rate } });
    assert_eq!(serving.admin("POST", "/v1/rules", &greedy.to_string(), &[]).status, 201);
    check(
        &serving,
        &["learn", "try", "1"],
        9,
        &[
            "an example of qos.rate",
            "would become qos.rate",
            "\"direction\":\"in\"",
        ],
    );
    check(
        &serving,
        &["learn", "activate", "1"],
        9,
        &["rule 1 stays a candidate", "an example of qos.rate"],
    );
    check(&serving, &["learn", "show", "1"], 0, &["candidate"]);

    // Here people stretch their legs.
    let slots = json!({ "operation": "backup", "target": "r2" });
    let legs = json!({ "say": "stretch legs of r2", "intent": { "class": "config.lifecycle", "slots": slots } });
    assert_eq!(serving.admin("POST", "/v1/rules", &legs.to_string(), &[]).status, 201);
    let said = check(
        &serving,
        &["learn", "activate", "2"],
        9,
        &["stretch legs of r1 p3 (people p3): refused"],
    );
    assert!(!said.contains("people p1"), "the other half is not read\n{said}");
    check(&serving, &["learn", "withdraw", "2"], 0, &["rule 2 is withdrawn"]);
    check(&serving, &["learn", "history"], 0, &["nothing was learned yet"]);
    let chain = serving.admin("GET", "/v1/audit", "", &[]).body;
    assert!(chain.contains("refuse rule"), "{chain}");
}

#[test]
fn what_a_stranger_proposes_is_refused_with_its_reason() {
    let serving = Serving::start(&["r1", "r2"]);
    let rate = json!({ "class": "interface.set", "slots": { "device": "r1", "interface": "eth1", "mtu": 1400 } });
    let with = |say: &str| json!({ "say": say, "intent": rate });
    refused(&serving, &with("stretch\u{7} r1 eth1 onto 1400"), "control character");
    refused(&serving, &with("the r1 eth1 1400"), "would swallow");
    refused(&serving, &with("stretch r1 eth1"), "does not say mtu = 1400");
    refused(&serving, &with("stretch r1 eth1 beside r2 onto 1400"), "says");
    refused(
        &serving,
        &with(&format!("stretch r1 eth1 onto 1400 {}", "x".repeat(400))),
        "more than 300",
    );
    refused(&serving, &json!({ "say": "stretch it" }), "say what is meant once");
    refused(
        &serving,
        &json!({ "say": "stretch it", "means": "order two pizzas" }),
        "not read as one intent",
    );
    refused(
        &serving,
        &json!({ "say": "x", "intent": { "class": "interface.sett" } }),
        "did you mean interface.set",
    );
    refused(
        &serving,
        &json!({ "say": "x", "intent": rate, "role": "admin" }),
        "role",
    );
    assert_eq!(serving.admin("GET", "/v1/rules", "", &[]).json(), json!([]));

    // Operators propose, approvers activate.
    let token = |role: &str| {
        let body = json!({ "name": role, "role": role }).to_string();
        serving.admin("POST", "/v1/tokens", &body, &[]).json()["token"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let ask = |token: &str, path: &str, body: &str| {
        let bearer = format!("Bearer {token}");
        serving
            .ask("POST", path, body, &[("authorization", bearer.as_str())])
            .status
    };
    let (operator, approver) = (token("operator"), token("approver"));
    let body = with("stretch r1 eth1 onto 1400").to_string();
    assert_eq!(ask(&approver, "/v1/rules", &body), 403);
    assert_eq!(ask(&operator, "/v1/rules", &body), 201);
    assert_eq!(ask(&operator, "/v1/rules/1/activate", ""), 403);
    assert_eq!(ask(&approver, "/v1/rules/1/activate", ""), 200);
    assert_eq!(ask(&operator, "/v1/rules/1/withdraw", ""), 403);
}
