//! The program `simulate` as a person or a pipeline runs it: exit codes, the report, the transcript.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::process::Command;

/// Runs it; gives the exit code and what it said.
fn simulate(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_simulate"))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), said.into_owned())
}

#[test]
fn the_report_has_its_fields_and_no_other() {
    let folder = std::env::temp_dir().join(format!("entente-simulate-{}", std::process::id()));
    let (code, said) = simulate(&["--worlds", "30", "--report", folder.to_str().unwrap()]);
    let report = std::fs::read(&folder).unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(code, 1, "thirty worlds do not visit every crash point: {said}");
    assert!(said.contains("never visited: "), "{said}");
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let fields: Vec<&String> = report.as_object().unwrap().keys().collect();
    let expected = ["committed", "rolled_back", "split", "torn", "unvisited", "worlds"];
    let mut sorted: Vec<&str> = fields.iter().map(|it| it.as_str()).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert!(report["worlds"] == 30 && report["split"] == 0, "{report}");
    assert!(!report["unvisited"].as_array().unwrap().is_empty(), "{report}");
}

#[test]
fn a_seed_is_told_as_who_said_what() {
    let (code, said) = simulate(&["--seed", "9"]);
    assert_eq!(code, 0, "{said}");
    for words in ["seed 9", "begins T1", "c0 → d", "stage T1", "on record: ", "ended "] {
        assert!(said.contains(words), "{words:?} is missing in\n{said}");
    }
}

#[cfg(not(mutants))]
#[test]
fn without_planted_bugs_it_says_how_to_get_them() {
    let (code, said) = simulate(&["--mutant", "no-sync"]);
    assert!(
        code != 0 && code != 3 && said.contains("--cfg mutants"),
        "{code}: {said}"
    );
}

#[cfg(mutants)]
#[test]
fn planted_bugs_are_listed_and_end_it_with_three() {
    let (code, said) = simulate(&["--list-mutants"]);
    let names: Vec<&str> = said.lines().collect();
    assert!(code == 0 && names.len() >= 14, "{said}");
    for name in ["send-before-record", "no-sync", "confirm-dirty", "forget-epoch"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
        let (code, said) = simulate(&["--mutant", name]);
        assert!(code == 3 && said.contains(" breaks "), "{name}: {code}\n{said}");
    }
    let (code, said) = simulate(&["--mutant", "nonsense"]);
    assert!(code == 1 && said.contains("no mutant is called nonsense"), "{said}");
}
