//! Every built-in platform obeys the lens laws on configurations that exercise every rule it has.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use adapters_platform::{Coverage, Platform, builtin};
use proptest::prelude::*;

/// Enough for every rule to be tried many times over.
const SEEDS: u64 = 25;

#[test]
fn every_file_loads() {
    for (name, text) in builtin::files() {
        if let Err(faults) = Platform::load(text) {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{name}.yaml:\n{}", faults.join("\n"));
        }
        assert_eq!(builtin::named(name).map(Platform::name), Some(name));
    }
}

#[test]
fn every_rule_obeys_the_laws() {
    for platform in builtin::all() {
        let mut coverage = Coverage::default();
        for seed in 0..SEEDS {
            platform
                .obeys(seed, &mut coverage)
                .unwrap_or_else(|broken| panic!("{}: {broken}", platform.name()));
        }
        println!("{}: {} rules tried", platform.name(), coverage.rules.len());
        for (rule, count) in &coverage.rules {
            println!("  {count:6}  {rule}");
        }
        assert_eq!(
            coverage.untried(),
            Vec::<&str>::new(),
            "{} has rules that no configuration used",
            platform.name()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_seed_obeys_the_laws(seed: u64) {
        for platform in builtin::all() {
            let outcome = platform.obeys(seed, &mut Coverage::default());
            prop_assert!(outcome.is_ok(), "{}: {}", platform.name(), outcome.unwrap_err());
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "(?s).{0,400}") {
        for platform in builtin::all() {
            let _ = platform.read(&text);
        }
    }
}
