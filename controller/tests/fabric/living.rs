//! Real agents with simulated devices: who is shut out in the middle of a transaction leaves nothing behind, and
//! certificates are renewed before they run out, on both sides.

use std::time::Duration;

use super::lab::{Lab, agent};
use super::stage::Stage;

fn describe(stage: &Stage, lab: &Lab, text: &str) {
    let names: Vec<&str> = lab.devices.iter().map(|it| it.0.as_str()).collect();
    let intent = format!(
        "class: interface.set\nname: uplinks\ngate: none\nslots: {{ device: [{}], interface: eth1, description: {text} }}\n",
        names.join(", ")
    );
    std::fs::write(stage.path("intent.yaml"), intent).unwrap();
}

#[test]
fn an_agent_that_is_revoked_between_apply_and_decision_leaves_its_device_reverted() {
    let lab = Lab::start(2);
    let terms = [
        ("ENTENTE_TERMS_LEASE", "6s"),
        ("ENTENTE_TERMS_IN_DOUBT", "3s"),
        ("ENTENTE_TERMS_APPLY", "20s"),
        ("ENTENTE_TERMS_REPAIR", "12s"),
    ];
    let inventory = lab.inventory();
    let stage = Stage::prepared(&terms, |folder| {
        std::fs::write(folder.join("inventory.yaml"), &inventory).unwrap()
    });
    let _agents = [agent(&stage, &lab, "east", 0), agent(&stage, &lab, "west", 1)];
    stage.until("both to join", "agent list --presence online", |it| {
        it.contains("east") && it.contains("west")
    });

    // The second device takes its time, so that the first has applied and nothing is decided.
    let slow = r#"{"fault":"delay","millis":9000,"operation":"commit"}"#;
    lab.curl(&format!("/devices/{}/faults", lab.devices[1].0), Some(slow));
    describe(&stage, &lab, "uplink");
    let plan = stage.data("plan -f intent.yaml");
    let transaction = stage.data(&format!("commit {} --detach", plan["id"].as_str().unwrap()));
    let show = format!("transaction show {}", transaction["id"].as_str().unwrap());
    lab.until("the first device to have applied", &stage, |lab| lab.says(0, "uplink"));
    assert_eq!(stage.data(&show)["state"], "running");
    stage.ok("agent revoke east --reason key-compromise");
    let gone = tests_real::until("east to be shut out", Duration::from_secs(15), || {
        stage
            .listed("--presence offline")
            .iter()
            .any(|it| it.0 == "east")
            .then_some(())
    });
    gone.expect("within five seconds where there is time");

    lab.until("the first device to be as before", &stage, |lab| !lab.says(0, "uplink"));
    stage.until("the transaction to end", &show, |said| !said.contains("running"));
    let ended = stage.data(&show);
    let named = ended["reason"].as_str().unwrap().contains(&lab.devices[0].0);
    assert!(
        ended["state"] == "rolled-back" || (ended["state"] == "torn" && named),
        "{ended}"
    );
    assert!(
        !lab.says(0, "uplink") && !lab.says(1, "uplink"),
        "{ended}\n{}",
        stage.log()
    );
    stage.ok("audit verify");
}

#[test]
fn certificates_of_agents_and_controller_are_renewed_before_they_run_out() {
    let lab = Lab::start(1);
    let inventory = lab.inventory();
    let short = [("ENTENTE_AGENTS_CERTIFICATE", "6s"), ("ENTENTE_AGENTS_GRACE", "5s")];
    let stage = Stage::prepared(&short, |folder| {
        std::fs::write(folder.join("inventory.yaml"), &inventory).unwrap()
    });
    let _agent = agent(&stage, &lab, "east", 0);
    stage.until("east to join", "agent list --presence online", |it| it.contains("east"));
    let serials = || {
        let shown = stage.data("agent show east");
        shown["certificates"].as_array().unwrap().len()
    };
    // Several lives of a certificate later it still is here, and what it is asked is done.
    let renewed = tests_real::until("three renewals", Duration::from_secs(60), || {
        (serials() >= 4).then_some(())
    });
    renewed.unwrap_or_else(|error| panic!("{error}\n{}", std::fs::read_to_string(stage.path("east.log")).unwrap()));
    assert_eq!(stage.data("agent show east")["standing"], "valid");
    stage.until("east to be here", "agent list --presence online", |it| {
        it.contains("east")
    });
    describe(&stage, &lab, "renewed");
    let done = tests_real::until("a commit between two renewals", Duration::from_secs(30), || {
        (stage.entente("commit -f intent.yaml").0 == 0).then_some(())
    });
    done.unwrap_or_else(|error| panic!("{error}\n{}", stage.log()));
    assert!(lab.says(0, "renewed"));
    let tail = format!(
        "event tail --since 0 --count 1 --type task-completed --object {} --output json",
        lab.devices[0].0
    );
    let told = stage.ok(&tail);
    assert!(told.contains("confirmed"), "the agent tells it, signed: {told}");
}
