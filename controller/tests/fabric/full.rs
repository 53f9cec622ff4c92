//! A disk that is full for a while: what could not be written is refused, and what was said before and after is kept.

use std::process::{Command, Stdio};

use tests_real::Child;

use super::crafted::{Crafted, answered};
use super::stage::Stage;
use super::telling::QUICK;
use fabric_wire::v1::{Update, upward};

/// The controller of a stage, told by the system that a file is too large rather than ended for it.
fn bounded(stage: &Stage) -> Child {
    let inner = stage.command();
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
        .arg(inner.get_program());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let log = std::fs::OpenOptions::new()
        .append(true)
        .open(stage.path("controller.log"))
        .unwrap();
    command
        .current_dir(stage.path("."))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    Child::start(&mut command).unwrap()
}

/// No file of a process grows beyond that any more.
fn limit(process: u32, bytes: &str) {
    let mut command = Command::new("prlimit");
    command.args(["--pid", &process.to_string(), &format!("--fsize={bytes}:unlimited")]);
    assert!(command.status().unwrap().success());
}

fn length(stage: &Stage, file: &str) -> u64 {
    std::fs::metadata(stage.path(file)).unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_full_disk_the_roll_and_the_registry_are_read_again() {
    fabric_identity::install_cryptography();
    let mut stage = Stage::start(QUICK);
    stage.down();
    let controller = bounded(&stage);
    stage.until("the controller to answer", "agent list", |_| true);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let mut link = edge.join(edge.hello(&["pe1"])).await.unwrap();
    let update = |description: &str| {
        upward::Body::Update(Update {
            description: description.to_owned(),
            capabilities: vec!["netconf".to_owned()],
            address: "192.0.2.1:7000".to_owned(),
            ..Update::default()
        })
    };

    // Half a line fits into the roll: the invitation is refused. The next one, for which there is room, is not.
    limit(
        controller.id(),
        &(length(&stage, "state/authority/roll.jsonl") + 40).to_string(),
    );
    assert_ne!(stage.entente("agent invite other --device pe2").0, 0);
    limit(controller.id(), "unlimited");
    let other = Crafted::enrolled(&stage, "other", &["pe2"]).await;
    drop(other);

    // The same for the registry.
    limit(
        controller.id(),
        &(length(&stage, "state/registry.jsonl") + 40).to_string(),
    );
    answered(&mut link, update("written by half")).await.unwrap();
    limit(controller.id(), "unlimited");
    answered(&mut link, update("written whole")).await.unwrap();
    stage.ok("agent revoke other");

    drop(controller);
    stage.up();
    assert_eq!(stage.data("agent show other")["standing"], "revoked");
    assert_eq!(stage.data("agent show edge")["description"], "written whole");
}
