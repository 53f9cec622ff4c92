//! Whom agents trust: a clock that is off is told by how much, and who is shut out is refused, controller or broker.

use std::sync::Arc;
use std::time::Duration;

use fabric_identity::roll::Reason;
use fabric_identity::tls::{self, Callers};
use fabric_identity::{Acceptor, Authority, Credential, Identity, LifeTimes, Permission, Revocations, Role};
use rcgen::KeyPair;
use tokio::time::timeout;

use super::crafted::{SOON, key};
use super::lab::{Lab, agent, invited, started};
use super::stage::Stage;
use super::telling::{QUICK, now};

fn log(stage: &Stage, agent: &str) -> String {
    std::fs::read_to_string(stage.path(&format!("{agent}.log"))).unwrap_or_default()
}

fn until_logged(stage: &Stage, agent: &str, words: &str) {
    let logged = tests_real::until(words, Duration::from_secs(60), || {
        log(stage, agent).contains(words).then_some(())
    });
    logged.unwrap_or_else(|error| panic!("{error}\n{}\n{}", log(stage, agent), stage.log()));
}

fn prepared(lab: &Lab, settings: &[(&'static str, &str)]) -> Stage {
    let inventory = lab.inventory();
    Stage::prepared(settings, |folder| {
        std::fs::write(folder.join("inventory.yaml"), &inventory).unwrap();
    })
}

#[test]
fn an_agent_whose_clock_is_off_is_told_by_how_much_and_nobody_else_is_harmed() {
    if !tests_real::wanted("trust::an_agent_whose_clock_is_off_is_told_by_how_much_and_nobody_else_is_harmed") {
        return;
    }
    let lab = Lab::start(4);
    let stage = prepared(&lab, QUICK);
    let _right = agent(&stage, &lab, "right", 0);
    let online = |name| stage.listed("--presence online").iter().any(|it| it.0 == name);
    stage.until("the right one to join", "agent list --presence online", |it| {
        it.contains("right")
    });

    // An hour: the certificates are good, the stream is refused, and the agent goes on asking.
    let mut wrong = Vec::new();
    for (name, device, off, words) in [
        ("ahead", 1, "+1h", "s ahead of the controller's, 120 s are tolerated"),
        ("behind", 2, "-1h", "s behind the controller's, 120 s are tolerated"),
    ] {
        invited(&stage, &lab, name, device);
        wrong.push(started(&stage, name, Some(off)));
        until_logged(&stage, name, words);
        let said = log(&stage, name);
        let seconds = said
            .split("the agent's clock is ")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let seconds: i64 = seconds.parse().unwrap();
        assert!((seconds - 3_600).abs() < 30, "{said}");
        assert!(!online(name) && online("right"), "{}", stage.log());
    }

    // Three hours behind no certificate is good yet: it does not even enrol, and says why.
    invited(&stage, &lab, "early", 3);
    let _early = started(&stage, "early", Some("-3h"));
    until_logged(&stage, "early", "s behind the authority's");

    // The clock is set: it joins with what it has.
    drop(wrong);
    let _mended = started(&stage, "ahead", None);
    stage.until("it to join", "agent list --presence online", |it| it.contains("ahead"));
    assert!(
        online("right") && !log(&stage, "right").contains("lost the controller"),
        "{}",
        log(&stage, "right")
    );
}

/// Somebody whom the authority has vouched for once, in a role.
struct Vouched {
    own: Credential,
    key: KeyPair,
    revoked: Revocations,
}

impl Vouched {
    fn new(authority: &Authority, name: &str, role: Role) -> Self {
        let key = key();
        let identity = Identity {
            name: name.parse().unwrap(),
            role,
            devices: [].into(),
            may: [Permission::Publish].into(),
        };
        let own = authority
            .issue_own(identity, &key, &["127.0.0.1".to_owned()], now())
            .unwrap();
        let revoked = authority.revocations();
        Self { own, key, revoked }
    }

    /// Who calls here comes out once the handshake was good.
    async fn listen(&self, port: u16) -> Acceptor {
        // Who listened here before may still be going.
        let bound = tests_real::until("the port to be free", SOON, || {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(([127, 0, 0, 1], port).into()).ok()?;
            socket.listen(64).ok()
        });
        let config = tls::server(
            &self.own,
            self.key.serialized_der(),
            Callers::Known,
            self.revoked.clone(),
        );
        Acceptor::start(bound.unwrap(), Arc::new(config.unwrap()), self.revoked.clone())
    }
}

/// Waits for a call of the agent `edge`; the controller calls a broker as well.
async fn called(acceptor: &mut Acceptor) -> bool {
    let calls = async {
        while let Some(caller) = acceptor.next().await {
            if caller.certificate.is_some_and(|it| it.identity.name.as_str() == "edge") {
                return;
            }
        }
    };
    timeout(SOON, calls).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_controller_or_broker_that_is_shut_out_is_refused_by_agents() {
    fabric_identity::install_cryptography();
    let lab = Lab::start(1);
    let [streams, events] = [(); 2].map(|()| tests_real::free_port().unwrap());
    let broker = format!("127.0.0.1:{events}");
    let mut stage = prepared(&lab, &[QUICK, &[("ENTENTE_EVENTS_BROKER", broker.as_str())]].concat());
    let edge = agent(&stage, &lab, "edge", 0);
    stage.until("it to join", "agent list --presence online", |it| it.contains("edge"));
    drop(edge);
    stage.down();
    let authority = Authority::open(&stage.path("state/authority"), LifeTimes::default(), now()).unwrap();
    let vouched = |name, role| Vouched::new(&authority, name, role);
    let (rogue, second) = (vouched("rogue", Role::Controller), vouched("second", Role::Controller));
    let (leaky, carrier) = (vouched("leaky", Role::Broker), vouched("carrier", Role::Broker));
    for name in ["rogue", "leaky"] {
        authority
            .revoke(&name.parse().unwrap(), Reason::KeyCompromise, now())
            .unwrap();
    }
    drop(authority);
    stage.up();

    // The broker: who was shut out carries nothing for this agent, who stands in its place does.
    let mut leaky = leaky.listen(events).await;
    let edge = started(&stage, "edge", None);
    until_logged(&stage, "edge", "publish events");
    until_logged(&stage, "edge", "Revoked");
    let none = timeout(Duration::from_millis(500), leaky.next()).await;
    assert!(none.is_err(), "neither agent nor controller has spoken with it");
    drop(leaky);
    let mut carrier = carrier.listen(events).await;
    assert!(called(&mut carrier).await, "{}", log(&stage, "edge"));
    drop(edge);

    // The controller: the agent enrolled with the real one, and is led to another by its settings.
    let settings = stage.path("edge").join("agent.yaml");
    let written = std::fs::read_to_string(&settings).unwrap();
    let own = format!("address: 127.0.0.1:{}", stage.ports[1]);
    assert!(written.contains(&own), "{written}");
    std::fs::write(
        &settings,
        written.replace(&own, &format!("address: 127.0.0.1:{streams}")),
    )
    .unwrap();
    let before = log(&stage, "edge").matches("could not join").count();
    let mut rogue = rogue.listen(streams).await;
    let _edge = started(&stage, "edge", None);
    let refused = tests_real::until("the rogue to be refused", SOON, || {
        let said = log(&stage, "edge");
        let last = said.lines().rfind(|it| it.contains("could not join"))?.to_owned();
        (said.matches("could not join").count() > before && last.contains("Revoked")).then_some(())
    });
    refused.unwrap_or_else(|error| panic!("{error}\n{}", log(&stage, "edge")));
    assert!(
        timeout(Duration::from_millis(500), rogue.next()).await.is_err(),
        "it has heard nothing"
    );
    drop(rogue);
    let mut second = second.listen(streams).await;
    assert!(called(&mut second).await, "{}", log(&stage, "edge"));
}
