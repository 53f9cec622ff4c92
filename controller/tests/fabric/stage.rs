//! A controller as a process, with an inventory of devices that nobody has to reach.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests_real::Child;

/// The devices of the inventory: name and id.
pub const DEVICES: [(&str, &str); 3] = [
    ("pe1", "01930000-0000-7000-8000-000000000001"),
    ("pe2", "01930000-0000-7000-8000-000000000002"),
    ("pe3", "01930000-0000-7000-8000-000000000003"),
];

/// A controller, and where it keeps what it knows.
pub struct Stage {
    controller: Option<Child>,
    /// REST, streams and events, enrolment.
    pub ports: [u16; 3],
    settings: Vec<(&'static str, String)>,
    /// Last, so that it goes when nobody uses it.
    folder: tempfile::TempDir,
}

impl Stage {
    /// Starts a controller with settings of the test's own.
    pub fn start(settings: &[(&'static str, &str)]) -> Self {
        Self::prepared(settings, |_| {})
    }

    /// The same, in a folder in which something lies already.
    pub fn prepared(settings: &[(&'static str, &str)], prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device = |(name, id): (&str, &str)| {
            format!(
                "  - id: {id}\n    name: {name}\n    address: 127.0.0.1\n    platforms: [ietf]\n    protocols: [{{ name: netconf, port: 9 }}]\n"
            )
        };
        let devices: String = DEVICES.map(device).concat();
        std::fs::write(
            folder.path().join("inventory.yaml"),
            format!("version: 1\ndevices:\n{devices}"),
        )
        .unwrap();
        prepare(folder.path());
        let mut stage = Self {
            controller: None,
            ports: [(); 3].map(|()| tests_real::free_port().unwrap()),
            settings: settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            folder,
        };
        stage.up();
        stage
    }

    /// Starts the controller, again with everything that it has kept.
    pub fn up(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("controller.log"))
            .unwrap();
        let mut command = self.command();
        self.controller = Some(Child::start(command.arg("serve").stdout(Stdio::null()).stderr(log)).unwrap());
        self.until("the controller to answer", "agent list", |_| true);
    }

    /// Kills the controller.
    pub fn down(&mut self) {
        self.controller = None;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The controller's process.
    pub fn process(&self) -> u32 {
        self.controller.as_ref().unwrap().id()
    }

    /// The command line, with the controller of this stage behind it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
        let names = ["ENTENTE_LISTEN", "ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
        command.envs(names.iter().zip(self.ports.map(|port| format!("127.0.0.1:{port}"))));
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command
            .env("ENTENTE_STATE", self.path("state"))
            .env("ENTENTE_INVENTORY", self.path("inventory.yaml"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs `entente` with the words of a line; answers its exit code and all that it said.
    pub fn entente(&self, line: &str) -> (i32, String) {
        let inner = self.command();
        let mut command = Command::new("timeout"); // what never ends fails here
        command
            .arg("120")
            .arg(inner.get_program())
            .args(line.split_whitespace());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, line: &str) -> String {
        let (code, said) = self.entente(line);
        assert_eq!(code, 0, "entente {line}\n{said}\n{}", self.log());
        said
    }

    /// Runs a command that prints data.
    pub fn data(&self, line: &str) -> Value {
        let said = self.ok(&format!("{line} --output json"));
        serde_json::from_str(&said).expect(&said)
    }

    /// The agents of a list, with how each is present.
    pub fn listed(&self, wanted: &str) -> Vec<(String, String)> {
        let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
        let rows = self.data(&format!("agent list {wanted}"));
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| (text(row, "name"), text(row, "presence")))
            .collect()
    }

    /// Runs a command until what it says is enough.
    pub fn until(&self, what: &str, line: &str, enough: impl Fn(&str) -> bool) {
        let asked = tests_real::until(what, Duration::from_secs(90), || {
            let (code, said) = self.entente(line);
            (code == 0 && enough(&said)).then_some(())
        });
        asked.unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.entente(line).1, self.log()));
    }

    /// What the controller wrote into its log.
    pub fn log(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = std::fs::File::open(self.path("controller.log")) {
            let _ = file.read_to_string(&mut text);
        }
        text
    }
}
