//! The journal as a table of the store, from the setting to the device: a commit, a controller killed inside a
//! transaction, and the next one that finishes what it finds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tests_real::Child;

const IDS: [&str; 2] = [
    "01930000-0000-7000-8000-0000000000a1",
    "01930000-0000-7000-8000-0000000000a2",
];

/// Two simulated devices, one agent and a controller that keeps its journal in a table.
struct Network {
    controller: Option<Child>,
    parts: Vec<Child>,
    /// Where faults are armed.
    control: String,
    ports: [u16; 3],
    /// Last, because whoever is stopped works in it.
    folder: tempfile::TempDir,
}

impl Network {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut lab = Command::new(sibling("entente-lab"));
        lab.args([
            "devices",
            "--count",
            "2",
            "--name",
            "r",
            "--user",
            "admin",
            "--personality",
            "confirmed",
        ])
        .env("ENTENTE_LAB_PASSWORD", "secret")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
        let mut lab = Child::start(&mut lab).unwrap();
        let said = BufReader::new(lab.process().stdout.take().unwrap()).lines();
        let mut cards: Vec<Value> = Vec::new();
        for line in said.map(Result::unwrap) {
            cards.push(serde_json::from_str(&line).unwrap());
            if cards.last().unwrap()["control"].is_string() {
                break;
            }
        }
        let control = cards.pop().unwrap()["control"].as_str().unwrap().to_owned();
        let mut network = Self {
            controller: None,
            parts: vec![lab],
            control,
            ports: [(); 3].map(|()| tests_real::free_port().unwrap()),
            folder,
        };
        let inventory = cards.iter().zip(IDS).map(|(card, id)| {
            let (name, address, port) = (text(card, "name"), text(card, "address"), &card["netconf_port"]);
            format!("  - {{ id: {id}, name: {name}, address: {address}, platforms: [ietf], protocols: [{{ name: netconf, port: {port} }}] }}\n")
        });
        let inventory = format!("version: 1\ndevices:\n{}", inventory.collect::<String>());
        std::fs::write(network.path("inventory.yaml"), inventory).unwrap();
        network.serve();
        network.agent(&cards);
        network
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let names = ["ENTENTE_LISTEN", "ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
        command.envs(names.iter().zip(self.ports.map(|port| format!("127.0.0.1:{port}"))));
        command
            .env("ENTENTE_STATE", self.path("state"))
            .env("ENTENTE_INVENTORY", self.path("inventory.yaml"))
            .env("ENTENTE_JOURNAL", "table");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn serve(&mut self) {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_entente")));
        let log = std::fs::File::create(self.path("controller.log")).unwrap();
        self.controller = Some(Child::start(command.arg("serve").stderr(log)).unwrap());
        self.until("the controller to answer", "agent list", |_| true);
    }

    fn agent(&mut self, cards: &[Value]) {
        let names: Vec<String> = cards
            .iter()
            .map(|card| format!("--device {}", text(card, "name")))
            .collect();
        let (_, said) = self.entente(&format!("agent invite east {} --output json", names.join(" ")));
        let invitation: Value = serde_json::from_str(&said).unwrap();
        let home = self.path("east");
        std::fs::create_dir(&home).unwrap();
        std::fs::write(home.join("token"), text(&invitation, "token")).unwrap();
        std::fs::write(home.join("password"), "secret").unwrap();
        Command::new("chmod")
            .arg("600")
            .arg(home.join("token"))
            .arg(home.join("password"))
            .status()
            .unwrap();
        let devices = cards.iter().zip(IDS).map(|(card, id)| {
            let (name, address, port) = (text(card, "name"), text(card, "address"), &card["netconf_port"]);
            format!("  - id: {id}\n    name: {name}\n    ways: [{{ protocol: netconf, platform: ietf, address: '{address}:{port}', credential: admin, trust-first-use: true }}]\n")
        });
        let config = format!(
            "name: east\nstate: state\ncontroller:\n  address: {}\n  enrolment: {}\n  fingerprint: {}\n  token: {{ file: token }}\n\
             credentials:\n  admin: {{ user: admin, password: {{ file: password }} }}\ndevices:\n{}",
            text(&invitation, "address"),
            text(&invitation, "enrolment"),
            text(&invitation, "fingerprint"),
            devices.collect::<String>()
        );
        std::fs::write(home.join("agent.yaml"), config).unwrap();
        let mut command = self.command(&sibling("entente-agent"));
        let log = std::fs::File::create(self.path("agent.log")).unwrap();
        command
            .args(["run", "--config"])
            .arg(home.join("agent.yaml"))
            .stderr(log);
        self.parts.push(Child::start(&mut command).unwrap());
        self.until("the agent to join", "device list", |said| said.contains("east"));
    }

    fn entente(&self, line: &str) -> (i32, String) {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_entente")));
        let Output { status, stdout, stderr } = command.args(line.split_whitespace()).output().unwrap();
        let said = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
        (status.code().unwrap_or(-1), said.into_owned())
    }

    fn until(&self, what: &str, line: &str, enough: impl Fn(&str) -> bool) {
        let asked = tests_real::until(what, Duration::from_secs(40), || {
            let (code, said) = self.entente(line);
            (code == 0 && enough(&said)).then_some(())
        });
        asked.unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.entente(line).1, self.logs()));
    }

    fn logs(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.path(name)).unwrap_or_default();
        read("controller.log") + &read("agent.log")
    }

    fn describe(&self, words: &str) {
        let intent = format!(
            "class: interface.set\nname: uplinks\ngate: none\nslots: {{ device: [r1, r2], interface: eth1, description: {words} }}\n"
        );
        std::fs::write(self.path("intent.yaml"), intent).unwrap();
    }

    /// Whether the database itself holds these bytes, in its file or its own log.
    fn is_in_store(&self, words: &str) -> bool {
        ["store.db", "store.db-wal"].iter().any(|name| {
            let bytes = std::fs::read(self.path("state").join(name)).unwrap_or_default();
            bytes.windows(words.len()).any(|it| it == words.as_bytes())
        })
    }

    /// Lets the next commits of a device take long.
    fn delay(&self, device: &str, millis: u32) {
        let body = json!({ "fault": "delay", "millis": millis, "operation": "commit", "times": 1 }).to_string();
        let authority = self.control.trim_start_matches("http://");
        let mut stream = TcpStream::connect(authority).unwrap();
        let request = format!(
            "POST /devices/{device}/faults HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 2"), "{said}");
    }
}

fn text<'a>(card: &'a Value, field: &str) -> &'a str {
    card[field].as_str().unwrap_or_else(|| panic!("no {field} in {card}"))
}

/// Other packages' programs are built beside ours only when the whole workspace is.
fn sibling(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_entente")).with_file_name(name);
    assert!(
        path.is_file(),
        "build the whole workspace first: cargo test --workspace"
    );
    path
}

#[test]
fn a_controller_with_its_journal_in_a_table_commits_dies_and_finishes_what_it_finds() {
    let mut network = Network::start();
    network.describe("first");
    let (code, said) = network.entente("commit -f intent.yaml");
    assert_eq!(code, 0, "{said}\n{}", network.logs());
    assert!(network.is_in_store("\"Decided\""), "the decision is not in the store");
    let files = std::fs::read_dir(network.path("state/journal")).unwrap();
    let logs = files.filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|it| it == "log"));
    assert_eq!(logs.count(), 0, "and it is nowhere else");

    // Killed while a device is slow to apply: the transaction is open.
    network.delay("r2", 6_000);
    network.describe("second");
    let mut command = network.command(Path::new(env!("CARGO_BIN_EXE_entente")));
    let waiting = command
        .args(["commit", "-f", "intent.yaml"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let waiting = Child::start(waiting).unwrap();
    network.until("one device to apply", "device get r1", |said| said.contains("second"));
    network.controller = None;
    drop(waiting);

    // Whoever chose files now would leave it behind.
    let mut command = network.command(Path::new(env!("CARGO_BIN_EXE_entente")));
    let log = network.path("refused.log");
    command
        .arg("serve")
        .env("ENTENTE_JOURNAL", "file")
        .stderr(std::fs::File::create(&log).unwrap());
    let mut refused = Child::start(&mut command).unwrap();
    let status = tests_real::until("the refusal", Duration::from_secs(20), || refused.ended().unwrap()).unwrap();
    let said = std::fs::read_to_string(log).unwrap();
    assert!(
        status.code() == Some(11) && said.contains("start once with `journal: table`"),
        "{said}"
    );

    network.serve();
    network.until("it to end", "transaction list", |said| !said.contains("running"));
    let (_, said) = network.entente("transaction list");
    assert!(said.contains("rolled-back"), "{said}\n{}", network.logs());
    for device in ["r1", "r2"] {
        network.until("the device to be as before", &format!("device get {device}"), |said| {
            said.contains("first") && !said.contains("second")
        });
    }
    let (code, said) = network.entente("commit -f intent.yaml");
    assert_eq!(code, 0, "{said}\n{}", network.logs());

    // All is over: nothing is lost by choosing files.
    network.controller = None;
    let mut command = network.command(Path::new(env!("CARGO_BIN_EXE_entente")));
    let log = std::fs::File::create(network.path("controller.log")).unwrap();
    command.arg("serve").env("ENTENTE_JOURNAL", "file").stderr(log);
    network.controller = Some(Child::start(&mut command).unwrap());
    network.until("the agent to come back", "device list", |said| said.contains("east"));
    network.describe("third");
    let (code, said) = network.entente("commit -f intent.yaml");
    assert_eq!(code, 0, "{said}\n{}", network.logs());
}
