//! The programs of the demo: how they start, what they are told, how they end.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::devices::{PASSWORD, Simulated};
use crate::arguments::Remote;
use crate::client::Client;
use crate::config::{Config, Sources};
use crate::exit::Exit;

/// How long a part may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program of the demo, ended with it.
pub struct Part(pub Child);

impl Drop for Part {
    fn drop(&mut self) {
        // One that has ended already is what we want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the parts of the demo said last.
pub fn last_words(folder: &Path) -> String {
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
pub fn sibling(name: &str) -> Result<PathBuf> {
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

/// Starts a program that writes its log into this file.
pub fn start(command: &mut Command, log: &Path) -> Result<Part> {
    let out = fs::File::create(log).with_context(|| format!("make {}", log.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .stderr(out)
        .spawn()
        .map(Part)
        .with_context(|| format!("start {program}"))
}

/// Starts the controller, and waits until it answers; where that is comes along.
pub async fn controller(folder: &Path, devices: &[Simulated]) -> Result<(Part, Client, String)> {
    let mut inventory = String::from("version: 1\ndevices:\n");
    for device in devices {
        inventory += &device.listed()?;
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

/// Starts an agent that is invited to speak for these devices.
pub async fn agent(folder: &Path, client: &Client, name: &str, devices: &[Simulated]) -> Result<Part> {
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
        config += &device.spoken_for()?;
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

/// Waits until something is so.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
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
