//! What is settled before a device is asked: names, guarantees, dry runs, what is so already, what is over.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod stage;

use stage::Stage;

#[test]
fn what_needs_no_device_is_said_when_it_is_planned() {
    let stage = Stage::start();
    let check = |line: &str, code: i32, expected: &str| {
        let (found, said) = stage.run(line);
        assert_eq!(found, code, "entente {line}\n{said}");
        assert!(
            said.contains(expected),
            "entente {line}: {expected:?} is missing in\n{said}"
        );
        said
    };
    let transactions = || {
        let (_, said) = stage.run("transaction list --output json");
        serde_json::from_str::<Vec<serde_json::Value>>(&said).unwrap().len()
    };
    let set = |name: &str, port: &str, more: &str| {
        format!("{{class: interface.set, name: {name}, slots: {{ interface: '{port}:eth1', mtu: 1400 }}{more}}}\n")
    };

    // Two of one name are refused; one of a name that holds says what it takes the place of.
    stage.write(
        "twice.yaml",
        &format!("intents:\n  - {}  - {}", set("x", "r1", ""), set("x", "r2", "")),
    );
    check("plan -f twice.yaml", 3, "several intents are named x");
    stage.write("one.yaml", &set("x", "r1", ""));
    let said = check("commit -f one.yaml", 0, "on 1 device");
    assert!(said.contains("x: interface.set for r1"), "{said}");
    assert!(said.contains("% r1 "), "without a terminal each step is a line\n{said}");
    stage.write("other.yaml", &set("x", "r2", ""));
    check(
        "plan -f other.yaml",
        0,
        "x holds already (interface.set): this takes its place",
    );

    // What was turned off is turned on again, though a device does not show what holds anyway.
    for admin in ["down", "up", "down", "up"] {
        let port = format!("{{class: interface.set, name: port, slots: {{ interface: 'r1:eth2', admin: {admin} }}}}\n");
        stage.write("port.yaml", &port);
        check("commit -f port.yaml", 0, "on 1 device");
    }

    // What is so already is said; a dry run is a plan and no failure.
    check("plan -f one.yaml", 0, "nothing to change: the network is already so");
    stage.write("dry.yaml", &set("y", "r2", ", dry_run: true"));
    let before = transactions();
    check("commit -f dry.yaml", 0, "dry run");
    check("drift repair r2", 0, "nothing to change");
    assert_eq!(transactions(), before);

    // A promise that a device does not make is demanded in vain, and before anything begins.
    let (_, said) = stage.run("device list --output json");
    let devices: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    let weaker = devices
        .iter()
        .find(|row| row["guarantee"] == "whole")
        .expect("a device that promises less");
    let weaker = weaker["name"].as_str().unwrap();
    stage.write("sure.yaml", &set("z", weaker, ", guarantee: confirmed"));
    let promise = format!("{weaker} only promises whole, and confirmed was demanded");
    check("plan -f sure.yaml", 3, &promise);

    let (_, said) = stage.run("transaction list --output json");
    let rows: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    let over = rows.iter().find(|row| row["state"] == "committed").unwrap()["id"]
        .as_str()
        .unwrap();
    check(&format!("transaction cancel {over}"), 9, "is over already: committed");

    // A withdrawal that was said is committed like any plan, and only once.
    check("say --yes \"withdraw x\"", 0, "committed");
    check("intent withdraw x", 9, "x is withdrawn already");
    check("commit one.yaml", 3, "did you mean");
}
