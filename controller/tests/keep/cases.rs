//! What went wrong is remembered, and the next plan like it is warned.

use serde_json::{Value, json};

use crate::lab::{Lab, described, expect, rows};
use crate::stage::Stage;

/// What a program needs of a fault stands part by part in the case and in its transaction, and in the description of REST.
fn told_part_by_part(stage: &Stage, case: &Value) {
    let transaction = rows(
        stage,
        &format!("transaction show {}", case["transaction"].as_str().unwrap()),
    );
    let faults = &transaction["faults"];
    assert_eq!(faults, &case["faults"], "{case}");
    assert_eq!(faults.as_array().map(Vec::len), Some(1), "{faults}");
    let fault = &faults[0];
    let is = |name: &str, expected: &str| assert_eq!(fault[name], expected, "{name} of {fault}");
    is("device", "r3");
    is("code", "refused");
    is("step", "stage");
    is("protocol", "netconf");
    is("retry", "never");
    let words = fault["device_words"].as_str().unwrap();
    assert!(words.contains("invalid-value psk=***"), "{fault}");
    for shown in [&transaction, case] {
        assert!(!shown.to_string().contains("s3cret"), "{shown}");
    }
    let said = expect(
        stage,
        &format!("transaction show {}", case["transaction"].as_str().unwrap()),
        0,
        "faults",
    );
    assert!(said.contains("code refused") && said.contains("device r3"), "{said}");
}

#[test]
fn the_second_plan_warns_of_what_the_first_ran_into() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    stage.write("a.yaml", &described("a", "r3", 300, "one"));
    let said = expect(&stage, "plan -f a.yaml", 0, "plan ");
    assert!(!said.contains("! r3 ran into"), "{said}");
    lab.refuse("r3", "invalid-value psk=s3cret");
    expect(&stage, "commit -f a.yaml", 4, "rolled back");
    lab.mend("r3");

    // The case says what kind it was, whom it hit, what to do, in the device's own words, and what was tried.
    let cases = rows(&stage, "case list");
    let case = cases
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["devices"] == json!(["r3"]))
        .unwrap();
    assert!(case["kind"] == "refused" || case["kind"] == "failed", "{case}");
    assert!(case["words"].as_str().unwrap().contains("invalid-value"), "{case}");
    told_part_by_part(&stage, case);
    assert!(
        case["impact"].as_str().unwrap().contains("none of 1 devices changed"),
        "{case}"
    );
    assert!(
        case["suggestion"].as_str().unwrap().contains("read the device's words"),
        "{case}"
    );
    assert!(
        case["tried"]
            .as_str()
            .unwrap()
            .contains("<description>one</description>"),
        "{case}"
    );
    assert_eq!(
        (&case["platforms"], &case["classes"]),
        (&json!(["ietf"]), &json!(["interface.set"]))
    );
    let id = case["id"].as_str().unwrap().to_owned();

    // A plan like it, on this device or another of its platform, is warned; one about something else is not.
    stage.write("b.yaml", &described("b", "r3", 301, "two"));
    expect(&stage, "plan -f b.yaml", 0, "! r3 ran into this before");
    stage.write("c.yaml", &described("c", "r9", 301, "two"));
    let said = expect(&stage, "plan -f c.yaml", 0, "like r9 ran into this before");
    assert!(said.contains("invalid-value"), "{said}");
    let route = "class: routing.static\nslots: { device: r3, prefix: 198.51.100.0/24, next_hop: 192.0.2.1 }\n";
    stage.write("d.yaml", route);
    let said = expect(&stage, "plan -f d.yaml", 0, "198.51.100.0/24");
    assert!(!said.contains("ran into"), "{said}");

    // An operator says what helped, in his language: it is found by it, and the next plan says it.
    expect(
        &stage,
        &format!("case cure {id} 先清理设备上的旧配置,再提交"),
        0,
        "noted",
    );
    expect(&stage, "plan -f b.yaml", 0, "先清理设备上的旧配置");
    let found = rows(&stage, "case search 旧配置");
    assert_eq!(found[0]["id"], id.as_str(), "{found}");
    let found = rows(&stage, "case search invalid values");
    assert_eq!(found[0]["id"], id.as_str(), "{found}");
    assert_eq!(found[0]["cured_by"], "operator");
    expect(&stage, "case search ospf", 0, "no case speaks of that");
    expect(&stage, "case cure 0 nothing", 8, "no case 0");

    // The same failure again is the same case, and still knows its cure.
    lab.refuse("r3", "invalid-value psk=s3cret");
    expect(&stage, "commit -f a.yaml", 4, "rolled back");
    let again = rows(&stage, &format!("case show {id}"));
    assert_eq!(again["times"], 2, "{again}");
    assert!(again["cure"].as_str().unwrap().contains("旧配置"), "{again}");
}
