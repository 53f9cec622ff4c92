//! Plan, commit, follow: from intents to the end of a transaction.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{question, read, say, show};
use crate::arguments::{Carry, Output, Wanted};
use crate::client::{Client, Event};
use crate::exit::{Ended, Exit};
use crate::plan::{DevicePlan, Plan, Warning, counted};

/// How often a file is planned again at most.
const AGAIN: u32 = 5;

/// How often it is looked whether others are through, five times a second.
const QUIET: u32 = 600;

/// Plans the intents of a file.
pub async fn plan(client: &Client, file: &Path, wanted: &Wanted) -> Result<Plan> {
    client.post(&format!("/v1/plans{}", wanted.query()), read(file)?).await
}

/// Carries a plan that was made without the controller to it; it is made anew there, and refused where the network
/// moved on.
pub async fn carry(client: &Client, file: &Path) -> Result<Plan> {
    client.post("/v1/plans/carried", read(file)?).await
}

/// Prints a plan, and keeps it in a file where one is named.
pub fn planned(output: Output, plan: &Plan, save: Option<&Path>) -> Result<()> {
    if let Some(file) = save {
        super::offline::save(plan, file)?;
    }
    print(output, plan)
}

/// Prints a plan.
pub fn print(output: Output, plan: &Plan) -> Result<()> {
    if output == Output::Json {
        return show::json(&serde_json::to_value(plan)?);
    }
    heading(plan);
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut changing: Vec<&DevicePlan> = plan.devices.iter().filter(|it| !it.entries.is_empty()).collect();
    changing.sort_by_key(|device| device.wave);
    for device in changing {
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
                "  {} {}: {} → {}  ({})",
                mark.0,
                entry.path,
                text(&entry.before),
                text(&entry.after),
                owners(plan, &entry.owners)
            );
            say(if colours {
                format!("\x1b[{}m{line}\x1b[0m", mark.1)
            } else {
                line
            });
        }
        native("", &device.preview);
        native("  and back:", &device.rollback);
        checks(plan, device);
    }
    gate(plan);
    order(plan);
    for warning in &plan.warnings {
        warn(warning);
    }
    let guarantee = plan.guarantee.as_deref().unwrap_or("none needed");
    say(format!("\nplan {}  risk {}  guarantee {guarantee}", plan.id, plan.risk));
    Ok(())
}

/// What is asked, and what is to be known of it.
fn heading(plan: &Plan) {
    for intent in &plan.intents {
        let name = intent
            .name
            .as_deref()
            .map(|name| format!("{name}: "))
            .unwrap_or_default();
        say(format!(
            "{name}{} for {} ({})",
            intent.class,
            intent.targets.join(", "),
            intent.slots.join("; ")
        ));
    }
    if let Some(purpose) = &plan.purpose {
        say(purpose.words());
    }
    for notice in &plan.notices {
        say(format!("note: {notice}"));
    }
    for id in &plan.withdraws {
        say(format!("withdraw {id}"));
    }
    if plan.dry_run {
        say("dry run: nothing of it can be committed");
    }
    if plan.changes_nothing() {
        say("nothing to change: the network is already so");
    }
}

/// What went wrong before where a plan is like it.
fn warn(warning: &Warning) {
    let Warning {
        case,
        device,
        kind,
        times,
        words,
        suggestion,
        cure,
    } = warning;
    let itself = words.contains(device.as_str());
    let like = if itself { "" } else { "a device like " };
    let often = if *times > 1 {
        format!(", {times} times")
    } else {
        String::new()
    };
    say(format!(
        "\n! {like}{device} ran into this before ({kind}{often}): {words}"
    ));
    match cure {
        Some(cure) => say(format!("  what helped: {cure}")),
        None => say(format!("  suggested: {suggestion}")),
    }
    say(format!("  more: entente case show {case}"));
}

/// Shows a plan that was made by a command of its own and commits it, unless only the plan was wanted, or a person at a
/// terminal does not want it.
pub async fn shown(client: &Client, output: Output, plan: &Plan, Carry { dry_run, yes }: Carry) -> Result<()> {
    // Where no intent comes or goes either, a transaction would only say that nothing happened.
    let idle = plan.changes_nothing() && plan.intents.is_empty() && plan.withdraws.is_empty();
    if dry_run || idle || output == Output::Table {
        print(output, plan)?;
    }
    if dry_run || idle {
        return Ok(());
    }
    if !yes && question::interactive(output) && !question::agreed()? {
        say(format!("nothing was done yet: `entente commit {}` does it", plan.id));
        return Ok(());
    }
    commit(client, output, &plan.id, Some(&plan.hash), false).await
}

/// Plans the intents of a file and commits them. Where nobody but our own transactions moved the network meanwhile, it is
/// planned again, a few times at most.
pub async fn file(client: &Client, output: Output, (file, wanted): (&Path, &Wanted), detach: bool) -> Result<()> {
    let mut left = AGAIN;
    loop {
        let plan = plan(client, file, wanted).await?;
        if output == Output::Table {
            print(output, &plan)?;
        }
        if plan.dry_run {
            return if output == Output::Json {
                print(output, &plan)
            } else {
                Ok(())
            };
        }
        let Err(error) = commit(client, output, &plan.id, Some(&plan.hash), detach).await else {
            return Ok(());
        };
        if left == 0 || !overtaken(client, &plan, &error).await {
            return Err(error);
        }
        quiet(client, &plan).await?;
        left -= 1;
        if output == Output::Table {
            say(format!("\n{error:#}\nit was our own transactions: planning again"));
        }
    }
}

/// Waits until nothing is under way on the devices of a plan: only then it is known what they are.
async fn quiet(client: &Client, plan: &Plan) -> Result<()> {
    let ours = |row: &Value| {
        let devices = row["devices"].as_array().into_iter().flatten();
        let mut shared = devices.filter(|name| plan.devices.iter().any(|device| **name == *device.name.as_str()));
        row["state"] == "running" && shared.next().is_some()
    };
    for _ in 0..QUIET {
        let transactions: Vec<Value> = client.fetch("/v1/transactions").await?;
        if !transactions.iter().any(ours) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Whether a plan failed because the network moved on, and only by what we did ourselves.
async fn overtaken(client: &Client, plan: &Plan, error: &anyhow::Error) -> bool {
    let ended = error.downcast_ref::<Ended>().map(|it| it.exit);
    if !matches!(ended, Some(Exit::Conflict | Exit::RolledBack)) {
        return false;
    }
    let moved: Result<Vec<Value>> = client.fetch(&format!("/v1/plans/{}/moved", plan.id)).await;
    moved.is_ok_and(|moved| !moved.is_empty() && moved.iter().all(|it| it["by"].is_string()))
}

/// How long is looked before the change stays, or that nothing is.
fn gate(plan: &Plan) {
    if plan.gate.off {
        say("\nno checks: nothing is looked at before the change stays");
    } else if plan.gate.counts() {
        let (steady, within) = (plan.gate.steady, plan.gate.within);
        say(format!("\nchecks hold for {steady} s, and answer within {within} s"));
    }
}

/// What a device is sent, in its own words.
fn native(heading: &str, words: &str) {
    if words.is_empty() {
        return;
    }
    if !heading.is_empty() {
        say(heading);
    }
    let lines: Vec<String> = words.lines().map(|line| format!("      {line}")).collect();
    say(lines.join("\n"));
}

/// Who wants an entry so: the names of the plan's own intents, and the ids of others.
fn owners(plan: &Plan, owners: &[String]) -> String {
    let named = |id: &String| {
        let own = plan.intents.iter().find(|intent| intent.id == *id);
        own.map_or_else(|| id.clone(), |it| it.name.clone().unwrap_or_else(|| it.class.clone()))
    };
    match owners {
        [] => "as it was found".to_owned(),
        [..] => owners.iter().map(named).collect::<Vec<_>>().join(", "),
    }
}

/// Who changes first, and what the others wait for.
fn order(plan: &Plan) {
    let waves = plan.waves();
    let [first, later @ ..] = waves.as_slice() else { return };
    if later.is_empty() {
        return;
    }
    let until = if plan.gate.counts() {
        "once what held before still holds"
    } else {
        "once those have applied, nothing is looked at in between"
    };
    say(format!(
        "\n{} first, then {}: {until}",
        first.join(", "),
        later.concat().join(", ")
    ));
}

/// What may cut the way to one device, and what is looked at there before the change stays.
fn checks(plan: &Plan, device: &DevicePlan) {
    for cut in &device.cuts {
        say(format!("  ! {cut}"));
    }
    for check in plan.gate.checks.iter().filter(|it| it.device == device.id) {
        say(match &check.excluded {
            Some(why) => format!("  (not checked: {}: {why})", check.name),
            None => format!("  ? {}", check.name),
        });
    }
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
    // Where there is no terminal for a bar, each step is a line.
    let lines = output == Output::Table && !std::io::stderr().is_terminal();
    let ended = tokio::select! {
        ended = until_ended(client, id, &bar, lines) => ended?,
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
                say(format!("committed {id} on {}", counted(devices, "device")));
            }
            Ok(())
        }
        "rolled-back" => {
            Err(Exit::RolledBack.because(format!("rolled back {id}, every device is as before: {reason}")))
        }
        _ => Err(Exit::Torn.because(format!("torn {id}, a person is needed: {reason}"))),
    }
}

async fn until_ended(client: &Client, id: &str, bar: &ProgressBar, lines: bool) -> Result<String> {
    // The controller may restart under us: the transaction goes on, so do we, after the last that we saw.
    let mut seen = 0;
    for _ in 0..120 {
        match client.events(id, seen).await {
            Ok(events) => {
                let mut events = std::pin::pin!(events);
                while let Some(Ok(event)) = events.next().await {
                    tell(bar, &event, lines);
                    seen = event.sequence;
                    if let Some(ending) = event.ending {
                        return Ok(ending);
                    }
                }
            }
            Err(error) if error.downcast_ref::<Ended>().is_some_and(|it| it.exit == Exit::Denied) => {
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

fn tell(bar: &ProgressBar, event: &Event, lines: bool) {
    bar.set_position(event.percent);
    let device = event
        .device
        .as_deref()
        .map(|device| format!("{device} "))
        .unwrap_or_default();
    if lines && event.ending.is_none() {
        say(format!("{:>3}% {device}{}", event.percent, event.text));
    }
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
