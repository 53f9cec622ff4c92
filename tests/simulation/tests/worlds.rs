//! Two thousand worlds in every build, and the seeds that once failed, by what they showed.

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
    let report = tally.report();
    assert!(
        report.committed > report.torn * 10 && report.rolled_back > 0,
        "{report:?}"
    );
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

fn holds(seed: u64) {
    assert_eq!(World::new(seed).run().broken, None, "seed {seed}");
}

/// A participant that had only staged was told to revert while its device rebooted, and held the device for ever.
#[test]
fn a_revert_is_tried_again_when_nobody_asks_any_longer() {
    [146, 334, 496, 626, 1179].map(holds);
}

/// What an operator had waived was answered as reverted when a later transaction asked for its repair.
#[test]
fn what_was_waived_can_still_be_repaired() {
    [389, 548, 22_409].map(holds);
}

/// A deposed controller that had dropped its coordinators presumed an abort that was none.
#[test]
fn who_is_fenced_presumes_nothing() {
    [64, 19_208].map(holds);
}

/// A stranger's edit where only a stage had been was taken for a torn revert.
#[test]
fn a_strangers_edit_is_his_where_nothing_was_applied() {
    [4_426, 5_956, 8_466].map(holds);
}

/// A confirm whose answer was lost was taken for saved.
#[test]
fn what_is_confirmed_is_saved_before_it_is_acknowledged() {
    [179].map(holds);
}
