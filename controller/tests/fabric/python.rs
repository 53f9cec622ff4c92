//! An agent in another language, made from the protobuf files and the docs alone, in a transaction of the real controller
//! beside a real agent: both commit, and when it says no both are as before.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;
use tests_real::Child;

use super::lab::{Lab, agent};
use super::stage::Stage;

const SNAKE: &str = "01930000-0000-7000-8000-000000000999";

fn python(stage: &Stage) -> Child {
    let invitation = stage.data("agent invite snake --device viper");
    let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
    let log = std::fs::File::create(stage.path("snake.log")).unwrap();
    let mut command = Command::new(tests_real::python());
    command
        .arg(tests_real::root().join("fabric/identity/tests/agent.py"))
        .args([text("enrolment"), text("address"), text("fingerprint"), text("token")])
        .args(["snake", SNAKE])
        .arg(tests_real::root().join("fabric/wire/proto"));
    Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log)).unwrap()
}

/// Commits a description on both devices; what was told on the way, and how it ended.
fn describe(stage: &Stage, devices: &str, text: &str) -> (Vec<Value>, String) {
    let intent = format!(
        "class: interface.set\nname: uplinks\ngate: none\nslots: {{ device: [{devices}], interface: eth1, description: {text} }}\n"
    );
    std::fs::write(stage.path("intent.yaml"), intent).unwrap();
    let plan = stage.data("plan -f intent.yaml");
    let begun = stage.data(&format!("commit {} --detach", plan["id"].as_str().unwrap()));
    let id = begun["id"].as_str().unwrap().to_owned();
    let token = std::fs::read_to_string(stage.path("state/token")).unwrap();
    let mut curl = Command::new("curl");
    curl.args([
        "-sSN",
        "--max-time",
        "60",
        "-H",
        &format!("authorization: Bearer {}", token.trim()),
    ]);
    curl.arg(format!(
        "http://127.0.0.1:{}/v1/transactions/{id}/progress?since=0",
        stage.ports[0]
    ));
    let mut curl = Child::start(curl.stdout(Stdio::piped())).unwrap();
    let lines = BufReader::new(curl.process().stdout.take().unwrap()).lines();
    let mut told: Vec<Value> = Vec::new();
    for line in lines.map_while(Result::ok) {
        let Some(data) = line.strip_prefix("data:") else {
            continue;
        };
        told.push(serde_json::from_str(data.trim()).expect(data));
        if told.last().is_some_and(|it| !it["ending"].is_null()) {
            break;
        }
    }
    let spoken = told.iter().filter(|it| it["device"] == "viper").count();
    tests_real::operations(tests_real::Part::Grpcio, spoken as u64);
    (
        told,
        stage.data(&format!("transaction show {id}"))["state"]
            .as_str()
            .unwrap()
            .to_owned(),
    )
}

#[test]
fn a_python_agent_takes_part_in_transactions_of_the_controller() {
    if !tests_real::wanted("python::a_python_agent_takes_part_in_transactions_of_the_controller") {
        return;
    }
    let lab = Lab::start(1);
    let inventory = format!(
        "{}  - id: {SNAKE}\n    name: viper\n    address: 127.0.0.1\n    platforms: [ietf]\n    protocols: [{{ name: netconf, port: 9 }}]\n",
        lab.inventory()
    );
    let stage = Stage::prepared(&[], |folder| {
        std::fs::write(folder.join("inventory.yaml"), &inventory).unwrap()
    });
    let _east = agent(&stage, &lab, "east", 0);
    let _snake = python(&stage);
    stage.until("both to join", "agent list --presence online", |it| {
        it.contains("east") && it.contains("snake")
    });
    assert!(stage.ok("agent show snake").contains("agent.py"));
    let devices = format!("{}, viper", lab.devices[0].0);

    let (told, state) = describe(&stage, &devices, "uplink");
    let log = || std::fs::read_to_string(stage.path("snake.log")).unwrap();
    assert_eq!(state, "committed", "{told:#?}\n{}", log());
    assert!(lab.says(0, "uplink"));
    assert!(stage.ok("device get viper").contains("uplink"), "it says so itself");
    // Each device says how far it is, numbered; the whole is the sum of both and never goes back.
    let sequence: Vec<u64> = told.iter().map(|it| it["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequence, (1..=told.len() as u64).collect::<Vec<_>>());
    for device in [lab.devices[0].0.as_str(), "viper"] {
        let text = |it: &&Value| it["device"] == device;
        let says = |what: &str| {
            told.iter()
                .filter(text)
                .any(|it| it["text"].as_str().unwrap().starts_with(what))
        };
        let working = if device == "viper" {
            "stage: working"
        } else {
            "stage: at work on "
        };
        assert!(says(working), "{device}: {told:#?}");
        assert!(says("stage done: configuration 33% complete"), "{device}: {told:#?}");
        assert!(says("apply done: configuration 66% complete"), "{device}: {told:#?}");
        assert!(says("confirm done: configuration 100% complete"), "{device}: {told:#?}");
    }
    let whole: Vec<u64> = told.iter().map(|it| it["percent"].as_u64().unwrap()).collect();
    assert!(whole.iter().any(|it| (1..33).contains(it)), "{whole:?}");
    assert_eq!(whole.last(), Some(&100));
    assert!(
        whole.iter().filter(|it| (33..66).contains(*it)).count() > 1,
        "the sum grows with each device: {whole:?}"
    );

    // It votes no: neither device keeps anything.
    let (told, state) = describe(&stage, &devices, "refuse-this");
    assert_eq!(state, "rolled-back", "{told:#?}");
    assert!(lab.says(0, "uplink") && !lab.says(0, "refuse-this"));
    assert!(stage.ok("device get viper").contains("uplink"));
    stage.ok("audit verify");
}
