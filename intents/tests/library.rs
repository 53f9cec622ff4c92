//! The program's own classes, read as an operator's intents would use them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use intents::{Compiled, Envelope, Library, World, compile, read_file, schema};
use knowledge_model::{Inventory, Schema, Tree};

fn library() -> Library {
    Library::load(&[]).unwrap_or_else(|faults| {
        panic!(
            "{}",
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        )
    })
}

fn read(text: &str) -> Result<Vec<Envelope>, Vec<String>> {
    read_file(text, &library()).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn entries(tree: &Tree) -> Vec<String> {
    tree.iter().map(|(path, value)| format!("{path} = {value}")).collect()
}

fn compiled(text: &str) -> Vec<String> {
    let library = library();
    let envelope = &read(text).unwrap_or_else(|faults| panic!("{faults:?}"))[0];
    let inventory = "version: 1\ndevices:\n  - {id: 0193a5b0-0000-7000-8000-000000000001, name: r1, address: 192.0.2.201, platforms: [frr], protocols: [cli]}\n";
    let inventory = Inventory::read(inventory, Schema::canonical()).unwrap();
    let world = World {
        inventory: &inventory,
        configurations: &BTreeMap::new(),
    };
    match compile(library.class(&envelope.class).unwrap(), envelope, &world).unwrap() {
        Compiled::Configuration(wanted) => entries(&wanted["r1"].tree),
        Compiled::Call(call) => panic!("{call:?}"),
    }
}

#[test]
fn an_intent_contributes_its_entries() {
    assert_eq!(
        compiled(
            "class: routing.static\nslots: { device: r1, prefix: [198.51.100.0/24, 203.0.113.0/24], next_hop: 192.0.2.1, distance: 20 }"
        ),
        [
            "static-route[198.51.100.0/24] = present",
            "static-route[198.51.100.0/24]/next-hop[192.0.2.1] = present",
            "static-route[198.51.100.0/24]/next-hop[192.0.2.1]/distance = 20",
            "static-route[203.0.113.0/24] = present",
            "static-route[203.0.113.0/24]/next-hop[192.0.2.1] = present",
            "static-route[203.0.113.0/24]/next-hop[192.0.2.1]/distance = 20",
        ]
    );
    assert_eq!(
        compiled("class: routing.static\nslots: { device: r1, prefix: 198.51.100.0/24, next_hop: blackhole }"),
        [
            "static-route[198.51.100.0/24] = present",
            "static-route[198.51.100.0/24]/blackhole = present"
        ]
    );
    assert_eq!(
        compiled("class: interface.set\nslots: { device: r1, interface: 'ge]0', admin: down }"),
        ["interface[ge\\]0] = present", "interface[ge\\]0]/enabled = false"],
        "a key is a key, whatever it holds"
    );
}

#[test]
fn every_fault_is_listed_with_place_and_hint() {
    let faults = read(
        "class: routing.static\nslots:\n  device: r1\n  prefx: 198.51.100.0/24\n  next_hop: nowhere\npriority: soon\n",
    )
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "1:1: \"soon\" is no priority (a whole number, or high)",
            "3:3: slot `prefix` is missing (The prefixes.)",
            "4:10: routing.static has no slot `prefx` (did you mean `prefix`?)",
            "5:13: slot `next_hop`: expected an IP address, or blackhole, found \"nowhere\" (for example 192.0.2.1)",
        ]
    );
    assert_eq!(
        read("class: routing.statc\n").unwrap_err(),
        ["1:8: no class is named \"routing.statc\" (did you mean `routing.static`?)"]
    );
    assert_eq!(
        read("class: system.baseline\nslots: { banner: hi }\n").unwrap_err(),
        ["1:1: no device is named (fill the slot `target` or `scope`)"]
    );
}

#[test]
fn a_file_holds_several_intents_and_variables() {
    let text = "variables: { hop: 192.0.2.1 }\nintents:\n  - class: routing.static\n    slots: { device: r1, prefix: 10.0.0.0/8, next_hop: '${hop}' }\n  - class: system.baseline\n    scope: { groups: [edge] }\n    slots: { banner: 'via ${hop}' }\n";
    let envelopes = read(text).unwrap();
    assert_eq!(envelopes[0].slots["next_hop"].to_string(), "192.0.2.1");
    assert_eq!(envelopes[1].slots["banner"].to_string(), "via 192.0.2.1");
    assert_eq!(envelopes[1].scope.groups, ["edge"]);
    assert_eq!(
        read(&text.replace("${hop}", "${hopp}")).unwrap_err().len(),
        3,
        "both texts, and the next hop"
    );
}

#[test]
fn the_schema_names_every_class() {
    let schema = schema(&library());
    let classes = schema["$defs"]["intent"]["oneOf"].as_array().unwrap();
    assert_eq!(classes.len(), library().iter().count());
    assert!(
        classes
            .iter()
            .all(|class| class["properties"]["class"]["const"].is_string())
    );
}

#[test]
fn a_broken_class_of_a_user_is_refused_with_its_file() {
    let broken = "class: my.class\nversion: 0\ntitle: { en: a, zh: b }\nslots: { x: { type: adress, description: d } }\nresolves: { hop: hopps, way: { by: ways, dst: nowhere } }\nconfigures: [{ at: 'a[{y}]' }, { for: way, at: 'b[{way.hop}]' }, { for: other, at: b }]\nchecks: { gate: [{ check: reachible }] }\n";
    let faults = Library::load(&[("mine.yaml".to_owned(), broken.to_owned())]).unwrap_err();
    let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(text.iter().all(|line| line.starts_with("mine.yaml:")), "{text:?}");
    assert!(text.iter().any(|line| line.contains("0 is no version")), "{text:?}");
    assert!(
        text.iter().any(|line| line.contains("\"adress\" is no type of a slot")),
        "{text:?}"
    );
    for expected in [
        "no slot is named \"y\"",
        "no resolver is named \"hopps\" (did you mean `hops`?)",
        "no slot is named \"nowhere\"",
        "way has no \"hop\" (ways gives: interface",
        "nothing resolves \"other\"",
        "no check is named \"reachible\" (did you mean `reachable`?)",
    ] {
        assert!(
            text.iter().any(|line| line.contains(expected)),
            "{expected} in {text:#?}"
        );
    }
}
