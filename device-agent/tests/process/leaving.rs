//! How an agent keeps its identity, and the two ways in which it goes: for a while, and for good.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use fabric_identity::roll::{Reason, Status};
use fabric_wire::v1::{self, downward, upward};

use crate::controller::{Controller, PATIENCE};
use crate::program::Program;

/// Nobody answers there.
fn configured(controller: &Controller) -> Program {
    let mut program = Program::new();
    program.secret("password", "none");
    let nowhere = ([127, 0, 0, 1], 1).into();
    program.configure(controller, nowhere, "{ user: admin, password: { file: password } }");
    program.start();
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_keeps_its_key_to_itself_takes_its_leave_and_retires_for_good() {
    let mut controller = Controller::start().await;
    let mut program = configured(&controller);
    controller.greet().await;
    let mode = std::fs::metadata(program.path("state/identity.json")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600, "nobody else reads the key");
    let kept = std::fs::metadata(program.path("state")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o700);

    // It is told to stop: its last word is that it leaves, and it waits until that is heard.
    let stopping = tokio::task::spawn_blocking(move || (program.terminate(), program));
    loop {
        if let upward::Body::Leave(_) = controller.next().await {
            break;
        }
    }
    assert!(!stopping.is_finished(), "it waits for the answer");
    controller.tell(downward::Body::Registered(v1::Registered::default()));
    let (status, program) = tokio::time::timeout(PATIENCE, stopping).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    assert!(
        program.log().contains("took leave of the controller"),
        "{}",
        program.log()
    );

    // Retired, its certificates are taken back for the reason that it gave.
    let retired = program
        .command("retire")
        .args(["--reason", "key-compromise"])
        .output()
        .unwrap();
    assert!(retired.status.success(), "{}", String::from_utf8_lossy(&retired.stderr));
    let records = controller.authority.records();
    let of_agent = || {
        records
            .iter()
            .filter(|(_, it)| it.grant.identity.name.as_str() == "agent-1")
    };
    assert!(of_agent().count() > 0);
    for (_, record) in of_agent() {
        assert!(
            matches!(
                record.status,
                Status::Revoked {
                    reason: Reason::KeyCompromise,
                    ..
                }
            ),
            "{record:?}"
        );
    }
    let mut program = program;
    program.start();
    let refused = tests_real::until("it is refused", Duration::from_secs(20), || {
        let log = program.log();
        let (_, since) = log.rsplit_once("retired: its certificates").unwrap_or(("", &log));
        since.contains("could not join the controller").then_some(())
    });
    refused.unwrap_or_else(|error| panic!("{error}\n{}", program.log()));
    assert_eq!(
        program
            .command("retire")
            .args(["--reason", "boredom"])
            .output()
            .unwrap()
            .status
            .code(),
        Some(2),
        "that is no reason"
    );
}
