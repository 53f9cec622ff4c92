//! Health checks near the device.

use std::sync::Arc;
use std::time::Duration;

use adapters_port::{Access, Deadline};
use futures::FutureExt;
use futures::future::BoxFuture;
use knowledge_model::Path;
use tokio::time::Instant;

use crate::part::Part;

/// How often a check is repeated while it has to hold.
const PAUSE: Duration = Duration::from_millis(500);

/// Which check is wanted.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// The device still answers over the way that the agent would use.
    Answers {
        /// Names it in the answer.
        name: String,
    },
    /// On these paths it still is what was applied.
    Equal {
        /// Names it in the answer.
        name: String,
        /// The change.
        part: Part,
    },
    /// Something that this agent cannot look at: no data, never green.
    Unseen {
        /// Names it in the answer.
        name: String,
        /// What it is about.
        what: &'static str,
    },
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// It holds.
    Green,
    /// It does not.
    Red,
    /// Nothing could be seen: it counts as red unless the plan says otherwise.
    NoData,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub name: String,
    /// How it stands.
    pub color: Color,
    /// What was seen, for a person.
    pub words: String,
}

/// One thing that can be looked at again and again.
pub trait Check: Send + Sync {
    /// What the check is called in the answer.
    fn name(&self) -> &str;
    /// Looks once.
    fn look(&self, by: Deadline) -> BoxFuture<'_, (Color, String)>;
}

/// The device answers.
struct Answers {
    name: String,
    way: Arc<dyn Access>,
}

impl Check for Answers {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&self, by: Deadline) -> BoxFuture<'_, (Color, String)> {
        let look = async move {
            match self.way.observe(by).await {
                Ok(_) => (Color::Green, format!("answers over {}", self.way.protocol())),
                Err(error) => (Color::Red, error.to_string()),
            }
        };
        look.boxed()
    }
}

/// The device is as it was made.
struct Equal {
    name: String,
    way: Arc<dyn Access>,
    part: Part,
}

impl Equal {
    async fn differing(&self, by: Deadline) -> Result<Vec<Path>, adapters_port::SessionError> {
        let paths = self.part.paths();
        let seen = self.way.observe(by).await?.read(&paths, by).await?;
        let edits = self.part.delta.iter();
        Ok(edits
            .filter(|(path, edit)| seen.value(path) != edit.after.as_ref())
            .map(|(path, _)| path.clone())
            .collect())
    }
}

impl Check for Equal {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&self, by: Deadline) -> BoxFuture<'_, (Color, String)> {
        let look = async move {
            match self.differing(by).await {
                Ok(paths) if paths.is_empty() => (Color::Green, "as it was applied".to_owned()),
                Ok(paths) => (Color::Red, format!("{} and {} more differ", paths[0], paths.len() - 1)),
                Err(error) => (Color::NoData, error.to_string()),
            }
        };
        look.boxed()
    }
}

/// Nothing can be seen of it from here.
struct Unseen {
    name: String,
    what: &'static str,
}

impl Check for Unseen {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&self, _by: Deadline) -> BoxFuture<'_, (Color, String)> {
        let words = format!("this agent does not look at {}", self.what);
        std::future::ready((Color::NoData, words)).boxed()
    }
}

/// The check that does what is wanted.
pub fn check(wanted: Wanted, way: Arc<dyn Access>) -> Box<dyn Check> {
    match wanted {
        Wanted::Answers { name } => Box::new(Answers { name, way }),
        Wanted::Equal { name, part } => Box::new(Equal { name, way, part }),
        Wanted::Unseen { name, what } => Box::new(Unseen { name, what }),
    }
}

/// Looks until every check has held for `steady` without a break, or until the deadline: then as last seen.
pub async fn steady(checks: &[Box<dyn Check>], steady: Duration, by: Deadline) -> Vec<Finding> {
    let end = Instant::from_std(by.instant());
    let mut since: Option<Instant> = None;
    loop {
        let mut findings = Vec::with_capacity(checks.len());
        for check in checks {
            let (color, words) = match tokio::time::timeout_at(end, check.look(by)).await {
                Ok(seen) => seen,
                Err(_) => (Color::NoData, "no answer in time".to_owned()),
            };
            findings.push(Finding {
                name: check.name().to_owned(),
                color,
                words,
            });
        }
        let now = Instant::now();
        let green = findings.iter().all(|it| it.color == Color::Green);
        since = green.then(|| since.unwrap_or(now));
        let held = since.is_some_and(|since| now - since >= steady);
        if held {
            return findings;
        }
        if now + PAUSE >= end {
            return unsteady(findings, green);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is green at the end but did not hold for long enough is not green.
fn unsteady(mut findings: Vec<Finding>, green: bool) -> Vec<Finding> {
    if green {
        for finding in &mut findings {
            finding.color = Color::Red;
            finding.words.push_str(", but not for long enough");
        }
    }
    findings
}
