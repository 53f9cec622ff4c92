//! Several who want the same device at once: whoever is overtaken by our own transactions plans again, a saved plan never.

use serde_json::json;

use crate::lab::{Lab, described, expect, rows};
use crate::stage::Stage;

#[test]
fn who_is_overtaken_by_our_own_transactions_plans_again_and_a_saved_plan_does_not() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    let names = ["a", "b", "c", "d"];
    for (name, priority) in names.iter().zip(310..) {
        stage.write(&format!("{name}.yaml"), &described(name, "r3", priority, name));
    }
    let saved = rows(&stage, "plan -f d.yaml");
    // Slow enough for all to have planned before the first is through.
    lab.fault("r3", &json!({ "fault": "delay", "millis": 700, "operation": "commit" }));
    let said: Vec<(i32, String)> = std::thread::scope(|scope| {
        let stage = &stage;
        let run = |name: &&str| {
            let line = format!("commit -f {name}.yaml");
            scope.spawn(move || stage.run(&line))
        };
        let running: Vec<_> = names.iter().map(run).collect();
        running.into_iter().map(|it| it.join().unwrap()).collect()
    });
    lab.mend("r3");
    for (name, (code, said)) in names.iter().zip(&said) {
        assert_eq!(*code, 0, "{name}\n{said}");
    }
    assert!(
        said.iter().any(|(_, said)| said.contains("planning again")),
        "nobody was overtaken: {said:?}"
    );
    assert!(
        lab.running("r3").contains("<description>d</description>"),
        "the highest priority holds"
    );
    expect(&stage, "drift list", 0, "no drift");
    let (code, said) = stage.run(&format!("commit {}", saved["id"].as_str().unwrap()));
    assert!(code == 4 || code == 9, "{code} {said}");
    assert!(!said.contains("planning again"), "{said}");

    // A stranger's work is not overwritten by planning again: who commits sees the new plan first.
    stage.write("e.yaml", &described("e", "r3", 320, "e"));
    let plan = rows(&stage, "plan -f e.yaml");
    lab.describe("r3", "by hand");
    let moved = rows(&stage, &format!("plan moved {}", plan["id"].as_str().unwrap()));
    assert!(moved[0]["by"].is_null(), "{moved}");
}
