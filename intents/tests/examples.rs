//! The examples of the program's own classes: enough of them, in both languages, each with slots that its class has.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use intents::{Answer, Class, Conversation, Library, Names, Reader, SlotValue, read_file};
use knowledge_model::{Inventory, Schema};

/// How many sentences each class has in each language at least.
const LEAST: usize = 15;

#[test]
fn every_class_is_shown_in_both_languages() {
    let library = Library::load(&[]).unwrap_or_else(|faults| {
        panic!(
            "{}",
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        )
    });
    let mut all = BTreeSet::new();
    for class in library.iter() {
        for chinese in [false, true] {
            let examples: Vec<_> = class.examples.iter().filter(|it| it.chinese == chinese).collect();
            assert!(
                examples.len() >= LEAST,
                "{} has {} examples",
                class.name,
                examples.len()
            );
            for example in examples {
                let han = example.say.chars().any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it));
                assert!(!example.say.is_empty() && !example.slots.is_empty(), "{}", example.say);
                assert!(han == chinese, "{}: which language?", example.say);
                assert!(all.insert(example.say.clone()), "{} is there twice", example.say);
            }
        }
    }
}

/// The sentences that the reader does not read exactly yet. Whoever mends the reader takes them out; none is ever added.
const NOT_YET: &str = include_str!("examples.not-yet.txt");

/// The intents that hold while the examples are spoken.
const HOLDING: [(&str, &str); 8] = [
    ("guest-limit", "qos.rate"),
    ("web-access", "access.control"),
    ("night-steer", "path.steer"),
    ("voice-floor", "qos.rate"),
    ("cam-block", "access.control"),
    ("paris-spare", "path.protect"),
    ("dmz-web", "access.control"),
    ("出口主备", "path.protect"),
];

/// A value as it is compared: lists of one are the value, the order of most lists means nothing.
fn plain(slot: &str, value: &SlotValue) -> String {
    match value {
        SlotValue::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, it)| format!("{name}={}", plain(name, it)))
                .collect();
            fields.join(",")
        }
        SlotValue::One(_) | SlotValue::Many(_) => {
            let mut values = value.values().to_vec();
            if !matches!(slot, "paths" | "weights" | "via") {
                values.sort();
            }
            values.join(",")
        }
    }
}

fn flat(slots: &BTreeMap<String, SlotValue>) -> BTreeMap<String, String> {
    slots
        .iter()
        .map(|(name, value)| (name.clone(), plain(name, value)))
        .collect()
}

/// The slots that the reader reads, in the same form; or what it answers instead.
fn read(reader: &Reader, names: &Names, class: &Class, say: &str) -> Result<BTreeMap<String, String>, String> {
    let answer = reader.read(say, names, &Conversation::default());
    let Answer::Intents(readings) = answer else {
        return Err(format!("{answer:?}"));
    };
    let [reading] = &readings[..] else {
        return Err(format!("{} intents", readings.len()));
    };
    if reading.class != class.name {
        return Err(format!("{} {:?}", reading.class, reading.slots));
    }
    let mut slots = BTreeMap::new();
    for (name, value) in &reading.slots {
        let slot = class.slot(name).ok_or_else(|| format!("no slot {name}"))?;
        let node = knowledge_model::document::read(&value.to_string()).map_err(|it| format!("{it:?}"))?;
        let faults = knowledge_model::document::Faults::default();
        let value = slot.read(&node, &faults);
        let value = faults.settle(value).map_err(|it| format!("{name}: {it:?}"))?;
        slots.insert(name.clone(), value);
    }
    Ok(flat(&slots))
}

#[test]
fn the_reader_reads_the_examples() {
    let library = Library::load(&[]).unwrap();
    let inventory = include_str!("../../tests/corpus/intents/inventory.yaml");
    let inventory = Inventory::read(inventory, Schema::canonical()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let (reader, names) = (Reader::new(&library).unwrap(), Names::new(&inventory, HOLDING));
    let known: BTreeSet<&str> = NOT_YET
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let (mut missed, mut wrong) = (BTreeSet::new(), Vec::new());
    for class in library.iter() {
        for example in &class.examples {
            let expected = flat(&example.slots);
            match read(&reader, &names, class, &example.say) {
                Ok(slots) if slots == expected => {}
                other => {
                    missed.insert(example.say.as_str());
                    wrong.push(format!(
                        "{}\n    expected {} {expected:?}\n    found    {other:?}",
                        example.say, class.name
                    ));
                }
            }
        }
    }
    if std::env::var_os("ENTENTE_BLESS").is_some() {
        let lines: String = missed.iter().map(|say| format!("{say}\n")).collect();
        let head = "# Examples that the reader does not read exactly yet; see examples.rs.\n";
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples.not-yet.txt"),
            format!("{head}{lines}"),
        )
        .unwrap();
        return;
    }
    let new: Vec<_> = missed.difference(&known).collect();
    let mended: Vec<_> = known.difference(&missed).collect();
    assert!(
        new.is_empty(),
        "{} of {} are new: {}",
        new.len(),
        missed.len(),
        wrong.join("\n")
    );
    assert!(mended.is_empty(), "take these out of examples.not-yet.txt: {mended:#?}");
}

#[test]
fn every_example_is_an_intent_but_for_what_it_leaves_open() {
    let library = Library::load(&[]).unwrap();
    for class in library.iter() {
        for example in &class.examples {
            let slots: serde_json::Map<String, serde_json::Value> = example
                .slots
                .iter()
                .map(|(name, value)| (name.clone(), value.to_json()))
                .collect();
            let text = serde_json::json!({ "class": class.name, "slots": slots }).to_string();
            if let Err(faults) = read_file(&text, &library) {
                let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
                // A sentence may leave open what is asked back or found out.
                let open = said
                    .iter()
                    .all(|it| it.contains("is missing") || it.contains("no device is named"));
                assert!(open, "{}: {said:?}", example.say);
            }
        }
    }
}
