//! A controller, agents and simulated devices as processes of their own, each of which can be killed.
//!
//! What stands on a device is read from the device itself, past everything that is ours.
#![allow(dead_code, reason = "each test takes what it needs of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tests_real::Child;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "simulated";

struct Device {
    id: String,
    name: String,
    address: String,
    port: u64,
}

/// The network and who runs it.
pub struct Network {
    _lab: Child,
    control: String,
    devices: Vec<Device>,
    controller: Option<Child>,
    agents: Vec<(String, Option<Child>)>,
    ports: [u16; 3],
    settings: Vec<(String, String)>,
    /// Last: whoever still runs has files in it.
    folder: tempfile::TempDir,
}

impl Network {
    /// Starts one agent for each of these numbers of devices, r1 and so on.
    pub fn start(shares: &[usize]) -> Self {
        Self::of(shares, "confirmed")
    }

    /// The same with devices of these kinds, dealt out in turn.
    pub fn of(shares: &[usize], kinds: &str) -> Self {
        let own = Path::new(env!("CARGO_BIN_EXE_entente"));
        assert!(
            own.with_file_name("entente-lab").is_file() && own.with_file_name("entente-agent").is_file(),
            "build the whole workspace first: cargo build --workspace"
        );
        let folder = tempfile::tempdir().unwrap();
        let (lab, devices, control) = lab(&own.with_file_name("entente-lab"), shares.iter().sum(), kinds);
        let ports = [(); 3].map(|()| tests_real::free_port().unwrap());
        let mut network = Self {
            _lab: lab,
            control,
            devices,
            controller: None,
            agents: Vec::new(),
            ports,
            settings: Vec::new(),
            folder,
        };
        network.write("inventory.yaml", &network.inventory());
        network.start_controller();
        let mut next = 0;
        for (at, share) in shares.iter().enumerate() {
            network.invite(&format!("agent-{at}"), next..next + share);
            next += share;
        }
        network.joined();
        network
    }

    fn inventory(&self) -> String {
        let device = |it: &Device| {
            format!(
                "  - id: {}\n    name: {}\n    address: {}\n    platforms: [ietf]\n    protocols: [{{ name: netconf, port: {} }}]\n",
                it.id, it.name, it.address, it.port
            )
        };
        format!(
            "version: 1\ndevices:\n{}",
            self.devices.iter().map(device).collect::<String>()
        )
    }

    /// The id of a device.
    pub fn id(&self, device: &str) -> String {
        let named = self.devices.iter().find(|it| it.name == device);
        named.expect("a device of this name").id.clone()
    }

    /// Where everything of this network lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the others.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// A program with the settings of this network.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_entente")).with_file_name(program));
        let names = ["ENTENTE_LISTEN", "ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
        command.envs(names.iter().zip(self.ports.map(|port| format!("127.0.0.1:{port}"))));
        command
            .env("ENTENTE_STATE", self.path("state"))
            .env("ENTENTE_INVENTORY", self.path("inventory.yaml"))
            .env("ENTENTE_PASSPHRASE", "correct horse")
            .env("HOME", self.folder.path())
            .env_remove("XDG_CONFIG_HOME");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Sets a variable for everything that is started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the controller and waits until it answers.
    pub fn start_controller(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("controller.log"));
        let mut command = self.command("entente");
        self.controller = Some(Child::start(command.arg("serve").stderr(log.unwrap())).unwrap());
        self.until("the controller to answer", || {
            (self.entente("agent list").0 == 0).then_some(())
        });
    }

    /// Kills the controller with SIGKILL.
    pub fn kill_controller(&mut self) {
        self.controller = None;
    }

    /// The controller's process.
    pub fn controller(&mut self) -> &mut Child {
        self.controller.as_mut().expect("the controller runs")
    }

    /// Kills an agent with SIGKILL.
    pub fn kill_agent(&mut self, at: usize) {
        self.agents[at].1 = None;
    }

    /// Starts an agent that was killed.
    pub fn start_agent(&mut self, at: usize) {
        let name = self.agents[at].0.clone();
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(&format!("{name}.log")));
        let mut command = self.command("entente-agent");
        command
            .args(["run", "--config"])
            .arg(self.path(&name).join("agent.yaml"));
        self.agents[at].1 = Some(Child::start(command.stdout(Stdio::null()).stderr(log.unwrap())).unwrap());
    }

    fn invite(&mut self, name: &str, share: std::ops::Range<usize>) {
        let devices = &self.devices[share];
        let named: String = devices.iter().map(|it| format!(" --device {}", it.name)).collect();
        let said = self.entente(&format!("agent invite {name} --output json{named}")).1;
        let invitation: Value = serde_json::from_str(&said).expect(&said);
        let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
        let home = self.path(name);
        std::fs::create_dir(&home).unwrap();
        for (file, secret) in [("token", text("token")), ("password", PASSWORD.to_owned())] {
            std::fs::write(home.join(file), secret).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(home.join(file), mode).unwrap();
        }
        let way = |it: &Device| {
            format!(
                "  - id: {}\n    name: {}\n    ways: [{{ protocol: netconf, address: '{}:{}', platform: ietf, credential: admin, trust-first-use: true }}]\n",
                it.id, it.name, it.address, it.port
            )
        };
        let config = format!(
            "name: {name}\nstate: state\ncontroller:\n  address: {}\n  enrolment: {}\n  fingerprint: {}\n  token: {{ file: token }}\n\
             credentials:\n  admin: {{ user: admin, password: {{ file: password }} }}\ndevices:\n{}",
            text("address"),
            text("enrolment"),
            text("fingerprint"),
            devices.iter().map(way).collect::<String>()
        );
        std::fs::write(home.join("agent.yaml"), config).unwrap();
        self.agents.push((name.to_owned(), None));
        self.start_agent(self.agents.len() - 1);
    }

    /// Waits until every agent has joined and speaks for its devices; one is on the list before that.
    pub fn joined(&self) {
        self.until("every agent to join", || {
            let (code, said) = self.entente("agent list --output json");
            let agents: Value = serde_json::from_str(&said).ok()?;
            let speaks = |agent: &&Value| agent["devices"].as_array().is_some_and(|devices| !devices.is_empty());
            let count = agents.as_array()?.iter().filter(speaks).count();
            (code == 0 && count == self.agents.len()).then_some(())
        });
    }

    /// Runs `entente` with the words of a line; answers its exit code and everything that it said.
    pub fn entente(&self, line: &str) -> (i32, String) {
        let output = self.command("entente").args(line.split_whitespace()).output().unwrap();
        said(&output)
    }

    /// An intent that describes an interface on these devices; these tests are about agreement, so nobody looks at the network.
    pub fn describe(&self, file: &str, devices: &str, interface: &str, text: &str) {
        let intent = format!(
            "class: interface.set\nname: {interface}\ngate: none\nslots: {{ device: [{devices}], interface: {interface}, description: {text} }}\n"
        );
        self.write(file, &intent);
    }

    /// Plans and commits over REST without waiting; gives the transaction.
    pub fn commit(&self, file: &str) -> String {
        self.begin(&self.plan(file))
    }

    /// Plans over REST; gives the plan.
    pub fn plan(&self, file: &str) -> String {
        let intent = std::fs::read_to_string(self.path(file)).unwrap();
        let plan = self.ask("POST", "/v1/plans", &intent);
        let id = plan["id"].as_str().unwrap_or_else(|| panic!("{plan}\n{}", self.logs()));
        id.to_owned()
    }

    /// Commits a plan over REST without waiting; gives the transaction.
    pub fn begin(&self, plan: &str) -> String {
        let transaction = self.ask("POST", &format!("/v1/plans/{plan}/commit"), "");
        transaction["id"].as_str().unwrap().to_owned()
    }

    /// Plans, asks for the commit over REST and hangs up before it is answered; gives the transaction.
    pub fn commit_and_hang_up(&self, file: &str, slow: &str) -> String {
        let intent = std::fs::read_to_string(self.path(file)).unwrap();
        let plan = self.ask("POST", "/v1/plans", &intent);
        let plan = plan["id"].as_str().unwrap_or_else(|| panic!("{plan}\n{}", self.logs()));
        // What stands there is read before the commit is answered.
        self.delay(slow, "get-config", 3000);
        let token = std::fs::read_to_string(self.path("state/token")).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[0])).unwrap();
        let head = format!("POST /v1/plans/{plan}/commit HTTP/1.1\r\nhost: entente\r\nauthorization: Bearer {token}");
        write!(stream, "{head}\r\ncontent-length: 0\r\n\r\n").unwrap();
        self.until("the transaction to stand on the list", || {
            let rows = self.ask("GET", "/v1/transactions", "");
            let rows = rows["items"].as_array().or_else(|| rows.as_array()).cloned()?;
            let mine = rows.iter().find(|row| row["plan"] == plan)?;
            drop(stream.shutdown(std::net::Shutdown::Both));
            Some(mine["id"].as_str()?.to_owned())
        })
    }

    /// What became of a transaction, once it has ended.
    pub fn ended(&self, transaction: &str) -> String {
        self.until(&format!("{transaction} to end"), || {
            let row = self.ask("GET", &format!("/v1/transactions/{transaction}"), "");
            let state = row["state"].as_str()?;
            (state != "running").then(|| state.to_owned())
        })
    }

    /// Asks REST with the admin token.
    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let token = std::fs::read_to_string(self.path("state/token")).unwrap();
        let answer = http(
            &self.rest(),
            method,
            path,
            (body, &format!("authorization: Bearer {token}\r\n")),
        );
        serde_json::from_str(&answer).expect(&answer)
    }

    /// Whether a device's datastore holds this text, as the device itself says.
    pub fn holds(&self, device: &str, text: &str) -> bool {
        http(
            &self.control,
            "GET",
            &format!("/devices/{device}/config/running"),
            ("", ""),
        )
        .contains(text)
    }

    /// How often a device was asked for an operation, and did it.
    pub fn done(&self, device: &str, operation: &str) -> usize {
        let log = http(&self.control, "GET", &format!("/devices/{device}/log"), ("", ""));
        let entries: Value = serde_json::from_str(&log).expect(&log);
        let good = |it: &&Value| it["operation"] == operation && it["outcome"] == "ok";
        entries.as_array().expect(&log).iter().filter(good).count()
    }

    /// What a device did, the oldest first.
    pub fn log(&self, device: &str) -> Vec<Value> {
        let log = http(&self.control, "GET", &format!("/devices/{device}/log"), ("", ""));
        serde_json::from_str(&log).expect(&log)
    }

    /// Lets a device answer late.
    pub fn delay(&self, device: &str, operation: &str, millis: u64) {
        self.fault(
            device,
            &json!({ "fault": "delay", "operation": operation, "millis": millis }),
        );
    }

    /// Lets a device show a fault.
    pub fn fault(&self, device: &str, fault: &Value) {
        http(
            &self.control,
            "POST",
            &format!("/devices/{device}/faults"),
            (&fault.to_string(), ""),
        );
    }

    /// Lets an operation of a device wait until it is released or healed.
    pub fn hold(&self, device: &str, operation: &str) {
        self.fault(device, &json!({ "fault": "hold", "operation": operation }));
    }

    /// Lets go on what is held; every other fault stays.
    pub fn release(&self, device: &str) {
        let act = r#"{"act":"release"}"#;
        http(&self.control, "POST", &format!("/devices/{device}/acts"), (act, ""));
    }

    /// Somebody writes the description of an interface by hand.
    pub fn by_hand(&self, device: &str, interface: &str, text: &str) {
        let inside = format!("<name>{interface}</name><description>{text}</description>");
        let config = format!(
            "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface>{inside}</interface></interfaces>"
        );
        let act = json!({ "act": "foreign-edit", "store": "running", "config": config });
        let path = format!("/devices/{device}/acts");
        http(&self.control, "POST", &path, (&act.to_string(), ""));
    }

    /// Changes what the controller has stored, past it.
    pub fn sql(&self, statement: &str) {
        let program = "import sys, sqlite3; base = sqlite3.connect(sys.argv[1], timeout=20); base.execute(sys.argv[2]); base.commit()";
        let store = self.path("state").join("store.db");
        let done = Command::new("python3")
            .args(["-c", program])
            .arg(store)
            .arg(statement)
            .status();
        assert!(done.unwrap().success(), "{statement}");
    }

    /// Lets a device be as it was.
    pub fn heal(&self, device: &str) {
        http(&self.control, "DELETE", &format!("/devices/{device}/faults"), ("", ""));
    }

    /// Waits until `transaction` has told something that contains all of these words.
    pub fn told(&self, transaction: &str, words: &[&str]) {
        let token = std::fs::read_to_string(self.path("state/token")).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[0])).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET /v1/transactions/{transaction}/progress HTTP/1.0\r\nauthorization: Bearer {token}\r\n\r\n"
        )
        .unwrap();
        let mut seen = String::new();
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap_or_else(|error| panic!("{error}: {words:?} was not told\n{seen}"));
            if words.iter().all(|word| line.contains(word)) {
                return;
            }
            seen = format!("{seen}{line}\n");
        }
        panic!("{words:?} was not told\n{seen}\n{}", self.logs());
    }

    /// Asks until there is an answer.
    pub fn until<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        tests_real::until(what, PATIENCE, condition).unwrap_or_else(|error| panic!("{error}\n{}", self.logs()))
    }

    /// What everybody said.
    pub fn logs(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
        let names = std::iter::once("controller").chain(self.agents.iter().map(|(name, _)| name.as_str()));
        names.map(|name| format!("── {name}\n{}", read(name))).collect()
    }

    /// Where agents keep their streams.
    pub fn agents_listen(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1])
    }

    /// Where REST is served.
    pub fn rest(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }
}

/// The exit code and everything that was said.
pub fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.code().unwrap_or(-1), text.concat())
}

fn lab(program: &Path, count: usize, kinds: &str) -> (Child, Vec<Device>, String) {
    let mut command = Command::new(program);
    let count = count.to_string();
    command.args([
        "devices",
        "--count",
        &count,
        "--name",
        "r",
        "--user",
        "admin",
        "--personality",
        kinds,
    ]);
    command.env("ENTENTE_LAB_PASSWORD", PASSWORD);
    let mut lab = Child::start(command.stdout(Stdio::piped()).stderr(Stdio::null())).unwrap();
    let out = lab.process().stdout.take().unwrap();
    let mut devices = Vec::new();
    for line in BufReader::new(out).lines() {
        let card: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if let Some(control) = card["control"].as_str() {
            let control = control.trim_start_matches("http://").trim_end_matches('/').to_owned();
            return (lab, devices, control);
        }
        let text = |field: &str| card[field].as_str().unwrap().to_owned();
        devices.push(Device {
            id: format!("01930000-0000-7000-8000-{:012}", devices.len() + 1),
            name: text("name"),
            address: text("address"),
            port: card["netconf_port"].as_u64().unwrap(),
        });
    }
    panic!("entente-lab ended");
}

/// One request, with a body and further headers; gives the body of the answer.
pub fn http(server: &str, method: &str, path: &str, (body, headers): (&str, &str)) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(
        head.starts_with("HTTP/1.0 2") || head.starts_with("HTTP/1.1 2"),
        "{method} {path}: {head}\n{body}"
    );
    body.to_owned()
}
