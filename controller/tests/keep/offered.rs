//! Plans that are committed at the same moment, and what the store is offered until it takes it.

use std::process::Command;
use std::sync::Barrier;

use serde_json::Value;

use crate::lab::{Lab, expect, rows, until};
use crate::stage::Stage;

/// How many plans are committed at the same moment.
const AT_ONCE: usize = 6;

/// An intent for an address of r1 in a file.
fn address(stage: &Stage, name: &str, interface: &str, address: &str) -> String {
    let intent = format!(
        "class: interface.address\nname: {name}\ngate: none\nslots: {{ device: r1, interface: {interface}, address: [{address}] }}\n"
    );
    let file = format!("{name}.yaml");
    stage.write(&file, &intent);
    file
}

/// Changes what the controller has stored, past it, or asks for it; what that answers.
fn sql(stage: &Stage, statement: &str) -> String {
    let program = "import sys, sqlite3; base = sqlite3.connect(sys.argv[1], timeout=20); print(base.execute(sys.argv[2]).fetchall()); base.commit()";
    let state = stage.variables.iter().find(|(name, _)| name == "ENTENTE_STATE");
    let store = std::path::Path::new(&state.unwrap().1).join("store.db");
    let mut python = Command::new("python3");
    let done = python.args(["-c", program]).arg(store).arg(statement).output().unwrap();
    assert!(done.status.success(), "{statement}");
    String::from_utf8(done.stdout).unwrap()
}

fn id(row: &Value) -> String {
    row["id"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()
}

#[test]
fn of_plans_that_are_committed_at_the_same_moment_one_gives_the_device_its_address() {
    let stage = Stage::start();
    for round in 1..=2 {
        let host = format!("198.51.100.{}", 20 + round);
        let plan = |at: usize| {
            let (interface, length) = (format!("eth{}", 1 + at % 2), 24 + at / 2);
            let file = address(
                &stage,
                &format!("of-{round}-{at}"),
                &interface,
                &format!("{host}/{length}"),
            );
            id(&rows(&stage, &format!("plan -f {file}")))
        };
        let plans: Vec<String> = (0..AT_ONCE).map(plan).collect();
        let (stage, together) = (&stage, &Barrier::new(AT_ONCE));
        let commit = |plan: &String| {
            let line = format!("commit {plan}");
            together.wait();
            stage.run(&line)
        };
        let said: Vec<(i32, String)> = std::thread::scope(|scope| {
            let all: Vec<_> = plans.iter().map(|plan| scope.spawn(move || commit(plan))).collect();
            all.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert_eq!(said.iter().filter(|it| it.0 == 0).count(), 1, "{said:?}");
        // Nobody else is begun: whoever is looked at has those before him in the list.
        let refused = |it: &&(i32, String)| it.0 == 9 && it.1.contains("would be there twice");
        assert_eq!(said.iter().filter(refused).count(), AT_ONCE - 1, "{said:?}");
        let there = rows(stage, "device get r1");
        let holds = |it: &&Value| it["path"].as_str().unwrap().contains(&format!("address[{host}/"));
        assert_eq!(there.as_array().unwrap().iter().filter(holds).count(), 1, "{there}");
    }
}

#[test]
fn what_the_store_does_not_take_is_offered_again_until_it_does() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    lab.hold("r1");
    stage.write("first.yaml", "class: routing.static\nname: first\ngate: none\nslots: { device: [r1], prefix: 198.51.0.0/24, next_hop: 192.0.2.1 }\n");
    expect(&stage, "commit -f first.yaml --detach", 0, "");
    let ask = |at: usize| {
        let file = address(&stage, &format!("rider-{at}"), "eth1", &format!("203.0.113.{at}/32"));
        id(&rows(&stage, &format!("commit -f {file} --detach")))
    };
    let riders: Vec<String> = (1..=AT_ONCE).map(ask).collect();
    let shown = |id: &String| rows(&stage, &format!("transaction show {id}"));
    until("all to wait", || riders.iter().all(|it| !shown(it)["waits"].is_null()));
    let before = lab.count("r1", "get-config");

    // Who rode what cannot be kept: the ending is told, and nothing of it is stored.
    sql(
        &stage,
        "CREATE TRIGGER stuck BEFORE INSERT ON ride BEGIN SELECT RAISE(ABORT, 'no room'); END",
    );
    lab.release("r1");
    let said = expect(&stage, &format!("transaction follow {}", riders[0]), 0, "committed");
    assert!(said.contains(&format!("one of {AT_ONCE} that waited")), "{said}");
    assert_eq!(shown(&riders[0])["state"], "running");
    // The device was read once for all of them before that began, beside what its own steps read.
    let read = lab.count("r1", "get-config") - before;
    println!("{read} readings of r1");
    assert!(read < 2 * AT_ONCE as u64, "{read} readings");

    // It is without a restart, once that is possible.
    sql(&stage, "DROP TRIGGER stuck");
    until("all to be stored", || {
        riders.iter().all(|it| shown(it)["state"] == "committed")
    });
    let carriers: Vec<Value> = riders.iter().map(|it| shown(it)["carrier"].clone()).collect();
    assert!(
        carriers[0].is_string() && carriers.iter().all(|it| *it == carriers[0]),
        "{carriers:?}"
    );
    assert_eq!(rows(&stage, "intent show rider-3")["state"], "active");

    // What the old hardware was owed is void once the new one is brought to what is wanted, and it is said who did that.
    let owe = "INSERT INTO debt SELECT json_extract(devices.value, '$.id'), '00000000-0000-0000-0000-000000000009', 1, \
        'away', NULL, 1 FROM plan, json_each(plan.body, '$.devices') AS devices WHERE json_extract(devices.value, '$.name') = 'r1' LIMIT 1";
    sql(&stage, owe);
    lab.edit("r1", "<description>out of the box</description>");
    expect(&stage, "device replace r1", 0, "on 1 device");
    let of = "json_extract(body, '$.what') = 'waive' AND json_extract(body, '$.object') = 'r1'";
    let noted = sql(
        &stage,
        &format!("SELECT json_extract(body, '$.who') FROM audit WHERE {of}"),
    );
    assert_eq!(noted.trim(), "[('operator',)]", "under the name of who replaced it");
    until("it to be owed nothing", || {
        !rows(&stage, "device standing").to_string().contains("away")
    });
    expect(&stage, "audit verify", 0, "entries hold");
}
