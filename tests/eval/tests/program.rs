//! The program that measures: what it writes has the fields that are told of it, and its figures are those of the corpus.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::{Value, json};

/// One sentence that is read as labelled, one that is not, in either half: what an id hashes to decides.
fn corpus(halves: [&[&str]; 2]) -> String {
    let line = |id: &str, name: &str| {
        let slots = json!({ "target": "r1", "hostname": name });
        let intents = json!([{ "class": "system.baseline", "slots": slots }]);
        json!({ "id": id, "text": "set the hostname of r1 to ber-r1", "expect": "intent", "intents": intents })
            .to_string()
            + "\n"
    };
    let of_half = |ids: &[&str]| line(ids[0], "ber-r1") + &line(ids[1], "another");
    halves.map(of_half).concat()
}

#[test]
fn the_report_says_what_the_scored_half_came_to() {
    let folder = tempfile::tempdir().unwrap();
    let (file, report) = (folder.path().join("mine.jsonl"), folder.path().join("report.json"));
    // SHA-256 of the first two begins with an even digit, of the last two with an odd one.
    std::fs::write(&file, corpus([&["mine-1", "mine-4"], &["mine-2", "mine-3"]])).unwrap();
    let inventory = tests_real::root().join("tests/corpus/intents/inventory.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_eval"))
        .arg("intents")
        .args([
            "--file".as_ref(),
            file.as_os_str(),
            "--inventory".as_ref(),
            inventory.as_os_str(),
        ])
        .args(["--report".as_ref(), report.as_os_str()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let named: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        named,
        [
            "asked",
            "class_accuracy",
            "exact",
            "languages",
            "lines",
            "refused",
            "wrong_confident"
        ]
    );
    let half = json!({ "lines": 2, "exact": 0.5, "class_accuracy": 1.0, "asked": 0.0, "refused": 0.0, "wrong_confident": 0.5 });
    for (field, expected) in half.as_object().unwrap() {
        assert_eq!(&report[field], expected, "{field} of {report}");
        assert_eq!(
            &report["languages"]["mine"]["develop"][field], expected,
            "{field} of {report}"
        );
    }
}
