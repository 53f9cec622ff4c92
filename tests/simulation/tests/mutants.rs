//! Every planted bug is found within a thousand worlds. Only in a build of its own:
//! `RUSTFLAGS="--cfg mutants" cargo test -p tests-simulation --target-dir target/mutants --test mutants`.

#![cfg(mutants)]

use simulation::report::Tally;
use transaction::mutant::{Mutant, plant};

#[test]
fn every_planted_bug_is_found_and_no_other() {
    plant(None);
    assert_eq!(Tally::of(0..1_000, 1).broken, [], "nothing is planted");
    for mutant in Mutant::ALL {
        plant(Some(*mutant));
        let tally = Tally::of(0..1_000, 1);
        let found = tally.broken.first();
        let name = mutant.name();
        let (seed, broken) = found.unwrap_or_else(|| panic!("{name} was not found in 1000 worlds"));
        println!("{name:<24} seed {seed:>4}: {} ({})", broken.invariant, broken.seen);
    }
    plant(None);
}
