//! Who says what a device holds: ncclient, netmiko, ssh or a shell beside the device, none of which shares code with us.

use crate::address::Address;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The line that ends an answer of a judge that stays.
const END: &str = "--";

pub struct Judge {
    command: Vec<String>,
    /// A judge that is asked again and again stays: a Python starts slower than it reads.
    stays: bool,
    open: Mutex<Option<Open>>,
}

struct Open {
    child: Child,
    ask: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Judge {
    /// The judge of the device at this address.
    pub fn of(address: &Address) -> Self {
        let root = tests_real::root();
        let script = |name: &str| root.join(name).display().to_string();
        let python = tests_real::python().display().to_string();
        let Address { host, user, key, .. } = address.clone();
        let port = address.port.to_string();
        let staying = |script: String, what: &str| {
            let words = [python, script, host.clone(), port.clone(), user.clone(), key.clone()];
            let words = words.into_iter().chain([what.to_owned(), "stay".to_owned()]);
            Self::new(words.collect(), true)
        };
        match address.platform.as_str() {
            "ietf" | "yangcli" => staying(script("adapters/netconf/tests/real/judge.py"), "running"),
            "linux" => {
                let quiet = "-oLogLevel=ERROR -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null";
                let mut command: Vec<String> = vec!["ssh".into(), "-i".into(), key, "-p".into(), port];
                command.extend(quiet.split(' ').map(str::to_owned));
                command.extend([
                    format!("{user}@{host}"),
                    "nft list ruleset; tc qdisc show; ip -o link show".into(),
                ]);
                Self::once(command)
            }
            "huawei_vrp" => staying(script("adapters/failover/tests/conformance/judge.py"), "huawei_vrp"),
            _ => staying(script("adapters/failover/tests/conformance/judge.py"), "cisco_ios"),
        }
    }

    /// What this command prints.
    pub fn once(command: Vec<String>) -> Self {
        Self::new(command, false)
    }

    fn new(command: Vec<String>, stays: bool) -> Self {
        let open = Mutex::new(None);
        Self { command, stays, open }
    }

    /// What the device holds now.
    pub fn read(&self) -> io::Result<String> {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]);
        if !self.stays {
            let output = command.output()?;
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            return if output.status.success() {
                Ok(said)
            } else {
                Err(io::Error::other(complaint))
            };
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.as_mut() {
            Some(judge) => judge.ask.write_all(b"\n")?,
            None => *open = Some(Open::start(&mut command)?),
        }
        open.as_mut().unwrap().answer()
    }
}

impl Open {
    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (ask, hear) = (
            child.stdin.take().unwrap(),
            BufReader::new(child.stdout.take().unwrap()),
        );
        Ok(Self { child, ask, hear })
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if self.hear.read_line(&mut line)? == 0 {
                return Err(io::Error::other(format!("it ended after {said:?}")));
            }
            if line.trim_end() == END {
                return Ok(said);
            }
            said.push_str(&line);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
