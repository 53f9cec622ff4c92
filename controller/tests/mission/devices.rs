//! The real devices, each in a namespace of its own: netconfd, FRR, and netconfd with a command line beside it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::net::{Net, succeeded};

/// A device behind one of the scripts of `labs/real`.
pub struct Device {
    script: PathBuf,
    pub folder: PathBuf,
    pub user: String,
}

impl Device {
    /// A NETCONF server whose sessions from outside pass a gate; with a command line if it is wanted.
    pub fn netconfd(net: &Net, place: &str, folder: PathBuf, more: &[&str]) -> Self {
        let mut words = vec!["830", "--listen", "0.0.0.0", "--gate-port", "831"];
        words.extend(more);
        let user = std::env::var("ENTENTE_NETCONFD_USER").ok();
        if let Some(user) = &user {
            words.extend(["--user", user]);
        }
        Self::start(net, place, "netconfd", folder, &words)
    }

    /// A router that is joined to a namespace by its management interface.
    pub fn frr(net: &Net, place: &str, folder: PathBuf) -> Self {
        let management = ["--management", "10.250.2.2/30", "10.250.2.1/30"];
        let words = [&["22", "--interface", "eth1"], management.as_slice()].concat();
        Self::start(net, place, "frr", folder, &words)
    }

    fn start(net: &Net, place: &str, kind: &str, folder: PathBuf, words: &[&str]) -> Self {
        let script = tests_real::root().join("labs/real").join(kind);
        let mut command = net.inside(place, &script);
        let said = succeeded(command.arg("start").arg(&folder).args(words));
        let card: Value = serde_json::from_str(&said).expect(&said);
        let user = card["user"].as_str().expect("a user").to_owned();
        Self { script, folder, user }
    }

    /// Does something with the device, past the product.
    pub fn run(&self, verb: &str, words: &[&str]) -> String {
        succeeded(Command::new(&self.script).arg(verb).arg(&self.folder).args(words))
    }

    /// What the gate in front of NETCONF lets through from now on.
    pub fn gate(&self, word: &str) {
        let next = self.folder.join("gate.next");
        std::fs::write(&next, word).unwrap();
        std::fs::rename(next, self.folder.join("gate")).unwrap();
    }

    /// Waits until the gate holds what it was told to hold.
    pub fn held(&self, logs: impl Fn() -> String) {
        let held = self.folder.join("gate.held");
        let seen = tests_real::until("the gate to hold a request", Duration::from_secs(60), || {
            held.is_file().then_some(())
        });
        seen.unwrap_or_else(|error| panic!("{error}\n{}", logs()));
        std::fs::remove_file(held).unwrap();
    }

    /// Ends the sessions that the network has kept from ending: the gate's, which know nothing of a lost peer.
    pub fn end_sessions(&self) {
        let pid = std::fs::read_to_string(self.folder.join("sshd-gate.pid")).unwrap();
        // None may be left, which is not a failure.
        let _ = Command::new("pkill").args(["-KILL", "-P", pid.trim()]).status();
    }

    /// Where the device keeps the way back of a confirmed commit: where there is a folder it can keep none, and refuses.
    pub fn way_back(&self) -> PathBuf {
        self.folder.join("backup-cfg.xml")
    }

    /// The key of its user.
    pub fn key(&self) -> PathBuf {
        let keys = ["client_key", "key"].map(|name| self.folder.join(name));
        keys.into_iter().find(|file| Path::is_file(file)).expect("a key")
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = Command::new(&self.script).arg("stop").arg(&self.folder).output();
    }
}
