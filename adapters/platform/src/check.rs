//! What `entente platform check` and `entente platform list` say: faults of a file, laws that it breaks, what it covers.

use crate::laws::{Broken, Coverage};
use crate::platform::{Platform, Verified};
use knowledge_model::document::Fault;

/// What was found out about a platform file.
#[derive(Debug, Clone)]
pub enum Findings {
    /// The file is no platform: what is wrong, each with line and column.
    Faults(Vec<Fault>),
    /// The file is a platform, and breaks a law.
    Broken(Broken),
    /// The file is a platform and obeys the laws.
    Sound(Summary),
}

/// A platform in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The name by which inventories refer to it.
    pub name: String,
    /// What it is.
    pub title: String,
    /// The versions that it was written for.
    pub versions: Vec<String>,
    /// What it was run against.
    pub verified: Verified,
    /// Rules of its command line.
    pub rules: usize,
    /// Rules of its YANG.
    pub native_rules: usize,
    /// Rules that no configuration used while the laws were tried.
    pub untried: Vec<String>,
}

/// Reads a platform file and tries the laws on so many pairs of configurations.
pub fn check(text: &str, seeds: u64) -> Findings {
    let platform = match Platform::load(text) {
        Ok(platform) => platform,
        Err(faults) => return Findings::Faults(faults),
    };
    let mut coverage = Coverage::default();
    for seed in 0..seeds {
        if let Err(broken) = platform.obeys(seed, &mut coverage) {
            return Findings::Broken(broken);
        }
    }
    let untried = coverage.untried().into_iter().map(str::to_owned).collect();
    Findings::Sound(Summary {
        untried,
        ..platform.summary()
    })
}

impl Platform {
    /// The platform in a few words, with nothing tried.
    pub fn summary(&self) -> Summary {
        Summary {
            name: self.name.clone(),
            title: self.title.clone(),
            versions: self.versions.clone(),
            verified: self.verified,
            rules: self.rule_count(),
            native_rules: self.native().map_or(0, crate::native::Native::rule_count),
            untried: Vec::new(),
        }
    }
}
