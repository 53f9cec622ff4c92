//! `entente event`: what was believed, as it comes, and how much was not.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use futures::StreamExt;
use serde_json::Value;

use super::{agent, say, show};
use crate::arguments::{Output, Remote};
use crate::client::Client;

/// What is asked about events.
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    /// Events that were verified, as they come
    Tail(Wanted),
    /// How many events were believed, and how many were not and why
    Count(Remote),
}

/// Which events are wanted.
#[derive(Debug, Args)]
pub struct Wanted {
    /// Only events of this type; several times for several
    #[arg(long = "type", value_name = "TYPE")]
    kinds: Vec<String>,
    /// Only events about this device; several times for several
    #[arg(long = "object", value_name = "NAME")]
    objects: Vec<String>,
    /// Only events at least so grave: info, warning, error, critical
    #[arg(long, value_name = "WORD", default_value = "")]
    severity: String,
    /// Also events after this number since the controller started; 0: all that are still known
    #[arg(long, value_name = "NUMBER")]
    since: Option<u64>,
    /// End after so many
    #[arg(long, value_name = "NUMBER")]
    count: Option<usize>,
    #[command(flatten)]
    remote: Remote,
}

/// Does what the command says.
pub async fn run(command: EventCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        EventCommand::Tail(wanted) => tail(&client(&wanted.remote)?, output, &wanted).await,
        EventCommand::Count(remote) => show::object(output, &client(&remote)?.fetch("/v1/events/count").await?),
    }
}

async fn tail(client: &Client, output: Output, wanted: &Wanted) -> Result<()> {
    let mut path = format!(
        "/v1/events?type={}&object={}&severity={}",
        agent::escaped(&wanted.kinds.join(",")),
        agent::escaped(&wanted.objects.join(",")),
        agent::escaped(&wanted.severity)
    );
    if let Some(since) = wanted.since {
        path = format!("{path}&since={since}");
    }
    let told = client.lines(&path).await?;
    let mut told = std::pin::pin!(told.take(wanted.count.unwrap_or(usize::MAX)));
    while let Some(line) = told.next().await {
        let told: Value = line.context("follow the events")?;
        match output {
            Output::Json => say(told),
            Output::Table => print(&told),
        }
    }
    Ok(())
}

fn print(told: &Value) {
    let text = |field: &str| told["event"][field].as_str().unwrap_or_default();
    let (time, severity, kind) = (text("time"), text("severity"), text("type"));
    let source = text("source").rsplit('/').next().unwrap_or_default();
    let (subject, data) = (text("subject"), &told["event"]["data"]);
    say(format!("{time} {severity:<8} {kind} {source} {subject} {data}"));
}
