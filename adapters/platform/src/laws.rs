//! The lens laws: what every platform file must keep, and the rules that were tried while it was shown.

use crate::instance::instances;
use crate::platform::Platform;
use crate::read::Reading;
use knowledge_model::{Tree, diff};
use std::collections::BTreeMap;

/// How often each rule was tried.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// The command of each rule and in how many configurations it stood.
    pub rules: BTreeMap<String, usize>,
}

/// A law that a platform broke on a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{law} does not hold for seed {seed}: {what}")]
pub struct Broken {
    /// Which law.
    pub law: &'static str,
    /// The configuration that shows it.
    pub seed: u64,
    /// What was different.
    pub what: String,
}

impl Platform {
    /// Tries the laws on the configurations of two seeds, and counts the rules that they used.
    ///
    /// # Errors
    /// The first law that does not hold.
    pub fn obeys(&self, seed: u64, coverage: &mut Coverage) -> Result<(), Broken> {
        let (before, after) = (self.sample(seed), self.sample(seed.wrapping_mul(31).wrapping_add(7)));
        let broken = |law, what: String| Err(Broken { law, seed, what });
        let normal = self.normal(&before);
        let shown = self.show(&before);
        let read = match self.read(&shown) {
            Ok(read) => read,
            Err(error) => return broken("what is shown is read", error.to_string()),
        };
        if read.unknown > 0 {
            return broken(
                "what is shown is read",
                format!("{} lines are unknown: {}", read.unknown, listed(&read)),
            );
        }
        if read.tree != normal {
            return broken(
                "read(show(tree)) == normal(tree)",
                format!("{:?}\n{shown}", diff(&normal, &read.tree)),
            );
        }
        if self.normal(&normal) != normal {
            return broken(
                "normal(normal(tree)) == normal(tree)",
                format!("{:?}", diff(&normal, &self.normal(&normal))),
            );
        }
        let target = self.normal(&after);
        for (from, to) in [(&normal, &target), (&target, &normal)] {
            let script = match self.render(&diff(from, to), from) {
                Ok(script) => script,
                Err(error) => return broken("a delta is rendered", error.to_string()),
            };
            match self.play(from, &script) {
                Ok(end) if end == *to => {}
                Ok(end) => {
                    let what = format!("{:?}\n{script}", diff(to, &end));
                    return broken("a delta then its inverse leaves what was there", what);
                }
                Err(error) => return broken("a device takes every line", format!("{error}\n{script}")),
            }
        }
        self.count(&[&before, &after], coverage);
        Ok(())
    }

    /// Counts the rules that a configuration uses.
    pub fn cover(&self, tree: &Tree, coverage: &mut Coverage) {
        self.count(&[tree], coverage);
    }

    fn count(&self, trees: &[&Tree], coverage: &mut Coverage) {
        for rule in self.rules.iter().filter(|rule| !rule.traits.implied) {
            coverage.rules.entry(rule.name()).or_default();
        }
        for tree in trees {
            for line in instances(self, tree).0.values() {
                *coverage.rules.entry(self.rules[line.rule].name()).or_default() += 1;
            }
        }
    }
}

/// The unknown lines. They were made from a sample, so that nothing in them is secret.
fn listed(read: &Reading) -> String {
    let lines: Vec<&str> = read.strays.iter().map(|stray| stray.line.expose()).collect();
    lines.join("; ")
}

impl Coverage {
    /// The rules that were never tried.
    pub fn untried(&self) -> Vec<&str> {
        self.rules
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| name.as_str())
            .collect()
    }
}
