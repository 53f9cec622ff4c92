//! Killed with SIGKILL between apply and confirm, against a simulated device that is a server of its own.

use std::net::SocketAddr;
use std::time::Duration;

use fabric_wire::v1::{self, downward, upward};
use labs_devices::{Armed, Device, Fault, Options, Store};

use crate::controller::{Controller, PATIENCE, entry, staging};
use crate::program::{PASSWORD, Program, R1, R2, holds};

const LEASE: Duration = Duration::from_secs(60);
const START: &str = "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name>eth1</name>\
    <type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:ethernetCsmacd</type><description>old</description>\
    </interface></interfaces>";

struct Scene {
    controller: Controller,
    device: Device,
    program: Program,
}

/// A simulated device of this kind, and where it is reached.
async fn device(personality: &str) -> (Device, SocketAddr) {
    let options = Options {
        password: PASSWORD.to_owned(),
        config: Some(START.to_owned()),
        ..Options::default()
    };
    let device = Device::start(personality.parse().unwrap(), options).await.unwrap();
    let address = SocketAddr::new(device.address, device.netconf.unwrap());
    (device, address)
}

fn change() -> Vec<v1::Entry> {
    vec![entry("interface[eth1]/description", Some("old"), Some("new"))]
}

/// The next such operation takes so long.
fn slow(operation: &str, late: Duration) -> Armed {
    let fault = Fault::Delay {
        millis: u64::try_from(late.as_millis()).unwrap(),
        operation: Some(operation.to_owned()),
    };
    Armed {
        times: Some(1),
        ..Armed::from(fault)
    }
}

/// Waits until the operation that takes long has begun.
fn until_begun(device: &Device) {
    let begun = || device.faults().is_empty().then_some(());
    tests_real::until("the device is at it", PATIENCE, begun).unwrap();
}

fn is_leave(body: &upward::Body) -> bool {
    matches!(body, upward::Body::Leave(_))
}

impl Scene {
    async fn of(personality: &str) -> Self {
        Self::with(personality, "").await
    }

    /// The same with more lines in the agent's configuration.
    async fn with(personality: &str, lines: &str) -> Self {
        let controller = Controller::start().await;
        let (device, address) = device(personality).await;
        let mut program = Program::new();
        program.secret("password", PASSWORD);
        program.configure(&controller, address, "{ user: admin, password: { file: password } }");
        program.add_config(lines);
        program.start();
        let mut scene = Self {
            controller,
            device,
            program,
        };
        let hello = scene.controller.greet().await.hello();
        assert_eq!(hello.agent, "agent-1");
        let promised = match personality {
            "confirmed" => v1::Guarantee::Confirmed,
            // without a candidate, one request is still taken whole: it announces rollback-on-error
            _ => v1::Guarantee::Whole,
        };
        assert_eq!(hello.devices[0].guarantee(), promised, "{personality}");
        scene
    }

    fn running(&self) -> String {
        self.device.content(Store::Running)
    }

    async fn applied(&mut self) {
        let staged = self.controller.stage(R1, change(), LEASE).await;
        assert_eq!(staged.standing(), v1::Standing::Staged, "{staged:?}");
        assert!(self.running().contains("old"));
        let applied = self.controller.apply(R1).await;
        assert_eq!(applied.standing(), v1::Standing::Applied, "{applied:?}");
        assert!(
            self.running().contains("<description>new</description>"),
            "{}",
            self.running()
        );
    }

    async fn killed_and_back(&mut self) {
        self.program.kill();
        self.program.start();
        self.controller.greet().await;
        self.controller.inquiry().await;
    }

    fn nothing_is_left(&self) {
        assert!(!self.device.is_pending());
        for store in [Store::Running, Store::Candidate] {
            let free = || self.device.lock_holder(store).is_none().then_some(());
            tests_real::until("the locks are free", Duration::from_secs(60), free).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_apply_and_confirm_it_confirms() {
    for personality in ["confirmed", "candidate", "running"] {
        let mut scene = Scene::of(personality).await;
        scene.applied().await;
        scene.killed_and_back().await;
        let confirmed = scene.controller.confirm(R1).await;
        assert_eq!(
            confirmed.standing(),
            v1::Standing::Confirmed,
            "{personality}: {confirmed:?}"
        );
        assert!(scene.running().contains("<description>new</description>"));
        scene.nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_apply_and_confirm_it_reverts() {
    for personality in ["confirmed", "candidate", "running"] {
        let mut scene = Scene::of(personality).await;
        let before = scene.running();
        scene.applied().await;
        scene.killed_and_back().await;
        let reverted = scene.controller.revert(R1).await;
        assert_eq!(
            reverted.standing(),
            v1::Standing::Untouched,
            "{personality}: {reverted:?}"
        );
        assert_eq!(scene.running(), before);
        scene.nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_says_what_is_open_and_goes_on_with_it() {
    let mut scene = Scene::of("confirmed").await;
    scene.applied().await;
    let ended = scene.program.terminate();
    assert_eq!(ended.code(), Some(0));
    assert!(scene.program.log().contains("still open"), "{}", scene.program.log());
    let said = scene.controller.rest().await;
    assert!(!said.iter().any(is_leave), "it keeps its place: {said:?}");
    scene.program.start();
    scene.controller.greet().await;
    scene.controller.inquiry().await;
    let confirmed = scene.controller.confirm(R1).await;
    assert_eq!(confirmed.standing(), v1::Standing::Confirmed, "{confirmed:?}");
    let kept = scene.program.path("state");
    assert!(!scene.program.log().contains(PASSWORD), "the password is in the log");
    assert!(!holds(&kept, PASSWORD), "the password is in the state directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_with_a_step_that_does_not_end_it_takes_no_leave() {
    let mut scene = Scene::with("confirmed", "drain-within: 1s\n").await;
    let staged = scene.controller.stage(R1, change(), LEASE).await;
    assert_eq!(staged.standing(), v1::Standing::Staged, "{staged:?}");
    scene.device.inject(slow("commit", Duration::from_secs(8)));
    let apply = downward::Body::Apply(v1::Apply::default());
    scene.controller.say(R1, v1::Step::Apply, apply);
    until_begun(&scene.device);
    let ended = scene.program.terminate();
    assert_eq!(ended.code(), Some(0));
    let log = scene.program.log();
    assert!(
        log.contains("did not end in time") && log.contains("still at work"),
        "{log}"
    );
    let said = scene.controller.rest().await;
    assert!(!said.iter().any(is_leave), "the change may be on the device: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_with_a_change_in_hand_it_still_answers_what_has_ended() {
    let (other, address) = device("confirmed").await;
    let way =
        format!("protocol: netconf, platform: ietf, address: \"{address}\", credential: lab, trust-first-use: true");
    let lines = format!("  - id: {R2}\n    name: r2\n    ways:\n      - {{ {way} }}\n");
    let mut scene = Scene::with("confirmed", &lines).await;
    scene.applied().await;
    other.inject(slow("lock", Duration::from_secs(1)));
    let stale = vec![entry("interface[eth1]/description", Some("another"), Some("new"))];
    let asked = scene.controller.say(R2, v1::Step::Stage, staging(stale, LEASE));
    until_begun(&other);
    scene.program.tell_to_stop();
    let said = scene.controller.rest().await;
    let answered = |it: &&upward::Body| matches!(it, upward::Body::Answer(answer) if answer.to == asked);
    assert!(said.iter().any(|it| answered(&it)), "the vote on r2 is heard: {said:?}");
    assert!(!said.iter().any(is_leave), "r1 is open: {said:?}");
    assert_eq!(scene.program.ended().code(), Some(0));
    assert!(scene.program.log().contains("paused"), "{}", scene.program.log());
}
