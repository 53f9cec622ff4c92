//! A change that would cut the agent's own way, tried with a management shutdown on each guarantee.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests_real::Child;

/// What each device can do, what it promises, and whether it takes a change back when its agent is gone.
const DEVICES: [(&str, &str, bool); 5] = [
    ("confirmed", "confirmed", true),
    ("confirmed-1.0", "session", true),
    ("candidate", "whole", false),
    ("running", "whole", false),
    ("running-bare", "plain", false),
];

/// Simulated devices, a controller and an agent.
struct Stage {
    parts: Vec<Child>,
    ports: [u16; 3],
    folder: tempfile::TempDir,
}

impl Stage {
    fn start() -> Self {
        let mut stage = Self {
            parts: Vec::new(),
            ports: [(); 3].map(|()| tests_real::free_port().unwrap()),
            folder: tempfile::tempdir().unwrap(),
        };
        let ports = stage.devices();
        let device = |at: usize, port: u64| {
            let (id, address) = (id(at), address(at));
            format!(
                "  - id: {id}\n    name: r{at}\n    address: {address}\n    platforms: [ietf]\n    protocols: [{{ name: netconf, port: {port} }}]\n"
            )
        };
        let devices: String = ports
            .iter()
            .enumerate()
            .map(|(at, port)| device(at + 1, *port))
            .collect();
        stage.write("inventory.yaml", &format!("version: 1\ndevices:\n{devices}"));
        let mut serve = stage.command("entente");
        stage.run(serve.arg("serve"));
        stage.until("the controller to answer", |code, _| code == 0);
        stage.agent(&ports);
        stage.until("the agent to join", |_, said| said.contains("east"));
        stage
    }

    /// Every device has an interface for each of them: mgmt1 carries the address of the first, and so on.
    fn devices(&mut self) -> Vec<u64> {
        let interface = |at: usize| {
            format!(
                "<interface><name>mgmt{at}</name><type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:ethernetCsmacd</type>\
                 <ipv4 xmlns=\"urn:ietf:params:xml:ns:yang:ietf-ip\"><address><ip>{}</ip><prefix-length>8</prefix-length></address></ipv4></interface>",
                address(at)
            )
        };
        let interfaces: String = (1..=DEVICES.len()).map(interface).collect();
        let text =
            format!("<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\">{interfaces}</interfaces>");
        self.write("first.xml", &text);
        let kinds: Vec<&str> = DEVICES.iter().map(|it| it.0).collect();
        let (count, first) = (DEVICES.len().to_string(), self.at("first.xml"));
        let mut lab = self.command("entente-lab");
        lab.args([
            "devices",
            "--count",
            &count,
            "--name",
            "r",
            "--address",
            "127.77.0.1",
            "--config",
            &first,
        ]);
        lab.args(["--personality", &kinds.join(",")]).stdout(Stdio::piped());
        let mut child = Child::start(&mut lab).unwrap();
        let lines = BufReader::new(child.process().stdout.take().unwrap()).lines();
        // one line a device and one with the control port: who stops reading before the last ends the lab
        let cards: Vec<Value> = lines
            .take(DEVICES.len() + 1)
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect();
        let port = |card: &Value| Some((card["name"].as_str()?.to_owned(), card["netconf_port"].as_u64()?));
        let mut ports: Vec<(String, u64)> = cards.iter().filter_map(port).collect();
        ports.sort();
        self.parts.push(child);
        ports.into_iter().map(|(_, port)| port).collect()
    }

    fn agent(&mut self, ports: &[u64]) {
        let names: String = (1..=ports.len()).map(|at| format!(" --device r{at}")).collect();
        let (code, said) = self.entente(&format!("agent invite east{names} --output json"));
        assert_eq!(code, 0, "{said}");
        let invitation: Value = serde_json::from_str(&said).unwrap();
        let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
        let mut config = format!(
            "name: east\nstate: state\ncontroller:\n  address: {}\n  enrolment: {}\n  fingerprint: {}\n  token: {{ file: token }}\n\
             credentials:\n  admin: {{ user: admin, password: {{ file: password }} }}\ndevices:\n",
            text("address"),
            text("enrolment"),
            text("fingerprint")
        );
        for (at, port) in ports.iter().enumerate() {
            let (id, address, name) = (id(at + 1), address(at + 1), at + 1);
            config += &format!(
                "  - id: {id}\n    name: r{name}\n    ways: [{{ protocol: netconf, address: '{address}:{port}', platform: ietf, credential: admin, trust-first-use: true }}]\n"
            );
        }
        self.write("token", &text("token"));
        self.write("password", "admin");
        self.write("agent.yaml", &config);
        let files = [self.path("token"), self.path("password")];
        assert!(Command::new("chmod").arg("600").args(files).status().unwrap().success());
        let file = self.at("agent.yaml");
        let mut agent = self.command("entente-agent");
        self.run(agent.args(["run", "--config", &file]));
    }

    fn run(&mut self, command: &mut Command) {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.parts.push(Child::start(command).unwrap());
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_entente")).with_file_name(name));
        let names = ["ENTENTE_LISTEN", "ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
        command.envs(names.iter().zip(self.ports.map(|port| format!("127.0.0.1:{port}"))));
        command
            .env("ENTENTE_STATE", self.path("state"))
            .env("ENTENTE_INVENTORY", self.path("inventory.yaml"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn entente(&self, line: &str) -> (i32, String) {
        let output = self.command("entente").args(line.split_whitespace()).output().unwrap();
        let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        (output.status.code().unwrap_or(-1), said.concat())
    }

    fn until(&self, what: &str, enough: impl Fn(i32, &str) -> bool) {
        let asked = tests_real::until(what, Duration::from_secs(60), || {
            let (code, said) = self.entente("agent list");
            enough(code, &said).then_some(())
        });
        asked.unwrap();
    }
}

fn id(at: usize) -> String {
    format!("01930000-0000-7000-8000-00000000000{at}")
}

fn address(at: usize) -> String {
    format!("127.77.0.{at}")
}

#[test]
fn a_shutdown_of_the_way_is_planned_only_where_the_device_takes_it_back_or_it_is_forced() {
    let stage = Stage::start();
    for (at, (personality, promise, unaided)) in DEVICES.into_iter().enumerate() {
        let at = at + 1;
        let intent = format!("class: interface.set\nslots: {{ device: r{at}, interface: mgmt{at}, admin: down }}\n");
        stage.write("shut.yaml", &intent);
        let cut = format!("it shuts mgmt{at}, which carries {}", address(at));
        let (code, said) = stage.entente("plan -f shut.yaml");
        assert_eq!(code, if unaided { 0 } else { 9 }, "{personality}: {said}");
        assert!(said.contains(&cut) && said.contains(promise), "{personality}: {said}");
        let (code, said) = stage.entente("plan -f shut.yaml --force");
        assert_eq!(code, 0, "{personality}: {said}");
        assert!(said.contains(&cut), "{personality}: {said}");
        // another interface than the one in between may be shut on any of them
        let other = at % DEVICES.len() + 1;
        stage.write(
            "other.yaml",
            &intent.replace(&format!("mgmt{at}"), &format!("mgmt{other}")),
        );
        let (code, said) = stage.entente("plan -f other.yaml");
        assert!(code == 0 && !said.contains("which carries"), "{personality}: {said}");
    }
}
