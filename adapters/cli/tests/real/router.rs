//! A real FRR router for one test, ended with it.

use adapters_cli::{CliAccess, Locks, OverSsh, Target};
use adapters_platform::builtin;
use adapters_port::{Answer, Deadline, Secret, SecretError, SecretRef, Secrets};
use adapters_ssh::{Algorithms, Credential, Endpoint, FirstUse, HostKeys, Login};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the tests take for a password; it must appear in nothing that we say. FRR cuts an OSPF key at 16 letters.
pub const PASSWORD: &str = "hunter2-secret";

/// A running router.
pub struct Router {
    dir: tempfile::TempDir,
    port: u16,
    shell: u16,
}

/// Knows one secret.
struct OneSecret;

impl Secrets for OneSecret {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, _by: Deadline) -> Answer<'a, Secret, SecretError> {
        let known = reference.name() == "bgp";
        let answer = if known {
            Ok(Secret::new(PASSWORD))
        } else {
            Err(SecretError::Unknown(reference.clone()))
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Thirty seconds from now.
pub fn soon() -> Deadline {
    Deadline::after(Instant::now(), Duration::from_secs(60))
}

impl Router {
    /// Starts a router with two interfaces.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (port, shell) = (tests_real::free_port().unwrap(), tests_real::free_port().unwrap());
        let router = Self { dir, port, shell };
        let (path, port, shell) = (router.path(), port.to_string(), shell.to_string());
        let mut args = vec!["start", &path, &port, "--shell-port", &shell];
        for name in ["eth1", "eth2", "edge", "A-7"] {
            args.extend(["--interface", name]);
        }
        let started = router.lab(&args);
        assert!(started.contains("\"user\""), "{started}");
        router
    }

    fn path(&self) -> String {
        self.dir.path().display().to_string()
    }

    fn lab(&self, args: &[&str]) -> String {
        let output = Command::new(tests_real::root().join("labs/real/frr"))
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{args:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// Runs vtysh in the router, beside every session.
    pub fn vtysh(&self, command: &str) -> String {
        tests_real::operations(tests_real::Part::Frr, 1);
        self.lab(&["exec", &self.path(), "vtysh", "-c", command])
    }

    /// Runs a script in the router's shell, beside every session.
    pub fn sh(&self, script: &str) -> String {
        tests_real::operations(tests_real::Part::Linux, 1);
        self.lab(&["exec", &self.path(), "sh", "-c", script])
    }

    /// Types configuration as a stranger does.
    pub fn configure(&self, lines: &[&str]) {
        let path = self.path();
        let mut args = vec!["exec", path.as_str(), "vtysh"];
        for line in ["configure terminal"].iter().chain(lines) {
            args.extend(["-c", *line]);
        }
        tests_real::operations(tests_real::Part::Frr, 1);
        self.lab(&args);
    }

    /// The whole running configuration, as FRR prints it.
    pub fn running(&self) -> String {
        self.vtysh("show running-config")
    }

    /// Ends the daemons and starts them on what was saved.
    pub fn restart(&self) {
        self.lab(&["restart", &self.path()]);
    }

    /// The running configuration as netmiko reads it.
    pub fn judge(&self) -> String {
        let script = "import sys, netmiko\n\
            c = netmiko.ConnectHandler(device_type='cisco_ios', host='127.0.0.1', port=int(sys.argv[1]), username='admin', \
            use_keys=True, key_file=sys.argv[2], disabled_algorithms={'pubkeys': []})\n\
            print(c.send_command('show running-config', read_timeout=20))\n";
        let key = self.key();
        let output = Command::new(tests_real::python())
            .args(["-c", script, &self.port.to_string(), &key.display().to_string()])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "netmiko: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        tests_real::operations(tests_real::Part::Netmiko, 1);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn key(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    /// The way to this router as an operator has it.
    pub fn access(&self, locks: &Locks) -> CliAccess {
        let known = HostKeys::open(self.dir.path().join("known_hosts"), FirstUse::Record).unwrap();
        self.access_with(locks, known)
    }

    /// The way to this router with these host keys on record.
    pub fn access_with(&self, locks: &Locks, known: HostKeys) -> CliAccess {
        self.way(locks, known, "frr")
    }

    /// The way to the same router's shell, with locks of its own: a device holds one change in each of its parts.
    pub fn linux(&self, locks: &Locks) -> CliAccess {
        let known = HostKeys::open(self.dir.path().join("known_hosts"), FirstUse::Record).unwrap();
        self.way(locks, known, "linux")
    }

    fn way(&self, locks: &Locks, known: HostKeys, platform: &str) -> CliAccess {
        let key = std::fs::read_to_string(self.key()).unwrap();
        let (port, user) = match platform {
            "linux" => (self.shell, "root"),
            _ => (self.port, "admin"),
        };
        CliAccess::new(Target {
            device: format!("r1 ({platform})"),
            dial: Box::new(OverSsh {
                endpoint: Endpoint {
                    host: "127.0.0.1".to_owned(),
                    port,
                    algorithms: Algorithms::Modern,
                    keepalive: None,
                },
                host_keys: Arc::new(known),
                login: Login {
                    user: user.to_owned(),
                    credentials: vec![Credential::key(&key, None).unwrap()],
                },
            }),
            platform: Arc::new(builtin::named(platform).unwrap().clone()),
            secrets: Arc::new(OneSecret),
            enable: None,
            locks: locks.clone(),
        })
    }

    /// Where host keys are recorded.
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.path().join("known_hosts")
    }

    /// The port that the router listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let stop = Command::new(tests_real::root().join("labs/real/frr"))
            .args(["stop", &self.path()])
            .output();
        if let Err(error) = stop {
            println!("the router was not stopped: {error}");
        }
    }
}
