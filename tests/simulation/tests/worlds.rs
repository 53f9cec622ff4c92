//! Two thousand worlds in every build.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use simulation::report::Tally;
use simulation::world::World;

#[test]
fn two_thousand_worlds_keep_the_invariants_and_visit_every_crash_point() {
    let tally = Tally::of(0..2_000, 1);
    println!("{}", tally.table());
    assert_eq!(tally.broken, [], "replay with: simulate --seed N");
    assert_eq!(tally.worlds, 2_000);
    assert_eq!(tally.unvisited(), [""; 0]);
    assert!(
        tally.mishaps.len() > 45,
        "of 8 mishaps at 7 operations few were met: {:?}",
        tally.mishaps
    );
    for met in [
        "full",
        "waited",
        "withdrawn",
        "insisted on more than a device gives",
        "shared journal lost its power",
        "lie told by a participant",
        "took part and only looked on",
        "rode together, and one only looked on",
    ] {
        assert!(
            tally.beside.get(met).is_some_and(|it| *it > 5),
            "{met}: {:?}",
            tally.beside
        );
    }
    let report = tally.report();
    assert!(
        report.committed > report.torn * 10 && report.rolled_back > 0,
        "{report:?}"
    );
}

/// Repaired after a torn end by a late word, killed before its confirm, never told again: the device took the change back
/// by its own timer, and the agent's lock stood for ever.
#[test]
fn a_lock_does_not_outlive_a_change_that_the_device_took_back() {
    let outcomes = World::new(158_267).run();
    assert!(outcomes.broken.is_none(), "{:?}", outcomes.broken);
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in [9, 38, 609] {
        let [first, second] = [0, 1].map(|_| {
            let mut world = World::new(seed);
            world.transcript = Some(Vec::new());
            world.run();
            world.transcript.unwrap()
        });
        assert_eq!(first, second, "seed {seed}");
        assert!(first.len() > 5, "seed {seed} tells nothing");
    }
}
