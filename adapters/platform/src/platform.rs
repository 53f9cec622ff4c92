//! A platform: what one vendor's devices speak, as data.

use crate::load;
use crate::native::Native;
use crate::rule::Rule;
use crate::session::Session;
use crate::state::State;
use knowledge_model::Path;
use knowledge_model::document::{Fault, Faults, Mark};
use regex::{Regex, RegexSet};
use std::fmt;

/// A platform file, read and checked.
#[derive(Debug, Clone)]
pub struct Platform {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) versions: Vec<String>,
    pub(crate) verified: Verified,
    pub(crate) facts: Facts,
    pub(crate) session: Option<Session>,
    pub(crate) syntax: Syntax,
    pub(crate) rules: Vec<Rule>,
    pub(crate) native: Option<Native>,
    pub(crate) state: State,
    pub(crate) readers: Vec<Readers>,
}

/// What a platform was run against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// The real system.
    Real,
    /// Simulated devices only: written from public documentation.
    Simulated,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "real",
            Self::Simulated => "simulated",
        })
    }
}

/// The two facts that make a guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// A change is taken whole, or by lines.
    pub whole: bool,
    /// Who takes a change back when everybody else is dead.
    pub keeper: Keeper,
}

/// Who takes a change back when everybody else is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// The device, by a timer of its own.
    Device,
    /// The device, when the session ends.
    Session,
    /// Only our agent.
    Agent,
}

/// How the vendor's configuration text is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Syntax {
    pub negation: String,
    pub leave: String,
    pub separator: String,
    pub ignore: Vec<Regex>,
    /// Blocks are shown and never typed: each command says all by itself.
    pub flat: bool,
}

/// The rules that may match in one block: all patterns at once, then the rule.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    pub context: Option<usize>,
    pub set: RegexSet,
    pub rules: Vec<usize>,
}

impl Platform {
    /// Reads a platform file. Every fault is named with its line and column.
    ///
    /// # Errors
    /// What is wrong in the file.
    pub fn load(text: &str) -> Result<Self, Vec<Fault>> {
        load::load(text)
    }

    /// Completes a platform with what follows from its rules.
    pub(crate) fn build(mut self) -> Self {
        let mut contexts: Vec<Option<usize>> = vec![None];
        contexts.extend(
            (0..self.rules.len())
                .filter(|id| self.rules[*id].traits.header)
                .map(Some),
        );
        let readers = contexts.into_iter().filter_map(|context| {
            let rules: Vec<usize> = (0..self.rules.len())
                .filter(|id| self.rules[*id].context.last().copied() == context)
                .collect();
            let set = RegexSet::new(rules.iter().map(|id| self.rules[*id].reader.regex.as_str())).ok()?;
            Some(Readers { context, set, rules })
        });
        self.readers = readers.collect();
        self
    }

    /// The name by which inventories refer to it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The versions that it was written for.
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// What it was run against.
    pub fn verified(&self) -> Verified {
        self.verified
    }

    /// What the command line of this platform promises about a change.
    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// How its command line is driven; none if it has none.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// How it is spoken to in YANG; none if it is not.
    pub fn native(&self) -> Option<&Native> {
        self.native.as_ref()
    }

    /// What it says of itself, and how that is asked for.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// True if the command line has a rule for entries at this path.
    pub fn supports(&self, path: &Path) -> bool {
        self.rules.iter().any(|rule| rule.speaks_of(path))
    }

    /// How many rules it has.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }
}

/// Compiles the patterns of a list.
pub(crate) fn compile(patterns: Vec<String>, at: Mark, faults: &Faults) -> Vec<Regex> {
    let compiled = patterns.into_iter().filter_map(|text| match Regex::new(&text) {
        Ok(regex) => Some(regex),
        Err(error) => {
            faults.add(at, format!("{text} is no pattern: {error}"), "");
            None
        }
    });
    compiled.collect()
}
