//! A controller alone, with devices that nobody speaks for: for tests of its doors and of its operation.
#![allow(dead_code, reason = "each test takes what it needs of it")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests_real::Child;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running controller.
pub struct Serving {
    controller: Option<Child>,
    host: String,
    ports: [u16; 3],
    /// Last: the controller has files in it.
    folder: tempfile::TempDir,
}

/// An answer of REST.
#[derive(Debug, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The lines above the body.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header's value, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines
            .filter(|(it, _)| it.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim());
        found.next_back().unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }
}

impl Serving {
    /// Starts a controller on loopback that knows these devices.
    pub fn start(devices: &[&str]) -> Self {
        Self::start_at("127.0.0.1", devices)
    }

    /// Starts a controller on this address.
    pub fn start_at(host: &str, devices: &[&str]) -> Self {
        let mut serving = Self::prepared(host, devices);
        serving.serve();
        serving
    }

    /// Everything is there, and the controller is not started yet.
    pub fn prepared(host: &str, devices: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = [(); 3].map(|()| tests_real::free_port().unwrap());
        let device = |(at, name): (usize, &&str)| {
            format!(
                "  - id: 01930000-0000-7000-8000-{at:012}\n    name: {name}\n    address: 127.0.0.1\n    platforms: [ietf]\n    protocols: [{{ name: netconf, port: 1 }}]\n"
            )
        };
        let rows: String = devices.iter().enumerate().map(device).collect();
        let rows = if rows.is_empty() {
            " []\n".to_owned()
        } else {
            format!("\n{rows}")
        };
        std::fs::write(
            folder.path().join("inventory.yaml"),
            format!("version: 1\ndevices:{rows}"),
        )
        .unwrap();
        Self {
            controller: None,
            host: host.to_owned(),
            ports,
            folder,
        }
    }

    /// Starts the controller and waits until it answers.
    pub fn serve(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("controller.log"));
        let mut command = self.command();
        self.controller = Some(Child::start(command.arg("serve").stderr(log.unwrap())).unwrap());
        self.until("the controller to answer", || {
            (self.entente("agent list").0 == 0).then_some(())
        });
    }

    /// Stops the controller with SIGKILL.
    pub fn kill(&mut self) {
        self.controller = None;
    }

    /// The controller's process.
    pub fn controller(&mut self) -> &mut Child {
        self.controller.as_mut().expect("the controller runs")
    }

    /// `entente` with the settings of this controller.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
        let names = ["ENTENTE_AGENTS_LISTEN", "ENTENTE_AGENTS_ENROLMENT"];
        command.envs(
            names
                .iter()
                .zip(&self.ports[1..])
                .map(|(name, port)| (name, format!("127.0.0.1:{port}"))),
        );
        command
            .env("ENTENTE_LISTEN", format!("{}:{}", self.host, self.ports[0]))
            .env("ENTENTE_STATE", self.path("state"))
            .env("ENTENTE_INVENTORY", self.path("inventory.yaml"))
            .env("HOME", self.folder.path())
            .env_remove("XDG_CONFIG_HOME");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs `entente` with the words of a line; answers its exit code and everything that it said.
    pub fn entente(&self, line: &str) -> (i32, String) {
        said(&self.command().args(line.split_whitespace()).output().unwrap())
    }

    /// Runs another program in the folder; it has to succeed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .output();
        let (code, text) = said(&output.unwrap());
        assert_eq!(code, 0, "{program} {arguments:?}\n{text}");
        text
    }

    /// Where everything lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The port of REST.
    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    /// What the controller has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("controller.log")).unwrap_or_default()
    }

    /// Asks REST with the admin token.
    pub fn admin(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let token = std::fs::read_to_string(self.path("state/token")).unwrap();
        let bearer = format!("Bearer {token}");
        self.ask(
            method,
            path,
            body,
            &[&[("authorization", bearer.as_str())], headers].concat(),
        )
    }

    /// Asks REST.
    pub fn ask(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[0])).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let more: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!(
            "{method} {path} HTTP/1.0\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n",
            body.len()
        );
        // Who is refused for the length of his words may be cut off while he speaks.
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()));
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let answer = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            return Answer::default();
        };
        let status = head.split_whitespace().nth(1).and_then(|it| it.parse().ok());
        Answer {
            status: status.unwrap_or_default(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Asks until there is an answer.
    pub fn until<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        tests_real::until(what, PATIENCE, condition).unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }
}

/// The exit code and everything that was said.
pub fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.code().unwrap_or(-1), text.concat())
}

/// Gives a program this input; it has to succeed.
pub fn piped(command: &mut Command, input: &str) -> String {
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let (code, text) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{text}");
    text
}
