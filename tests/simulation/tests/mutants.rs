//! Every planted bug is found, with a margin. Only in a build of its own:
//! `RUSTFLAGS="--cfg mutants" cargo test -p tests-simulation --target-dir target/mutants --test mutants -- --nocapture`.

#![cfg(mutants)]

use simulation::report::Tally;
use transaction::mutant::{Mutant, plant};

/// Within so many worlds, wherever one begins.
const WITHIN: u64 = 1_000;
/// Where one begins.
const STRETCHES: [u64; 5] = [0, 10_000, 20_000, 30_000, 40_000];

#[test]
fn every_planted_bug_is_found_wherever_one_begins_and_no_other() {
    plant(None);
    assert_eq!(Tally::of(0..2_000, 1).broken, [], "nothing is planted");
    let mut late = Vec::new();
    for mutant in Mutant::ALL {
        plant(Some(*mutant));
        let found = STRETCHES.map(|first| Tally::of(first..first + WITHIN, 1).broken.into_iter().next());
        let worlds = STRETCHES
            .iter()
            .zip(&found)
            .map(|(first, it)| it.as_ref().map(|(seed, _)| seed - first));
        let worlds: Vec<Option<u64>> = worlds.collect();
        let seen = found.iter().flatten().next();
        let what = seen.map_or_else(String::new, |(_, it)| format!("{}: {}", it.invariant, it.seen));
        println!("{:<24} after {worlds:?} worlds, {what}", mutant.name());
        if worlds.contains(&None) {
            late.push(mutant.name());
        }
    }
    plant(None);
    assert!(late.is_empty(), "not found within {WITHIN} worlds: {late:?}");
}
