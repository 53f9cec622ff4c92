//! The product as it is installed: a controller and its agents as processes, asked over REST.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::fleet::Address;
use crate::measure::{Watch, resident_of};

/// How many agents speak for the devices.
const AGENTS: usize = 4;
/// How long a part may take to come up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a transaction goes through, as its progress names it.
const STEPS: [&str; 3] = ["stage: ", "apply: ", "confirm: "];

/// When each phase of a transaction was over, counted from its submission.
#[derive(Debug, Clone, Copy, Default)]
pub struct Phases {
    /// The plan was there.
    pub planned: Duration,
    /// The commit was taken in.
    pub begun: Duration,
    /// The last device was staged, applied, confirmed.
    pub steps: [Duration; 3],
    /// The ending was heard.
    pub told: Duration,
}

/// Ends with it.
struct Part(Child);

impl Drop for Part {
    fn drop(&mut self) {
        // One that has ended already is what we want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A controller with agents for all devices.
pub struct Product {
    agents: Vec<Part>,
    controller: Part,
    /// REST, streams, enrolment.
    pub ports: [u16; 3],
    token: String,
    folder: tempfile::TempDir,
}

/// The name of a device by its number.
pub fn name(at: usize) -> String {
    format!("d{at}")
}

/// The id of a device by its number.
pub fn id(at: usize) -> String {
    format!("01930000-0000-7000-8000-{at:012}")
}

impl Product {
    /// A controller that knows these devices, and agents that speak for them, if they are wanted.
    pub fn start(devices: &[Address], spoken_for: bool) -> anyhow::Result<Self> {
        // On the disk of the checkout: a sync in memory costs nothing.
        let folder = tempfile::tempdir_in(tests_real::root().join("target"))?;
        crate::measure::refuse_memory(folder.path())?;
        let mut inventory = String::from("version: 1\ndevices:\n");
        for (at, Address { host, port }) in devices.iter().enumerate() {
            let (id, name) = (id(at), name(at));
            writeln!(
                inventory,
                "  - id: {id}\n    name: {name}\n    address: {host}\n    platforms: [ietf]\n    protocols: [{{ name: netconf, port: {port} }}]"
            )?;
        }
        std::fs::write(folder.path().join("inventory.yaml"), inventory)?;
        let ports = [
            tests_real::free_port()?,
            tests_real::free_port()?,
            tests_real::free_port()?,
        ];
        let mut command = Command::new(sibling("entente")?);
        let names = ["ENTENTE_LISTEN", "ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
        command.envs(names.iter().zip(ports.map(|port| format!("127.0.0.1:{port}"))));
        command
            .env("ENTENTE_STATE", folder.path().join("state"))
            .env("ENTENTE_INVENTORY", folder.path().join("inventory.yaml"))
            // What is kept before and after a transaction is read beside it, and not what is measured here.
            .env("ENTENTE_HISTORY_MOST", "0")
            .env("ENTENTE_LOG", "warn")
            .arg("serve");
        let controller = started(command, folder.path(), "controller")?;
        let mut product = Self {
            agents: Vec::new(),
            controller,
            ports,
            token: String::new(),
            folder,
        };
        product.answers()?;
        if spoken_for {
            product.speak(devices)?;
        }
        Ok(product)
    }

    fn answers(&mut self) -> anyhow::Result<()> {
        let file = self.folder.path().join("state/token");
        until("the controller to answer", || {
            self.token = std::fs::read_to_string(&file).ok()?.trim().to_owned();
            self.ask("GET", "/v1/health", None).ok()
        })?;
        Ok(())
    }

    fn speak(&mut self, devices: &[Address]) -> anyhow::Result<()> {
        let numbered: Vec<(usize, &Address)> = devices.iter().enumerate().collect();
        for (at, share) in numbered.chunks(devices.len().div_ceil(AGENTS)).enumerate() {
            self.agent(&format!("agent-{at}"), share)?;
        }
        // A plan reads every device: when there is one, everybody speaks.
        let all: Vec<usize> = (0..devices.len()).collect();
        let mut last = None;
        let planned = until("every agent to speak for its devices", || {
            self.plan(&all, "warm up").map_err(|error| last = Some(error)).ok()
        });
        match (planned, last) {
            (Err(error), Some(last)) => Err(last.context(error)),
            (planned, _) => planned.map(drop),
        }
    }

    /// What an agent needs to enrol for these devices.
    pub fn invite(&self, agent: &str, devices: &[usize]) -> anyhow::Result<Value> {
        let devices: Vec<String> = devices.iter().map(|at| name(*at)).collect();
        let body = json!({ "devices": devices });
        self.ask("POST", &format!("/v1/agents/{agent}/invitation"), Some(&body))
    }

    fn agent(&mut self, agent: &str, devices: &[(usize, &Address)]) -> anyhow::Result<()> {
        let numbers: Vec<usize> = devices.iter().map(|it| it.0).collect();
        let invitation = self.invite(agent, &numbers)?;
        let text = |field: &str| invitation[field].as_str().context("the invitation is not whole");
        let home = self.folder.path().join(agent);
        std::fs::create_dir(&home)?;
        for (file, secret) in [("token", text("token")?), ("password", "admin")] {
            std::fs::write(home.join(file), secret)?;
            std::fs::set_permissions(home.join(file), PermissionsExt::from_mode(0o600))?;
        }
        let (address, enrolment, fingerprint) = (text("address")?, text("enrolment")?, text("fingerprint")?);
        let mut config = format!(
            "name: {agent}\nstate: state\nlog: {{ filter: warn, json: false }}\nlook-every: 60m\ncontroller:\n  address: {address}\n  enrolment: {enrolment}\n  \
             fingerprint: {fingerprint}\n  token: {{ file: token }}\ncredentials:\n  admin: {{ user: admin, password: {{ file: password }} }}\ndevices:\n"
        );
        for (at, Address { host, port }) in devices {
            let (id, name) = (id(*at), name(*at));
            writeln!(
                config,
                "  - id: {id}\n    name: {name}\n    ways: [{{ protocol: netconf, address: '{host}:{port}', platform: ietf, credential: admin, trust-first-use: true }}]"
            )?;
        }
        std::fs::write(home.join("agent.yaml"), config)?;
        let mut command = Command::new(sibling("entente-agent")?);
        command.args(["run", "--config"]).arg(home.join("agent.yaml"));
        self.agents.push(started(command, self.folder.path(), agent)?);
        Ok(())
    }

    fn plan(&self, devices: &[usize], text: &str) -> anyhow::Result<Value> {
        let names: Vec<String> = devices.iter().map(|at| name(*at)).collect();
        let intent = json!({
            "class": "interface.set", "name": format!("uplink-{}", names[0]), "gate": "none",
            "slots": { "device": names, "interface": "eth1", "description": text },
        });
        self.ask("POST", "/v1/plans", Some(&intent))
    }

    /// One intent for these devices, from its submission to Committed; when each of its phases was over.
    pub fn commit(&self, devices: &[usize], text: &str) -> anyhow::Result<Phases> {
        let watch = Watch::start();
        let plan = self.plan(devices, text)?;
        let plan = plan["id"].as_str().context("no plan")?;
        let planned = watch.elapsed();
        let begun = self.ask("POST", &format!("/v1/plans/{plan}/commit"), None)?;
        let transaction = begun["id"].as_str().context("no transaction")?;
        let mut phases = Phases {
            planned,
            begun: watch.elapsed(),
            ..Phases::default()
        };
        let ending = self.ending(transaction, &watch, &mut phases.steps)?;
        phases.told = watch.elapsed();
        ensure!(ending.contains("committed"), "it ended as {ending}");
        Ok(phases)
    }

    /// The last thing that is told of a transaction, and when each step was last heard of. A stream that ends before
    /// that is a fault of the product.
    fn ending(&self, transaction: &str, watch: &Watch, steps: &mut [Duration; 3]) -> anyhow::Result<String> {
        let mut heard = String::new();
        let stream = self.send("GET", &format!("/v1/transactions/{transaction}/progress"), None)?;
        for line in BufReader::new(stream).lines() {
            let line = line?;
            for (step, at) in STEPS.iter().zip(steps.iter_mut()) {
                if line.contains(step) {
                    *at = watch.elapsed();
                }
            }
            if line.starts_with("data:") && !line.contains("\"ending\":null") {
                let told: Value = serde_json::from_str(&line["data:".len()..])?;
                return Ok(format!("{}: {}", told["ending"], told["text"]));
            }
            heard = line;
        }
        bail!("nobody said how {transaction} ended; the last line was {heard:?}")
    }

    /// The controller's memory, in bytes.
    pub fn memory(&self) -> anyhow::Result<f64> {
        resident_of(&self.controller.0.id().to_string())
    }

    /// How many agents have joined.
    pub fn joined(&self) -> anyhow::Result<u64> {
        let health = self.ask("GET", "/v1/health", None)?;
        health["agents"].as_u64().context("health does not count agents")
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut answer = String::new();
        self.send(method, path, body)?.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(
            head.split(' ').nth(1).is_some_and(|it| it.starts_with('2')),
            "{method} {path}: {head} {body}"
        );
        Ok(serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<TcpStream> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[0]))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (token, length) = (&self.token, body.len());
        stream.write_all(
            format!(
                "{method} {path} HTTP/1.0\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        )?;
        Ok(stream)
    }
}

/// A program that was built beside this one.
fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(
        path.is_file(),
        "no {}: cargo build --release -p controller -p device-agent",
        path.display()
    );
    Ok(path)
}

fn started(mut command: Command, folder: &Path, name: &str) -> anyhow::Result<Part> {
    let log = std::fs::File::create(folder.join(format!("{name}.log")))?;
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    Ok(Part(command.spawn().with_context(|| format!("start {name}"))?))
}

/// Asks again until there is an answer.
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    tests_real::until(what, PATIENCE, condition).map_err(|error| anyhow::anyhow!("{error}"))
}
