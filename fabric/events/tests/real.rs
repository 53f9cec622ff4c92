//! Events over a real broker: mosquitto with mutual TLS, and Python as an independent judge of the signatures.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod builtin;
mod cast;
mod mosquitto;

use cast::{Cast, event};
use fabric_events::mqtt::{Destination, Message, Publisher, Signs, Subscriber};
use fabric_events::{Event, Filter, Hearing, Memory, Outbox, Reason, Terms};
use fabric_identity::tls::{self, Trust};
use mosquitto::Mosquitto;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "a test stands at the edge")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn broker(cast: &Cast, holder: &str, client: &str, port: u16) -> Destination {
    let (own, key) = cast.holder(holder);
    let trust = Trust::Authority(own.authority.clone());
    let tls = Arc::new(tls::client_of_events((own, key.serialized_der()), trust, None).unwrap());
    Destination {
        host: "127.0.0.1".into(),
        port,
        proves: Arc::new(move || Some(tls.clone())),
        client: client.into(),
    }
}

fn signs(cast: &Cast, holder: &str) -> Signs {
    let signer = Arc::new(cast.signer(holder));
    Arc::new(move || Some(signer.clone()))
}

fn link_faults_of(device: &str) -> Filter {
    Filter {
        kinds: ["link-fault".into()].into(),
        devices: [device.into()].into(),
        at_least: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_outlive_the_broker_and_only_what_is_wanted_is_received() {
    if !tests_real::wanted("events_outlive_the_broker_and_only_what_is_wanted_is_received") {
        return;
    }
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let mosquitto = Mosquitto::start(&cast, tests_real::free_port().unwrap()).await;
    let port = mosquitto.port;

    let (subscriber, mut messages) = Subscriber::new(1_024);
    let (ear, token) = (broker(&cast, "controller-1", "ear", port), stop.clone());
    let receiving = subscriber.clone();
    tokio::spawn(async move { receiving.run(ear, link_faults_of("pe1"), token).await });
    mosquitto.said("ear").await;

    let outbox = Outbox::open(&cast.folder.path().join("outbox"), 1_000).unwrap();
    let (publisher, token) = (Publisher::new(outbox), stop.clone());
    let (sending, signer) = (publisher.clone(), signs(&cast, "edge-1"));
    let mouth = broker(&cast, "edge-1", "mouth", port);
    tokio::spawn(async move { sending.run(mouth, signer, now, token).await });

    // The broker goes away; what is published meanwhile waits, and arrives when it is back.
    publisher.publish(event("edge-1", "first", "pe1")).unwrap();
    timeout(SOON, messages.recv()).await.unwrap().unwrap().done().await;
    let port = mosquitto.stop().await;
    for number in 0..50 {
        publisher
            .publish(event("edge-1", &format!("away-{number}"), "pe1"))
            .unwrap();
        publisher
            .publish(event("edge-1", &format!("other-{number}"), "pe2"))
            .unwrap();
    }
    assert!(publisher.backlog().0 >= 99, "they wait: {:?}", publisher.backlog());
    let _mosquitto = Mosquitto::start(&cast, port).await;

    let mut hearing = hearing(&cast, Filter::default());
    let mut heard = BTreeSet::new();
    while heard.len() < 50 {
        let message = timeout(SOON, messages.recv()).await.expect("nothing is lost").unwrap();
        let verdict = hearing.hear(message.bytes(), &BTreeSet::new(), now());
        message.done().await;
        if let Ok(event) = verdict {
            assert_eq!(
                (event.kind.as_str(), event.subject.as_str()),
                ("link-fault", "pe1"),
                "nothing else is sent"
            );
            // The first may come again where its receipt was lost with the broker; this ear has not heard it before.
            heard.extend(Some(event.id).filter(|it| it != "first"));
        }
    }
    assert!(heard.iter().all(|it| it.starts_with("away-")), "{heard:?}");
    assert_eq!(subscriber.dropped(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valid_login_at_the_broker_is_no_licence_to_lie() {
    if !tests_real::wanted("a_valid_login_at_the_broker_is_no_licence_to_lie") {
        return;
    }
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let mosquitto = Mosquitto::start(&cast, tests_real::free_port().unwrap()).await;
    let (subscriber, mut messages) = Subscriber::new(1_024);
    let (ear, token) = (broker(&cast, "controller-1", "ear", mosquitto.port), stop.clone());
    tokio::spawn(async move { subscriber.run(ear, Filter::default(), token).await });
    mosquitto.said("ear").await;

    // The liar has a certificate that the broker takes, and publishes what it likes with a client of its own.
    let said = event("edge-1", "1", "pe1");
    let good = cast.signer("edge-1").seal(&said, now()).unwrap();
    let lies = [
        (serde_json::to_vec(&said).unwrap(), Reason::Unsigned),
        (
            String::from_utf8(good.clone())
                .unwrap()
                .replace("down", "gone")
                .into_bytes(),
            Reason::Altered,
        ),
        (cast.signer("edge-2").seal(&said, now()).unwrap(), Reason::OtherName),
        (
            Cast::at(now()).signer("edge-1").seal(&said, now()).unwrap(),
            Reason::ForeignKey,
        ),
        (
            cast.signer("edge-1")
                .seal(&said, now() - Duration::from_secs(3_600))
                .unwrap(),
            Reason::Stale,
        ),
    ];
    let mut hearing = hearing(&cast, Filter::default());
    for (lie, reason) in &lies {
        mosquitto.publish(&cast, lie);
        let message = timeout(SOON, messages.recv()).await.unwrap().unwrap();
        assert!(hearing.hear(message.bytes(), &BTreeSet::new(), now()).is_err());
        message.done().await;
        assert_eq!(hearing.counts().refused.get(reason), Some(&1), "{reason}");
    }
    assert_eq!(hearing.counts().believed, 0);
    for repeat in 0..2 {
        mosquitto.publish(&cast, &good);
        let message = timeout(SOON, messages.recv()).await.unwrap().unwrap();
        assert_eq!(
            hearing.hear(message.bytes(), &BTreeSet::new(), now()).is_ok(),
            repeat == 0
        );
        message.done().await;
    }
    assert_eq!(hearing.counts().refused.get(&Reason::Replayed), Some(&1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_done_with_comes_again() {
    if !tests_real::wanted("what_was_not_done_with_comes_again") {
        return;
    }
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    let mosquitto = Mosquitto::start(&cast, tests_real::free_port().unwrap()).await;
    let listen = |stop: &CancellationToken| {
        let (subscriber, messages) = Subscriber::new(1_024);
        let (ear, token) = (broker(&cast, "controller-1", "ear", mosquitto.port), stop.clone());
        let running = tokio::spawn(async move { subscriber.run(ear, Filter::default(), token).await });
        (messages, running)
    };
    let stop = CancellationToken::new();
    let (mut messages, running) = listen(&stop);
    mosquitto.said("ear").await;
    for word in ["kept", "lost", "put off"] {
        mosquitto.publish(&cast, word.as_bytes());
    }
    let next = async |messages: &mut tokio::sync::mpsc::Receiver<Message>| {
        timeout(SOON, messages.recv()).await.expect("something comes").unwrap()
    };
    let first = next(&mut messages).await;
    assert_eq!(first.bytes(), b"kept");
    first.done().await;
    // The second falls with whoever was at it, the third cannot be kept; neither is gone.
    assert_eq!(next(&mut messages).await.bytes(), b"lost");
    next(&mut messages).await.again();
    let mut second = next(&mut messages).await;
    if second.bytes() == b"kept" {
        second.done().await; // the receipt was lost with the connection
        second = next(&mut messages).await;
    }
    assert_eq!(second.bytes(), b"lost");
    stop.cancel();
    running.await.unwrap();
    drop(messages); // as a program that is killed
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let (mut messages, _running) = listen(&stop);
    for word in ["lost", "put off"] {
        let message = next(&mut messages).await;
        assert_eq!(message.bytes(), word.as_bytes());
        message.done().await;
    }
}

/// Verifies an event with joserfc and cryptography alone: RFC 8785 by its rules for what these events hold.
const JUDGE: &str = r#"
import base64, json, sys
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

authority = x509.load_der_x509_certificate(open(sys.argv[1], "rb").read())
event = json.load(sys.stdin)
header, signature = event.pop("signature").split("..")
protected = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
certificate = x509.load_der_x509_certificate(base64.b64decode(protected["x5c"][0]))
certificate.verify_directly_issued_by(authority)
names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
assert event["source"] in names.get_values_for_type(x509.UniformResourceIdentifier), event["source"]
canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
payload = base64.urlsafe_b64encode(canonical).rstrip(b"=").decode()
public = certificate.public_key()
kind = ECKey if isinstance(public, ec.EllipticCurvePublicKey) else OKPKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
key = kind.import_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
registry = jws.JWSRegistry(algorithms=["EdDSA", "Ed25519", "ES256"], strict_check_header=False)
registry.max_header_length = 8192  # the certificate comes along
verified = jws.deserialize_compact(header + "." + payload + "." + signature, key, registry=registry)
assert json.loads(verified.payload) == event
print("good", protected["alg"])
"#;

#[test]
fn python_verifies_the_events_by_itself() {
    if !tests_real::wanted("python_verifies_the_events_by_itself") {
        return;
    }
    let cast = Cast::at(now());
    let judge = |sealed: &[u8]| {
        let mut python = Command::new(tests_real::python())
            .args(["-c", JUDGE])
            .arg(cast.folder.path().join("authority.der"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(sealed).unwrap();
        let output = python.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    for (holder, algorithm) in [("edge-1", "EdDSA"), ("controller-1", "ES256")] {
        let said = Event {
            data: serde_json::json!({"link": "ausgefallen ü 断", "rate": 1500}),
            ..event(holder, "1", "pe1")
        };
        let sealed = cast.signer(holder).seal(&said, now()).unwrap();
        let (good, words) = judge(&sealed);
        assert!(good && words.contains(algorithm), "{words}");
        let (good, words) = judge(String::from_utf8(sealed).unwrap().replace("1500", "1501").as_bytes());
        assert!(!good && words.contains("BadSignatureError"), "{words}");
    }
}

fn hearing(cast: &Cast, filter: Filter) -> Hearing {
    let path = cast.folder.path().join("memory");
    let authority = cast.authority.certificate().to_vec();
    Hearing::open(
        authority,
        filter,
        (&path, Memory::new(10_000, 10_000)),
        Terms::default(),
        now(),
    )
    .unwrap()
}
