//! The real devices that are started for the suite, each in a folder of its own.

use crate::address::Address;
use crate::device::Device;
use adapters_cli::{Composed, Part};
use adapters_failover::{Failover, Policy, Switch, Tell};
use adapters_platform::builtin;
use adapters_port::Access;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// A part that `labs/real/NAME` has started, ended with it.
struct Started {
    script: &'static str,
    folder: tempfile::TempDir,
}

impl Started {
    fn new(script: &'static str, arguments: &[&str]) -> (Arc<Self>, serde_json::Value) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(tests_real::root().join(script));
        command.arg("start").arg(folder.path()).args(arguments);
        let output = command.output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {complaint}");
        let said = serde_json::from_slice(&output.stdout).unwrap();
        (Arc::new(Self { script, folder }), said)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let script = tests_real::root().join(self.script);
        drop(Command::new(script).arg("stop").arg(self.folder.path()).output());
    }
}

struct Silent;

impl Tell for Silent {
    fn switched(&self, _switch: &Switch) {}
}

fn port() -> u16 {
    tests_real::free_port().unwrap()
}

fn address(said: &serde_json::Value, platform: &str) -> Address {
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let line = format!(
        "{}:{}:{}:{}:{platform}",
        text("host"),
        said["port"],
        text("user"),
        text("key")
    );
    line.parse().unwrap()
}

fn netconfd(flags: &[&str]) -> (Arc<Started>, Address, Address) {
    let (own, cli) = (port(), port());
    let (number, terminal) = (own.to_string(), cli.to_string());
    let mut arguments = vec![number.as_str(), "--cli-port", terminal.as_str()];
    let user = std::env::var("ENTENTE_NETCONFD_USER").unwrap_or_default();
    if !user.is_empty() {
        arguments.extend(["--user", &user]);
    }
    arguments.push("--");
    arguments.extend(flags);
    let (started, said) = Started::new("labs/real/netconfd", &arguments);
    let address = address(&said, "ietf");
    let terminal = address.also(cli, &address.user, "yangcli");
    (started, address, terminal)
}

/// netconfd in five personalities, with its own command line beside NETCONF, and over that command line alone.
pub fn servers() -> Vec<Device> {
    let personalities: [(&str, &[&str]); 5] = [
        ("netconfd", &[]),
        ("netconfd, base 1.0", &["--protocols=netconf1.0"]),
        ("netconfd, running", &["--target=running", "--with-startup=true"]),
        ("netconfd, NMDA", &["--with-nmda=true"]),
        ("netconfd, no validate", &["--with-validate=false"]),
    ];
    let mut devices = Vec::new();
    for (name, flags) in personalities {
        let (started, address, _) = netconfd(flags);
        let mut device = Device::at(name, address);
        device.part = Some(tests_real::Part::Netconfd);
        device.keeps = Some(started);
        devices.push(device);
    }
    let (started, address, terminal) = netconfd(&[]);
    let both = |known: &Path| -> Arc<dyn Access> {
        let routes = vec![address.access(known), terminal.access(known)];
        let within = Duration::from_secs(15);
        Arc::new(Failover::new(
            "dual",
            routes,
            Policy::default(),
            within,
            Arc::new(Silent),
        ))
    };
    let mut dual = Device::over(
        "both protocols",
        vec![builtin::named("yangcli").unwrap()],
        &address,
        both,
    );
    dual.part = Some(tests_real::Part::Netconfd);
    dual.keeps = Some(started);
    devices.push(dual);
    let (started, address, terminal) = netconfd(&[]);
    let typed = |known: &Path| terminal.access(known);
    let mut yangcli = Device::over("yangcli", vec![builtin::named("yangcli").unwrap()], &address, typed);
    yangcli.part = Some(tests_real::Part::Netconfd);
    yangcli.keeps = Some(started);
    devices.push(yangcli);
    devices
}

/// FRR, Linux, and the router that both make.
pub fn routers() -> Vec<Device> {
    ["frr", "linux", "frr and linux"].into_iter().map(router).collect()
}

fn router(name: &str) -> Device {
    let (own, shell) = (port(), port());
    let (number, second) = (own.to_string(), shell.to_string());
    let arguments = [number.as_str(), "--interface", "eth1", "--shell-port", second.as_str()];
    let (started, said) = Started::new("labs/real/frr", &arguments);
    let frr = address(&said, "frr");
    let linux = frr.also(shell, "root", "linux");
    let platform = |name: &str| builtin::named(name).unwrap();
    let script = tests_real::root().join("labs/real/frr").display().to_string();
    let folder = started.folder.path().display().to_string();
    let kernel = "nft list ruleset; tc qdisc show; ip -o link show";
    let both = format!("vtysh -c 'show running-config'; {kernel}");
    let inside = |what: &'static str| {
        [
            script.clone(),
            "exec".to_owned(),
            folder.clone(),
            "sh".to_owned(),
            "-c".to_owned(),
            what.to_owned(),
        ]
    };
    let mut device = match name {
        "frr" => Device::at(name, frr),
        "linux" => {
            let command = inside(kernel);
            Device::at(name, linux).judged_by(command.to_vec())
        }
        _ => {
            let parts = |known: &Path| -> Arc<dyn Access> {
                let part = |address: &Address| Part {
                    platform: Arc::new(platform(&address.platform).clone()),
                    access: address.terminal(known),
                };
                Arc::new(Composed::new("r1", vec![part(&frr), part(&linux)]))
            };
            let platforms = vec![platform("frr"), platform("linux")];
            let mut command = inside(kernel);
            command[5] = both;
            Device::over(name, platforms, &linux, parts).judged_by(command.to_vec())
        }
    };
    device.part = Some(match name {
        "linux" => tests_real::Part::Linux,
        _ => tests_real::Part::Frr,
    });
    device.keeps = Some(started);
    device
}
