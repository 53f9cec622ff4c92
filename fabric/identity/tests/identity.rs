//! Enrolment, renewal, mutual TLS and revocation, over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bench;

use bench::{bench, grant, hello, identity, key, now};
use fabric_identity::est::{self, Applying, EstError};
use fabric_identity::list::{self, ListError};
use fabric_identity::roll::{Evidence, Grant, Reason, Refusal, Status};
use fabric_identity::tls::{self, Callers, Trust};
use fabric_identity::{
    Authority, AuthorityError, Certificate, Claims, Credential, Identity, LifeTimes, Name, Permission, Role,
};
use fabric_wire::{JoinError, Limits, Lost, Membership};
use rcgen::KeyPair;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

fn refusal<T>(result: Result<T, EstError>) -> (u16, String) {
    match result {
        Err(EstError::Refused { code, words }) => (code.as_u16(), words),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn an_agent_enrols_joins_renews_and_joins_again() {
    let mut bench = bench().await;
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    let _link = bench.join(&own, "edge-1", &["pe1"]).await.unwrap();
    assert_eq!(
        timeout(SOON, bench.door.next()).await.unwrap().unwrap().hello().agent,
        "edge-1"
    );
    let next_key = key();
    let next = bench
        .enrolment
        .renew((&own.0, own.1.serialized_der()), &next_key, None)
        .await
        .unwrap();
    let (before, after) = (
        Certificate::read(&own.0.certificate).unwrap(),
        Certificate::read(&next.certificate).unwrap(),
    );
    assert_eq!(before.identity, after.identity);
    assert_ne!(before.serial, after.serial);
    bench.join(&(next, next_key), "edge-1", &["pe1"]).await.unwrap();
}

#[tokio::test]
async fn a_revoked_agent_is_shut_out_at_once_and_for_good() {
    let mut bench = bench().await;
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    let mut agent = bench.join(&own, "edge-1", &["pe1"]).await.unwrap();
    let mut controller = timeout(SOON, bench.door.next()).await.unwrap().unwrap();
    assert_eq!(
        bench
            .authority
            .revoke(&"edge-1".parse().unwrap(), Reason::KeyCompromise, now())
            .unwrap()
            .certificates,
        1
    );
    let five = Duration::from_secs(5);
    assert_eq!(
        timeout(five, controller.next()).await.expect("within five seconds"),
        Err(Lost::Revoked)
    );
    assert!(timeout(five, agent.next()).await.expect("within five seconds").is_err());
    assert!(bench.join(&own, "edge-1", &["pe1"]).await.is_err());
    let renewed = bench
        .enrolment
        .renew((&own.0, own.1.serialized_der()), &key(), None)
        .await;
    assert!(renewed.is_err(), "a revoked certificate is not renewed");
}

#[tokio::test]
async fn the_revocation_list_tells_others_who_is_shut_out() {
    let (bench, other) = (bench().await, bench().await);
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    let serial = Certificate::read(&own.0.certificate).unwrap().serial;
    let authority = bench.authority.certificate();
    assert!(
        list::revoked(&bench.enrolment.list().await.unwrap(), authority, now())
            .unwrap()
            .is_empty()
    );
    bench.authority.hold(&"edge-1".parse().unwrap(), now()).unwrap();
    let signed = bench.enrolment.list().await.unwrap();
    assert_eq!(list::revoked(&signed, authority, now()).unwrap(), [serial].into());
    let foreign = list::revoked(&signed, other.authority.certificate(), now());
    assert!(matches!(foreign, Err(ListError::Foreign)), "{foreign:?}");
    let late = list::revoked(&signed, authority, now() + Duration::from_secs(2 * 3_600));
    assert!(matches!(late, Err(ListError::Stale)), "{late:?}");
    let mut altered = signed.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    assert!(list::revoked(&altered, authority, now()).is_err());
}

#[tokio::test]
async fn what_was_held_by_mistake_is_released() {
    let bench = bench().await;
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    let name = "edge-1".parse().unwrap();
    bench.authority.hold(&name, now()).unwrap();
    assert!(bench.join(&own, "edge-1", &["pe1"]).await.is_err());
    bench.authority.release(&name, now()).unwrap();
    assert!(bench.join(&own, "edge-1", &["pe1"]).await.is_ok());
}

#[tokio::test]
async fn a_token_is_good_once_and_for_its_name() {
    let bench = bench().await;
    let token = bench.token("edge-1", &["pe*"]);
    let apply =
        async |name: &str, token: &str| bench.enrolment.enrol(&name.parse().unwrap(), &key(), Some(token)).await;
    assert_eq!(
        refusal(apply("edge-2", &token).await),
        (403, "refused: the token was made for another name".into())
    );
    assert!(apply("edge-1", &token).await.is_ok());
    assert_eq!(
        refusal(apply("edge-1", &token).await),
        (401, "refused: the token was used before".into())
    );
    assert_eq!(
        refusal(apply("edge-1", "made.up").await),
        (401, "refused: the token is not known".into())
    );
    let expired = bench
        .authority
        .grant(grant("edge-3", &[]), now() - Duration::from_secs(1))
        .unwrap();
    assert_eq!(
        refusal(apply("edge-3", &expired).await),
        (401, "refused: the token has run out".into())
    );
}

#[tokio::test]
async fn who_renews_for_ever_is_stopped_and_nobody_else() {
    let bench = bench().await;
    let enrolled = async |name: &str| {
        let token = bench.token(name, &["pe*"]);
        let key = key();
        let own = bench.enrolment.enrol(&name.parse().unwrap(), &key, Some(&token)).await;
        (own.unwrap(), key)
    };
    let (greedy, key) = enrolled("edge-1").await;
    let renew =
        async |own: &Credential, key: &KeyPair| bench.enrolment.renew((own, key.serialized_der()), key, None).await;
    let mut refused = None;
    for _ in 0..40 {
        if let Err(error) = renew(&greedy, &key).await {
            refused = Some(error);
            break;
        }
    }
    let refused: Result<Credential, _> = Err(refused.expect("renewing ends"));
    let (code, words) = refusal(refused);
    assert!(
        code == 503 && words.contains("too many certificates of that name are good"),
        "{code} {words}"
    );
    let (modest, key) = enrolled("edge-2").await;
    assert!(renew(&modest, &key).await.is_ok(), "another goes on");
}

#[tokio::test]
async fn what_was_granted_before_lets_nobody_back_in_after_a_revocation_or_a_hold() {
    let bench = bench().await;
    let name: Name = "edge-1".parse().unwrap();
    let take = |hold: bool| {
        if hold {
            bench.authority.hold(&name, now()).unwrap()
        } else {
            bench.authority.revoke(&name, Reason::KeyCompromise, now()).unwrap()
        }
    };
    for hold in [true, false] {
        let soon = now() + Duration::from_secs(600);
        let tokens = [(); 2].map(|()| bench.authority.grant(grant("edge-1", &["pe1"]), soon).unwrap());
        bench.enrolment.enrol(&name, &key(), Some(&tokens[0])).await.unwrap();
        let waits = key();
        let waiting = bench.enrolment.enrol(&name, &waits, None).await;
        assert!(matches!(waiting, Err(EstError::Waiting)), "{waiting:?}");
        let approved = bench
            .authority
            .approve(grant("edge-1", &["pe1"]), &est::digest(&waits), now());
        approved.unwrap();
        let taken = take(hold);
        assert_eq!(taken.invitations, 1);
        let second = bench.enrolment.enrol(&name, &key(), Some(&tokens[1])).await;
        assert!(matches!(second, Err(EstError::Refused { .. })), "{second:?}");
        let approved = bench.enrolment.enrol(&name, &waits, None).await;
        assert!(
            matches!(approved, Err(EstError::Waiting)),
            "it waits anew: {approved:?}"
        );
        bench.authority.reject(&name, now()).unwrap();
    }
    // Of who has nothing but an invitation the invitation is withdrawn.
    let name: Name = "edge-2".parse().unwrap();
    bench
        .authority
        .grant(grant("edge-2", &["pe1"]), now() + Duration::from_secs(600))
        .unwrap();
    let taken = bench.authority.hold(&name, now()).unwrap();
    assert_eq!((taken.certificates, taken.invitations), (0, 1));
    assert!(bench.authority.hold(&name, now()).is_err(), "nothing is left");
}

#[tokio::test]
async fn an_agent_without_a_token_waits_for_an_operator() {
    let bench = bench().await;
    let (name, key) = ("edge-7".parse().unwrap(), key());
    let first = bench.enrolment.enrol(&name, &key, None).await;
    assert!(matches!(first, Err(EstError::Waiting)), "{first:?}");
    let waiting = bench.authority.waiting(now());
    assert_eq!(
        (waiting.len(), &waiting[0].1.key),
        (1, &est::digest(&key)),
        "both sides show the same"
    );
    let other = bench
        .authority
        .approve(grant("edge-7", &["ce1"]), &"0".repeat(64), now());
    assert!(
        matches!(other, Err(AuthorityError::Refused(Refusal::OtherApplicant(_)))),
        "{other:?}"
    );
    let approved = bench
        .authority
        .approve(grant("edge-7", &["ce1"]), &waiting[0].1.key, now());
    approved.unwrap();
    let credential = bench.enrolment.enrol(&name, &key, None).await.unwrap();
    assert!(
        Certificate::read(&credential.certificate)
            .unwrap()
            .identity
            .covers("ce1")
    );
    assert!(bench.authority.waiting(now()).is_empty());
}

#[tokio::test]
async fn another_name_and_a_device_out_of_scope_are_refused() {
    let bench = bench().await;
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    let code = |joined: Result<_, JoinError>| match joined.map(|_: fabric_wire::AgentLink| ()) {
        Err(JoinError::Refused(refused)) => refused.fault.unwrap().code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(bench.join(&own, "edge-2", &["pe1"]).await), "denied");
    assert_eq!(code(bench.join(&own, "edge-1", &["ce1"]).await), "out-of-scope");
}

#[tokio::test]
async fn another_authoritys_certificate_is_refused_on_both_sides() {
    let (ours, theirs) = (bench().await, bench().await);
    let own = theirs.enrolled("edge-1", &["pe*"]).await;
    let trust = Trust::Authority(ours.authority.certificate().clone());
    let config = tls::client(Some((&own.0, own.1.serialized_der())), trust, None).unwrap();
    let io = est::dial(&ours.address, Arc::new(config)).await.unwrap();
    let joined = Membership::new(hello("edge-1", &["pe1"]), Limits::default())
        .join(io)
        .await;
    assert!(
        joined.is_err(),
        "the controller takes its own authority's certificates only"
    );
    let config = tls::client(None, Trust::Authority(own.0.authority.clone()), None).unwrap();
    let dialled = est::dial(&ours.address, Arc::new(config)).await;
    assert!(dialled.is_err(), "the agent trusts its own authority only");
    let other = est::Enrolment {
        fingerprint: "00".repeat(32),
        ..ours.enrolment.clone()
    };
    let token = ours.token("edge-1", &[]);
    let enrolled = other.enrol(&"edge-1".parse().unwrap(), &key(), Some(&token)).await;
    assert!(
        matches!(enrolled, Err(EstError::Unreachable { .. })),
        "the token is shown to nobody else: {enrolled:?}"
    );
}

#[tokio::test]
async fn an_agents_certificate_is_not_taken_for_a_controllers() {
    let bench = bench().await;
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    let config = tls::server(
        &own.0,
        own.1.serialized_der(),
        Callers::Anybody,
        bench.authority.revocations(),
    )
    .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let _impostor = fabric_identity::Acceptor::start(listener, Arc::new(config), bench.authority.revocations());
    let config = tls::client(None, Trust::Authority(own.0.authority.clone()), None).unwrap();
    let error = est::dial(&address, Arc::new(config)).await.expect_err("refused");
    assert!(error.to_string().contains("OtherRole(Agent)"), "{error}");
}

#[tokio::test]
async fn a_caller_without_a_certificate_does_not_reach_the_door() {
    let bench = bench().await;
    let config = tls::client(None, Trust::Authority(bench.authority.certificate().clone()), None).unwrap();
    let joined = match est::dial(&bench.address, Arc::new(config)).await {
        Ok(io) => Membership::new(hello("edge-1", &[]), Limits::default())
            .join(io)
            .await
            .is_ok(),
        Err(_) => false,
    };
    assert!(!joined);
}

#[tokio::test]
async fn half_open_connections_leave_the_others_unharmed() {
    let bench = bench().await;
    let mut open = Vec::new();
    for _ in 0..1_000 {
        open.push(tokio::net::TcpStream::connect(&bench.address).await.unwrap());
    }
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    assert!(
        timeout(SOON, bench.join(&own, "edge-1", &["pe1"]))
            .await
            .unwrap()
            .is_ok()
    );
}

#[tokio::test]
async fn the_authority_remembers_after_a_restart_and_keeps_its_key_to_itself() {
    let bench = bench().await;
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    bench
        .authority
        .revoke(&"edge-1".parse().unwrap(), Reason::Cessation, now())
        .unwrap();
    let mode = |file: &str| {
        std::fs::metadata(bench.folder.path().join(file))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("authority.key"), mode("roll.jsonl")), (0o600, 0o600));
    let again = Authority::open(bench.folder.path(), LifeTimes::default(), now()).unwrap();
    assert_eq!(again.fingerprint(), bench.authority.fingerprint());
    let serial = Certificate::read(&own.0.certificate).unwrap().serial;
    assert!(matches!(
        again.status(&serial).unwrap().status,
        Status::Revoked {
            reason: Reason::Cessation,
            ..
        }
    ));
    assert!(again.revocations().borrow().contains(&serial));
    let text = std::fs::read_to_string(bench.folder.path().join("roll.jsonl")).unwrap();
    assert!(text.contains("edge-1") && !text.contains("PRIVATE"));
}

#[tokio::test]
async fn the_certificate_of_a_controller_says_so() {
    let bench = bench().await;
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let own = identity("controller-2", Role::Controller, &[]);
    let own = bench
        .authority
        .issue_own(own, &key, &["10.0.0.1".into()], now())
        .unwrap();
    assert_eq!(
        Certificate::read(&own.certificate).unwrap().identity.role,
        Role::Controller
    );
}

#[tokio::test]
async fn an_application_says_who_stands_behind_it_and_asks_for_no_more_than_is_allowed() {
    let bench = bench().await;
    let applying = |devices: &[&str], may: &[Permission]| Applying {
        organisation: "Hill".into(),
        claims: Claims {
            developer: "Ann".into(),
            function: "speaks for the edge".into(),
            skills: ["netconf".into()].into(),
            devices: devices.iter().map(|it| it.parse().unwrap()).collect(),
            may: may.iter().copied().collect(),
        },
        ..Applying::new("edge-1".parse().unwrap())
    };
    // Without a token it waits, and whoever decides sees what it says.
    let (own, asks) = (key(), applying(&["pe1"], &[Permission::Observe]));
    let waits = bench.enrolment.enrol_as(&asks, &own, None).await;
    assert!(matches!(waits, Err(EstError::Waiting)), "{waits:?}");
    let (_, applicant) = bench.authority.waiting(now()).swap_remove(0);
    assert_eq!(
        (applicant.organisation.as_str(), &applicant.claims),
        ("Hill", &asks.claims)
    );
    let verified = |organisation: &str, developer: &str| Grant {
        evidence: Evidence {
            organisation: organisation.into(),
            developer: developer.into(),
            ..Evidence::default()
        },
        ..grant("edge-1", &["pe*"])
    };
    let token = |grant| bench.authority.grant(grant, now() + Duration::from_secs(60)).unwrap();
    let refused = async |asks: &Applying, grant| {
        let enrolled = bench.enrolment.enrol_as(asks, &key(), Some(&token(grant))).await;
        refusal(enrolled)
    };
    let beyond = "refused: the application asks for more than is allowed: ";
    assert_eq!(
        refused(&applying(&["pe1", "ce1"], &[]), verified("", "")).await,
        (403, format!("{beyond}the device ce1"))
    );
    assert_eq!(
        refused(&applying(&["p*"], &[]), verified("", "")).await,
        (403, format!("{beyond}the device p*"))
    );
    let observer = Grant {
        identity: Identity {
            may: [Permission::Observe].into(),
            ..identity("edge-1", Role::Agent, &["pe*"])
        },
        evidence: Evidence::default(),
    };
    assert_eq!(
        refused(&applying(&[], &[Permission::Configure]), observer).await,
        (403, format!("{beyond}to configure"))
    );
    let words = "refused: the application names another organisation than was verified";
    assert_eq!(refused(&asks, verified("Dale", "")).await, (403, words.to_owned()));
    let words = "refused: the application names another developer than was verified";
    assert_eq!(refused(&asks, verified("Hill", "Bob")).await, (403, words.to_owned()));
    let enrolled = bench
        .enrolment
        .enrol_as(&asks, &own, Some(&token(verified("Hill", "Ann"))))
        .await;
    assert!(
        Certificate::read(&enrolled.unwrap().certificate)
            .unwrap()
            .identity
            .covers("pe2"),
        "what was allowed"
    );
}

#[tokio::test]
async fn an_agent_takes_its_own_certificates_back_and_may_apply_again() {
    let mut bench = bench().await;
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    let mut agent = bench.join(&own, "edge-1", &["pe1"]).await.unwrap();
    let mut controller = timeout(SOON, bench.door.next()).await.unwrap().unwrap();
    let shown = (&own.0, own.1.serialized_der());
    bench
        .enrolment
        .revoke(shown, Reason::KeyCompromise)
        .await
        .expect("it hears the answer");
    let five = Duration::from_secs(5);
    assert_eq!(
        timeout(five, controller.next()).await.expect("within five seconds"),
        Err(Lost::Revoked)
    );
    assert!(timeout(five, agent.next()).await.expect("within five seconds").is_err());
    let serial = Certificate::read(&own.0.certificate).unwrap().serial;
    assert!(matches!(
        bench.authority.status(&serial).unwrap().status,
        Status::Revoked {
            reason: Reason::KeyCompromise,
            ..
        }
    ));
    assert!(
        bench.enrolment.revoke(shown, Reason::Cessation).await.is_err(),
        "it is no login any more"
    );
    // What was revoked by mistake is applied for anew, and an operator decides.
    let again = bench.enrolment.enrol(&"edge-1".parse().unwrap(), &key(), None).await;
    assert!(matches!(again, Err(EstError::Waiting)), "{again:?}");
}

#[tokio::test]
async fn a_broker_is_no_controller_and_its_name_is_its_own() {
    let bench = bench().await;
    let own = bench.enrolled("edge-1", &["pe*"]).await;
    let (broker_key, addresses) = (key(), ["127.0.0.1".to_owned()]);
    let month = Duration::from_secs(30 * 86_400);
    let request = |name: &str, key: &KeyPair| {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.serialize_request(key).unwrap().der().to_vec()
    };
    let issued = bench
        .authority
        .issue_broker(&request("mosquitto", &broker_key), &addresses, month, now());
    let issued = issued.unwrap();
    let read = Certificate::read(&issued.certificate).unwrap();
    assert_eq!((read.identity.role, read.identity.may.len()), (Role::Broker, 0));
    assert!(read.is_current(now() + month - Duration::from_secs(60)));
    let taken = bench
        .authority
        .issue_broker(&request("edge-1", &broker_key), &addresses, month, now());
    assert!(
        matches!(taken, Err(AuthorityError::Refused(Refusal::TakenName))),
        "{taken:?}"
    );

    let der = broker_key.serialized_der();
    let config = tls::server(&issued, der, Callers::Known, bench.authority.revocations()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let _broker = fabric_identity::Acceptor::start(listener, Arc::new(config), bench.authority.revocations());
    let trust = || Trust::Authority(own.0.authority.clone());
    let shown = (&own.0, own.1.serialized_der());
    let as_controller = tls::client(Some(shown), trust(), None).unwrap();
    let error = est::dial(&address, Arc::new(as_controller)).await.expect_err("refused");
    assert!(error.to_string().contains("OtherRole(Broker)"), "{error}");
    let as_broker = tls::client_of_events(shown, trust(), None).unwrap();
    assert!(est::dial(&address, Arc::new(as_broker)).await.is_ok());
}
