//! The controller is killed with SIGKILL inside a transaction: it comes back to one outcome, as the devices say.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod network;

use std::process::Command;

use network::Network;

/// What all devices hold: everywhere, nowhere, or a split.
fn everywhere(network: &Network, text: &str) -> bool {
    let held = ["r1", "r2", "r3"].map(|device| network.holds(device, text));
    assert!(
        held.iter().all(|it| *it == held[0]),
        "a split of {text}: {held:?}\n{}",
        network.logs()
    );
    held[0]
}

#[test]
fn every_moment_has_one_outcome() {
    let mut network = Network::start(&[2, 1]);

    // After the plan: it stands, and is committed.
    network.describe("a.yaml", "r1, r2, r3", "eth1", "planned");
    let said = network.entente("plan -f a.yaml --output json").1;
    let plan: serde_json::Value = serde_json::from_str(&said).expect(&said);
    network.kill_controller();
    network.start_controller();
    network.joined();
    let (code, said) = network.entente(&format!("commit {}", plan["id"].as_str().unwrap()));
    assert_eq!(code, 0, "{said}\n{}", network.logs());
    assert!(everywhere(&network, "planned"));

    // While devices apply: nothing is decided, so everybody goes back.
    network.delay("r1", "commit", 3000);
    network.describe("b.yaml", "r1, r2, r3", "eth1", "applied");
    let transaction = network.commit("b.yaml");
    network.until("a device to hold it", || network.holds("r3", "applied").then_some(()));
    network.kill_controller();
    network.heal("r1");
    network.start_controller();
    assert_eq!(network.ended(&transaction), "rolled-back", "{}", network.logs());
    let applied = transaction;
    assert!(!everywhere(&network, "applied") && everywhere(&network, "planned"));

    // After the decision: one device has confirmed, the others do too.
    let before = network.done("r1", "commit");
    network.delay("r3", "commit", 2000);
    network.describe("c.yaml", "r1, r2, r3", "eth1", "decided");
    let transaction = network.commit("c.yaml");
    network.until("a device to confirm", || {
        (network.done("r1", "commit") >= before + 2).then_some(())
    });
    network.kill_controller();
    network.heal("r3");
    network.start_controller();
    assert_eq!(network.ended(&transaction), "committed", "{}", network.logs());
    assert!(everywhere(&network, "decided"));

    // Who follows hears the ending, also of what ended under a former run of the controller.
    network.kill_controller();
    network.start_controller();
    for (transaction, ending) in [(&applied, "rolled-back"), (&transaction, "committed")] {
        network.told(transaction, &[&format!("\"ending\":\"{ending}\"")]);
    }
    assert_eq!(network.entente("audit verify").0, 0);
}

#[test]
fn who_hangs_up_has_asked() {
    let network = Network::start(&[1]);
    network.describe("a.yaml", "r1", "eth1", "carried");
    let transaction = network.commit_and_hang_up("a.yaml", "r1");
    assert_eq!(network.ended(&transaction), "committed", "{}", network.logs());
    assert!(network.holds("r1", "carried"));

    // What stands in the list and cannot begin ends, and stands in nobody's way: here it is to repay what nobody knows of.
    let sql = |statement: &str| {
        let program = "import sys, sqlite3; base = sqlite3.connect(sys.argv[1], timeout=20); base.execute(sys.argv[2]); base.commit()";
        let store = network.path("state").join("store.db");
        let done = Command::new("python3")
            .args(["-c", program])
            .arg(store)
            .arg(statement)
            .status();
        assert!(done.unwrap().success(), "{statement}");
    };
    let r1 = network.id("r1");
    sql(&format!(
        "INSERT INTO debt VALUES ('{r1}', '00000000-0000-0000-0000-000000000009', 1, 'away', NULL, 1)"
    ));
    let (code, said) = network.entente("device repair r1");
    assert!(code != 0 && said.contains("no transaction 00000000"), "{said}");
    let said = network.entente("transaction list --output json").1;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&said).expect(&said);
    assert_eq!(rows[0]["state"], "rolled-back", "{said}");
    assert!(
        rows[0]["reason"].as_str().unwrap().contains("could not begin"),
        "{said}"
    );
    sql("DELETE FROM debt");
    network.describe("b.yaml", "r1", "eth1", "later");
    assert_eq!(network.entente("commit -f b.yaml").0, 0, "{}", network.logs());
}
