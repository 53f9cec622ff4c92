//! `entente device history`, `device native` and `device compare`: what stood on a device, in its own words.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{say, show};
use crate::arguments::Output;
use crate::client::Client;
use crate::compare::{Fate, Line};
use crate::policy::written;

/// What is kept of a device.
pub async fn list(client: &Client, output: Output, device: &str) -> Result<()> {
    let mut rows: Value = client.fetch(&format!("/v1/devices/{device}/history")).await?;
    for row in rows.as_array_mut().context("the controller sent no list")? {
        let read = row["at"].as_i64().map(written).unwrap_or_default();
        row["read"] = Value::String(read);
        let digest = row["digest"].as_str().unwrap_or_default();
        row["content"] = Value::String(digest.chars().take(8).collect());
    }
    let columns = ["number", "moment", "transaction", "read", "content"];
    show::rows(output, &rows, &columns, &format!("nothing is kept of {device} yet"))
}

/// One configuration.
pub async fn text(client: &Client, output: Output, device: &str, which: &str) -> Result<()> {
    let native: Value = client.fetch(&format!("/v1/devices/{device}/history/{which}")).await?;
    if output == Output::Json {
        return show::json(&native);
    }
    say(native["text"].as_str().unwrap_or_default().trim_end());
    Ok(())
}

/// What differs between two.
pub async fn compare(client: &Client, output: Output, device: &str, from: &str, to: &str) -> Result<()> {
    let path = format!("/v1/devices/{device}/compare?from={from}&to={to}");
    let compared: Value = client.fetch(&path).await?;
    if output == Output::Json {
        return show::json(&compared);
    }
    let lines: Vec<Line> = serde_json::from_value(compared["lines"].clone()).context("read the comparison")?;
    if lines.is_empty() {
        say("no difference");
    }
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for line in &lines {
        let (mark, colour) = match line.fate {
            Fate::Same => (" ", None),
            Fate::Gone => ("-", Some(31)),
            Fate::Come => ("+", Some(32)),
            Fate::Cut => ("…", Some(36)),
        };
        match colour.filter(|_| colours) {
            Some(colour) => say(format!("\x1b[{colour}m{mark} {}\x1b[0m", line.text)),
            None => say(format!("{mark} {}", line.text)),
        }
    }
    Ok(())
}
