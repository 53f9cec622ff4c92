//! How long the tests took, those against real parts apart.

use std::collections::BTreeSet;

use tests_real::Entry;

/// The programs of tests that an output tells of, each with its seconds.
pub fn targets(output: &str) -> Vec<(&str, f64)> {
    let mut running = "";
    let mut targets = Vec::new();
    for line in output.lines().map(str::trim) {
        let program = line.strip_prefix("Running ").and_then(|it| it.strip_suffix(')'));
        if let Some(path) = program.and_then(|it| it.rsplit(['/', '(']).next()) {
            running = path;
        }
        let seconds = line
            .rsplit_once("finished in ")
            .and_then(|(_, it)| it.strip_suffix('s'));
        if let Some(seconds) = seconds.and_then(|it| it.parse().ok()) {
            targets.push((running, seconds));
        }
    }
    targets
}

/// The seconds of the programs that spoke to a real part, and those of all others.
pub fn split(targets: &[(&str, f64)], ledger: &str) -> (f64, f64) {
    let spoke = |line: &str| match serde_json::from_str(line) {
        Ok(Entry::Operations { by, .. }) => Some(by),
        Ok(Entry::Skipped { .. }) | Err(_) => None,
    };
    let real: BTreeSet<String> = ledger.lines().filter_map(spoke).collect();
    let sum = |of: bool| {
        let those = targets.iter().filter(|(name, _)| real.contains(*name) == of);
        those.map(|(_, seconds)| seconds).sum()
    };
    (sum(true), sum(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spoke_to_a_real_part_is_counted_apart() {
        let output = "     Running unittests src/lib.rs (target/debug/deps/labs-1a)\n\
                      test result: ok. 3 passed; 0 failed; 0 ignored; finished in 1.50s\n\
                      \x20    Running tests/real.rs (target/debug/deps/real-2b)\n\
                      test result: FAILED. 1 passed; 1 failed; 0 ignored; finished in 40.25s\n\
                      \x20  Doc-tests labs\n";
        let targets = targets(output);
        assert_eq!(targets, [("labs-1a", 1.5), ("real-2b", 40.25)]);
        let ledger = "{\"kind\":\"operations\",\"part\":\"linux\",\"operations\":4,\"by\":\"real-2b\"}\n\
                      {\"kind\":\"skipped\",\"test\":\"a\",\"why\":\"b\"}\n";
        assert_eq!(split(&targets, ledger), (40.25, 1.5));
    }
}
