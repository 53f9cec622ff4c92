//! `report`: turns the output of the test runners and the ledger into the report of a run, and fails it on a skip.
//!
//! `report OUTPUT LEDGER REPORT [--no-skips]`; the report is `{passed, failed, skipped, real: {name: {version, operations}}}`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tests_real::Entry;

/// What a run with real parts must have spoken to: a part that nobody spoke to is as bad as a skip.
const EXPECTED: [&str; 14] = [
    "netconfd",
    "frr",
    "Linux",
    "ncclient",
    "netmiko",
    "yanglint",
    "pyang",
    "strace",
    "curl",
    "mosquitto",
    "paho",
    "schemathesis",
    "prometheus_client",
    "systemd-analyze",
];

#[derive(Debug, Default, Serialize)]
struct Report {
    passed: u64,
    failed: u64,
    skipped: u64,
    real: BTreeMap<String, Part>,
}

#[derive(Debug, Default, Serialize)]
struct Part {
    version: String,
    operations: u64,
}

impl Report {
    /// The expected parts that did nothing.
    fn silent(&self) -> Vec<&'static str> {
        let spoke = |part: &str| {
            let of_it = |name: &String| name.split('/').next().is_some_and(|it| it.eq_ignore_ascii_case(part));
            self.real.iter().any(|(name, did)| of_it(name) && did.operations > 0)
        };
        EXPECTED.into_iter().filter(|part| !spoke(part)).collect()
    }
}

#[expect(clippy::print_stdout, reason = "the report's closing line is what it is for")]
fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [output, ledger, report, rest @ ..] = arguments.as_slice() else {
        bail!("usage: report OUTPUT LEDGER REPORT [--no-skips]");
    };
    let strict = rest.iter().any(|word| word == "--no-skips");
    let output = fs::read_to_string(output).with_context(|| format!("cannot read {output}"))?;
    let sum = tally(&output, &fs::read_to_string(ledger).unwrap_or_default())?;
    fs::write(report, serde_json::to_string_pretty(&sum)? + "\n").with_context(|| format!("cannot write {report}"))?;
    for (name, part) in &sum.real {
        println!("  {name} {}: {} operations", part.version, part.operations);
    }
    println!("{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped);
    let silent = sum.silent();
    if strict && !silent.is_empty() {
        println!("nobody spoke to {}", silent.join(", "));
    }
    let bad = sum.failed > 0 || sum.passed == 0 || (strict && (sum.skipped > 0 || !silent.is_empty()));
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn tally(output: &str, ledger: &str) -> Result<Report> {
    let mut sum = Report::default();
    for line in output
        .lines()
        .filter_map(|line| line.trim().strip_prefix("test result: "))
    {
        sum.passed += count(line, "passed");
        sum.failed += count(line, "failed");
        sum.skipped += count(line, "ignored");
    }
    for line in ledger.lines() {
        match serde_json::from_str(line).with_context(|| format!("not a line of a ledger: {line}"))? {
            Entry::Operations {
                part,
                version,
                operations,
            } => {
                let part = sum.real.entry(part).or_default();
                part.version = version;
                part.operations += operations;
            }
            // The runner counted it as passed, since the test returned.
            Entry::Skipped { .. } => {
                sum.skipped += 1;
                sum.passed = sum.passed.saturating_sub(1);
            }
        }
    }
    Ok(sum)
}

/// The number in front of `word` in a line such as `ok. 3 passed; 0 failed; 1 ignored`.
fn count(line: &str, word: &str) -> u64 {
    let before = line.split(word).next().filter(|before| before.len() < line.len());
    before
        .and_then(|before| before.split_whitespace().next_back())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_in_the_ledger_is_no_pass() {
        let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                      test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let ledger = "{\"kind\":\"skipped\",\"test\":\"a\",\"why\":\"b\"}\n\
                      {\"kind\":\"operations\",\"part\":\"netconfd\",\"version\":\"2.13\",\"operations\":4}\n\
                      {\"kind\":\"operations\",\"part\":\"netconfd\",\"version\":\"2.13\",\"operations\":2}\n";
        let sum = tally(output, ledger).unwrap();
        assert_eq!((sum.passed, sum.failed, sum.skipped), (3, 2, 2));
        assert_eq!(sum.real["netconfd"].operations, 6);
        let silent = sum.silent();
        assert!(silent.contains(&"frr") && !silent.contains(&"netconfd"), "{silent:?}");
    }

    #[test]
    fn a_ledger_that_is_not_one_is_refused() {
        assert!(tally("", "nonsense").is_err());
    }
}
