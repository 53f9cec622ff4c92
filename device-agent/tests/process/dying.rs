//! Killed with SIGKILL between apply and confirm, against a simulated device that is a server of its own.

use std::net::SocketAddr;
use std::time::Duration;

use fabric_wire::v1;
use labs_devices::{Device, Options, Store};

use crate::controller::{Controller, entry};
use crate::program::{PASSWORD, Program, R1, holds};

const LEASE: Duration = Duration::from_secs(60);
const START: &str = "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name>eth1</name>\
    <type xmlns:t=\"urn:ietf:params:xml:ns:yang:iana-if-type\">t:ethernetCsmacd</type><description>old</description>\
    </interface></interfaces>";

struct Scene {
    controller: Controller,
    device: Device,
    program: Program,
}

impl Scene {
    async fn of(personality: &str) -> Self {
        let controller = Controller::start().await;
        let options = Options {
            password: PASSWORD.to_owned(),
            config: Some(START.to_owned()),
            ..Options::default()
        };
        let device = Device::start(personality.parse().unwrap(), options).await.unwrap();
        let mut program = Program::new();
        program.secret("password", PASSWORD);
        let address = SocketAddr::new(device.address, device.netconf.unwrap());
        program.configure(&controller, address, "{ user: admin, password: { file: password } }");
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
        let change = vec![entry("interface[eth1]/description", Some("old"), Some("new"))];
        let staged = self.controller.stage(R1, change, LEASE).await;
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
    scene.program.start();
    scene.controller.greet().await;
    scene.controller.inquiry().await;
    let confirmed = scene.controller.confirm(R1).await;
    assert_eq!(confirmed.standing(), v1::Standing::Confirmed, "{confirmed:?}");
    let kept = scene.program.path("state");
    assert!(!scene.program.log().contains(PASSWORD), "the password is in the log");
    assert!(!holds(&kept, PASSWORD), "the password is in the state directory");
}
