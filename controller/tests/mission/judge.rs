//! What stands on the devices, in the words of who shares no code with us: ncclient, and ssh with vtysh.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use tests_real::Child;

use super::devices::Device;
use super::net::{Net, succeeded};

/// The whole running configuration of each device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen(pub [String; 3]);

impl Seen {
    /// On which of pe1, pe2 and pe3 this description stands.
    pub fn describes(&self, text: &str) -> [bool; 3] {
        let element = format!("<description>{text}</description>");
        let line = format!("description {text}");
        let [pe1, pe2, pe3] = &self.0;
        [
            pe1.contains(&element),
            pe2.lines().any(|it| it.trim() == line),
            pe3.contains(&element),
        ]
    }
}

/// ncclient beside a device, in its namespace.
struct Beside {
    _python: Child,
    ask: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Beside {
    fn start(net: &Net, place: &str, device: &Device) -> Self {
        let mut command = net.inside(place, tests_real::python());
        command
            .arg(tests_real::root().join("controller/tests/mission/judge.py"))
            .args(["830", &device.user])
            .arg(device.key());
        let mut python = Child::start(command.stdin(Stdio::piped()).stdout(Stdio::piped())).unwrap();
        let (ask, hear) = (python.process().stdin.take(), python.process().stdout.take());
        Self {
            _python: python,
            ask: ask.unwrap(),
            hear: BufReader::new(hear.unwrap()),
        }
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("ncclient reads the device")
    }
}

/// The judges of the three devices.
pub struct Judges {
    netconf: [Beside; 2],
    router: Box<dyn Fn() -> Command>,
}

impl Judges {
    pub fn start(net: &Net, [pe1, pe2, pe3]: [&Device; 3]) -> Self {
        let mark = net.inside("west", "ssh");
        let words: Vec<_> = mark.get_args().map(ToOwned::to_owned).collect();
        let (user, key) = (format!("{}@10.250.2.2", pe2.user), pe2.key());
        let router = move || {
            let mut command = Command::new("nsenter");
            command.args(&words).arg("-i").arg(&key);
            for option in [
                "StrictHostKeyChecking=no",
                "UserKnownHostsFile=/dev/null",
                "BatchMode=yes",
            ] {
                command.args(["-o", option]);
            }
            command.arg(&user).arg("show running-config");
            command
        };
        Self {
            netconf: [Beside::start(net, "pe1", pe1), Beside::start(net, "pe3", pe3)],
            router: Box::new(router),
        }
    }

    /// Reads every device.
    pub fn read(&mut self) -> Seen {
        for judge in &mut self.netconf {
            judge.ask.write_all(b"read\n").unwrap();
        }
        let router = succeeded(&mut (self.router)());
        let [pe1, pe3] = self.netconf.each_mut().map(Beside::read);
        tests_real::operations(tests_real::Part::Netconfd, 2);
        tests_real::operations(tests_real::Part::Ncclient, 2);
        tests_real::operations(tests_real::Part::Frr, 1);
        Seen([pe1, router, pe3])
    }
}
