//! Small changes that wait for one device ride one transaction; where that is rolled back each goes by itself.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::lab::{Lab, expect, rows, until};
use crate::stage::Stage;

const RIDERS: usize = 5;

/// A route of its own on r1, that no gate looks at.
fn route(number: usize) -> String {
    format!(
        "class: routing.static\nname: n{number}\ngate: none\nslots: {{ device: [r1], prefix: 198.51.{number}.0/24, next_hop: 192.0.2.1 }}\n"
    )
}

/// Asks for a route and does not wait for it; the id of its transaction.
fn ask(stage: &Stage, number: usize) -> String {
    let file = format!("n{number}.yaml");
    stage.write(&file, &route(number));
    let row = rows(stage, &format!("commit -f {file} --detach"));
    row["id"].as_str().unwrap().to_owned()
}

/// One is busy with r1, and these wait behind it.
fn behind_one(stage: &Stage, lab: &Lab, first: usize) -> (String, Vec<String>) {
    lab.hold("r1");
    let one = ask(stage, first);
    let riders: Vec<String> = std::thread::scope(|scope| {
        let asking = (1..=RIDERS).map(|it| scope.spawn(move || ask(stage, first + it)));
        let asking: Vec<_> = asking.collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let waits = |id: &String| !rows(stage, &format!("transaction show {id}"))["waits"].is_null();
    until("all of them to wait", || riders.iter().all(waits));
    (one, riders)
}

/// How each of them ended, once it has.
fn ended(stage: &Stage, ids: &[String]) -> Vec<String> {
    let state = |id: &String| {
        rows(stage, &format!("transaction show {id}"))["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    until("all to have ended", || ids.iter().all(|it| state(it) != "running"));
    ids.iter().map(state).collect()
}

/// How many of these routes r1 has.
fn there(lab: &Lab, numbers: RangeInclusive<usize>) -> usize {
    let running = lab.running("r1");
    let there = numbers.filter(|it| running.contains(&format!("198.51.{it}.0/24")));
    there.count()
}

/// What was told of a transaction, to whoever follows it from its beginning.
fn told(stage: &Stage, id: &str) -> String {
    stage.run(&format!("transaction follow {id}")).1
}

#[test]
fn small_changes_that_wait_are_one_transaction_and_each_hears_its_own_end() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);

    let kept = || {
        let history = rows(&stage, "device history r1");
        let mut history = history.as_array().unwrap().clone();
        history.retain(|it| it["moment"] == "before");
        history
    };
    let (before, earlier) = (lab.count("r1", "commit"), kept().len());
    let (one, riders) = behind_one(&stage, &lab, 10);
    lab.release("r1");
    let all: Vec<String> = std::iter::once(one).chain(riders.iter().cloned()).collect();
    assert_eq!(ended(&stage, &all), ["committed"; RIDERS + 1]);
    assert_eq!(there(&lab, 10..=10 + RIDERS), RIDERS + 1, "{}", lab.running("r1"));
    // A transaction is a confirmed commit and its confirmation: one for the first, one for all the others.
    assert_eq!(
        lab.count("r1", "commit") - before,
        4,
        "the device saw two transactions, not {}",
        RIDERS + 1
    );
    for id in &riders {
        let told = told(&stage, id);
        assert!(
            told.contains(&format!("one of {RIDERS} that waited")) && told.contains("committed"),
            "{told}"
        );
    }

    // What carried them is named, and what stood before it is kept once, under that name.
    let carrier = |id: &String| rows(&stage, &format!("transaction show {id}"))["carrier"].clone();
    let carriers: Vec<Value> = riders.iter().map(carrier).collect();
    assert!(
        carriers[0].is_string() && carriers.iter().all(|it| *it == carriers[0]),
        "{carriers:?}"
    );
    let kept = kept();
    assert_eq!(
        kept.len() - earlier,
        2,
        "one for the first and one for all others: {kept:?}"
    );
    assert_eq!(kept[0]["transaction"], carriers[0], "the latest first");

    // The device refuses what carries them, and then the one of them that is next: the others stand.
    let (one, riders) = behind_one(&stage, &lab, 20);
    let refuse = json!({ "fault": "reject", "operation": "edit-config", "tag": "invalid-value", "times": 2 });
    lab.fault("r1", &refuse);
    lab.release("r1");
    assert_eq!(ended(&stage, &[one]), ["committed"]);
    let states = ended(&stage, &riders);
    let count = |state: &str| states.iter().filter(|it| *it == state).count();
    assert_eq!(
        (count("rolled-back"), count("committed")),
        (1, RIDERS - 1),
        "{states:?}"
    );
    assert_eq!(there(&lab, 21..=20 + RIDERS), RIDERS - 1, "{}", lab.running("r1"));
    let refused = states.iter().position(|it| it == "rolled-back").unwrap();
    let sunk = rows(&stage, &format!("transaction show {}", riders[refused]));
    assert!(sunk["reason"].as_str().unwrap().contains("r1"), "{sunk}");
    for id in riders.iter().filter(|id| **id != riders[refused]) {
        let told = told(&stage, id);
        assert!(told.contains("each goes on by itself"), "{told}");
    }
    let intents: Value = rows(&stage, "intent list");
    let ours = |it: &&Value| it["intent"]["name"].as_str().is_some_and(|name| name.starts_with('n'));
    let active = intents.as_array().unwrap().iter().filter(ours);
    let active = active.filter(|it| it["state"] == "active");
    assert_eq!(active.count(), 2 * RIDERS + 1, "{intents}");
    expect(&stage, "audit verify", 0, "entries hold");
}
