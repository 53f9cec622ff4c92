//! The sentence of the product against real devices: one intent for netconfd and FRR, committed on both or on neither.
//!
//! Controller and agents are processes of their own; ncclient and vtysh, which share no code with us, say what is on the
//! devices.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tests_real::Child;

const NETCONFD: &str = "01930000-0000-7000-8000-000000000001";
const FRR: &str = "01930000-0000-7000-8000-000000000002";

/// A real part, started and stopped by its script.
struct Part {
    script: &'static str,
    folder: PathBuf,
    port: u16,
}

impl Part {
    fn start(script: &'static str, folder: PathBuf, more: &[&str]) -> Self {
        let part = Self {
            script,
            folder,
            port: tests_real::free_port().unwrap(),
        };
        part.run("start", &[&[part.port.to_string().as_str()], more].concat());
        part
    }

    fn run(&self, verb: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(tests_real::root().join(self.script));
        succeeded(command.arg(verb).arg(&self.folder).args(arguments))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = Command::new(tests_real::root().join(self.script))
            .arg("stop")
            .arg(&self.folder)
            .output();
    }
}

fn succeeded(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}\n{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Two real devices, a controller and two agents.
struct Mission {
    parts: Vec<Child>,
    netconfd: Part,
    frr: Part,
    ports: [u16; 3],
    /// Last, because whoever is stopped is found by what stands in it.
    folder: tempfile::TempDir,
}

impl Mission {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let netconfd = Part::start("labs/real/netconfd", at("netconfd"), &[]);
        let frr = Part::start("labs/real/frr", at("frr"), &["--interface", "eth1"]);
        let ports = [(); 3].map(|()| tests_real::free_port().unwrap());
        let device = |id: &str, name: &str, platform: &str, protocol: &str, port: u16| {
            format!(
                "  - id: {id}\n    name: {name}\n    address: 127.0.0.1\n    platforms: [{platform}]\n    protocols: [{{ name: {protocol}, port: {port} }}]\n"
            )
        };
        let inventory = format!(
            "version: 1\ndevices:\n{}{}",
            device(NETCONFD, "pe1", "ietf", "netconf", netconfd.port),
            device(FRR, "pe2", "frr", "cli", frr.port)
        );
        std::fs::write(at("inventory.yaml"), inventory).unwrap();
        let mut mission = Self {
            netconfd,
            frr,
            ports,
            parts: Vec::new(),
            folder,
        };
        mission.controller();
        let user = std::env::var("ENTENTE_NETCONFD_USER").unwrap_or_else(|_| "root".to_owned());
        let (netconfd, frr) = (mission.netconfd.port, mission.frr.port);
        mission.agent(
            "east",
            "pe1",
            NETCONFD,
            &user,
            "netconfd/client_key",
            &format!("netconf, platform: ietf, address: '127.0.0.1:{netconfd}'"),
        );
        mission.agent(
            "west",
            "pe2",
            FRR,
            "admin",
            "frr/key",
            &format!("cli, platform: frr, address: '127.0.0.1:{frr}'"),
        );
        mission.until(
            "both agents to join",
            |said| said.contains("east") && said.contains("west"),
            "device list",
        );
        mission
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
            .env("ENTENTE_INVENTORY", self.path("inventory.yaml"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn controller(&mut self) {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_entente")));
        let log = std::fs::File::create(self.path("controller.log")).unwrap();
        self.parts
            .insert(0, Child::start(command.arg("serve").stderr(log)).unwrap());
        self.until("the controller to answer", |_| true, "agent list");
    }

    #[expect(clippy::too_many_arguments, reason = "an agent is told this much")]
    fn agent(&mut self, name: &str, device: &str, id: &str, user: &str, part: &str, way: &str) {
        let said = self
            .entente(&format!("agent invite {name} --device {device} --output json"))
            .1;
        let invitation: serde_json::Value = serde_json::from_str(&said).unwrap();
        let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
        let home = self.path(name);
        std::fs::create_dir(&home).unwrap();
        let (token, key) = (home.join("token"), home.join("key"));
        std::fs::write(&token, text("token")).unwrap();
        std::fs::copy(self.path(part), &key).unwrap();
        succeeded(Command::new("chmod").arg("600").arg(&token).arg(&key));
        let config = format!(
            "name: {name}\nstate: state\ncontroller:\n  address: {}\n  enrolment: {}\n  fingerprint: {}\n  token: {{ file: token }}\n\
             credentials:\n  login: {{ user: {user}, key: key }}\n\
             devices:\n  - id: {id}\n    name: {device}\n    ways: [{{ protocol: {way}, credential: login, trust-first-use: true }}]\n",
            text("address"),
            text("enrolment"),
            text("fingerprint")
        );
        std::fs::write(home.join("agent.yaml"), config).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_entente")).with_file_name("entente-agent");
        let log = std::fs::File::create(self.path(&format!("{name}.log"))).unwrap();
        let mut command = self.command(&program);
        command
            .args(["run", "--config"])
            .arg(home.join("agent.yaml"))
            .stdout(Stdio::null())
            .stderr(log);
        self.parts.push(Child::start(&mut command).unwrap());
    }

    fn entente(&self, line: &str) -> (i32, String) {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_entente")));
        let output = command.args(line.split_whitespace()).output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.code().unwrap_or(-1), said)
    }

    fn until(&self, what: &str, enough: impl Fn(&str) -> bool, line: &str) {
        let asked = tests_real::until(what, Duration::from_secs(30), || {
            let (code, said) = self.entente(line);
            (code == 0 && enough(&said)).then_some(())
        });
        asked.unwrap_or_else(|error| panic!("{error}\n{}", self.logs()));
    }

    fn logs(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
        ["controller", "east", "west"]
            .map(|name| format!("── {name}\n{}", read(name)))
            .concat()
    }

    fn describe(&self, text: &str) {
        let intent = format!(
            "class: interface.set\nname: uplinks\nslots: {{ device: [pe1, pe2], interface: eth1, description: {text} }}\n"
        );
        std::fs::write(self.path("intent.yaml"), intent).unwrap();
    }

    /// Which of the two devices has this description, in the words of ncclient and vtysh.
    fn judged(&self, text: &str) -> (bool, bool) {
        let judge = tests_real::root().join("adapters/netconf/tests/real/judge.py");
        let user = std::env::var("ENTENTE_NETCONFD_USER").unwrap_or_else(|_| "root".to_owned());
        let port = self.netconfd.port.to_string();
        let key = self.path("netconfd/client_key");
        let mut command = Command::new(tests_real::python());
        let running = succeeded(
            command
                .arg(judge)
                .args(["127.0.0.1", &port, &user])
                .arg(key)
                .arg("running"),
        );
        tests_real::operations("netconfd", "yuma123", 1);
        let router = self.frr.run("exec", &["vtysh", "-c", "show running-config"]);
        tests_real::operations("FRR", "vtysh", 1);
        (
            running.contains(text),
            router.lines().any(|line| line.trim() == format!("description {text}")),
        )
    }
}

#[test]
fn one_intent_is_true_on_both_real_devices_or_on_neither() {
    if !tests_real::wanted("mission::one_intent_is_true_on_both_real_devices_or_on_neither") {
        return;
    }
    let mut mission = Mission::start();
    mission.describe("first");
    let (code, said) = mission.entente("plan -f intent.yaml");
    assert!(
        code == 0 && said.contains("<description>first</description>") && said.contains("description first\n"),
        "{said}"
    );
    assert_eq!(mission.judged("first"), (false, false), "a plan changes nothing");
    let (code, said) = mission.entente("commit -f intent.yaml");
    assert_eq!(code, 0, "{said}\n{}", mission.logs());
    assert_eq!(mission.judged("first"), (true, true));

    // Somebody changes the router between plan and commit: nobody's newer work is overwritten, on either device.
    mission.describe("second");
    let said = mission.entente("plan -f intent.yaml --output json").1;
    let plan: serde_json::Value = serde_json::from_str(&said).expect(&said);
    mission.frr.run(
        "exec",
        &[
            "vtysh",
            "-c",
            "configure terminal",
            "-c",
            "interface eth1",
            "-c",
            "description theirs",
        ],
    );
    let (code, said) = mission.entente(&format!("commit {}", plan["id"].as_str().unwrap()));
    assert_eq!(code, 4, "{said}\n{}", mission.logs());
    assert!(said.contains("pe2 moved on"), "{said}");
    assert_eq!(mission.judged("second"), (false, false));
    assert_eq!(mission.judged("theirs"), (false, true));

    // The controller is killed: it comes back with everything that it knew, and so do its agents.
    drop(mission.parts.remove(0));
    mission.controller();
    // The registry knows both from before: whether they speak for their devices shows where these are read.
    mission.until(
        "both agents to come back",
        |said| said.contains("guarantee"),
        "plan -f intent.yaml",
    );
    let (code, said) = mission.entente("commit -f intent.yaml");
    assert_eq!(code, 0, "{said}\n{}", mission.logs());
    assert_eq!(mission.judged("second"), (true, true));
    let (code, said) = mission.entente("audit verify");
    assert!(code == 0 && said.contains("entries hold"), "{said}");
}
