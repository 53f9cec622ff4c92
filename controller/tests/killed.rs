//! The controller is killed with SIGKILL inside a transaction: it comes back to one outcome, as the devices say.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod network;

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
    network.hold("r1", "commit");
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
    let mut network = Network::start(&[1]);
    network.describe("a.yaml", "r1", "eth1", "carried");
    let transaction = network.commit_and_hang_up("a.yaml", "r1");
    assert_eq!(network.ended(&transaction), "committed", "{}", network.logs());
    assert!(network.holds("r1", "carried"));
    network.heal("r1");

    // What stands in the list and cannot begin ends, and stands in nobody's way: here it is to repay what nobody knows of.
    let r1 = network.id("r1");
    network.sql(&format!(
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
    network.sql("DELETE FROM debt");
    network.describe("b.yaml", "r1", "eth1", "later");
    assert_eq!(network.entente("commit -f b.yaml").0, 0, "{}", network.logs());

    // What is true already is decided like anything else: where its end cannot be stored, it is once that is possible.
    let again = std::fs::read_to_string(network.path("b.yaml")).unwrap();
    network.write("c.yaml", &again.replace("name: eth1", "name: other"));
    assert_eq!(network.entente("commit -f c.yaml").0, 0, "{}", network.logs());
    let end = "BEFORE UPDATE ON transaction_record WHEN NEW.state = 'committed'";
    network.sql(&format!(
        "CREATE TRIGGER stuck {end} BEGIN SELECT RAISE(ABORT, 'no room'); END"
    ));
    let (code, said) = network.entente("intent withdraw other");
    assert_eq!(code, 0, "{said}\n{}", network.logs());
    assert!(!said.contains("stage:"), "no device was asked for it\n{said}");
    let latest = |network: &Network| {
        let said = network.entente("transaction list --output json").1;
        let rows: Vec<serde_json::Value> = serde_json::from_str(&said).expect(&said);
        rows[0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        latest(&network),
        "running",
        "it is not stored, and nothing else is said of it"
    );
    network.sql("DROP TRIGGER stuck");
    network.kill_controller();
    network.start_controller();
    assert_eq!(latest(&network), "committed");
    let said = network.entente("intent show other --output json").1;
    assert!(said.contains("withdrawn"), "{said}");
    assert_eq!(network.entente("audit verify").0, 0);
}

/// Two small changes wait for r1 behind one that takes its time, and go together once it is over: the transactions of the two.
fn riding(network: &Network, mark: &str, mtu: u32) -> [String; 2] {
    network.hold("r1", "commit");
    network.describe("one.yaml", "r1", "eth1", &format!("{mark}-one"));
    network.commit("one.yaml");
    network.describe("text.yaml", "r1", "eth2", &format!("{mark}-ridden"));
    let intent = format!(
        "class: interface.set\nname: mtu\ngate: none\nslots: {{ device: [r1], interface: eth2, mtu: {mtu} }}\n"
    );
    network.write("mtu.yaml", &intent);
    let riders = [network.commit("text.yaml"), network.commit("mtu.yaml")];
    network.until("both to wait", || {
        let waits = |rider: &String| !shown(network, rider)["waits"].is_null();
        riders.iter().all(waits).then_some(())
    });
    // From here on the device takes its time, so that whoever is to die can die in the middle of it.
    network.delay("r1", "commit", 2000);
    network.release("r1");
    network.told(&riders[1], &["goes as", "one of 2 that waited"]);
    riders
}

fn shown(network: &Network, transaction: &str) -> serde_json::Value {
    let said = network
        .entente(&format!("transaction show {transaction} --output json"))
        .1;
    serde_json::from_str(&said).expect(&said)
}

#[test]
fn all_that_ride_end_as_what_carried_them() {
    let mut network = Network::start(&[1]);
    for (name, value) in [("LEASE", "10s"), ("IN_DOUBT", "4s"), ("REPAIR", "15s")] {
        network.set(&format!("ENTENTE_TERMS_{name}"), value);
    }

    // The controller dies when the device has what they want, decided or not.
    let riders = riding(&network, "first", 1400);
    network.until("the device to hold it", || {
        network.holds("r1", "first-ridden").then_some(())
    });
    network.kill_controller();
    network.heal("r1");
    network.start_controller();
    network.joined();
    let ended = riders.each_ref().map(|rider| network.ended(rider));
    assert_eq!(ended[0], ended[1], "{}", network.logs());
    let kept = ended[0] == "committed";
    assert!(kept || ended[0] == "rolled-back", "{ended:?}\n{}", network.logs());
    let there = [">first-ridden<", ">1400<"].map(|it| network.holds("r1", it));
    assert_eq!(there, [kept; 2], "{ended:?}\n{}", network.logs());

    // The agent dies over the confirm and does not come back in time: both end torn, and who rode is kept whole or not at all.
    let riders = riding(&network, "second", 1300);
    network.told(&riders[0], &["apply done"]);
    network.kill_agent(0);
    network.sql(&format!(
        "CREATE TRIGGER stuck BEFORE INSERT ON ride WHEN NEW.rider = '{}' BEGIN SELECT RAISE(ABORT, 'no room'); END",
        riders[1]
    ));
    network.told(&riders[0], &["\"ending\":\"torn\""]);
    network.told(&riders[1], &["\"ending\":\"torn\""]);
    let standing = network.entente("device standing --output json").1;
    assert!(!standing.contains("confirm of"), "owed for one of two\n{standing}");
    network.sql("DROP TRIGGER stuck");
    network.kill_controller();
    network.heal("r1");
    network.start_controller();
    assert_eq!(riders.each_ref().map(|rider| network.ended(rider)), ["torn", "torn"]);
    let carriers = riders.each_ref().map(|rider| shown(&network, rider)["carrier"].clone());
    assert!(carriers[0].is_string() && carriers[0] == carriers[1], "{carriers:?}");
    let standing = network.entente("device standing --output json").1;
    let owed = format!(
        "confirm of {}, that carried {}, {}",
        carriers[0].as_str().unwrap(),
        riders[0],
        riders[1]
    );
    assert!(standing.contains(&owed), "{owed}\n{standing}");

    // What it is owed is repaired for both.
    network.start_agent(0);
    network.joined();
    let (code, said) = network.entente("device repair r1");
    assert_eq!(code, 0, "{said}\n{}", network.logs());
    let there = [">second-ridden<", ">1300<"].map(|it| network.holds("r1", it));
    assert_eq!(there, [true; 2], "{}", network.logs());
    assert_eq!(network.entente("audit verify").0, 0);
}
