//! `entente demo`: a small network on this machine, one intent across it, one rollback, and then it is yours.

mod devices;
mod parts;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{commit, say};
use crate::arguments::{Output, Wanted};
use crate::client::Client;
use crate::exit::{Ended, Exit};
use crate::plan::{DevicePlan, Plan};
use devices::{DEVICES, Simulated, lab};
use parts::{agent, controller, last_words, until};

/// How many agents speak for the devices.
const AGENTS: usize = 3;
/// The device that is broken on purpose: everybody else can take a change back.
const BROKEN: &str = "r4";

/// Shows the demo; without `once` it stays up until Ctrl-C.
pub async fn run(once: bool) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("entente-demo-{}", std::process::id()));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("make {}", folder.display()))?;
    let shown = tokio::select! {
        shown = show(&folder, once) => shown,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    let shown = shown.map_err(|error| match last_words(&folder) {
        words if words.is_empty() => error,
        words => error.context(format!("the demo stopped; last words of its parts:{words}\n")),
    });
    // Nothing of the demo is left behind; what could not be removed is in the temporary directory anyway.
    let _ = fs::remove_dir_all(&folder);
    shown
}

async fn show(folder: &Path, once: bool) -> Result<()> {
    say(format!(
        "starting {DEVICES} simulated devices of different protocols, a controller and {AGENTS} agents"
    ));
    let (_lab, devices, control) = lab(folder)?;
    let (_controller, client, server) = controller(folder, &devices).await?;
    let mut agents = Vec::new();
    for (at, devices) in devices.chunks(DEVICES.div_ceil(AGENTS)).enumerate() {
        agents.push(agent(folder, &client, &format!("agent-{}", at + 1), devices).await?);
    }
    until("every agent to join", async || {
        let health: Value = client.fetch("/v1/health").await?;
        Ok(health["agents"] == AGENTS)
    })
    .await?;
    say("\nan intent for all of them: describe their uplinks\n");
    let committed = describe(folder, &client, &devices, "uplink to the core").await;
    committed.context("the first intent of the demo was to be committed")?;
    say(format!(
        "\nnow {BROKEN} will refuse its commit, after the others have staged\n"
    ));
    fault(&control, BROKEN).await?;
    let refused = describe(folder, &client, &devices, "uplink to the edge").await;
    let rolled_back = |error: &anyhow::Error| {
        error
            .downcast_ref::<Ended>()
            .is_some_and(|it| it.exit == Exit::RolledBack)
    };
    match refused {
        Err(error) if rolled_back(&error) => say(error),
        Err(error) => return Err(error.context("the second intent of the demo was to be rolled back")),
        Ok(()) => bail!("the second intent of the demo was committed although {BROKEN} refused"),
    }
    let after: Value = client
        .fetch(&format!("/v1/devices/{}/configuration", devices[0].name))
        .await?;
    let told = after
        .as_array()
        .is_some_and(|rows| rows.iter().any(|row| row["value"] == "uplink to the core"));
    if !told {
        bail!("{} does not say what was committed first", devices[0].name);
    }
    say(format!(
        "{} still says `uplink to the core`, and so do the others",
        devices[0].name
    ));
    if once {
        return Ok(());
    }
    let (state, inventory) = (folder.join("state"), folder.join("inventory.yaml"));
    let programs = std::env::current_exe()?;
    let programs = programs.parent().unwrap_or(&programs);
    say(format!(
        "\nit stays up until Ctrl-C; in another terminal:\n\n  export PATH={}:$PATH\n  export ENTENTE_SERVER={server} ENTENTE_STATE={} ENTENTE_INVENTORY={} ENTENTE_LAB={control}",
        programs.display(),
        state.display(),
        inventory.display()
    ));
    say("  entente device list\n  entente transaction list\n  entente intent list\n  entente audit verify");
    std::future::pending::<()>().await;
    Ok(())
}

/// Plans and commits one description for the uplinks of all devices.
async fn describe(folder: &Path, client: &Client, devices: &[Simulated], text: &str) -> Result<()> {
    let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    let intent = json!({ "class": "interface.set", "slots": { "device": names, "interface": "eth1", "description": text }, "priority": priority(text) });
    let file = folder.join("intent.json");
    fs::write(&file, intent.to_string())?;
    let plan = commit::plan(client, &file, &Wanted::default()).await?;
    show_plan(&plan, devices);
    commit::commit(client, Output::Table, &plan.id, Some(&plan.hash), false).await
}

/// The promise of every device, and what one of each kind will be sent.
fn show_plan(plan: &Plan, devices: &[Simulated]) {
    let entries: usize = plan.devices.iter().map(|device| device.entries.len()).sum();
    let guarantee = plan.guarantee.as_deref().unwrap_or("none");
    say(format!(
        "planned {entries} entries on {} devices, the weakest guarantee is {guarantee}:",
        plan.devices.len()
    ));
    let planned = |device: &Simulated| plan.devices.iter().find(|it| it.name == device.name);
    for device in devices {
        let promised = planned(device).map_or("nothing to do", |it| it.guarantee.as_str());
        say(format!("  {:<4} {:<18} {}", device.name, device.spoken(), promised));
    }
    let first = |terminal: bool| {
        let mut alike = devices.iter().filter(|device| device.is_terminal() == terminal);
        alike.find_map(planned)
    };
    [first(false), first(true)].into_iter().flatten().for_each(preview);
}

fn preview(device: &DevicePlan) {
    say(format!("{} will be sent:", device.name));
    for line in device.preview.lines() {
        say(format!("  {line}"));
    }
}

/// The second description is meant to win over the first.
fn priority(text: &str) -> i64 {
    if text.ends_with("core") { 100 } else { 200 }
}

/// Lets a device refuse its next commits.
async fn fault(control: &str, device: &str) -> Result<()> {
    let http = reqwest::Client::new();
    for operation in ["commit", "edit-config"] {
        let body = json!({ "fault": "reject", "operation": operation, "tag": "operation-failed" });
        let request = http.post(format!("{control}/devices/{device}/faults")).json(&body);
        request
            .send()
            .await?
            .error_for_status()
            .context("break a device on purpose")?;
    }
    Ok(())
}
