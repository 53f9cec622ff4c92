//! The network that the mission runs in: namespaces joined by pairs of interfaces, and a filter that loses packets.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Namespaces of this run; they go with it, and whatever runs in them.
pub struct Net {
    mark: String,
}

impl Net {
    pub fn start() -> Self {
        let net = Self {
            mark: format!("mission{}", std::process::id()),
        };
        succeeded(Command::new(script()).arg("start").arg(&net.mark));
        net
    }

    /// A program in one of the namespaces.
    pub fn inside(&self, place: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}-{place}", self.mark))
            .arg(program);
        command
    }

    /// From now on packets from outside to this port of a device are lost.
    pub fn block(&self, place: &str, port: u16) {
        let rules = format!(
            "table inet mission {{\n counter lost {{ }}\n chain input {{\n  type filter hook input priority 0;\n  \
             iifname \"mgmt0\" tcp dport {port} counter name lost drop\n }}\n}}\n"
        );
        let mut command = self.inside(place, "nft");
        let mut nft = command.args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        assert!(nft.wait().unwrap().success(), "nft took no rules");
    }

    /// How many packets were lost by now.
    pub fn lost(&self, place: &str) -> u64 {
        let said = succeeded(
            self.inside(place, "nft")
                .args(["-j", "list", "counter", "inet", "mission", "lost"]),
        );
        let said: Value = serde_json::from_str(&said).expect(&said);
        let counters = said["nftables"].as_array().expect("a list");
        let found = counters.iter().find_map(|it| it["counter"]["packets"].as_u64());
        found.expect("a counter")
    }

    /// Packets come through again.
    pub fn unblock(&self, place: &str) {
        succeeded(self.inside(place, "nft").args(["delete", "table", "inet", "mission"]));
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("stop").arg(&self.mark).output();
    }
}

fn script() -> PathBuf {
    tests_real::root().join("controller/tests/mission/namespaces")
}

/// What a command that must succeed has printed.
pub fn succeeded(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}
