//! Controller and agents as processes of their own, each in its namespace, and what is asked of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests_real::Child;

use super::devices::Device;
use super::judge::{Judges, Seen};
use super::net::{Net, succeeded};
use super::subscriber::Subscriber;

/// The devices by name: their ids.
pub const DEVICES: [(&str, &str); 3] = [
    ("pe1", "01930000-0000-7000-8000-000000000001"),
    ("pe2", "01930000-0000-7000-8000-000000000002"),
    ("pe3", "01930000-0000-7000-8000-000000000003"),
];
/// How long anything may take; a loaded machine needs long for a login.
const PATIENCE: Duration = Duration::from_secs(120);
/// The controller's settings. Staging may try two protocols, one after the other.
const SETTINGS: [(&str, &str); 6] = [
    ("ENTENTE_LISTEN", "127.0.0.1:7420"),
    ("ENTENTE_AGENTS_LISTEN", "10.250.0.1:7421"),
    ("ENTENTE_AGENTS_ENROLMENT", "10.250.0.1:7422"),
    ("ENTENTE_AGENTS_NAMES", "10.250.0.1"),
    ("ENTENTE_TERMS_PREPARE", "90s"),
    ("ENTENTE_TERMS_APPLY", "90s"),
];
/// How long an agent may take for one step: three fifths of it for NETCONF where there is a command line as well.
const STEP: &str = "30s";

/// Three real devices, a controller, two agents, a subscriber and the judges.
pub struct Mission {
    subscriber: Option<Subscriber>,
    judges: Option<Judges>,
    controller: Option<Child>,
    agents: Vec<Child>,
    pub pe1: Device,
    pub pe2: Device,
    pub pe3: Device,
    pub net: Net,
    /// Last, because whoever is stopped is found by what stands in it.
    folder: tempfile::TempDir,
}

impl Mission {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let net = Net::start();
        let pe1 = Device::netconfd(&net, "pe1", at("pe1"), &[]);
        let pe2 = Device::frr(&net, "west", at("pe2"));
        let pe3 = Device::netconfd(&net, "pe3", at("pe3"), &["--cli-port", "22"]);
        std::fs::write(at("inventory.yaml"), inventory()).unwrap();
        let mut mission = Self {
            subscriber: None,
            judges: None,
            controller: None,
            agents: Vec::new(),
            pe1,
            pe2,
            pe3,
            net,
            folder,
        };
        mission.start_controller();
        mission.subscribe();
        mission.judges = Some(Judges::start(&mission.net, [&mission.pe1, &mission.pe2, &mission.pe3]));
        mission.agent("east", &["pe1"]);
        mission.agent("west", &["pe2", "pe3"]);
        mission
    }

    fn start_controller(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("controller.log"));
        let mut command = self.command("controller", "entente");
        self.controller = Some(Child::start(command.arg("serve").stderr(log.unwrap())).unwrap());
        self.until("the controller to answer", || {
            (self.entente(&["agent", "list"]).0 == 0).then_some(())
        });
    }

    /// Kills the controller with SIGKILL and starts it again.
    pub fn restart_controller(&mut self) {
        self.controller = None;
        self.start_controller();
    }

    fn subscribe(&mut self) {
        let invitation = self.path("invitation.json");
        std::fs::write(&invitation, self.invited("observer", &["pe1", "pe2", "pe3"])).unwrap();
        let devices = DEVICES.map(|(_, id)| id);
        let folder = self.path("observer");
        self.subscriber = Some(Subscriber::start(&self.net, &invitation, &folder, &devices));
    }

    fn invited(&self, name: &str, devices: &[&str]) -> String {
        let mut words = vec!["agent", "invite", name, "--output", "json"];
        devices.iter().for_each(|device| words.extend(["--device", device]));
        self.ok(&words)
    }

    fn agent(&mut self, name: &str, devices: &[&str]) {
        let said = self.invited(name, devices);
        let invitation: Value = serde_json::from_str(&said).expect(&said);
        let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
        let home = self.path(name);
        std::fs::create_dir(&home).unwrap();
        let mut private = vec![home.join("token")];
        std::fs::write(&private[0], text("token")).unwrap();
        let (mut credentials, mut ways) = (String::new(), String::new());
        for device in devices {
            let (part, lines) = self.spoken_to(device);
            std::fs::copy(part.key(), home.join(device)).unwrap();
            private.push(home.join(device));
            credentials += &format!("  {device}: {{ user: {}, key: {device} }}\n", part.user);
            ways += &lines;
        }
        succeeded(Command::new("chmod").arg("600").args(private));
        let config = format!(
            "name: {name}\nstate: state\nstep-within: {STEP}\ncontroller:\n  address: {}\n  enrolment: {}\n  fingerprint: {}\n  \
             token: {{ file: token }}\ncredentials:\n{credentials}devices:\n{ways}",
            text("address"),
            text("enrolment"),
            text("fingerprint")
        );
        std::fs::write(home.join("agent.yaml"), config).unwrap();
        let log = std::fs::File::create(self.path(&format!("{name}.log"))).unwrap();
        let mut command = self.command(name, "entente-agent");
        command.args(["run", "--config"]).arg(home.join("agent.yaml"));
        self.agents
            .push(Child::start(command.stdout(Stdio::null()).stderr(log)).unwrap());
    }

    /// A device, and the lines that tell its agent how it is spoken to.
    fn spoken_to(&self, device: &str) -> (&Device, String) {
        let way = |protocol: &str, platform: &str, address: &str| {
            format!(
                "      - {{ protocol: {protocol}, platform: {platform}, address: '{address}', credential: {device}, trust-first-use: true }}\n"
            )
        };
        let (part, ways) = match device {
            "pe1" => (&self.pe1, way("netconf", "ietf", "10.250.1.2:831")),
            "pe2" => (&self.pe2, way("cli", "frr", "10.250.2.2:22")),
            _ => (
                &self.pe3,
                way("netconf", "ietf", "10.250.3.2:831") + &way("cli", "yangcli", "10.250.3.2:22"),
            ),
        };
        let id = DEVICES.iter().find(|it| it.0 == device).unwrap().1;
        (part, format!("  - id: {id}\n    name: {device}\n    ways:\n{ways}"))
    }

    fn command(&self, place: &str, program: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_entente")).with_file_name(program);
        assert!(
            program.is_file(),
            "build the whole workspace first: cargo build --workspace --bins"
        );
        let mut command = self.net.inside(place, program);
        command
            .envs(SETTINGS)
            .env("ENTENTE_STATE", self.path("state"))
            .env("ENTENTE_INVENTORY", self.path("inventory.yaml"))
            .env_remove("ENTENTE_CONFIG");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `entente` with these words; answers its exit code and everything that it said.
    pub fn entente(&self, words: &[&str]) -> (i32, String) {
        let output = self.command("controller", "entente").args(words).output().unwrap();
        let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        (output.status.code().unwrap_or(-1), said.concat())
    }

    /// Runs it and insists on success.
    pub fn ok(&self, words: &[&str]) -> String {
        let (code, said) = self.entente(words);
        assert_eq!(code, 0, "entente {words:?}\n{said}\n{}", self.logs());
        said
    }

    /// Runs it for the data that it prints.
    pub fn data(&self, words: &[&str]) -> Value {
        let said = self.ok(&[words, &["--output", "json"]].concat());
        serde_json::from_str(&said).expect(&said)
    }

    /// What `entente` writes on a terminal.
    pub fn on_terminal(&self, line: &str) -> String {
        let mut command = self.command("controller", "entente");
        let program = Path::new(env!("CARGO_BIN_EXE_entente"));
        let inner = format!("stty cols 150 rows 50; {} {line}", program.display());
        let mut terminal = self.net.inside("controller", "script");
        let settings = command
            .current_dir(".")
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        terminal
            .args(["-qec", &inner, "/dev/null"])
            .envs(settings)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        succeeded(&mut terminal)
    }

    /// Asks REST as anybody would, with curl.
    pub fn rest(&self, path: &str, body: Option<&Path>) -> String {
        let token = std::fs::read_to_string(self.path("state/token")).unwrap();
        let mut command = self.net.inside("controller", "curl");
        command.args(["-sS", "--fail-with-body", "--max-time", "60", "-H"]);
        command.arg(format!("authorization: Bearer {}", token.trim()));
        if let Some(body) = body {
            command.args(["-H", "content-type: application/json", "--data-binary"]);
            command.arg(format!("@{}", body.display()));
        }
        succeeded(command.arg(format!("http://127.0.0.1:7420{path}")))
    }

    /// Commits the intent of a file without waiting; gives the transaction.
    pub fn begin(&self, file: &str) -> String {
        let plan = self.data(&["plan", "-f", file]);
        let transaction = self.data(&["commit", plan["id"].as_str().unwrap(), "--detach"]);
        transaction["id"].as_str().unwrap().to_owned()
    }

    /// The transaction, once it has ended.
    pub fn ended(&self, transaction: &str) -> Value {
        self.until("the transaction to end", || {
            let row = self.data(&["transaction", "show", transaction]);
            (row["state"] != "running").then_some(row)
        })
    }

    /// Everything that was told of a transaction that has ended.
    pub fn told(&self, transaction: &str) -> String {
        self.rest(&format!("/v1/transactions/{transaction}/progress"), None)
    }

    /// What stands on the devices, as the judges say.
    pub fn judged(&mut self) -> Seen {
        self.judges.as_mut().expect("judges").read()
    }

    /// Waits until the subscriber has believed an event of which this holds.
    pub fn heard(&mut self, what: &str, holds: impl Fn(&Value) -> bool) {
        self.subscriber.as_mut().expect("a subscriber").until(what, holds);
    }

    pub fn until<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        tests_real::until(what, PATIENCE, condition).unwrap_or_else(|error| panic!("{error}\n{}", self.logs()))
    }

    /// What controller and agents wrote.
    pub fn logs(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
        ["controller", "east", "west"]
            .map(|name| format!("── {name}\n{}", read(name)))
            .concat()
    }
}

fn inventory() -> String {
    let device = |(name, id): (&str, &str), address: &str, platform: &str, protocols: &str| {
        format!(
            "  - id: {id}\n    name: {name}\n    address: {address}\n    platforms: [{platform}]\n    protocols: [{protocols}]\n"
        )
    };
    let [pe1, pe2, pe3] = DEVICES;
    let both = "{ name: netconf, port: 831 }, { name: cli, port: 22 }";
    format!(
        "version: 1\ndevices:\n{}{}{}",
        device(pe1, "10.250.1.2", "ietf", "{ name: netconf, port: 831 }"),
        device(pe2, "10.250.2.2", "frr", "{ name: cli, port: 22 }"),
        device(pe3, "10.250.3.2", "ietf", both)
    )
}
