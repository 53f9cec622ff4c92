//! Some devices first: the others change only once those have, and what held before still holds there.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod network;

use network::Network;
use serde_json::{Value, json};

const ALL: [&str; 3] = ["r1", "r2", "r3"];

/// An intent that touches an interface of all devices.
fn jumbo(network: &Network, file: &str, mtu: u32, more: &str) {
    let slots = format!("{{ device: [r1, r2, r3], interface: eth1, mtu: {mtu} }}");
    network.write(
        file,
        &format!("class: interface.set\nname: jumbo\n{more}slots: {slots}\n"),
    );
}

fn read(said: &str) -> Value {
    serde_json::from_str(said).expect(said)
}

/// The wave of each device of a plan.
fn waves(plan: &Value) -> Vec<u64> {
    let wave = |name: &&str| {
        let devices = plan["devices"].as_array().expect("devices");
        let device = devices.iter().find(|it| it["name"] == **name);
        device.unwrap_or_else(|| panic!("{name} in {plan}"))["wave"]
            .as_u64()
            .unwrap()
    };
    ALL.iter().map(wave).collect()
}

fn held(network: &Network, text: &str) -> Vec<bool> {
    ALL.iter().map(|device| network.holds(device, text)).collect()
}

/// How often the second wave has changed: a device with a candidate by a commit, the other one by an edit.
fn others(network: &Network) -> [usize; 2] {
    [network.done("r2", "commit"), network.done("r3", "edit-config")]
}

/// When a device last did an operation, in milliseconds since all of them started.
fn last(network: &Network, device: &str, operation: &str) -> u64 {
    let log = network.log(device);
    let done = log
        .iter()
        .rfind(|it| it["operation"] == operation && it["outcome"] == "ok");
    done.unwrap_or_else(|| panic!("{device} never did {operation}"))["at_millis"]
        .as_u64()
        .unwrap()
}

#[test]
fn the_others_wait_for_what_becomes_of_the_first() {
    // The third one has no candidate: an edit of it is an apply.
    let mut network = Network::of(&[2, 1], "confirmed,confirmed,running");
    // What is there already is what must not break.
    network.describe("base.yaml", "r1, r2, r3", "eth1", "base");
    assert_eq!(network.entente("commit -f base.yaml").0, 0, "{}", network.logs());
    planned(&network);
    a_fault_in_the_first_wave_reaches_nobody_else(&network);
    in_order(&network);
    said_by_the_policy(&mut network);
}

fn planned(network: &Network) {
    jumbo(network, "a.yaml", 9000, "");
    let (code, said) = network.entente("plan -f a.yaml --first r2,r1");
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("r1, r2 first, then r3: once what held before still holds"),
        "{said}"
    );
    assert!(
        said.contains("→ 9000  (jumbo)") && said.contains("and back:"),
        "owners and the way back\n{said}"
    );
    assert_eq!(
        waves(&read(&network.entente("plan -f a.yaml --output json").1)),
        [0, 0, 0]
    );
    let (code, said) = network.entente("plan -f a.yaml --first r9");
    assert!(code == 3 && said.contains("r9 was to go first"), "{code} {said}");
    jumbo(network, "b.yaml", 9000, "first: [r1]\n");
    let said = network.entente("plan -f b.yaml --output json").1;
    assert_eq!(waves(&read(&said)), [0, 1, 1], "the intent says so itself");
}

fn a_fault_in_the_first_wave_reaches_nobody_else(network: &Network) {
    let plan = network.plan("b.yaml");
    let before = (network.done("r1", "commit"), others(network));
    // What held before has been looked at by the time that it is staged; then its link goes down, and it changes.
    network.hold("r1", "commit");
    let transaction = network.begin(&plan);
    network.told(&transaction, &["r1", "stage done"]);
    network.fault("r1", &json!({ "fault": "link-down", "interface": "eth1" }));
    network.release("r1");
    assert_eq!(network.ended(&transaction), "rolled-back", "{}", network.logs());
    let shown = network
        .entente(&format!("transaction show {transaction} --output json"))
        .1;
    let (row, reason) = (read(&shown), read(&shown)["reason"].as_str().unwrap().to_owned());
    assert!(
        reason.contains("health gate: r1: ") && reason.contains("never changed: r2, r3"),
        "{reason}"
    );
    assert_eq!(row["waves"], json!([["r1"], ["r2", "r3"]]));
    assert!(network.done("r1", "commit") > before.0, "the first one had changed");
    assert_eq!(others(network), before.1, "the others were staged, and never changed");
    assert_eq!(held(network, "9000"), [false; 3]);
    network.heal("r1");
}

/// The same where nothing is wrong, as a plan that was made without the controller.
fn in_order(network: &Network) {
    let (code, said) = network.entente("plan --offline -f a.yaml --first r1 --save carried.json");
    assert_eq!(code, 0, "{said}");
    let (code, said) = network.entente("commit carried.json");
    assert_eq!(code, 0, "{said}\n{}", network.logs());
    let at = |words: &str| said.find(words).unwrap_or_else(|| panic!("{words} in {said}"));
    let looked = at("wave 0 has applied (r1); what held before is looked at, then r2, r3");
    assert!(at("r1 apply done") < looked, "{said}");
    assert!(looked < at("r2 apply done") && looked < at("r3 apply done"), "{said}");
    assert_eq!(held(network, "9000"), [true; 3]);
    let shown = network.entente("transaction list --output json").1;
    let transaction = read(&shown)[0]["id"].as_str().unwrap().to_owned();
    let shown = network.entente(&format!("transaction show {transaction}")).1;
    assert!(shown.contains("r1; r2, r3"), "{shown}");
    // The devices say the same: each change of r1 and its confirmation are commits of its own.
    let commits = network.log("r1");
    let commits: Vec<u64> = commits
        .iter()
        .filter(|it| it["operation"] == "commit")
        .map(|it| it["at_millis"].as_u64().unwrap())
        .collect();
    let [.., applied, confirmed] = commits.as_slice() else {
        panic!("{commits:?}")
    };
    let edited = last(network, "r3", "edit-config");
    assert!(
        *applied < edited && edited < *confirmed,
        "{applied} {edited} {confirmed}"
    );
    let back = network
        .entente("intent withdraw jumbo --first r2 --dry-run --output json")
        .1;
    assert_eq!(waves(&read(&back)), [1, 0, 1], "a withdrawal has an order, too");
}

fn said_by_the_policy(network: &mut Network) {
    jumbo(network, "c.yaml", 8000, "");
    let idle = read(&network.entente("plan -f c.yaml --output json").1);
    network.set("ENTENTE_PLANS_AGE", "1ms");
    network.write("policy.yaml", "version: 1\nfirst: { devices: [r3] }\n");
    let policy = network.path("policy.yaml").to_str().unwrap().to_owned();
    network.set("ENTENTE_POLICY", &policy);
    network.kill_controller();
    network.start_controller();
    network.joined();
    assert_eq!(
        waves(&read(&network.entente("plan -f c.yaml --output json").1)),
        [1, 1, 0]
    );
    let said = network.entente("plan -f c.yaml --first r1 --gate none").1;
    let words = "r1, r3 first, then r2: once those have applied, nothing is looked at in between";
    assert!(said.contains(words), "{said}");
    // What nobody had committed is forgotten by then, what somebody had is not.
    let shown = |id: &str| network.entente(&format!("plan show {id}")).0;
    network.until("the plan to be forgotten", || {
        (shown(idle["id"].as_str().unwrap()) == 8).then_some(())
    });
    let rows = read(&network.entente("transaction list --output json").1);
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .all(|it| shown(it["plan"].as_str().unwrap()) == 0),
        "{rows}"
    );
}
