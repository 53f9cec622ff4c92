//! What a device may hold once is not brought to it twice, whatever was planned beside what.

use crate::lab::{Lab, expect, rows, until};
use crate::stage::Stage;

/// An intent for an address of r1, planned; the plan's id.
fn planned(stage: &Stage, name: &str, interface: &str, address: &str) -> String {
    let intent = format!(
        "class: interface.address\nname: {name}\ngate: none\nslots: {{ device: r1, interface: {interface}, address: [{address}] }}\n"
    );
    stage.write(&format!("{name}.yaml"), &intent);
    let plan = rows(stage, &format!("plan -f {name}.yaml"));
    plan["id"].as_str().unwrap_or_else(|| panic!("{plan}")).to_owned()
}

#[test]
fn two_plans_that_were_right_each_for_itself_do_not_give_a_device_one_address_twice() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    let one = planned(&stage, "one", "eth1", "198.51.100.1/24");
    let two = planned(&stage, "two", "eth2", "198.51.100.1/25");
    let three = planned(&stage, "three", "eth1", "198.51.100.9/32");
    let four = planned(&stage, "four", "eth2", "198.51.100.9/32");
    let five = planned(&stage, "five", "eth2", "198.51.100.5/32");

    // One after the other.
    expect(&stage, &format!("commit {one}"), 0, "on 1 device");
    let said = expect(&stage, &format!("commit {two}"), 9, "would be there twice");
    assert!(
        said.contains("r1: interface[eth2]/address[198.51.100.1/25] of two"),
        "{said}"
    );
    assert!(
        said.contains("interface[eth1]/address[198.51.100.1/24] of one"),
        "{said}"
    );
    // Who plans now is told the same.
    expect(&stage, "plan -f two.yaml", 9, "repeats what");

    // While the other is under way.
    lab.hold("r1");
    let id = rows(&stage, &format!("commit {three} --detach"))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let said = expect(&stage, &format!("commit {four}"), 9, "would be there twice");
    assert!(said.contains("of three") && said.contains("of four"), "{said}");
    let state = || rows(&stage, &format!("transaction show {id}"))["state"].clone();
    assert_eq!(state(), "running", "it was refused for what is on its way");
    lab.release("r1");
    until("three to be committed", || state() == "committed");

    // A stranger was first: that shows once the device is this transaction's own.
    let address = "<ipv4 xmlns=\"urn:ietf:params:xml:ns:yang:ietf-ip\"><address><ip>198.51.100.5</ip><prefix-length>24</prefix-length></address></ipv4>";
    lab.edit("r1", address);
    let said = expect(&stage, &format!("commit {five}"), 4, "would be there twice");
    assert!(said.contains("of five") && said.contains("of what was found"), "{said}");

    expect(&stage, "audit verify", 0, "entries hold");
}
