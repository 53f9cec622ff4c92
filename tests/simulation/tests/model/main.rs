//! The same `step`, exhausted: every order of messages, every crash between two effects, within printed bounds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod device;
mod process;
mod space;

use space::{Bounds, Space};
use stateright::{Checker, HasDiscoveries, Model};
use transaction::Guarantee;

const NONE: Bounds = Bounds {
    crashes: 0,
    take_overs: 0,
    mishaps: 0,
    timers: 0,
};

/// What every build exhausts.
fn small() -> Vec<(&'static str, Space)> {
    let pair = [Guarantee::Confirmed, Guarantee::Plain];
    vec![
        (
            "two participants, one crash",
            Space::new(&pair, Bounds { crashes: 1, ..NONE }),
        ),
        (
            "two participants, a take-over",
            Space::new(&pair, Bounds { take_overs: 1, ..NONE }),
        ),
        (
            "two participants, a mishap",
            Space::new(&pair, Bounds { mishaps: 1, ..NONE }),
        ),
    ]
}

/// What is exhausted on demand: minutes. `ENTENTE_MODEL=whole` exhausts all, `ENTENTE_MODEL=NAME` one of them.
fn large() -> Vec<(&'static str, Space)> {
    let pair = [Guarantee::Confirmed, Guarantee::Plain];
    let three = [Guarantee::Confirmed, Guarantee::Plain, Guarantee::Whole];
    vec![
        (
            "three participants, one crash",
            Space::new(&three, Bounds { crashes: 1, ..NONE }),
        ),
        (
            "three participants, a take-over",
            Space::new(&three, Bounds { take_overs: 1, ..NONE }),
        ),
        (
            "two participants, one crash, a take-over",
            Space::new(
                &pair,
                Bounds {
                    crashes: 1,
                    take_overs: 1,
                    ..NONE
                },
            ),
        ),
        (
            "two participants, a timer",
            Space::new(&pair, Bounds { timers: 1, ..NONE }),
        ),
        (
            "three participants, a mishap",
            Space::new(&three, Bounds { mishaps: 1, ..NONE }),
        ),
    ]
}

fn spaces() -> Vec<(&'static str, Space)> {
    let only = std::env::var("ENTENTE_MODEL").unwrap_or_default();
    let whole = only == "whole";
    let mut spaces = small();
    if whole || large().iter().any(|(name, _)| *name == only) {
        spaces.extend(large());
    }
    spaces.retain(|(name, _)| only.is_empty() || whole || *name == only);
    spaces
}

/// More states than any space here has.
const MOST: usize = 30_000_000;

/// What exhausting a space showed.
struct Seen {
    states: usize,
    depth: usize,
    broken: Option<&'static str>,
    missed: bool,
}

fn exhaust(space: Space) -> Seen {
    let checker = space
        .checker()
        .threads(2)
        .target_state_count(MOST)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let found = checker.discoveries();
    let reached = ["some commit", "some roll back"];
    Seen {
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        broken: found.keys().copied().find(|it| !reached.contains(it)),
        missed: !reached.iter().all(|it| found.contains_key(it)),
    }
}

#[cfg(not(mutants))]
#[test]
fn every_reachable_state_keeps_the_invariants() {
    for (name, space) in spaces() {
        println!("{name}: {:?}, any loss, order and repeat", space.bounds);
        let seen = exhaust(space);
        println!("{name}: {} states, depth {}", seen.states, seen.depth);
        assert_eq!(seen.broken, None, "{name}");
        assert!(!seen.missed, "{name}: nothing commits, or nothing rolls back");
        assert!((100..MOST).contains(&seen.states), "{name}: not exhausted");
    }
}

#[cfg(mutants)]
#[test]
fn planted_bugs_are_found_where_the_bounds_allow() {
    use transaction::mutant::Mutant;
    let mut found = Vec::new();
    for mutant in Mutant::ALL {
        let planted = |space| {
            exhaust(Space {
                mutant: Some(*mutant),
                ..space
            })
        };
        let seen = spaces()
            .into_iter()
            .map(|(name, space)| (name, planted(space)))
            .find(|(_, it)| it.broken.is_some());
        match seen {
            Some((space, Seen { states, broken, .. })) => {
                println!(
                    "{:<24} found: {broken:?} after {states} states of: {space}",
                    mutant.name()
                );
                found.push(mutant.name());
            }
            None => println!("{:<24} not within these bounds", mutant.name()),
        }
    }
    println!("{} of {}: {found:?}", found.len(), Mutant::ALL.len());
    let expected = [
        "send-before-record",
        "first-yes",
        "no-sync",
        "send-before-sync",
        "revert-undecided",
        "forget-confirm",
        "skip-repair",
    ];
    assert!(expected.iter().all(|it| found.contains(it)), "{found:?}");
}
