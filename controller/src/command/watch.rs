//! `entente device watch`: what an agent sees of a device again and again.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use futures::StreamExt;
use serde_json::Value;

use super::{agent, say};
use crate::arguments::{Output, Remote};
use crate::client::Client;
use crate::exit::Exit;

/// What is watched.
#[derive(Debug, Args)]
pub struct Wanted {
    /// The device's name
    name: String,
    /// Names (interface, bgp-session) or paths [default: interface, or all of the configuration]
    paths: Vec<String>,
    /// What of the device
    #[arg(long, value_enum, default_value_t = Source::State)]
    source: Source,
    /// How often it is looked, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 5_000)]
    every: u64,
    /// Only what has changed
    #[arg(long)]
    changes: bool,
    /// End after so many
    #[arg(long, value_name = "NUMBER")]
    count: Option<usize>,
    #[command(flatten)]
    pub remote: Remote,
}

/// What of a device is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    /// What it says of itself
    State,
    /// Its configuration
    Running,
}

/// Follows what is seen.
pub async fn run(client: &Client, output: Output, wanted: &Wanted) -> Result<()> {
    let source = match wanted.source {
        Source::State => "state",
        Source::Running => "running",
    };
    let path = format!(
        "/v1/devices/{}/watch?source={source}&path={}&every={}&changes={}",
        agent::escaped(&wanted.name),
        agent::escaped(&wanted.paths.join(",")),
        wanted.every,
        wanted.changes
    );
    let seen = client.lines(&path).await?;
    let mut seen = std::pin::pin!(seen.take(wanted.count.unwrap_or(usize::MAX)));
    while let Some(line) = seen.next().await {
        let sample: Value = line.context("follow the device")?;
        if let Some(words) = sample["ended"].as_str() {
            return Err(Exit::Unreachable.because(format!("{} is not watched any more: {words}", wanted.name)));
        }
        match output {
            Output::Json => say(sample),
            Output::Table => print(&sample),
        }
    }
    Ok(())
}

fn print(sample: &Value) {
    say(format!("sample {}", sample["count"]));
    for entry in sample["entries"].as_array().into_iter().flatten() {
        let (path, value) = (
            entry[0].as_str().unwrap_or_default(),
            entry[1].as_str().unwrap_or_default(),
        );
        say(format!("  {path} {value}"));
    }
    for path in sample["gone"].as_array().into_iter().flatten() {
        say(format!("  {} is gone", path.as_str().unwrap_or_default()));
    }
}
