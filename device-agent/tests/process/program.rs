//! The program `entente-agent` in a folder of its own.

use std::fs::{File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use crate::controller::{Controller, PATIENCE};

pub const R1: &str = "01920000-0000-7000-8000-000000000001";
pub const R2: &str = "01920000-0000-7000-8000-000000000002";
pub const PASSWORD: &str = "correct-horse-battery";

pub struct Program {
    pub folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Program {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            child: None,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that only its owner reads.
    pub fn secret(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
    }

    pub fn configure(&self, controller: &Controller, device: SocketAddr, credential: &str) {
        self.configure_over("protocol: netconf, platform: ietf", controller, device, credential);
    }

    pub fn configure_over(&self, way: &str, controller: &Controller, device: SocketAddr, credential: &str) {
        self.secret("token", &controller.token("agent-1", &["0192*"]));
        let fingerprint = controller.authority.fingerprint();
        self.write_config(&format!(
            "name: agent-1\nstate: state\nstep-within: 10s\nlog: {{ filter: debug }}\n\
             controller:\n  address: {}\n  enrolment: {}\n  fingerprint: {fingerprint}\n  token: {{ file: token }}\n\
             credentials:\n  lab: {credential}\n\
             devices:\n  - id: {R1}\n    name: r1\n    ways:\n      \
             - {{ {way}, address: \"{device}\", credential: lab, trust-first-use: true }}\n",
            controller.address, controller.enrolment,
        ));
    }

    /// Adds lines to the configuration: devices, or what stands for itself.
    pub fn add_config(&self, lines: &str) {
        let text = std::fs::read_to_string(self.path("agent.yaml")).unwrap();
        self.write_config(&format!("{text}{lines}"));
    }

    pub fn write_config(&self, text: &str) {
        std::fs::write(self.path("agent.yaml"), text).unwrap();
    }

    pub fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente-agent"));
        command.arg(verb).arg("--config").arg(self.path("agent.yaml"));
        command
    }

    pub fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        self.child = Some(self.command("run").stderr(log).spawn().unwrap());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// SIGKILL: not a word more.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        self.tell_to_stop();
        self.ended()
    }

    /// SIGTERM.
    pub fn tell_to_stop(&self) {
        let child = self.child.as_ref().unwrap();
        let sent = Command::new("kill")
            .arg("-TERM")
            .arg(child.id().to_string())
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// How it ends by itself.
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        tests_real::until("the agent ends", PATIENCE, || child.try_wait().unwrap()).unwrap()
    }
}

#[expect(clippy::print_stderr, reason = "a failed test shows what the agent said")]
impl Drop for Program {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
        if std::thread::panicking() {
            eprintln!(
                "--- log of the agent\n{}",
                std::fs::read_to_string(self.path("log")).unwrap_or_default()
            );
        }
    }
}

/// Whether any file below holds this text.
pub fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        std::fs::read(path)
            .unwrap()
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}
