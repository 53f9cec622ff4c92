//! The same against netconfd, with ncclient as the judge.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use fabric_wire::v1;

use crate::controller::{Controller, entry};
use crate::program::{Program, R1};

const LEASE: Duration = Duration::from_secs(60);

struct Netconfd {
    folder: tempfile::TempDir,
    port: u16,
    user: String,
    key: String,
}

impl Netconfd {
    fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), tests_real::free_port().unwrap());
        let mut command = Command::new(script());
        command.arg("start").arg(folder.path()).arg(port.to_string());
        if let Ok(user) = std::env::var("ENTENTE_NETCONFD_USER") {
            command.args(["--user", &user]);
        }
        let said: serde_json::Value = serde_json::from_slice(&checked(&mut command).stdout).unwrap();
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        Self {
            port,
            user: text("user"),
            key: text("key"),
            folder,
        }
    }

    /// What the judge sees in running.
    fn judged(&self) -> String {
        let judge = tests_real::root().join("adapters/netconf/tests/real/judge.py");
        let port = self.port.to_string();
        let mut command = Command::new(tests_real::python());
        let output = checked(
            command
                .arg(judge)
                .args(["127.0.0.1", &port, &self.user, &self.key, "running"]),
        );
        tests_real::operations(tests_real::Part::Netconfd, 1);
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Netconfd {
    fn drop(&mut self) {
        Command::new(script()).arg("stop").arg(self.folder.path()).output().ok();
    }
}

fn script() -> PathBuf {
    tests_real::root().join("labs/real/netconfd")
}

fn checked(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

async fn killed_then(confirm: bool) {
    let device = Netconfd::start();
    let mut controller = Controller::start().await;
    let mut program = Program::new();
    program.secret("key", &std::fs::read_to_string(&device.key).unwrap());
    let credential = format!("{{ user: {}, key: key }}", device.user);
    program.configure(&controller, ([127, 0, 0, 1], device.port).into(), &credential);
    program.start();
    controller.greet().await;
    let change = vec![
        entry("interface[eth1]", None, Some("")),
        entry("interface[eth1]/description", None, Some("to pe2")),
    ];
    let staged = controller.stage(R1, change, LEASE).await;
    assert_eq!(staged.standing(), v1::Standing::Staged, "{staged:?}");
    assert_eq!(device.judged(), "");
    let applied = controller.apply(R1).await;
    assert_eq!(applied.standing(), v1::Standing::Applied, "{applied:?}");
    let there = "eth1 description to pe2\n";
    assert_eq!(device.judged(), there);
    program.kill();
    program.start();
    controller.greet().await;
    controller.inquiry().await;
    if confirm {
        let confirmed = controller.confirm(R1).await;
        assert_eq!(confirmed.standing(), v1::Standing::Confirmed, "{confirmed:?}");
        assert_eq!(device.judged(), there);
    } else {
        let reverted = controller.revert(R1).await;
        assert_eq!(reverted.standing(), v1::Standing::Untouched, "{reverted:?}");
        assert_eq!(device.judged(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_netconfd_killed_between_apply_and_confirm_it_confirms() {
    if tests_real::wanted("agent::on_netconfd_killed_between_apply_and_confirm_it_confirms") {
        killed_then(true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_netconfd_killed_between_apply_and_confirm_it_reverts() {
    if tests_real::wanted("agent::on_netconfd_killed_between_apply_and_confirm_it_reverts") {
        killed_then(false).await;
    }
}
