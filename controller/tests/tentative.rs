//! What a transaction under way only tries out is not how the network is: nothing is planned from it, and nothing accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod network;

use network::{Network, http};
use serde_json::Value;

#[test]
fn nothing_is_made_of_what_is_only_tried_out() {
    let network = Network::start(&[2]);
    network.describe("one.yaml", "r1, r2", "eth1", "one");
    let first = network.commit("one.yaml");
    assert_eq!(network.ended(&first), "committed");

    // r1 has applied what r2 is late with.
    network.hold("r2", "commit");
    network.describe("two.yaml", "r1, r2", "eth1", "two");
    let second = network.commit("two.yaml");
    network.until("r1 to try it out", || network.holds("r1", ">two<").then_some(()));
    let drift = network.entente("drift show r1 --output json");
    let path = "interface[eth1]/description";
    let accepted = network.entente(&format!("drift accept r1 {path}"));
    // Another intent wants just that: it is not there yet.
    network.describe("other.yaml", "r1", "eth1", "two");
    let other = std::fs::read_to_string(network.path("other.yaml")).unwrap();
    network.write("other.yaml", &other.replace("name: eth1", "name: other\npriority: 900"));
    let planned = network.entente("plan -f other.yaml --output json");
    let state = network.entente(&format!("transaction show {second} --output json")).1;
    network.heal("r2");
    assert!(state.contains("running"), "it was over too soon\n{state}");
    assert_eq!((drift.0, drift.1.trim()), (0, "[]"), "what is tried out is no drift");
    assert!(accepted.0 == 9 && accepted.1.contains("has no drift"), "{accepted:?}");
    let plan: Value = serde_json::from_str(&planned.1).unwrap_or_else(|_| panic!("{planned:?}"));
    let entries = plan["devices"][0]["entries"].as_array().unwrap();
    assert!(
        entries.iter().any(|it| it["before"] == "one" && it["after"] == "two"),
        "{plan}"
    );
    assert_eq!(network.ended(&second), "committed");
}

#[test]
fn what_waited_into_a_freeze_does_not_begin_and_who_cancels_is_kept() {
    let network = Network::start(&[1]);
    network.hold("r1", "commit");
    network.describe("one.yaml", "r1", "eth1", "one");
    let first = network.commit("one.yaml");
    network.describe("two.yaml", "r1", "eth2", "two");
    let second = network.commit("two.yaml");
    let (code, said) = network.entente("freeze on --reason night");
    assert_eq!(code, 0, "{said}");
    network.heal("r1");
    assert_eq!(network.ended(&first), "committed", "it had begun before");
    assert_eq!(network.ended(&second), "rolled-back");
    let shown = network.entente(&format!("transaction show {second} --output json")).1;
    assert!(shown.contains("frozen") && shown.contains("night"), "{shown}");
    assert!(!network.holds("r1", ">two<"));

    assert_eq!(network.entente("freeze off").0, 0);
    network.hold("r1", "commit");
    let third = network.commit("two.yaml");
    assert_eq!(network.entente(&format!("transaction cancel {third}")).0, 0);
    network.heal("r1");
    assert_eq!(network.ended(&third), "rolled-back");
    let token = std::fs::read_to_string(network.path("state/token")).unwrap();
    let header = format!("authorization: Bearer {token}\r\n");
    let audit: Value = serde_json::from_str(&http(&network.rest(), "GET", "/v1/audit", ("", &header))).unwrap();
    let cancel = |it: &Value| {
        let body: Value = serde_json::from_str(it["body"].as_str().unwrap()).unwrap();
        body["what"] == "cancel" && body["object"] == third.as_str()
    };
    assert!(audit["links"].as_array().unwrap().iter().any(cancel), "{audit}");
    assert_eq!(network.entente("audit verify").0, 0);
}

#[test]
fn what_only_waits_hides_nothing() {
    let network = Network::start(&[2]);
    network.describe("base.yaml", "r1, r2", "eth2", "base");
    let base = network.commit("base.yaml");
    assert_eq!(network.ended(&base), "committed");
    network.hold("r1", "commit");
    network.describe("one.yaml", "r1", "eth1", "one");
    let first = network.commit("one.yaml");
    network.describe("two.yaml", "r1, r2", "eth2", "two");
    let second = network.commit("two.yaml");

    // Somebody writes by hand on the device that is free just what the other one waits to write there.
    network.by_hand("r2", "eth2", "two");
    let drift = network.entente("drift show r2 --output json");
    let state = network.entente(&format!("transaction show {second} --output json")).1;
    network.heal("r1");
    assert!(state.contains("\"waits\""), "it was let in too soon\n{state}");
    let drift: Value = serde_json::from_str(&drift.1).unwrap_or_else(|_| panic!("{drift:?}"));
    assert_eq!(drift.as_array().map(Vec::len), Some(1), "{drift}");
    assert!(drift.to_string().contains("eth2"), "{drift}");
    assert_eq!(network.ended(&first), "committed");
    // It was planned on another ground.
    assert_eq!(network.ended(&second), "rolled-back");
}
