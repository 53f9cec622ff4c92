//! The same `step`, exhausted: every order of messages, every crash between two effects, within printed bounds.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod device;
mod ends;
mod local;
mod mix;
mod space;
mod state;
mod tables;

use ends::{ends, further};
use space::{Bounds, Space};
use stateright::{Checker, HasDiscoveries, Model};
use transaction::Guarantee;

const NONE: Bounds = Bounds {
    deaths: 0,
    take_overs: 0,
    mishaps: 0,
    timers: 0,
    onlookers: 0,
    reduced: false,
};
const PAIR: &[Guarantee] = &[Guarantee::Confirmed, Guarantee::Plain];
const THREE: &[Guarantee] = &[Guarantee::Confirmed, Guarantee::Plain, Guarantee::Plain];
const KINDS: &[Guarantee] = &[Guarantee::Confirmed, Guarantee::Session, Guarantee::Plain];

type Named = (&'static str, &'static [Guarantee], Bounds);

const fn whole(deaths: u8, take_overs: u8, mishaps: u8, timers: u8) -> Bounds {
    Bounds {
        deaths,
        take_overs,
        mishaps,
        timers,
        ..NONE
    }
}

const fn reduced(deaths: u8, take_overs: u8, mishaps: u8) -> Bounds {
    Bounds {
        reduced: true,
        ..whole(deaths, take_overs, mishaps, 0)
    }
}

/// The last of them only looks on.
const fn beside(bounds: Bounds) -> Bounds {
    Bounds { onlookers: 1, ..bounds }
}

/// What every build exhausts.
const SMALL: &[Named] = &[
    ("two participants, one death", PAIR, whole(1, 0, 0, 0)),
    ("two participants, a take-over", PAIR, whole(0, 1, 0, 0)),
    ("two participants, a mishap", PAIR, whole(0, 0, 1, 0)),
    ("two participants, a timer", PAIR, whole(0, 0, 0, 1)),
    ("two participants, one death, a take-over", PAIR, reduced(1, 1, 0)),
    ("three participants, one death", THREE, reduced(1, 0, 0)),
    ("three participants, a take-over", THREE, reduced(0, 1, 0)),
    ("three participants, a mishap", THREE, reduced(0, 0, 1)),
    (
        "two participants and an onlooker, one death",
        THREE,
        beside(reduced(1, 0, 0)),
    ),
    (
        "two participants and an onlooker, a take-over",
        THREE,
        beside(reduced(0, 1, 0)),
    ),
    (
        "a participant and an onlooker, one death",
        PAIR,
        beside(whole(1, 0, 0, 0)),
    ),
    (
        "a participant and an onlooker, a timer",
        PAIR,
        beside(whole(0, 0, 0, 1)),
    ),
];

/// What is exhausted on demand, in minutes: `ENTENTE_MODEL=large` exhausts all of these, `ENTENTE_MODEL=NAME` one of all.
const LARGE: &[Named] = &[
    ("two participants, one death each, a take-over", PAIR, reduced(3, 1, 0)),
    ("two participants, one death each, a mishap", PAIR, reduced(3, 0, 1)),
    ("two participants, two timers", PAIR, whole(0, 0, 0, 2)),
    ("three participants, one death each", THREE, reduced(4, 0, 0)),
    ("three participants, one death, a take-over", THREE, reduced(1, 1, 0)),
    (
        "three kinds of participants, one death, a take-over",
        KINDS,
        reduced(1, 1, 0),
    ),
    ("three participants, one death, a mishap", THREE, reduced(1, 0, 1)),
];

fn spaces() -> Vec<Named> {
    let only = std::env::var("ENTENTE_MODEL").unwrap_or_default();
    match only.as_str() {
        "" => SMALL.to_vec(),
        "large" => LARGE.to_vec(),
        name => SMALL.iter().chain(LARGE).filter(|it| it.0 == name).copied().collect(),
    }
}

/// What exhausting a space showed.
struct Seen {
    states: usize,
    depth: usize,
    broken: Option<&'static str>,
    /// Ways between states, and how many of these can come back to themselves.
    steps: usize,
    in_circles: usize,
    /// The states from which only timers lead on that the bounds do not have, and how many of these it takes at most to end.
    stuck: usize,
    further: u8,
    /// How one comes there.
    way: Vec<String>,
    missed: bool,
    /// Every state that can be reached was looked at.
    whole: bool,
}

fn exhaust(mut space: Space) -> Seen {
    #[cfg_attr(
        not(mutants),
        allow(unused_mut, reason = "only a build with planted bugs changes it")
    )]
    let mut again = Space::new(&space.classes, space.bounds);
    #[cfg(mutants)]
    {
        again.mutant = space.mutant;
    }
    let mut seen = search(again);
    if seen.broken.is_some() {
        return seen;
    }
    let ends = ends(&space);
    assert_eq!(ends.states, seen.states, "both walks see the same space");
    (seen.steps, seen.in_circles, seen.stuck) = (ends.steps, ends.in_circles, ends.stuck.len());
    let unending = match (space.bounds.leave_stuck(), ends.stuck.first(), ends.lost) {
        // Where no way goes round, whoever cannot end comes to where only a timer leads on.
        (true, _, _) => match further(&mut space, &ends.stuck) {
            Ok(further) => {
                seen.further = further;
                None
            }
            Err(state) => Some(("no timer leads to an end from here", *state)),
        },
        (false, Some(state), _) => Some(("no way on, and not an end", state.clone())),
        (false, None, lost) => lost.map(|state| ("no end can be reached from here", state)),
    };
    if let Some((what, state)) = unending {
        (seen.broken, seen.way) = (Some(what), vec![format!("{state:?}")]);
    }
    seen
}

fn search(space: Space) -> Seen {
    let checker = space
        .checker()
        .threads(1)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let found = checker.discoveries();
    let reached = ["some commit", "some roll back"];
    let broken = found.iter().find(|(name, _)| !reached.contains(name));
    Seen {
        whole: checker.is_done(),
        states: checker.unique_state_count(),
        steps: 0,
        in_circles: 0,
        stuck: 0,
        further: 0,
        depth: checker.max_depth(),
        broken: broken.map(|(name, _)| *name),
        way: broken.map_or_else(Vec::new, |(_, path)| checker.model().tell(path.clone())),
        missed: !reached.iter().all(|it| found.contains_key(it)),
    }
}

#[test]
fn every_reachable_state_keeps_the_invariants() {
    assert!(!spaces().is_empty(), "no space has the name in ENTENTE_MODEL");
    for (name, classes, bounds) in spaces() {
        println!("{name}: {classes:?}, {bounds:?}, any loss, order and repeat");
        let seen = exhaust(Space::new(classes, bounds));
        println!(
            "{name}: {} states, {} steps, {} in circles, depth {}",
            seen.states, seen.steps, seen.in_circles, seen.depth
        );
        assert_eq!(seen.broken, None, "{name}: {:#?}", seen.way);
        assert_eq!(seen.in_circles, 0, "{name}: a way that goes round need not end");
        assert!(!seen.missed, "{name}: nothing commits, or nothing rolls back");
        assert!(seen.whole && seen.states > 100, "{name}: not exhausted");
        match (bounds.leave_stuck(), seen.stuck) {
            (false, _) | (true, 0) => println!("{name}: every way ends"),
            (true, stuck) => println!(
                "{name}: every way ends, or in one of {stuck} states from which timers lead on that the bounds leave out: from each to an end by at most {} more",
                seen.further
            ),
        }
    }
}

#[cfg(mutants)]
#[test]
fn planted_bugs_are_found_where_the_bounds_allow() {
    use transaction::mutant::Mutant;
    // `ENTENTE_MUTANT=NAME` plants one alone.
    let only = std::env::var("ENTENTE_MUTANT").unwrap_or_default();
    let wanted = |it: &&Mutant| only.is_empty() || only == it.name();
    let mut found = Vec::new();
    for mutant in Mutant::ALL.iter().filter(wanted) {
        let planted = |(name, classes, bounds): Named| {
            let mut space = Space::new(classes, bounds);
            space.mutant = Some(*mutant);
            (name, exhaust(space))
        };
        let seen = spaces().into_iter().map(planted).find(|(_, it)| it.broken.is_some());
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
        "confirm-on-timeout",
        "answer-anew",
        "skip-repair",
        "ignore-lapse",
        "no-sync",
        "send-before-sync",
        "forget-confirm",
        "revert-undecided",
        "apply-before-record",
        "ack-before-record",
        "wait-for-onlooker",
    ];
    let expected: Vec<&str> = expected
        .into_iter()
        .filter(|it| only.is_empty() || only == *it)
        .collect();
    assert!(expected.iter().all(|it| found.contains(it)), "{found:?}");
}
