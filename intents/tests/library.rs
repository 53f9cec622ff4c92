//! The program's own classes, read as an operator's intents would use them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use intents::{Envelope, Library, contribution, read_file, schema};
use knowledge_model::Tree;

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
    entries(
        &contribution(library.class(&envelope.class).unwrap(), &envelope.slots)
            .unwrap()
            .tree,
    )
}

#[test]
fn an_intent_contributes_its_entries() {
    assert_eq!(
        compiled(
            "class: routing.static\nslots: { device: r1, prefix: [198.51.100.0/24, 203.0.113.0/24], next-hop: 192.0.2.1, distance: 20 }"
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
        compiled("class: routing.static\nslots: { device: r1, prefix: 198.51.100.0/24, blackhole: true }"),
        [
            "static-route[198.51.100.0/24] = present",
            "static-route[198.51.100.0/24]/blackhole = present"
        ]
    );
    assert_eq!(
        compiled("class: interface.set\nslots: { device: r1, interface: 'ge]0', enabled: false }"),
        ["interface[ge\\]0] = present", "interface[ge\\]0]/enabled = false"],
        "a key is a key, whatever it holds"
    );
}

#[test]
fn every_fault_is_listed_with_place_and_hint() {
    let faults = read(
        "class: routing.static\nslots:\n  device: r1\n  prefx: 198.51.100.0/24\n  next-hop: nowhere\npriority: high\n",
    )
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "3:3: slot `prefix` is missing (The prefixes.)",
            "3:3: 0 of next-hop, blackhole are filled (fill exactly one of them)",
            "4:10: routing.static has no slot `prefx` (did you mean `prefix`?)",
            "5:13: slot `next-hop`: expected an IP address, found \"nowhere\" (for example 192.0.2.1)",
            "6:11: expected a whole number, found text",
        ]
    );
    assert_eq!(
        read("class: routing.statc\n").unwrap_err(),
        ["1:8: no class is named \"routing.statc\" (did you mean `routing.static`?)"]
    );
    assert_eq!(
        read("class: system.baseline\nslots: { banner: hi }\n").unwrap_err(),
        ["1:1: no device is named (fill the slot `device` or `scope`)"]
    );
}

#[test]
fn a_file_holds_several_intents_and_variables() {
    let text = "variables: { hop: 192.0.2.1 }\nintents:\n  - class: routing.static\n    slots: { device: r1, prefix: 10.0.0.0/8, next-hop: '${hop}' }\n  - class: system.baseline\n    scope: { groups: [edge] }\n    slots: { banner: 'via ${hop}' }\n";
    let envelopes = read(text).unwrap();
    assert_eq!(envelopes[0].slots["next-hop"].to_string(), "192.0.2.1");
    assert_eq!(envelopes[1].slots["banner"].to_string(), "via 192.0.2.1");
    assert_eq!(envelopes[1].scope.groups, ["edge"]);
    assert_eq!(
        read(&text.replace("${hop}", "${hopp}")).unwrap_err().len(),
        4,
        "both texts, the next hop, and the route without it"
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
    let broken = "class: my.class\nversion: 0\ntitle: { en: a, zh: b }\nslots: { x: { type: adress, description: d } }\nconfigures: [{ at: 'a[{y}]' }]\n";
    let faults = Library::load(&[("mine.yaml".to_owned(), broken.to_owned())]).unwrap_err();
    let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(text.iter().all(|line| line.starts_with("mine.yaml:")), "{text:?}");
    assert!(text.iter().any(|line| line.contains("0 is no version")), "{text:?}");
    assert!(
        text.iter().any(|line| line.contains("\"adress\" is no type of a slot")),
        "{text:?}"
    );
    assert!(
        text.iter().any(|line| line.contains("no slot is named \"y\"")),
        "{text:?}"
    );
}
