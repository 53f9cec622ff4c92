//! How a device is reached, and what differs between it and a file.

use serde_json::{Value, json};

use crate::lab::{Lab, expect, rows, until};
use crate::stage::Stage;

#[test]
fn a_device_says_how_it_is_reached_and_what_differs_from_a_file() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    let probed = rows(&stage, "device probe r1");
    let first = &probed["protocols"][0];
    assert_eq!(
        (&probed["device"], &first["rank"]),
        (&json!("r1"), &json!(1)),
        "{probed}"
    );
    assert_eq!(
        (&first["used"], &first["answers"]),
        (&json!(true), &json!(true)),
        "{probed}"
    );
    assert_eq!(first["failures"], 0, "{probed}");
    assert!(
        first["connect_microseconds"].as_u64().is_some_and(|it| it > 0),
        "{probed}"
    );
    let guarantee = rows(&stage, "device list")[0]["guarantee"].clone();
    assert_eq!(first["guarantee"], guarantee, "{probed}");
    let announced = first["capabilities"].as_array().unwrap();
    assert!(
        announced.contains(&json!("urn:ietf:params:netconf:base:1.1")),
        "{probed}"
    );
    let said = expect(
        &stage,
        "device probe r1",
        0,
        "announces      urn:ietf:params:netconf:base:1.1",
    );
    assert!(
        said.contains("1. NETCONF, in use") && said.contains("answers        yes"),
        "{said}"
    );
    expect(&stage, "device probe nobody", 8, "no device nobody");

    // Who does not answer is said not to, with the reason, and is counted.
    lab.fault("r1", &json!({ "fault": "refuse" }));
    until("the device to be found silent", || {
        let probed = rows(&stage, "device probe r1");
        let first = &probed["protocols"][0];
        first["answers"] == false
            && first["because"].as_str().is_some_and(|it| it.contains("r1"))
            && first["failures"] != 0
    });
    lab.mend("r1");

    // What the device prints differs from the device in nothing, until somebody changes it.
    let held: Value = rows(&stage, "device get r1");
    stage.write("r1.json", &held.to_string());
    expect(&stage, "device diff r1 r1.json", 0, "no difference");
    lab.describe("r1", "by hand");
    let said = expect(&stage, "device diff r1 r1.json", 0, "interface[eth1]/description");
    assert!(
        said.contains("- interface[eth1]/description: by hand")
            || said.contains("~ interface[eth1]/description: by hand"),
        "{said}"
    );
    let rows = rows(&stage, "device diff r1 r1.json");
    assert_eq!(rows[0]["before"], "by hand", "{rows}");
    stage.write("bad.json", "[{\"path\": \"interface[\", \"value\": null}]");
    let (code, said) = stage.run("device diff r1 bad.json");
    assert!(code != 0 && said.contains("bad.json"), "{said}");
    expect(&stage, "device diff r1 nowhere.json", 8, "no file nowhere.json");
}
