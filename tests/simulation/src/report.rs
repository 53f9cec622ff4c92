//! Many worlds, counted.

use crate::ledger::Broken;
use crate::oracle::Excuse;
use crate::points;
use crate::weather::MISHAPS;
use crate::world::World;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use transaction::{Ending, Guarantee};

/// What many worlds came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many ran.
    pub worlds: u64,
    /// Endings per weakest guarantee: committed, rolled back, torn.
    pub endings: BTreeMap<Guarantee, [u64; 3]>,
    /// Worlds in which somebody ended otherwise than the others.
    pub split: u64,
    /// Torn devices by what they promise and what excuses them: somebody wrote there, nobody could get at it.
    pub torn: BTreeMap<Guarantee, [u64; 2]>,
    /// How often somebody was not admitted, and for what; how often a device gave less than was insisted on; how often
    /// a shared journal lost its power; how often somebody lied, and how often a device only looked on.
    pub beside: BTreeMap<&'static str, u64>,
    /// Kills per point.
    pub visits: BTreeMap<&'static str, u64>,
    /// Which mishap met which operation.
    pub mishaps: BTreeSet<(crate::weather::Mishap, &'static str)>,
    /// The seeds that broke an invariant.
    pub broken: Vec<(u64, Broken)>,
}

/// The report, as a file.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How many worlds ran.
    pub worlds: u64,
    /// Transactions that ended so.
    pub committed: u64,
    /// See above.
    pub rolled_back: u64,
    /// See above.
    pub torn: u64,
    /// Worlds that ended split.
    pub split: u64,
    /// Crash points at which nobody was ever killed.
    pub unvisited: Vec<&'static str>,
}

impl Tally {
    /// Runs these worlds; stops when so many have broken an invariant.
    pub fn of(seeds: impl Iterator<Item = u64>, breaks: usize) -> Self {
        let mut tally = Self::default();
        for seed in seeds {
            tally.add(seed);
            if tally.broken.len() >= breaks {
                break;
            }
        }
        tally
    }

    fn add(&mut self, seed: u64) {
        let mut world = World::new(seed);
        let outcomes = world.run();
        self.worlds += 1;
        self.split += u64::from(outcomes.split);
        for (guarantee, ending) in outcomes.endings {
            let column = match ending {
                Ending::Committed => 0,
                Ending::RolledBack { .. } => 1,
                Ending::Torn { .. } => 2,
            };
            self.endings.entry(guarantee).or_default()[column] += 1;
        }
        for (guarantee, excuse) in outcomes.torn {
            let column = match excuse {
                Excuse::Written => 0,
                Excuse::Barred => 1,
            };
            self.torn.entry(guarantee).or_default()[column] += 1;
        }
        let beside = [
            ("insisted on more than a device gives", outcomes.unmet),
            ("shared journal lost its power", outcomes.cuts_beside),
            ("lie told by a participant", outcomes.lies),
            ("took part and only looked on", outcomes.onlookers),
            ("rode together, and one only looked on", outcomes.rode_onlookers),
        ];
        for (what, times) in outcomes.refusals.into_iter().chain(beside) {
            *self.beside.entry(what).or_insert(0) += times;
        }
        for (point, times) in &world.visits {
            *self.visits.entry(point).or_insert(0) += times;
        }
        self.mishaps.extend(&world.mishaps);
        self.broken.extend(outcomes.broken.map(|it| (seed, it)));
    }

    /// The points at which nobody was ever killed.
    pub fn unvisited(&self) -> Vec<&'static str> {
        points::ALL
            .iter()
            .copied()
            .filter(|it| !self.visits.contains_key(it))
            .collect()
    }

    /// The report.
    pub fn report(&self) -> Report {
        let sum = |column: usize| self.endings.values().map(|it| it[column]).sum();
        Report {
            worlds: self.worlds,
            committed: sum(0),
            rolled_back: sum(1),
            torn: sum(2),
            split: self.split,
            unvisited: self.unvisited(),
        }
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{} worlds\n\n{:<44}{:>10}{:>12}{:>8}\n",
            self.worlds, "weakest guarantee", "committed", "rolled back", "torn"
        );
        for (guarantee, [committed, rolled_back, torn]) in &self.endings {
            let _ = writeln!(
                text,
                "{:<44}{committed:>10}{rolled_back:>12}{torn:>8}",
                guarantee.to_string()
            );
        }
        let heads = ["device that ended torn", "edited meanwhile", "out of reach"];
        let _ = writeln!(text, "\n{:<44}{:>18}{:>14}", heads[0], heads[1], heads[2]);
        for (guarantee, [edited, away]) in &self.torn {
            let _ = writeln!(text, "{:<44}{edited:>18}{away:>14}", guarantee.to_string());
        }
        let _ = writeln!(text, "\n{:<52}{:>8}", "not admitted, and what else was met", "times");
        for (what, times) in &self.beside {
            let _ = writeln!(text, "{what:<52}{times:>8}");
        }
        let _ = writeln!(text, "\n{:<52}{:>8}", "crash point", "killed");
        for point in points::ALL {
            let _ = writeln!(text, "{point:<52}{:>8}", self.visits.get(point).copied().unwrap_or(0));
        }
        let (seen, all) = (self.mishaps.len(), MISHAPS.len() * points::OPERATIONS);
        let _ = writeln!(text, "\n{seen} of {all} pairs of mishap and operation seen");
        text
    }
}
