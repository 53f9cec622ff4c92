//! The sentence of the product as one run against real devices: an intent in any words is true on all of them or on none.
//!
//! A controller and two agents are processes of their own, each in a network namespace of its own; the devices are
//! netconfd, FRR, and netconfd with a command line beside NETCONF. ncclient and ssh with vtysh, which share no code with
//! us, say what is on the devices; a subscriber in Python verifies what was told.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod devices;
mod judge;
mod net;
mod stage;
mod subscriber;

use serde_json::{Value, json};
use stage::{DEVICES, Mission};

#[test]
fn an_intent_in_any_words_is_true_on_three_real_devices_or_on_none() {
    if !tests_real::wanted("mission::an_intent_in_any_words_is_true_on_three_real_devices_or_on_none") {
        return;
    }
    let mut mission = Mission::start();
    let plan = the_same_plan_by_every_door(&mut mission);
    committed_with_progress(&mut mission, &plan);
    newer_work_is_kept(&mut mission);
    netconf_is_blocked_inside_a_transaction(&mut mission);
    one_refuses_after_the_others_have_applied(&mut mission);
    taken_back_after_the_controller_was_killed(&mut mission);
}

/// What a plan does: to which devices, which entries, in which words. Each intent has an id of its own.
fn deeds(plan: &Value) -> Value {
    let entry = |it: &Value| json!([it["path"], it["before"], it["after"], it["bare"]]);
    let device = |it: &Value| {
        let entries: Vec<Value> = it["entries"].as_array().expect("entries").iter().map(entry).collect();
        json!([it["name"], entries, it["preview"], it["guarantee"], it["wave"]])
    };
    let mut devices: Vec<Value> = plan["devices"]
        .as_array()
        .expect("devices")
        .iter()
        .map(device)
        .collect();
    devices.sort_by_key(|it| it[0].to_string());
    Value::Array(devices)
}

fn intent(mission: &Mission, description: &str, gate: bool) {
    let mut intent = json!({
        "class": "interface.set", "name": "uplinks",
        "slots": { "device": ["pe1", "pe2", "pe3"], "interface": "eth1", "description": description },
    });
    if !gate {
        intent["gate"] = json!("none");
    }
    std::fs::write(mission.path("intent.json"), intent.to_string()).unwrap();
}

/// By file, by REST and by two sentences it is one plan, and a plan changes nothing. Gives the file's.
fn the_same_plan_by_every_door(mission: &mut Mission) -> Value {
    let before = mission.judged();
    intent(mission, "first-light", true);
    // An agent is on the list before it speaks for its devices: whether it does shows where these are read.
    let file = mission.until("both agents to speak for their devices", || {
        let (code, said) = mission.entente(&["plan", "-f", "intent.json", "--output", "json"]);
        (code == 0).then(|| serde_json::from_str::<Value>(&said).expect(&said))
    });
    let rest: Value = serde_json::from_str(&mission.rest("/v1/plans", Some(&mission.path("intent.json")))).unwrap();
    let sentences = [
        "set the description of eth1 on pe1, pe2 and pe3 to \"first-light\"",
        "把pe1、pe2和pe3的eth1的描述改为\"first-light\"",
    ];
    let wanted = deeds(&file);
    assert_eq!(wanted.as_array().map(Vec::len), Some(3), "{file}");
    assert_eq!(deeds(&rest), wanted, "by REST");
    for sentence in sentences {
        assert_eq!(deeds(&mission.data(&["say", sentence])), wanted, "{sentence}");
    }
    assert_eq!(mission.judged(), before, "a plan changes nothing");
    file
}

fn committed_with_progress(mission: &mut Mission, plan: &Value) {
    let shown = mission.on_terminal(&format!("commit {}", plan["id"].as_str().unwrap()));
    assert!(shown.contains('%'), "no progress is shown in\n{shown}");
    let id = transaction_of(&shown, "committed ");
    assert_eq!(
        mission.judged().describes("first-light"),
        [true; 3],
        "{}",
        mission.logs()
    );
    let told = mission.told(&id);
    for (name, _) in DEVICES {
        let line = |it: &&str| it.contains(&format!("\"{name}\"")) && it.contains("complete");
        assert!(told.lines().find(line).is_some(), "no progress of {name} in\n{told}");
    }
    everybody_told(mission, &id, "confirmed", "committed");
}

fn transaction_of(said: &str, before: &str) -> String {
    let rest = said.rsplit_once(before).unwrap_or_else(|| panic!("{said}")).1;
    rest.split_whitespace().next().unwrap().to_owned()
}

/// Each agent tells of each device, and the controller of the whole, signed.
fn everybody_told(mission: &mut Mission, transaction: &str, outcome: &str, state: &str) {
    for ((name, id), agent) in DEVICES.into_iter().zip(["east", "west", "west"]) {
        mission.heard(&format!("{agent} to tell of {name}"), |it| {
            it["source"] == format!("entente://agent/{agent}")
                && (it["type"].as_str(), it["subject"].as_str()) == (Some("task-completed"), Some(id))
                && it["data"]["transaction"] == transaction
                && it["data"]["outcome"] == outcome
        });
    }
    mission.heard("the controller to tell how it ended", |it| {
        it["source"]
            .as_str()
            .is_some_and(|it| it.starts_with("entente://controller/"))
            && it["data"]["transaction"] == transaction
            && it["data"]["state"] == state
    });
}

/// Somebody changes the router between plan and commit: his work stays, and nothing is done on any device.
fn newer_work_is_kept(mission: &mut Mission) {
    intent(mission, "overtaken", true);
    let plan = mission.data(&["plan", "-f", "intent.json"]);
    let edit = [
        "vtysh",
        "-c",
        "configure terminal",
        "-c",
        "interface eth1",
        "-c",
        "description theirs",
    ];
    mission.pe2.run("exec", &edit);
    let before = mission.judged();
    let (code, said) = mission.entente(&["commit", plan["id"].as_str().unwrap()]);
    assert!(
        code == 4 && said.contains("pe2 moved on"),
        "{code} {said}\n{}",
        mission.logs()
    );
    assert_eq!(mission.judged(), before, "{}", mission.logs());
    assert_eq!(before.describes("theirs"), [false, true, false]);
}

/// NETCONF of the device with two protocols dies under its stage: the command line takes over, or it votes no.
fn netconf_is_blocked_inside_a_transaction(mission: &mut Mission) {
    let before = mission.judged();
    intent(mission, "second-light", false);
    mission.pe3.gate("hold <lock>");
    let id = mission.begin("intent.json");
    mission.pe3.held(|| mission.logs());
    mission.net.block("pe3", 831);
    let ended = mission.ended(&id);
    assert!(mission.net.lost("pe3") > 0, "no packet was lost");
    let (told, after) = (mission.told(&id), mission.judged());
    match ended["state"].as_str() {
        Some("committed") => {
            assert_eq!(after.describes("second-light"), [true; 3], "{told}\n{}", mission.logs());
            let logs = mission.logs();
            let switched = "switched from NETCONF to CLI";
            assert!(
                told.contains(switched) || logs.contains(switched),
                "nobody told of it\n{told}\n{logs}"
            );
        }
        Some("rolled-back") => {
            assert_eq!(after, before, "{told}\n{}", mission.logs());
            assert!(ended["reason"].as_str().unwrap().contains("pe3"), "{ended}");
        }
        _ => panic!("{ended}\n{told}\n{}", mission.logs()),
    }
    // The old session holds what it was told at the gate: it ends before anything comes through again.
    mission.pe3.end_sessions();
    mission.pe3.gate("pass");
    mission.net.unblock("pe3");
}

/// netconfd cannot keep the way back of a confirmed commit and refuses, when both others have applied.
fn one_refuses_after_the_others_have_applied(mission: &mut Mission) {
    let before = mission.judged();
    intent(mission, "third-light", false);
    mission.pe1.gate("hold <commit>");
    let id = mission.begin("intent.json");
    mission.pe1.held(|| mission.logs());
    let mut seen = mission.judged();
    for _ in 0..20 {
        if seen.describes("third-light") == [false, true, true] {
            break;
        }
        seen = mission.judged();
    }
    assert_eq!(seen.describes("third-light"), [false, true, true], "{}", mission.logs());
    let _ = std::fs::remove_file(mission.pe1.way_back());
    std::fs::create_dir(mission.pe1.way_back()).unwrap();
    mission.pe1.gate("pass");
    let ended = mission.ended(&id);
    std::fs::remove_dir(mission.pe1.way_back()).unwrap();
    assert_eq!(ended["state"], "rolled-back", "{ended}\n{}", mission.logs());
    let reason = ended["reason"].as_str().unwrap();
    assert!(
        reason.contains("pe1") && reason.contains("cannot open file"),
        "{reason}"
    );
    assert_eq!(mission.judged(), before, "all are as before\n{}", mission.logs());
    mission.heard("the controller to tell that it was rolled back", |it| {
        it["data"]["transaction"] == *id && it["data"]["state"] == "rolled-back"
    });
}

/// What was committed outlives the controller, and is taken back on every device.
fn taken_back_after_the_controller_was_killed(mission: &mut Mission) {
    mission.restart_controller();
    mission.until("both agents to come back", || {
        let (code, _) = mission.entente(&["plan", "-f", "intent.json"]);
        (code == 0).then_some(())
    });
    let said = mission.ok(&["intent", "withdraw", "uplinks", "--gate", "none"]);
    let seen = mission.judged();
    for text in ["first-light", "second-light", "third-light"] {
        assert_eq!(seen.describes(text), [false; 3], "{said}\n{}", mission.logs());
    }
    everybody_told(mission, &transaction_of(&said, "committed "), "confirmed", "committed");
    assert!(mission.ok(&["audit", "verify"]).contains("entries hold"));
}
