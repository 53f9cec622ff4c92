//! What stood on devices, in their own words: kept around transactions, compared, and never with a secret.

use serde_json::Value;

use crate::lab::{Lab, expect, latest, route, rows, until};
use crate::stage::Stage;

/// These bytes stand in no file of the controller.
fn nowhere_in_state(stage: &Stage, secret: &[u8]) {
    let state = &stage
        .variables
        .iter()
        .find(|(name, _)| name == "ENTENTE_STATE")
        .unwrap()
        .1;
    let holds = |entry: std::fs::DirEntry| {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        bytes.windows(secret.len()).any(|it| it == secret)
    };
    let mut files = std::fs::read_dir(state).unwrap().map(Result::unwrap);
    assert!(!files.any(holds), "a secret is in the controller's state");
}

#[test]
fn what_stood_before_and_after_is_kept_and_compared_without_secrets() {
    let stage = Stage::start_with(&[("ENTENTE_HISTORY_MOST", "4")]);
    let lab = Lab::of(&stage);
    let user = "<user><name>amy</name><password>s3cret-of-theirs</password></user>";
    let namespace = "urn:ietf:params:xml:ns:yang:ietf-system";
    lab.merge(
        "r1",
        &format!("<system xmlns=\"{namespace}\"><authentication>{user}</authentication></system>"),
    );
    assert!(lab.running("r1").contains("s3cret-of-theirs"));
    stage.write("a.yaml", &route("a", "r1", "192.0.2.1"));
    expect(&stage, "commit -f a.yaml", 0, "on 1 device");
    let transaction = latest(&stage);
    let kept = |moment: &str| {
        let history = rows(&stage, "device history r1");
        let fits = |it: &&Value| it["transaction"] == transaction.as_str() && it["moment"] == moment;
        let found = history.as_array().unwrap().iter().find(fits).cloned();
        found.and_then(|it| it["number"].as_i64())
    };
    until("the configuration after it", || kept("after").is_some());
    let (before, after) = (kept("before").unwrap(), kept("after").unwrap());

    let said = expect(
        &stage,
        &format!("device compare r1 {before} {after}"),
        0,
        "203.0.113.0/24",
    );
    assert!(
        said.lines()
            .any(|line| line.starts_with("+ ") && line.contains("203.0.113.0/24")),
        "{said}"
    );
    assert!(!said.lines().any(|line| line.starts_with("- ")), "{said}");
    expect(&stage, &format!("device compare r1 {after}"), 0, "no difference");
    let back = expect(
        &stage,
        &format!("device compare r1 {after} {before}"),
        0,
        "203.0.113.0/24",
    );
    assert!(
        back.lines()
            .any(|line| line.starts_with("- ") && line.contains("203.0.113.0/24")),
        "{back}"
    );

    // The secret is on the device and nowhere with us.
    for which in [before.to_string(), after.to_string(), "now".to_owned()] {
        let said = expect(
            &stage,
            &format!("device native r1 {which}"),
            0,
            "<password>***</password>",
        );
        assert!(!said.contains("s3cret"), "{said}");
    }
    nowhere_in_state(&stage, b"s3cret-of-theirs");

    // What is kept is bounded, and numbers are never given twice.
    for hop in 2..5 {
        stage.write("a.yaml", &route("a", "r1", &format!("192.0.2.{hop}")));
        expect(&stage, "commit -f a.yaml", 0, "on 1 device");
    }
    until("the oldest to be forgotten", || {
        kept("before").is_none() && kept("after").is_none()
    });
    let history = rows(&stage, "device history r1");
    assert!(history.as_array().unwrap().len() <= 4, "{history}");
    expect(&stage, &format!("device native r1 {before}"), 8, "no configuration");
    expect(&stage, "device native r1 never", 8, "no configuration never");
}

#[test]
fn a_network_in_use_is_taken_in_without_a_line_changing() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    let devices = ["r1", "r2", "r3", "r4", "r5", "r6"];
    for device in devices {
        lab.edit(device, "<enabled>false</enabled>");
    }
    let before = devices.map(|device| lab.running(device));

    // An intent that already holds owns what it finds, and changes nothing, on any kind of device.
    let targets = devices.join(", ");
    let intent =
        format!("class: interface.set\nname: off\nslots: {{ device: [{targets}], interface: eth1, admin: down }}\n");
    stage.write("off.yaml", &intent);
    let plan = rows(&stage, "plan -f off.yaml");
    for device in plan["devices"].as_array().unwrap() {
        assert_eq!(device["entries"], serde_json::json!([]), "{plan}");
    }
    expect(&stage, "commit -f off.yaml", 0, "committed");
    assert_eq!(before, devices.map(|device| lab.running(device)));

    // It really owns it now: who changes it by hand has made drift, and what it found comes back when it leaves.
    assert_eq!(rows(&stage, "intent show off")["state"], "active");
    lab.edit("r3", "<enabled>true</enabled>");
    let drift = rows(&stage, "drift list");
    assert_eq!(
        (&drift[0]["device"], &drift[0]["intents"][0]),
        (&"r3".into(), &"off".into()),
        "{drift}"
    );
    expect(&stage, "drift repair r3", 0, "on 1 device");
    expect(&stage, "intent withdraw off", 0, "committed");
    assert_eq!(before, devices.map(|device| lab.running(device)));
}
