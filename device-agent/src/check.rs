//! Health checks near the device: which there are, and how long they are looked at.

use std::sync::Arc;
use std::time::Duration;

use adapters_port::{Access, Deadline};
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::eyes::Eyes;
use crate::part::Part;
use crate::sense;

/// How often a check is repeated while it has to hold. A server whose timers starve when it is asked all the time is
/// left in peace.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one look may take: a device that hangs is not waited for until the end.
const LOOK: Duration = Duration::from_secs(15);

/// A check and how long it may be other than green.
#[derive(Debug, Clone)]
pub struct Task {
    /// Names it in the answer.
    pub name: String,
    /// What is looked at.
    pub wanted: Wanted,
    /// How long, from the beginning, it may be red before that is the answer; none: until the deadline.
    pub patience: Option<Duration>,
}

/// Which check is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// The device still answers over a way that the agent would use.
    Answers,
    /// On these paths it still is what was applied.
    Equal {
        /// The change.
        part: Part,
    },
    /// A routing session stands.
    Session {
        /// `bgp`, `ospf` or `bfd`.
        protocol: String,
        /// The other end.
        neighbor: String,
        /// Of a BGP session, what it exchanges; any where it is not said.
        family: Option<String>,
        /// How many prefixes it must have brought.
        received: u64,
        /// How many prefixes it must have taken.
        sent: u64,
    },
    /// A prefix is in the routing table, or is not.
    Route {
        /// Which.
        prefix: String,
        /// Over which neighbour; any where it is not said.
        next_hop: Option<String>,
        /// It must not be there.
        absent: bool,
    },
    /// An address answers to probes from the device.
    Reach {
        /// Which.
        address: String,
        /// How many of a thousand probes may be lost.
        lost_per_thousand: u32,
    },
    /// An interface is up.
    Link {
        /// Which.
        interface: String,
    },
    /// Something that this agent cannot look at: no data, never green.
    Unseen {
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
    /// How long it may be other than green.
    fn patience(&self) -> Option<Duration>;
    /// Looks once.
    fn look(&self, by: Deadline) -> BoxFuture<'_, (Color, String)>;
}

/// The checks that do what is wanted, looking at one device with one pair of eyes.
pub fn checks(tasks: Vec<Task>, ways: &[Arc<dyn Access>]) -> (Arc<Eyes>, Vec<Box<dyn Check>>) {
    let eyes = Arc::new(Eyes::new(ways.to_vec()));
    let check = |task| Box::new(sense::Sense::new(task, Arc::clone(&eyes))) as Box<dyn Check>;
    let checks = tasks.into_iter().map(check).collect();
    (eyes, checks)
}

/// Looks until every check has held for `steady` without a break, one is out of patience, or the deadline has come:
/// then as last seen.
pub async fn steady(eyes: &Eyes, checks: &[Box<dyn Check>], steady: Duration, by: Deadline) -> Vec<Finding> {
    let (begun, end) = (Instant::now(), Instant::from_std(by.instant()));
    let mut since: Option<Instant> = None;
    loop {
        eyes.open().await;
        let round = Instant::now();
        let findings = look(checks, by).await;
        let now = Instant::now();
        let spoilt = |check: &dyn Check, finding: &Finding| {
            let patience = check.patience().unwrap_or(Duration::MAX);
            finding.color != Color::Green && now - begun >= patience
        };
        let green = findings.iter().all(|it| it.color == Color::Green);
        since = green.then(|| since.unwrap_or(round));
        let held = since.is_some_and(|since| now - since >= steady);
        let mut pairs = checks.iter().zip(&findings);
        if held || pairs.any(|(check, finding)| spoilt(check.as_ref(), finding)) {
            return findings;
        }
        if now + PAUSE >= end {
            return unsteady(findings, green);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn look(checks: &[Box<dyn Check>], by: Deadline) -> Vec<Finding> {
    let mut findings = Vec::with_capacity(checks.len());
    for check in checks {
        let by = by.earlier(Deadline::after(Instant::now().into_std(), LOOK));
        let (color, words) = match tokio::time::timeout_at(by.instant().into(), check.look(by)).await {
            Ok(seen) => seen,
            Err(_) => (Color::NoData, "no answer in time".to_owned()),
        };
        findings.push(Finding {
            name: check.name().to_owned(),
            color,
            words,
        });
    }
    findings
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
