//! The same over a command line: FRR behind an sshd, judged by vtysh beside every session.

use std::process::Command;
use std::time::Duration;

use fabric_wire::v1;

use crate::controller::{Controller, entry};
use crate::program::{Program, R1};

const LEASE: Duration = Duration::from_secs(60);
const WAY: &str = "protocol: cli, platform: frr";
const ROUTE: &str = "ip route 203.0.113.0/24 blackhole";

struct Router {
    folder: tempfile::TempDir,
    port: u16,
}

impl Router {
    fn start() -> Self {
        let router = Self {
            folder: tempfile::tempdir().unwrap(),
            port: tests_real::free_port().unwrap(),
        };
        let port = router.port.to_string();
        router.lab("start", &[&port, "--interface", "eth1"]);
        router
    }

    fn lab(&self, verb: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(tests_real::root().join("labs/real/frr"));
        let output = command
            .arg(verb)
            .arg(self.folder.path())
            .args(arguments)
            .output()
            .unwrap();
        let (said, failed) = (output.stdout, String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{verb} {arguments:?}: {failed}");
        String::from_utf8(said).unwrap()
    }

    /// Whether the judge sees the description and the route in running: both, or neither.
    fn judged(&self) -> bool {
        let running = self.lab("exec", &["vtysh", "-c", "show running-config"]);
        tests_real::operations(tests_real::Part::Frr, 1);
        let line = |wanted: &str| running.lines().any(|line| line.trim() == wanted);
        let (described, routed) = (line("description to pe2"), line(ROUTE));
        assert_eq!(described, routed, "{running}");
        described
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let mut command = Command::new(tests_real::root().join("labs/real/frr"));
        command.arg("stop").arg(self.folder.path()).output().ok();
    }
}

async fn applied(router: &Router, controller: &mut Controller, program: &mut Program) {
    let key = std::fs::read_to_string(router.folder.path().join("key")).unwrap();
    program.secret("key", &key);
    let address = ([127, 0, 0, 1], router.port).into();
    program.configure_over(WAY, controller, address, "{ user: admin, key: key }");
    program.start();
    let hello = controller.greet().await.hello();
    assert_eq!(hello.devices[0].guarantee(), v1::Guarantee::Plain);
    let change = vec![
        entry("interface[eth1]", None, Some("")),
        entry("interface[eth1]/description", None, Some("to pe2")),
        entry("static-route[203.0.113.0/24]", None, Some("")),
        entry("static-route[203.0.113.0/24]/blackhole", None, Some("")),
    ];
    let staged = controller.stage(R1, change, LEASE).await;
    assert_eq!(staged.standing(), v1::Standing::Staged, "{staged:?}");
    assert!(!router.judged());
    let applied = controller.apply(R1).await;
    assert_eq!(applied.standing(), v1::Standing::Applied, "{applied:?}");
    assert!(router.judged());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_frr_it_stages_applies_and_confirms() {
    if tests_real::wanted("agent::on_frr_it_stages_applies_and_confirms") {
        let (router, mut controller, mut program) = (Router::start(), Controller::start().await, Program::new());
        applied(&router, &mut controller, &mut program).await;
        let confirmed = controller.confirm(R1).await;
        assert_eq!(confirmed.standing(), v1::Standing::Confirmed, "{confirmed:?}");
        assert!(router.judged());
        router.lab("restart", &[]);
        assert!(router.judged(), "it is saved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_frr_killed_between_apply_and_confirm_it_reverts() {
    if tests_real::wanted("agent::on_frr_killed_between_apply_and_confirm_it_reverts") {
        let (router, mut controller, mut program) = (Router::start(), Controller::start().await, Program::new());
        applied(&router, &mut controller, &mut program).await;
        program.kill();
        program.start();
        controller.greet().await;
        controller.inquiry().await;
        let reverted = controller.revert(R1).await;
        assert_eq!(reverted.standing(), v1::Standing::Untouched, "{reverted:?}");
        assert!(!router.judged());
    }
}
