//! `report`: turns the output of the test runners and the ledger into the report of a run, and fails it on a skip.
//!
//! `report OUTPUT LEDGER REPORT [--no-skips] [--failed N]`, N being the steps beside the tests that failed; the report is `{passed, failed, skipped, real: {name: {version, operations}}}`.

mod took;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tests_real::{Entry, Part};

#[derive(Debug, Default, Serialize)]
struct Report {
    passed: u64,
    failed: u64,
    skipped: u64,
    real: BTreeMap<&'static str, Did>,
}

/// What a real part did.
#[derive(Debug, Serialize)]
struct Did {
    version: Option<String>,
    operations: u64,
}

impl Report {
    /// The parts that did nothing: that nobody spoke to one is as bad as a skip.
    fn silent(&self) -> Vec<&'static str> {
        let silent = |name: &&str| self.real.get(name).is_none_or(|did| did.operations == 0);
        Part::ALL.iter().map(|part| part.name()).filter(silent).collect()
    }

    /// The parts that did something and cannot say which version they are.
    fn nameless(&self) -> Vec<&'static str> {
        let nameless = self.real.iter().filter(|(_, did)| did.version.is_none());
        nameless.map(|(name, _)| *name).collect()
    }
}

#[expect(clippy::print_stdout, reason = "the report's closing line is what it is for")]
fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [output, ledger, report, rest @ ..] = arguments.as_slice() else {
        bail!("usage: report OUTPUT LEDGER REPORT [--no-skips] [--failed N]");
    };
    let strict = rest.iter().any(|word| word == "--no-skips");
    let beside = match rest.iter().skip_while(|word| *word != "--failed").nth(1) {
        Some(number) => number.parse().context("--failed wants a number")?,
        None => 0,
    };
    let output = fs::read_to_string(output).with_context(|| format!("cannot read {output}"))?;
    let ledger = fs::read_to_string(ledger).unwrap_or_default();
    let mut sum = tally(&output, &ledger)?;
    sum.failed += beside;
    fs::write(report, serde_json::to_string_pretty(&sum)? + "\n").with_context(|| format!("cannot write {report}"))?;
    for (name, did) in &sum.real {
        let version = did.version.as_deref().unwrap_or("of unknown version");
        println!("  {name} {version}: {} operations", did.operations);
    }
    let (real, others) = took::split(&took::targets(&output), &ledger);
    println!("  tests against real parts took {real:.0} s, all others {others:.0} s");
    println!("{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped);
    let (silent, nameless) = (sum.silent(), sum.nameless());
    if strict && !silent.is_empty() {
        println!("nobody spoke to {}", silent.join(", "));
    }
    if !nameless.is_empty() {
        println!("the version of {} cannot be told", nameless.join(", "));
    }
    let lacks = sum.skipped > 0 || !silent.is_empty() || !nameless.is_empty();
    let bad = sum.failed > 0 || sum.passed == 0 || (strict && lacks);
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
    // A runner that dies counts nothing; cargo says so behind it.
    if sum.failed == 0 && output.lines().any(|line| line.starts_with("error: ")) {
        sum.failed = 1;
    }
    for line in ledger.lines() {
        match serde_json::from_str(line).with_context(|| format!("not a line of a ledger: {line}"))? {
            Entry::Operations { part, operations, .. } => {
                let did = sum.real.entry(part.name()).or_insert_with(|| Did {
                    version: part.version(),
                    operations: 0,
                });
                did.operations += operations;
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
                      {\"kind\":\"operations\",\"part\":\"linux\",\"operations\":4}\n\
                      {\"kind\":\"operations\",\"part\":\"linux\",\"operations\":2}\n";
        let sum = tally(output, ledger).unwrap();
        assert_eq!((sum.passed, sum.failed, sum.skipped), (3, 2, 2));
        assert_eq!(sum.real["linux"].operations, 6);
        let silent = sum.silent();
        assert!(silent.contains(&"frr") && !silent.contains(&"linux"), "{silent:?}");
        assert!(sum.real["linux"].version.is_some(), "the kernel says its version");
    }

    #[test]
    fn the_report_has_its_fields_and_no_other() {
        let ledger = "{\"kind\":\"operations\",\"part\":\"linux\",\"operations\":4}\n";
        let report = serde_json::to_value(tally("", ledger).unwrap()).unwrap();
        let keys = |value: &serde_json::Value| {
            let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort_unstable();
            keys
        };
        assert_eq!(keys(&report), ["failed", "passed", "real", "skipped"]);
        assert_eq!(keys(&report["real"]["linux"]), ["operations", "version"]);
    }

    #[test]
    fn a_runner_that_died_is_a_failure() {
        let output = "test result: ok. 3 passed; 0 failed; 0 ignored\nerror: 1 target failed:\n    `-p x --test y`\n";
        assert_eq!(tally(output, "").unwrap().failed, 1);
    }

    #[test]
    fn a_ledger_that_is_not_one_is_refused() {
        assert!(tally("", "nonsense").is_err());
        let made_up = "{\"kind\":\"operations\",\"part\":\"made-up\",\"operations\":1}";
        assert!(tally("", made_up).is_err());
    }
}
