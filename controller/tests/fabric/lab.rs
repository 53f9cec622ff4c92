//! Simulated devices, and real agents beside them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests_real::Child;

use super::stage::Stage;

const PASSWORD: &str = "entente-test";

/// Simulated devices.
pub struct Lab {
    /// Name, id, address.
    pub devices: Vec<(String, String, String)>,
    control: String,
    _part: Child,
}

pub fn sibling(name: &str) -> std::path::PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_entente")).with_file_name(name);
    assert!(
        path.is_file(),
        "build the whole workspace first: cargo test --workspace"
    );
    path
}

impl Lab {
    pub fn start(count: usize) -> Self {
        let mut command = Command::new(sibling("entente-lab"));
        command.args([
            "devices",
            "--count",
            &count.to_string(),
            "--name",
            "r",
            "--user",
            "admin",
        ]);
        command.env("ENTENTE_LAB_PASSWORD", PASSWORD).stdout(Stdio::piped());
        let mut part = Child::start(&mut command).unwrap();
        let out = part.process().stdout.take().unwrap();
        let mut devices = Vec::new();
        for (number, line) in BufReader::new(out).lines().enumerate() {
            let card: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if let Some(control) = card["control"].as_str() {
                let control = control.to_owned();
                return Self {
                    devices,
                    control,
                    _part: part,
                };
            }
            let id = format!("01930000-0000-7000-8000-00000000010{number}");
            let address = format!("{}:{}", card["address"].as_str().unwrap(), card["netconf_port"]);
            devices.push((card["name"].as_str().unwrap().to_owned(), id, address));
        }
        panic!("entente-lab has ended")
    }

    pub fn inventory(&self) -> String {
        let device = |(name, id, address): &(String, String, String)| {
            let (address, port) = address.rsplit_once(':').unwrap();
            format!(
                "  - id: {id}\n    name: {name}\n    address: {address}\n    platforms: [ietf]\n    protocols: [{{ name: netconf, port: {port} }}]\n"
            )
        };
        format!(
            "version: 1\ndevices:\n{}",
            self.devices.iter().map(device).collect::<String>()
        )
    }

    pub fn curl(&self, path: &str, body: Option<&str>) -> String {
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail-with-body", &format!("{}{path}", self.control)]);
        if let Some(body) = body {
            command.args(["-H", "content-type: application/json", "-d", body]);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{path}: {said}");
        said
    }

    pub fn says(&self, device: usize, text: &str) -> bool {
        self.curl(&format!("/devices/{}/config/running", self.devices[device].0), None)
            .contains(text)
    }

    pub fn until(&self, what: &str, stage: &Stage, holds: impl Fn(&Self) -> bool) {
        let waited = tests_real::until(what, Duration::from_secs(60), || holds(self).then_some(()));
        waited.unwrap_or_else(|error| panic!("{error}\n{}", stage.log()));
    }
}

/// A real agent for one device.
pub fn agent(stage: &Stage, lab: &Lab, name: &str, device: usize) -> Child {
    invited(stage, lab, name, device);
    started(stage, name, None)
}

/// Starts an agent that was invited before; by a clock that is off by so much, in the words of faketime.
pub fn started(stage: &Stage, name: &str, off: Option<&str>) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(stage.path(&format!("{name}.log")))
        .unwrap();
    let mut command = Command::new(sibling("entente-agent"));
    if let Some(off) = off {
        tests_real::operations(tests_real::Part::Faketime, 1);
        // Not by the program `faketime`: that stays beside what it starts, and dies alone.
        command.env("LD_PRELOAD", faketime()).env("FAKETIME", off);
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
    command
        .args(["run", "--config"])
        .arg(stage.path(name).join("agent.yaml"));
    Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log)).unwrap()
}

/// The library of faketime, wherever the system keeps it.
fn faketime() -> std::path::PathBuf {
    let mut places = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let library = places.find_map(|it| Some(it.path().join("faketime/libfaketimeMT.so.1")).filter(|it| it.is_file()));
    library.expect("faketime is installed")
}

/// Invites an agent for one device, and writes what it needs.
pub fn invited(stage: &Stage, lab: &Lab, name: &str, device: usize) {
    let (device, id, address) = &lab.devices[device];
    let invitation = stage.data(&format!("agent invite {name} --device {device}"));
    let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
    let home = stage.path(name);
    std::fs::create_dir(&home).unwrap();
    for (file, secret) in [("token", text("token")), ("password", PASSWORD.to_owned())] {
        std::fs::write(home.join(file), secret).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(home.join(file), mode).unwrap();
    }
    let config = format!(
        "name: {name}\nstate: state\nlook-every: 1s\ncontroller:\n  address: {}\n  enrolment: {}\n  fingerprint: {}\n  token: {{ file: token }}\n\
         credentials:\n  admin: {{ user: admin, password: {{ file: password }} }}\n\
         devices:\n  - id: {id}\n    name: {device}\n    ways: [{{ protocol: netconf, platform: ietf, address: '{address}', credential: admin, trust-first-use: true }}]\n",
        text("address"),
        text("enrolment"),
        text("fingerprint")
    );
    std::fs::write(home.join("agent.yaml"), config).unwrap();
}

/// What somebody else does to interface eth1 of a device, past everybody: elements of it.
impl Lab {
    pub fn edit(&self, device: usize, elements: &str) {
        let config = format!(
            "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name>eth1</name>{elements}</interface></interfaces>"
        );
        let act = serde_json::json!({ "act": "foreign-edit", "store": "running", "config": config });
        self.curl(
            &format!("/devices/{}/acts", self.devices[device].0),
            Some(&act.to_string()),
        );
    }

    /// How often a device was asked something.
    pub fn count(&self, device: usize, operation: &str) -> u64 {
        let counts = self.curl(&format!("/devices/{}/counts", self.devices[device].0), None);
        let counts: Value = serde_json::from_str(&counts).unwrap();
        counts[operation].as_u64().unwrap_or_default()
    }
}
