//! Devices that are not as others: in maintenance, and replaced.

use std::process::Command;

use crate::lab::{Lab, expect, route, rows, until};
use crate::stage::Stage;

/// Changes what the controller has stored, past it.
fn sql(stage: &Stage, statement: &str) {
    let program = "import sys, sqlite3; base = sqlite3.connect(sys.argv[1], timeout=20); base.execute(sys.argv[2]); base.commit()";
    let state = stage.variables.iter().find(|(name, _)| name == "ENTENTE_STATE");
    let store = std::path::Path::new(&state.unwrap().1).join("store.db");
    let done = Command::new("python3")
        .args(["-c", program])
        .arg(store)
        .arg(statement)
        .status();
    assert!(done.unwrap().success(), "{statement}");
}

#[test]
fn nothing_is_committed_to_a_device_in_maintenance_and_new_hardware_is_brought_to_what_is_wanted() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    stage.write("a.yaml", &route("a", "r1, r2", "192.0.2.1"));
    expect(&stage, "device maintain r2 --reason fan", 0, "r2 is yours");
    let said = expect(&stage, "commit -f a.yaml", 9, "r2: operator works on it (fan)");
    assert!(!lab.running("r1").contains("203.0.113.0/24"), "{said}");
    let standing = rows(&stage, "device standing");
    assert_eq!(
        (&standing[0]["device"], &standing[0]["maintenance"]),
        (&"r2".into(), &"operator works on it (fan)".into())
    );
    expect(&stage, "device maintain r2 --off", 0, "r2 is back");
    expect(&stage, "device maintain r2 --off", 8, "no maintenance of r2");
    expect(&stage, "commit -f a.yaml", 0, "on 2 devices");
    expect(&stage, "device standing", 0, "no device is in maintenance");

    // New hardware that knows nothing of all this: what the intents want is planned from what it has.
    let wanted = lab.running("r2");
    lab.merge("r2", "<routing xmlns=\"urn:ietf:params:xml:ns:yang:ietf-routing\" xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\" nc:operation=\"remove\"/>");
    lab.edit("r2", "<description>out of the box</description>");
    assert!(!lab.running("r2").contains("203.0.113.0/24"));
    let said = expect(&stage, "device replace r2 --dry-run", 0, "new hardware for r2");
    assert!(said.contains("out of the box → uplink to the core"), "{said}");
    assert!(
        said.contains("+ static-route[203.0.113.0/24]/next-hop[192.0.2.1]"),
        "{said}"
    );
    expect(&stage, "device replace r2", 0, "on 1 device");
    assert_eq!(lab.running("r2"), wanted);
    expect(&stage, "device replace r2", 0, "nothing to change");

    // One that waited and is not let in has brought it to nothing: what it is owed is not void.
    sql(
        &stage,
        "INSERT INTO debt SELECT json_extract(devices.value, '$.id'), '00000000-0000-0000-0000-000000000009', 1, \
        'away', NULL, 1 FROM plan, json_each(plan.body, '$.devices') AS devices WHERE json_extract(devices.value, '$.name') = 'r2' LIMIT 1",
    );
    lab.edit("r2", "<description>out of the box</description>");
    lab.hold("r2");
    stage.write("b.yaml", "class: routing.static\nname: b\ngate: none\nslots: { device: [r2], prefix: 198.51.100.0/24, next_hop: 192.0.2.1 }\n");
    expect(&stage, "commit -f b.yaml --detach", 0, "");
    let (code, said) = std::thread::scope(|scope| {
        let replace = scope.spawn(|| stage.run("device replace r2"));
        until("it to wait", || !rows(&stage, "transaction list")[0]["waits"].is_null());
        expect(&stage, "device maintain r2 --reason fan", 0, "r2 is yours");
        lab.release("r2");
        replace.join().unwrap()
    });
    assert!(code == 4 && said.contains("1 device in maintenance"), "{code} {said}");
    let standing = rows(&stage, "device standing");
    let owed = standing[0]["owed"][0].as_str().unwrap();
    assert!(owed.contains("away") && !owed.contains("waived"), "{standing}");
    sql(&stage, "DELETE FROM debt");
    expect(&stage, "audit verify", 0, "entries hold");
}
