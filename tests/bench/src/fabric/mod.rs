//! The fabric: a controller with a thousand agents' streams against a bare tonic echo of the same shape, and events signed,
//! carried and verified against the same events as they are.

mod agents;
mod cast;
mod events;
mod side;

pub use agents::run as agents;
pub use side::run as side;

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::measure::median;
use crate::report::Row;

/// How many agents have a stream.
const STREAMS: usize = 1_000;
/// At most 1.5 times what the bare echo needs.
const AT_MOST: f64 = 1.0 / 1.5;

/// Whose streams they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The controller's end and the agent's end of the wire.
    Ours,
    /// tonic, the same messages, and nothing else.
    Bare,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Bare => "bare",
        }
    }
}

/// What one side needs for its streams, and how fast it is over them.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Figures {
    /// KiB of memory a stream.
    memory: f64,
    /// A round trip, the middle one, in µs.
    middle: f64,
    /// One in a hundred takes longer, in µs.
    slow: f64,
    /// A request to all and all answers, in ms.
    fan_out: f64,
}

/// The rows of the fabric: streams, then events.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    cast::write(folder.path())?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(one(Kind::Ours, folder.path())?);
        bare.push(one(Kind::Bare, folder.path())?);
    }
    let row = |what: &str, unit, take: fn(&Figures) -> f64| {
        let middle = |all: &[Figures]| median(&mut all.iter().map(take).collect::<Vec<_>>());
        let (ours, theirs) = (middle(&ours), middle(&bare));
        Row {
            bench: format!("fabric, {what}"),
            peer: "bare tonic echo".into(),
            devices: u32::try_from(STREAMS).ok(),
            ours,
            theirs,
            unit,
            ratio: theirs / ours,
            target: Some(AT_MOST),
            ..Row::default()
        }
    };
    let mut rows = vec![
        row("memory a stream, 1,000 streams", "KiB", |it| it.memory),
        row("round trip p50", "µs", |it| it.middle),
        row("round trip p99", "µs", |it| it.slow),
        row("fan-out to all and back", "ms", |it| it.fan_out),
    ];
    rows.extend(events::run(rounds)?);
    Ok(rows)
}

/// One side in a process of its own, so that nobody finds memory that another has left; its agents in another one.
fn one(kind: Kind, folder: &Path) -> anyhow::Result<Figures> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["fabric-side", kind.word()])
        .arg(folder)
        .stdout(Stdio::piped());
    let output = command.output().context("start a side of the bench")?;
    ensure!(output.status.success(), "a side of the bench failed: {}", kind.word());
    serde_json::from_slice(&output.stdout).context("read what a side of the bench has found")
}
