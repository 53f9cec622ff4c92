//! A past transaction is taken back by a plan of its own.

use crate::lab::{Lab, described, expect, latest, route, rows};
use crate::stage::Stage;

#[test]
fn a_past_transaction_is_taken_back_with_its_owners() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    let demo = rows(&stage, "transaction list");
    let demo = demo
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["state"] == "committed")
        .unwrap();
    let demo = demo["id"].as_str().unwrap().to_owned();
    let shown = |device: &str| stage.run(&format!("device get {device}"));
    let before = ["r1", "r2"].map(shown);

    stage.write("a.yaml", &route("a", "r1, r2", "192.0.2.1"));
    expect(&stage, "commit -f a.yaml", 0, "on 2 devices");
    let first = latest(&stage);
    stage.write("a.yaml", &route("a", "r1", "192.0.2.9"));
    expect(&stage, "commit -f a.yaml", 0, "on 2 devices");
    let second = latest(&stage);

    // The first cannot go while its intent is what the second made of it.
    let said = expect(&stage, &format!("rollback {first}"), 9, "a was changed since");
    assert!(said.contains(&second), "{said}");

    // The second is shown, then taken back: the intent wants again what it wanted before, and on both devices.
    let said = expect(&stage, &format!("rollback {second} --dry-run"), 0, "rollback of");
    assert!(said.contains("192.0.2.9]: present → absent"), "{said}");
    assert!(lab.running("r1").contains("192.0.2.9"), "a plan changes nothing");
    expect(&stage, &format!("rollback {second}"), 0, "on 2 devices");
    assert!(lab.running("r1").contains("192.0.2.1") && lab.running("r2").contains("192.0.2.1"));
    let intent = rows(&stage, "intent show a");
    assert_eq!(intent["state"], "active");
    assert!(intent.to_string().contains("192.0.2.1"), "{intent}");
    assert_eq!(intent["intent"]["targets"], serde_json::json!(["r1", "r2"]));

    // Now nothing stands on the first any more: the devices are, entry by entry, as they were.
    expect(&stage, &format!("rollback {first}"), 0, "on 2 devices");
    assert_eq!(before, ["r1", "r2"].map(shown));
    assert_eq!(rows(&stage, "intent show a")["state"], "withdrawn");
    expect(&stage, &format!("rollback {first}"), 9, "a was changed since");

    // A later intent that overrides what the demo did on one device is in the way of all of it, by name.
    stage.write("b.yaml", &described("b", "r3", 300, "theirs"));
    expect(&stage, "commit -f b.yaml", 0, "on 1 device");
    let said = expect(&stage, &format!("rollback {demo}"), 9, "b stands on interface[eth1]");
    assert!(said.contains("r3"), "{said}");
    expect(&stage, "intent withdraw b", 0, "committed");
    lab.mend("r4"); // the device that the demo broke
    expect(&stage, &format!("rollback {demo}"), 0, "on 12 devices");
    assert!(!lab.running("r3").contains("uplink to the core"));

    expect(&stage, "rollback 0", 8, "no transaction 0");
    let failed = rows(&stage, "transaction list");
    let failed = failed
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["state"] == "rolled-back")
        .unwrap();
    let line = format!("rollback {}", failed["id"].as_str().unwrap());
    expect(&stage, &line, 9, "nothing of it is left");
    expect(&stage, "audit verify", 0, "entries hold");
}

#[test]
fn a_plan_that_others_overtook_is_refused_even_where_the_device_did_not_change() {
    let stage = Stage::start();
    stage.write("a.yaml", &route("a", "r1", "192.0.2.1"));
    stage.write("b.yaml", &route("b", "r1", "192.0.2.1"));
    expect(&stage, "commit -f a.yaml", 0, "on 1 device");
    let plan = rows(&stage, "intent withdraw a --dry-run");
    // Another intent wants the very same route: it is there already, so the device does not move on.
    expect(&stage, "commit -f b.yaml", 0, "committed");
    let line = format!("commit {}", plan["id"].as_str().unwrap());
    expect(&stage, &line, 9, "is stale, other intents came meanwhile");
    expect(&stage, "device get r1", 0, "next-hop[192.0.2.1]");
    expect(&stage, "intent withdraw a", 0, "committed");
    expect(&stage, "device get r1", 0, "next-hop[192.0.2.1]");
}
