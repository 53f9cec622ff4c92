//! `entente device probe` and `device diff`: how a device is reached, and what differs between it and a file.

use std::path::Path;

use anyhow::{Context, Result};
use knowledge_model::Tree;
use serde_json::Value;

use super::{config, read, say, show};
use crate::arguments::Output;
use crate::client::Client;
use crate::exit::Exit;
use crate::known::{self, Entry};
use crate::reach::{Probe, Way};

/// Shows how a device is reached.
pub async fn probe(client: &Client, output: Output, device: &str) -> Result<()> {
    let found: Value = client.fetch(&format!("/v1/devices/{device}/probe")).await?;
    if output == Output::Json {
        return show::json(&found);
    }
    let found: Probe = serde_json::from_value(found).context("read what the controller sent")?;
    let agent = found.agent.unwrap_or_default();
    say(format!("{device}, spoken for by {agent}"));
    for way in &found.protocols {
        told(way);
    }
    Ok(())
}

fn told(way: &Way) {
    let used = if way.used { ", in use" } else { "" };
    let row = |name: &str, text: String| say(format!("  {name:<14} {text}"));
    say(format!("{}. {}{used}", way.rank, way.protocol));
    match &way.because {
        Some(because) => row("answers", format!("no: {because}")),
        None => row("answers", "yes".to_owned()),
    }
    let facts = [
        (way.renews, "its timer can be put off"),
        (way.locks, "its locks keep others out"),
        (way.reports, "it reports by itself"),
    ];
    if let Some(guarantee) = &way.guarantee {
        let said: Vec<&str> = facts.iter().filter(|(is, _)| *is).map(|(_, words)| *words).collect();
        let (more, comma) = (said.join(", "), if said.is_empty() { "" } else { "; " });
        row("guarantee", format!("{guarantee}{comma}{more}"));
    }
    if let Some(saves) = &way.saves {
        row("saves", saves.clone());
    }
    let took = |microseconds: Option<u64>| match microseconds {
        Some(it) => format!("{}.{} ms", it / 1000, it % 1000 / 100),
        None => "never measured".to_owned(),
    };
    let left = if way.left_alone { ", left alone for a while" } else { "" };
    let health = format!(
        "session in {}, answer in {}, {} of {} attempts failed{left}",
        took(way.connect_microseconds),
        took(way.request_microseconds),
        way.failures,
        way.failures + way.successes
    );
    row("health", health);
    for capability in &way.capabilities {
        row("announces", capability.clone());
    }
}

/// Shows what differs: before is the device as it is now, after is the file.
pub async fn diff(client: &Client, output: Output, device: &str, file: &Path) -> Result<()> {
    let wanted = wanted(file)?;
    let entries: Vec<Entry> = client.fetch(&format!("/v1/devices/{device}/configuration")).await?;
    let found = known::tree(&entries, file).context("read what the controller sent")?;
    config::differ(output, &found, &wanted)
}

/// A configuration in the model, or the rows that `device get` prints.
fn wanted(file: &Path) -> Result<Tree> {
    let text = read(file)?;
    if !text.trim_start().starts_with('[') {
        return config::tree(file);
    }
    let invalid = |error| Exit::Invalid.because(format!("{} is no configuration\n{error}", file.display()));
    let entries: Vec<Entry> = serde_json::from_str(&text).map_err(invalid)?;
    known::tree(&entries, file)
}
