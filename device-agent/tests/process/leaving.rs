//! How an agent keeps its identity, and the two ways in which it goes: for a while, and for good.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use fabric_identity::roll::{Reason, Status};
use fabric_wire::v1::{self, downward, upward};
use tokio::time::Instant;

use crate::controller::{Controller, PATIENCE};
use crate::program::Program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_leave_nobody_answers_waits_for_a_while_and_says_so() {
    let mut controller = Controller::start().await;
    let within = Duration::from_secs(3);
    let mut program = configured(&controller, within);
    controller.greet().await;
    program.tell_to_stop();
    while !matches!(controller.next().await, upward::Body::Leave(_)) {}
    let since = Instant::now();
    let status = program.ended();
    // It is not known when it began to wait; a program that does not wait ends in a fraction of this.
    assert!(since.elapsed() > within / 2, "{:?}", since.elapsed());
    assert!(status.success(), "{status}");
    let log = program.log();
    let unheard = log.contains("did not answer the leave in time") && !log.contains("took leave of the controller");
    assert!(unheard, "{log}");
}

/// Nobody answers there.
fn configured(controller: &Controller, leave_within: Duration) -> Program {
    let mut program = Program::new();
    program.secret("password", "none");
    let nowhere = ([127, 0, 0, 1], 1).into();
    program.configure(controller, nowhere, "{ user: admin, password: { file: password } }");
    program.add_config(&format!("leave-within: {}s\n", leave_within.as_secs()));
    program.start();
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_keeps_its_key_to_itself_takes_its_leave_and_retires_for_good() {
    let mut controller = Controller::start().await;
    let mut program = configured(&controller, PATIENCE);
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
    controller.tell(downward::Body::Registered(v1::Registered::default()));
    let (status, program) = tokio::time::timeout(PATIENCE, stopping).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    let log = program.log();
    let heard = log.contains("took leave of the controller") && !log.contains("did not answer the leave");
    assert!(heard, "{log}");

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
    let before = program.log().len();
    program.start();
    let refused = tests_real::until("it is refused", PATIENCE, || {
        program.log()[before..]
            .contains("could not join the controller")
            .then_some(())
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

/// An update of what the agent said would have nothing to say: a program and its configuration are what they were when it started.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_says_of_itself_does_not_change_while_it_runs() {
    let mut controller = Controller::start().await;
    let mut program = configured(&controller, PATIENCE);
    let before = controller.greet().await.hello().clone();
    assert_eq!(before.description, "speaks for devices");
    program.add_config("description: speaks for the hill\n");
    let after = controller.greet().await.hello().clone();
    let said = |hello: v1::Hello| {
        // What an update may hold; a field more would have to be looked at here.
        let v1::Update {
            description,
            capabilities,
            protocols,
            languages,
            address,
            attributes,
        } = v1::Update {
            description: hello.description,
            capabilities: hello.capabilities,
            protocols: hello.protocols,
            languages: hello.languages,
            address: hello.address,
            attributes: hello.attributes,
        };
        (
            description,
            capabilities,
            protocols,
            languages,
            address,
            attributes,
            hello.devices,
        )
    };
    assert_eq!(said(after), said(before));
    program.kill();
    program.start();
    let anew = controller.greet().await.hello();
    assert_eq!(
        anew.description, "speaks for the hill",
        "another start is another configuration"
    );
}
