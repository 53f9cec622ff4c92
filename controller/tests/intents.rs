//! The life of intents on a network: changed, in conflict, taken back, and wrong in every way that people are.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod stage;

use stage::Stage;

fn route(name: &str, devices: &str, hop: &str) -> String {
    format!(
        "class: routing.static\nname: {name}\nslots: {{ device: [{devices}], prefix: 203.0.113.0/24, next_hop: {hop} }}\n"
    )
}

fn described(name: &str, text: &str) -> String {
    format!(
        "class: interface.set\nname: {name}\npriority: 300\nslots: {{ device: r3, interface: eth1, description: {text} }}\n"
    )
}

fn addressed(name: &str, interface: &str) -> String {
    format!(
        "class: interface.address\nname: {name}\nslots: {{ interface: 'r3:{interface}', address: 198.51.100.9/24 }}\n"
    )
}

#[test]
fn an_intent_is_changed_in_place_and_leaves_what_it_found() {
    let stage = Stage::start();
    let has = |device: &str, entry: &str| stage.run(&format!("device get {device}")).1.contains(entry);
    stage.write("a.yaml", &route("a", "r1, r2", "192.0.2.1"));
    assert_eq!(stage.run("commit -f a.yaml").0, 0);
    assert!(has("r2", "next-hop[192.0.2.1]"));

    stage.write("a.yaml", &route("a", "r1", "192.0.2.9"));
    let (code, said) = stage.run("commit -f a.yaml");
    assert_eq!(code, 0, "{said}");
    assert!(
        has("r1", "next-hop[192.0.2.9]") && !has("r1", "next-hop[192.0.2.1]"),
        "{said}"
    );
    assert!(
        !has("r2", "203.0.113.0/24"),
        "a device that left the intent is as before\n{said}"
    );
    let (_, said) = stage.run("plan -f a.yaml");
    assert!(
        said.contains("nothing to change") || !said.contains("static-route["),
        "{said}"
    );

    // What stood there before the first intent comes back when the last one leaves.
    stage.write("b.yaml", &described("b", "theirs"));
    stage.write("c.yaml", &described("b", "ours"));
    assert_eq!(stage.run("commit -f b.yaml").0, 0);
    assert_eq!(stage.run("commit -f c.yaml").0, 0);
    assert!(has("r3", "ours"));
    assert_eq!(stage.run("intent withdraw b").0, 0);
    assert!(has("r3", "uplink to the core"), "the demo's own intent holds again");
    let (code, said) = stage.run("audit verify");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_cannot_be_planned_is_said_and_changes_nothing() {
    let stage = Stage::start();
    let check = |text: &str, code: i32, expected: &str| {
        stage.write("x.yaml", text);
        let (found, said) = stage.run("plan -f x.yaml");
        assert_eq!(found, code, "{text}\n{said}");
        assert!(said.contains(expected), "{expected:?} is missing for\n{text}\n{said}");
    };
    check(
        &route("a", "r1, rr2", "192.0.2.1"),
        3,
        "nothing is named rr2 (did you mean r",
    );
    check("class: routing.static\nslots: {}\n", 3, "slot `prefix` is missing");
    check("class: [", 3, "1:");
    check("", 3, "expected a mapping, found nothing");
    check(
        "class: qos.rate\nslots: { interface: 'r1:eth1', max: 10M }\n",
        3,
        "rate-limit",
    );
    let clash = described("d", "one").replace("r3", "r5") + "---\n";
    check(&clash, 3, "a second document");
    stage.write("one.yaml", &described("one", "one"));
    assert_eq!(stage.run("commit -f one.yaml").0, 0);
    check(&described("two", "two"), 9, "interface[eth1]/description");
    // An address stands on a device once: the conflict names who has it.
    stage.write("three.yaml", &addressed("three", "eth1"));
    let (code, said) = stage.run("commit -f three.yaml");
    assert_eq!(code, 0, "{said}");
    check(&addressed("two", "eth2"), 9, "of three (priority ");
    let (_, said) = stage.run("intent list");
    assert!(!said.contains("two"), "{said}");
}
