//! `entente demo`: a small network on this machine, one intent across it, one rollback, and then it is yours.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{commit, say};
use crate::arguments::{Output, Remote, Wanted};
use crate::client::Client;
use crate::config::{Config, Sources};
use crate::exit::{Ended, Exit};

/// How many simulated devices there are.
const DEVICES: usize = 12;
/// What they can promise, dealt out in turn.
const PERSONALITIES: &str = "confirmed,confirmed-1.0,candidate,running-startup,base-1.0,running";
/// How many agents speak for them.
const AGENTS: usize = 3;
/// How long a part may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The password of the simulated devices; they listen on loopback addresses alone.
const PASSWORD: &str = "entente-demo";

/// A program of the demo, ended with it.
struct Part(Child);

impl Drop for Part {
    fn drop(&mut self) {
        // One that has ended already is what we want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A simulated device.
struct Simulated {
    id: Uuid,
    name: String,
    address: String,
    port: u64,
}

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
        "starting {DEVICES} simulated devices, a controller and {AGENTS} agents"
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
    let broken = &devices[DEVICES / 2];
    say(format!(
        "\nnow {} will refuse its commit, after the others have staged\n",
        broken.name
    ));
    fault(&control, &broken.name).await?;
    let refused = describe(folder, &client, &devices, "uplink to the edge").await;
    let rolled_back = |error: &anyhow::Error| {
        error
            .downcast_ref::<Ended>()
            .is_some_and(|it| it.exit == Exit::RolledBack)
    };
    match refused {
        Err(error) if rolled_back(&error) => say(error),
        Err(error) => return Err(error.context("the second intent of the demo was to be rolled back")),
        Ok(()) => bail!(
            "the second intent of the demo was committed although {} refused",
            broken.name
        ),
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
    let state = folder.join("state");
    say(format!(
        "\nit stays up until Ctrl-C; in another terminal:\n\n  export ENTENTE_SERVER={server} ENTENTE_STATE={} ENTENTE_LAB={control}",
        state.display()
    ));
    say("  entente device list\n  entente transaction list\n  entente intent list\n  entente audit verify");
    std::future::pending::<()>().await;
    Ok(())
}

/// What the parts of the demo said last.
fn last_words(folder: &Path) -> String {
    let logs = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let mut said = String::new();
    for log in logs.filter(|path| path.extension().is_some_and(|it| it == "log")) {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let last = text
            .lines()
            .rev()
            .find(|line| line.contains("ERROR") || line.starts_with("entente"));
        said.extend(last.map(|line| format!("\n  {}: {line}", log.file_stem().unwrap_or_default().to_string_lossy())));
    }
    said
}

/// A program that was built beside this one.
fn sibling(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("find this program")?;
    let path = own.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(Exit::Missing.because(format!(
            "no {name} beside {}: build it, or install all of Entente",
            own.display()
        )))
    }
}

fn start(command: &mut Command, log: &Path) -> Result<Part> {
    let out = fs::File::create(log).with_context(|| format!("make {}", log.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .stderr(out)
        .spawn()
        .map(Part)
        .with_context(|| format!("start {program}"))
}

fn lab(folder: &Path) -> Result<(Part, Vec<Simulated>, String)> {
    let mut command = Command::new(sibling("entente-lab")?);
    let count = DEVICES.to_string();
    command.args([
        "devices",
        "--count",
        &count,
        "--name",
        "r",
        "--user",
        "admin",
        "--personality",
        PERSONALITIES,
    ]);
    command.env("ENTENTE_LAB_PASSWORD", PASSWORD).stdout(Stdio::piped());
    let mut part = start(&mut command, &folder.join("lab.log"))?;
    let out = part.0.stdout.take().context("read what entente-lab says")?;
    let mut devices = Vec::new();
    for line in BufReader::new(out).lines() {
        let card: Value = serde_json::from_str(&line?).context("read what entente-lab says")?;
        if let Some(control) = card["control"].as_str() {
            return Ok((part, devices, control.to_owned()));
        }
        let text = |field: &str| {
            card[field]
                .as_str()
                .map(str::to_owned)
                .context("entente-lab left out a field")
        };
        let port = card["netconf_port"].as_u64().context("a device without NETCONF")?;
        devices.push(Simulated {
            id: Uuid::now_v7(),
            name: text("name")?,
            address: text("address")?,
            port,
        });
    }
    bail!(
        "entente-lab ended: {}",
        fs::read_to_string(folder.join("lab.log")).unwrap_or_default()
    )
}

async fn controller(folder: &Path, devices: &[Simulated]) -> Result<(Part, Client, String)> {
    let mut inventory = String::from("version: 1\ndevices:\n");
    for device in devices {
        let (id, name, address, port) = (device.id, &device.name, &device.address, device.port);
        write!(
            inventory,
            "  - id: {id}\n    name: {name}\n    address: {address}\n    platforms: [ietf]\n    protocols:\n      - {{ name: netconf, port: {port} }}\n"
        )?;
    }
    fs::write(folder.join("inventory.yaml"), inventory)?;
    let ports = [free_port()?, free_port()?, free_port()?].map(|port| format!("127.0.0.1:{port}"));
    let names = ["ENTENTE_LISTEN", "ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("serve")
        .envs(names.into_iter().zip(&ports))
        .stdout(Stdio::null());
    command
        .env("ENTENTE_STATE", folder.join("state"))
        .env("ENTENTE_INVENTORY", folder.join("inventory.yaml"));
    let part = start(&mut command, &folder.join("controller.log"))?;
    let state = folder.join("state").display().to_string();
    let sources = Sources {
        arguments: [("state", state), ("listen", ports[0].clone())].into(),
        ..Sources::default()
    };
    let config =
        Config::read(&sources).map_err(|faults| anyhow::anyhow!("the demo's settings have {} faults", faults.len()))?;
    let token = config.state.join("token");
    until("the controller to start", async || Ok(token.is_file())).await?;
    let server = format!("http://{}", ports[0]);
    let client = Client::new(
        &Remote {
            server: Some(server.clone()),
        },
        &config,
    )?;
    until("the controller to answer", async || {
        Ok(client.fetch::<Value>("/v1/health").await.is_ok())
    })
    .await?;
    Ok((part, client, server))
}

async fn agent(folder: &Path, client: &Client, name: &str, devices: &[Simulated]) -> Result<Part> {
    let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    let body = json!({ "devices": names }).to_string();
    let invitation: Value = client.post(&format!("/v1/agents/{name}/invitation"), body).await?;
    let text = |field: &str| invitation[field].as_str().context("the invitation is not whole");
    let home = folder.join(name);
    fs::DirBuilder::new().mode(0o700).create(&home)?;
    secret(&home.join("token"), text("token")?)?;
    secret(&home.join("password"), PASSWORD)?;
    let (address, enrolment, fingerprint) = (text("address")?, text("enrolment")?, text("fingerprint")?);
    let mut config = format!(
        "name: {name}\nstate: state\ncontroller:\n  address: {address}\n  enrolment: {enrolment}\n  fingerprint: {fingerprint}\n  token: {{ file: token }}\n\
         credentials:\n  admin: {{ user: admin, password: {{ file: password }} }}\ndevices:\n"
    );
    for device in devices {
        let (id, name, address, port) = (device.id, &device.name, &device.address, device.port);
        write!(
            config,
            "  - id: {id}\n    name: {name}\n    ways:\n      - {{ protocol: netconf, address: '{address}:{port}', platform: ietf, credential: admin, trust-first-use: true }}\n"
        )?;
    }
    fs::write(home.join("agent.yaml"), config)?;
    let mut command = Command::new(sibling("entente-agent")?);
    command
        .args(["run", "--config"])
        .arg(home.join("agent.yaml"))
        .stdout(Stdio::null());
    start(&mut command, &folder.join(format!("{name}.log")))
}

fn secret(file: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    out.write_all(text.as_bytes())
        .with_context(|| format!("write {}", file.display()))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Plans and commits one description for the uplinks of all devices.
async fn describe(folder: &Path, client: &Client, devices: &[Simulated], text: &str) -> Result<()> {
    let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    let intent = json!({ "class": "interface.set", "slots": { "device": names, "interface": "eth1", "description": text }, "priority": priority(text) });
    let file = folder.join("intent.json");
    fs::write(&file, intent.to_string())?;
    let plan = commit::plan(client, &file, Wanted::default()).await?;
    let entries: usize = plan.devices.iter().map(|device| device.entries.len()).sum();
    let guarantee = plan.guarantee.as_deref().unwrap_or("none");
    say(format!(
        "planned {entries} entries on {} devices, the weakest guarantee is {guarantee}; for example {}:",
        plan.devices.len(),
        plan.devices[0].name
    ));
    for line in plan.devices[0].preview.lines() {
        say(format!("  {line}"));
    }
    commit::commit(client, Output::Table, &plan.id, Some(&plan.hash), false).await
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

async fn until(what: &str, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let waited = async {
        while !condition().await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, waited)
        .await
        .with_context(|| format!("waited {} s in vain for {what}", PATIENCE.as_secs()))?
}
