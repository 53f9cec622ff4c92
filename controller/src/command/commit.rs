//! Plan, commit, follow: from intents to the end of a transaction.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{read, say, show};
use crate::arguments::Output;
use crate::client::{Client, Event};
use crate::exit::Exit;
use crate::plan::Plan;

/// Plans the intents of a file.
pub async fn plan(client: &Client, file: &Path) -> Result<Plan> {
    client.post("/v1/plans", read(file)?).await
}

/// Prints a plan.
pub fn print(output: Output, plan: &Plan) -> Result<()> {
    if output == Output::Json {
        return show::json(&serde_json::to_value(plan)?);
    }
    for intent in &plan.intents {
        say(format!(
            "{} for {} ({})",
            intent.class,
            intent.targets.join(", "),
            intent.slots.join("; ")
        ));
    }
    for id in &plan.withdraws {
        say(format!("withdraw {id}"));
    }
    if plan.devices.is_empty() {
        say("nothing to change: the network is already so");
    }
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for device in &plan.devices {
        say(format!(
            "\n{}  guarantee {}  wave {}",
            device.name, device.guarantee, device.wave
        ));
        for entry in &device.entries {
            let text = |value: &Option<String>| match value {
                None => "absent".to_owned(),
                Some(text) if text.is_empty() && entry.bare => "present".to_owned(),
                Some(text) => text.clone(),
            };
            let mark = match (&entry.before, &entry.after) {
                (None, _) => ('+', 32),
                (_, None) => ('-', 31),
                (Some(_), Some(_)) => ('~', 33),
            };
            let line = format!(
                "  {} {}: {} → {}",
                mark.0,
                entry.path,
                text(&entry.before),
                text(&entry.after)
            );
            say(if colours {
                format!("\x1b[{}m{line}\x1b[0m", mark.1)
            } else {
                line
            });
        }
        if !device.preview.is_empty() {
            say(device
                .preview
                .lines()
                .map(|line| format!("      {line}"))
                .collect::<Vec<_>>()
                .join("\n"));
        }
    }
    let guarantee = plan.guarantee.as_deref().unwrap_or("none needed");
    say(format!("\nplan {}  risk {}  guarantee {guarantee}", plan.id, plan.risk));
    Ok(())
}

/// Commits a plan and follows it to its end, or detaches.
pub async fn commit(client: &Client, output: Output, plan: &str, hash: Option<&str>, detach: bool) -> Result<()> {
    let body = hash.map(|hash| json!({ "hash": hash }).to_string()).unwrap_or_default();
    let transaction: Value = client.post(&format!("/v1/plans/{plan}/commit"), body).await?;
    let id = transaction["id"]
        .as_str()
        .context("the controller gave no id")?
        .to_owned();
    if detach {
        return show::object(output, &transaction);
    }
    follow(client, output, &id).await
}

/// Follows a transaction; Ctrl-C lets go of it without stopping it.
pub async fn follow(client: &Client, output: Output, id: &str) -> Result<()> {
    let bar = bar(output);
    let ended = tokio::select! {
        ended = until_ended(client, id, &bar) => ended?,
        _ = tokio::signal::ctrl_c() => {
            bar.abandon();
            say(format!("\nlet go of {id}, it goes on\n  follow it: entente transaction follow {id}\n  stop it:   entente transaction cancel {id}"));
            return Ok(());
        }
    };
    bar.finish_and_clear();
    let transaction: Value = client.fetch(&format!("/v1/transactions/{id}")).await?;
    if output == Output::Json {
        show::json(&transaction)?;
    }
    let reason = transaction["reason"].as_str().unwrap_or_default();
    match ended.as_str() {
        "committed" => {
            if output == Output::Table {
                let devices = transaction["devices"].as_array().map_or(0, Vec::len);
                say(format!("committed {id} on {devices} devices"));
            }
            Ok(())
        }
        "rolled-back" => {
            Err(Exit::RolledBack.because(format!("rolled back {id}, every device is as before: {reason}")))
        }
        _ => Err(Exit::Torn.because(format!("torn {id}, a person is needed: {reason}"))),
    }
}

async fn until_ended(client: &Client, id: &str, bar: &ProgressBar) -> Result<String> {
    // The controller may restart under us: the transaction goes on, so do we.
    for _ in 0..120 {
        match client.events(id, 0).await {
            Ok(events) => {
                let mut events = std::pin::pin!(events);
                while let Some(Ok(event)) = events.next().await {
                    tell(bar, &event);
                    if let Some(ending) = event.ending {
                        return Ok(ending);
                    }
                }
            }
            Err(error)
                if error
                    .downcast_ref::<crate::exit::Ended>()
                    .is_some_and(|it| it.exit == Exit::Denied) =>
            {
                return Err(error);
            }
            Err(_) => {
                let row: Result<Value> = client.fetch(&format!("/v1/transactions/{id}")).await;
                let state = row.ok().and_then(|row| row["state"].as_str().map(str::to_owned));
                if let Some(state) = state.filter(|state| state != "running") {
                    return Ok(state);
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err(Exit::Unreachable.because(format!(
        "lost sight of {id}: `entente transaction show {id}` says how it ended"
    )))
}

fn tell(bar: &ProgressBar, event: &Event) {
    bar.set_position(event.percent);
    let device = event
        .device
        .as_deref()
        .map(|device| format!("{device} "))
        .unwrap_or_default();
    bar.set_message(format!("{device}{}", event.text));
}

fn bar(output: Output) -> ProgressBar {
    if output == Output::Json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(100);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos:>3}% {msg}") {
        bar.set_style(style);
    }
    bar
}
