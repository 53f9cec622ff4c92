//! The built-in broker, judged by mosquitto's clients and by paho, and lied to by everybody.

use crate::cast::{Cast, event};
use crate::mosquitto::pem;
use crate::{SOON, broker, now, signs};
use fabric_events::broker::{Bounds, Broker, Limits};
use fabric_events::mqtt::Publisher;
use fabric_events::{Event, Filter, Hearing, Memory, Outbox, Reason, Terms};
use fabric_identity::Acceptor;
use fabric_identity::tls::{self, Callers};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// A broker of the test's own, and what its ear has believed.
struct Builtin {
    broker: Arc<Broker>,
    port: u16,
    serving: tokio::task::JoinHandle<()>,
    hearing: Arc<Mutex<Hearing>>,
    heard: Arc<Mutex<Vec<Event>>>,
}

impl Drop for Builtin {
    fn drop(&mut self) {
        self.serving.abort();
        self.broker.close();
    }
}

async fn start(cast: &Cast, port: u16, limits: Limits) -> Builtin {
    let authority = cast.authority.certificate().to_vec();
    let memory = cast.folder.path().join("ear");
    let hearing = Hearing::open(
        authority,
        Filter::default(),
        (&memory, Memory::new(10_000, 10_000)),
        Terms::default(),
        now(),
    );
    let (hearing, heard) = (Arc::new(Mutex::new(hearing.unwrap())), Arc::new(Mutex::new(Vec::new())));
    let (ear, believed, revoked) = (hearing.clone(), heard.clone(), cast.authority.revocations());
    let broker = Broker::new(
        limits,
        Arc::new(move |bytes: &[u8]| {
            if let Ok(event) = ear.lock().unwrap().hear(bytes, &revoked.borrow(), now()) {
                believed.lock().unwrap().push(event);
            }
        }),
    );
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (own, key) = cast.holder("controller-1");
    let mut config = tls::server(own, key.serialized_der(), Callers::Known, cast.authority.revocations()).unwrap();
    config.alpn_protocols.clear();
    let acceptor = Acceptor::start(listener, Arc::new(config), cast.authority.revocations());
    let serving = broker.clone();
    let serving = tokio::spawn(async move { serving.serve(acceptor).await });
    Builtin {
        broker,
        port,
        serving,
        hearing,
        heard,
    }
}

impl Builtin {
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(SOON, waiting).await;
        waited.unwrap_or_else(|_| {
            panic!(
                "{what}: {:?} {:?}",
                self.broker.traffic(),
                self.hearing.lock().unwrap().counts()
            )
        });
    }

    fn refused(&self, reason: Reason) -> u64 {
        self.hearing
            .lock()
            .unwrap()
            .counts()
            .refused
            .get(&reason)
            .copied()
            .unwrap_or_default()
    }
}

/// Writes what foreign clients need into the cast's folder.
fn files(cast: &Cast) {
    let folder = cast.folder.path();
    std::fs::write(folder.join("ca.pem"), pem("CERTIFICATE", cast.authority.certificate())).unwrap();
    for holder in ["controller-1", "edge-3"] {
        let (own, key) = cast.holder(holder);
        std::fs::write(
            folder.join(format!("{holder}.pem")),
            pem("CERTIFICATE", &own.certificate),
        )
        .unwrap();
        std::fs::write(folder.join(format!("{holder}.key")), key.serialize_pem()).unwrap();
    }
}

fn foreign(program: &str, folder: &Path, port: u16, holder: &str) -> Command {
    let mut command = Command::new(tests_real::program(&[program]).unwrap_or_else(|| panic!("{program} is installed")));
    command
        .current_dir(folder)
        .args([
            "-V",
            "5",
            "-q",
            "1",
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "--cafile",
            "ca.pem",
        ])
        .args(["--cert", &format!("{holder}.pem"), "--key", &format!("{holder}.key")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn published(cast: &Cast, port: u16, topic: &str, bytes: &[u8]) -> Output {
    std::fs::write(cast.folder.path().join("said"), bytes).unwrap();
    let mut command = foreign("mosquitto_pub", cast.folder.path(), port, "edge-3");
    command.args(["-t", topic, "-f", "said"]).output().await.unwrap()
}

const OWN: &str = "entente/v1/event/link-fault/error/pe1";

/// A receiver that prints the topic of each message and ends after `count`.
fn listener(cast: &Cast, port: u16, holder: &str, filter: &str, count: u32) -> Child {
    let mut command = foreign("mosquitto_sub", cast.folder.path(), port, holder);
    command.args(["-t", filter, "-F", "%t", "-C", &count.to_string(), "-W", "20"]);
    command.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lie_is_counted_by_its_reason_and_changes_nothing() {
    if !tests_real::wanted("builtin::every_lie_is_counted_by_its_reason_and_changes_nothing") {
        return;
    }
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    files(&cast);
    let it = start(&cast, 0, Limits::default()).await;
    let said = event("edge-1", "1", "pe1");
    let good = cast.signer("edge-1").seal(&said, now()).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let sealed = |holder: &str, at| cast.signer(holder).seal(&said, at).unwrap();
    let lies = [
        (serde_json::to_vec(&said).unwrap(), Reason::Unsigned),
        (text.replace("down", "gone").into_bytes(), Reason::Altered),
        (sealed("edge-2", now()), Reason::OtherName),
        (
            Cast::at(now()).signer("edge-1").seal(&said, now()).unwrap(),
            Reason::ForeignKey,
        ),
        (sealed("edge-1", now() - Duration::from_secs(3_600)), Reason::Stale),
        (sealed("edge-1", now() + Duration::from_secs(3_600)), Reason::Stale),
        (reheaded(&text, |it| it["alg"] = "none".into()), Reason::Algorithm),
        (
            reheaded(&text, |it| it["jwk"] = serde_json::json!({"kty": "OKP"})),
            Reason::EmbeddedKey,
        ),
        (b"\xff{".to_vec(), Reason::Malformed),
    ];
    for (number, (lie, reason)) in lies.iter().enumerate() {
        let before = it.refused(*reason);
        let output = published(&cast, it.port, OWN, lie).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        it.until(&format!("lie {number} is counted as {reason}"), |it| {
            it.refused(*reason) == before + 1
        })
        .await;
    }
    assert!(it.heard.lock().unwrap().is_empty(), "nothing of it is believed");
    tests_real::operations("mosquitto", "clients", lies.len() as u64);

    // The truth is believed once, also by a broker that was started anew meanwhile.
    published(&cast, it.port, OWN, &good).await;
    it.until("the truth is believed", |it| {
        it.heard.lock().unwrap().as_slice() == [said.clone()]
    })
    .await;
    published(&cast, it.port, OWN, &good).await;
    it.until("a repeat is counted", |it| it.refused(Reason::Replayed) == 1)
        .await;
    drop(it);
    let it = start(&cast, 0, Limits::default()).await;
    published(&cast, it.port, OWN, &good).await;
    it.until("a repeat after a restart is counted", |it| {
        it.refused(Reason::Replayed) == 1
    })
    .await;

    // Taken back: what it signed before is refused, and with its own certificate it no longer comes in.
    let fresh = cast.signer("edge-1").seal(&event("edge-1", "2", "pe1"), now()).unwrap();
    let reason = fabric_identity::roll::Reason::KeyCompromise;
    cast.authority
        .revoke(&"edge-1".parse().unwrap(), reason, now())
        .unwrap();
    published(&cast, it.port, OWN, &fresh).await;
    it.until("what a revoked agent signed is counted", |it| {
        it.refused(Reason::Revoked) == 1
    })
    .await;
    cast.authority
        .revoke(&"edge-3".parse().unwrap(), reason, now())
        .unwrap();
    let output = published(&cast, it.port, OWN, &fresh).await;
    assert!(!output.status.success(), "a revoked login is none");
    assert!(it.heard.lock().unwrap().is_empty());
}

/// An event whose protected header is what `change` makes of it.
fn reheaded(sealed: &str, change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let mut event: serde_json::Value = serde_json::from_str(sealed).unwrap();
    let (header, signature) = event["signature"].as_str().unwrap().split_once("..").unwrap();
    let mut header: serde_json::Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    change(&mut header);
    event["signature"] = format!("{}..{signature}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string())).into();
    event.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_is_sent_its_own_devices_faults_and_no_others() {
    if !tests_real::wanted("builtin::an_agent_is_sent_its_own_devices_faults_and_no_others") {
        return;
    }
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    files(&cast);
    let it = start(&cast, 0, Limits::default()).await;
    // edge-3 speaks for pe*; it asks for everything and is sent what is its own. The controller is sent all.
    let own = listener(&cast, it.port, "edge-3", "entente/v1/event/#", 2);
    let all = listener(&cast, it.port, "controller-1", "entente/v1/event/link-fault/+/+", 3);
    it.until("both listen", |it| it.broker.traffic().subscriptions == 2)
        .await;
    let (publisher, stop) = (publisher(&cast, "edge-2"), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let own_publisher = self::publisher(&cast, "edge-1");
    for (publisher, holder) in [(&publisher, "edge-2"), (&own_publisher, "edge-1")] {
        let (sending, to) = (publisher.clone(), broker(&cast, holder, "mouth", it.port));
        let (signs, stop) = (signs(&cast, holder), stop.clone());
        tokio::spawn(async move { sending.run(to, signs, now, stop).await });
    }
    publisher.publish(event("edge-2", "1", "ce1")).unwrap();
    own_publisher.publish(event("edge-1", "2", "pe1")).unwrap();
    own_publisher.publish(event("edge-1", "3", "pe2")).unwrap();
    let printed = async |child: Child| {
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said.lines()
            .map(|it| it.rsplit('/').next().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(printed(own).await, ["pe1".to_owned(), "pe2".to_owned()].into());
    assert_eq!(
        printed(all).await,
        ["ce1".to_owned(), "pe1".to_owned(), "pe2".to_owned()].into()
    );

    // Somebody else's devices are neither asked for by name nor spoken of.
    let nosy = listener(&cast, it.port, "edge-3", "entente/v1/event/+/+/ce1", 1);
    let output = nosy.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("denied"), "the subscription is refused: {said}");
    let before = it.broker.traffic().refused;
    published(&cast, it.port, "entente/v1/event/link-fault/error/ce1", b"{}").await;
    published(&cast, it.port, "$SYS/broker/load", b"{}").await;
    it.until("both are refused", |it| it.broker.traffic().refused == before + 2)
        .await;
    tests_real::operations("mosquitto", "clients", 5);
}

fn publisher(cast: &Cast, holder: &str) -> Arc<Publisher> {
    let path = cast.folder.path().join(format!("{holder}.outbox"));
    Publisher::new(Outbox::open(&path, 500).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_the_broker_is_away_and_what_overflows_is_counted() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, Limits::default()).await;
    let publisher = publisher(&cast, "edge-1");
    let (sending, to, signs, token) = (
        publisher.clone(),
        broker(&cast, "edge-1", "mouth", it.port),
        signs(&cast, "edge-1"),
        stop.clone(),
    );
    tokio::spawn(async move { sending.run(to, signs, now, token).await });
    publisher.publish(event("edge-1", "first", "pe1")).unwrap();
    it.until("the first is believed", |it| it.heard.lock().unwrap().len() == 1)
        .await;
    let port = it.port;
    drop(it); // the connections of its clients end with it

    let lost = (0..600)
        .filter(|number| publisher.publish(event("edge-1", &number.to_string(), "pe1")).is_err())
        .count();
    assert!(lost >= 99, "the outbox holds 500: {lost} were lost");
    assert_eq!(publisher.backlog().1, lost as u64, "and each is counted");
    let it = start(&cast, port, Limits::default()).await;
    let all = 600 - lost;
    it.until("all that waited are believed", |it| {
        it.heard.lock().unwrap().len() >= all
    })
    .await;
    let heard: BTreeSet<String> = it.heard.lock().unwrap().iter().map(|it| it.id.clone()).collect();
    assert_eq!(heard.len(), it.heard.lock().unwrap().len(), "each once");
    publisher_is_empty(&publisher).await;
}

async fn publisher_is_empty(publisher: &Publisher) {
    let waiting = async {
        while publisher.backlog().0 > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, waiting)
        .await
        .expect("the outbox is empty in the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paho_finds_a_broker_that_keeps_to_the_standard() {
    if !tests_real::wanted("builtin::paho_finds_a_broker_that_keeps_to_the_standard") {
        return;
    }
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    files(&cast);
    let it = start(&cast, 0, Limits::default()).await;
    let mut python = Command::new(tests_real::python())
        .arg(tests_real::root().join("fabric/events/tests/judge.py"))
        .args([&it.port.to_string(), OWN, "ce1"])
        .current_dir(cast.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(python.stdout.take().unwrap()).lines();
    let first = tokio::time::timeout(SOON, lines.next_line())
        .await
        .expect("it speaks")
        .unwrap();
    if first.as_deref() == Some("away") {
        it.until("it has gone", |it| it.broker.traffic().connected == 0).await;
        assert!(published(&cast, it.port, OWN, b"two").await.status.success());
        python.stdin.take().unwrap().write_all(b"\n").await.unwrap();
    }
    let output = tokio::time::timeout(SOON, python.wait_with_output())
        .await
        .expect("it ends")
        .unwrap();
    assert!(
        output.status.success(),
        "{first:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    tests_real::operations("paho", "MQTT 5", 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_read_slowly_and_harms_nobody_else() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, tight()).await;
    // A flood is read slowly; meanwhile somebody else is heard at once.
    let flood = publisher(&cast, "edge-1");
    for number in 0..400 {
        flood
            .publish(event("edge-1", &format!("flood-{number}"), "pe1"))
            .unwrap();
    }
    let begun = tokio::time::Instant::now();
    let (sending, to, signs_it, token) = (
        flood.clone(),
        broker(&cast, "edge-1", "flood", it.port),
        signs(&cast, "edge-1"),
        stop.clone(),
    );
    tokio::spawn(async move { sending.run(to, signs_it, now, token).await });
    it.until("the flood has begun", |it| !it.heard.lock().unwrap().is_empty())
        .await;
    let quiet = publisher(&cast, "edge-2");
    quiet.publish(event("edge-2", "quiet", "ce1")).unwrap();
    let (sending, to, signs_it, token) = (
        quiet.clone(),
        broker(&cast, "edge-2", "quiet", it.port),
        signs(&cast, "edge-2"),
        stop.clone(),
    );
    tokio::spawn(async move { sending.run(to, signs_it, now, token).await });
    it.until("the other is heard", |it| {
        it.heard.lock().unwrap().iter().any(|it| it.id == "quiet")
    })
    .await;
    assert!(it.heard.lock().unwrap().len() < 401, "while the flood goes on");
    it.until("the flood is over", |it| it.heard.lock().unwrap().len() == 401)
        .await;
    assert!(
        begun.elapsed() > Duration::from_millis(1_000),
        "300 beyond the burst at 200 a second"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_the_rules_ends_with_its_reason() {
    fabric_identity::install_cryptography();
    let cast = Cast::at(now());
    let it = start(&cast, 0, tight()).await;
    // What is no packet, too large, too many, or never allowed ends that connection with its reason.
    for (sent, code) in [
        (vec![0x10, 0xff, 0xff, 0xff, 0x7f], 0x95u8),
        (vec![0x10, 0xff, 0xff, 0xff, 0xff, 0x01], 0x81),
        (connecting("bad", 5, 0x06, &[]), 0x83),
        (connecting("old", 4, 0x02, &[]), 1),
        (vec![0xc0, 0x00], 0x82),
    ] {
        let mut line = dialled(&cast, &it, "edge-3").await;
        assert_eq!(answer(&mut line, &sent).await.get(3), Some(&code), "{sent:02x?}");
    }
    let bad = [
        (publishing(OWN, 2, &[]), 0x9bu8),
        (vec![0x31, 0x05, 0x00, 0x01, b'a', 0x00, b'x'], 0x9a),
        (vec![0x30, 0x05, 0x00, 0x01, 0x00, 0x00, b'x'], 0x81),
        (vec![0x60, 0x02, 0x00, 0x01], 0x81),
        (vec![0x82, 0x02, 0x00, 0x01], 0x81),
    ];
    for (sent, code) in bad {
        let mut line = dialled(&cast, &it, "edge-3").await;
        assert_eq!(
            answer(&mut line, &connecting("bad", 5, 0x02, &[])).await.get(3),
            Some(&0)
        );
        assert_eq!(answer(&mut line, &sent).await, [0xe0, 2, code, 0], "{sent:02x?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_what_waits_for_them_are_bounded() {
    fabric_identity::install_cryptography();
    let (cast, stop) = (Cast::at(now()), CancellationToken::new());
    let _guard = stop.clone().drop_guard();
    let it = start(&cast, 0, tight()).await;
    // One holder has so many sessions and no more; the same name again takes over.
    let mut lines = Vec::new();
    for number in 0..9 {
        let mut line = dialled(&cast, &it, "edge-3").await;
        let code = answer(&mut line, &connecting(&format!("many-{number}"), 5, 0x02, &[])).await[3];
        assert_eq!(code, if number < 8 { 0 } else { 0x89 }, "{number}");
        lines.push(line);
    }
    let mut again = dialled(&cast, &it, "edge-3").await;
    assert_eq!(answer(&mut again, &connecting("many-0", 5, 0x00, &[])).await[3], 0);
    assert_eq!(
        answer(&mut lines[0], &[]).await,
        [0xe0, 2, 0x8e, 0],
        "it is told that it was taken over"
    );

    // A receiver that takes nothing costs no more than its bound; what does not fit is counted.
    let length = |it: usize| u8::try_from(it).unwrap();
    let head = [0x82, length(2 + 1 + 2 + OWN.len() + 1), 0, 1, 0, 0, length(OWN.len())];
    let subscribing = [&head[..], OWN.as_bytes(), &[1]].concat();
    let mut slow = dialled(&cast, &it, "edge-3").await;
    assert_eq!(answer(&mut again, &[0xe0, 0x00]).await, [] as [u8; 0]);
    assert_eq!(
        answer(&mut slow, &connecting("many-0", 5, 0x00, &[0x21, 0, 1])).await[3],
        0
    );
    assert_eq!(answer(&mut slow, &subscribing).await, [0x90, 4, 0, 1, 0, 1]);
    let flood = publisher(&cast, "edge-1");
    for number in 0..60 {
        flood
            .publish(event("edge-1", &format!("more-{number}"), "pe1"))
            .unwrap();
    }
    let (sending, to, signs_it, token) = (
        flood.clone(),
        broker(&cast, "edge-1", "flood", it.port),
        signs(&cast, "edge-1"),
        stop.clone(),
    );
    tokio::spawn(async move { sending.run(to, signs_it, now, token).await });
    it.until("the overflow is counted", |it| it.broker.traffic().dropped >= 9)
        .await;
}

fn tight() -> Limits {
    let bounds = Bounds {
        waiting: 50,
        of_one: 8,
        ..Bounds::default()
    };
    Limits {
        bounds,
        rate: 200.0,
        burst: 100.0,
        ..Limits::default()
    }
}

async fn dialled(cast: &Cast, it: &Builtin, holder: &str) -> impl AsyncRead + AsyncWrite + Unpin + use<> {
    let config = (broker(cast, holder, "raw", it.port).proves)().unwrap();
    fabric_identity::est::dial(&format!("127.0.0.1:{}", it.port), config)
        .await
        .unwrap()
}

/// Sends bytes and reads what comes back at once; nothing if the connection has ended.
async fn answer(line: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> Vec<u8> {
    line.write_all(bytes).await.unwrap();
    line.flush().await.unwrap();
    let mut buffer = vec![0; 4_096];
    let count = tokio::time::timeout(SOON, line.read(&mut buffer))
        .await
        .expect("an answer")
        .unwrap_or_default();
    buffer.truncate(count);
    buffer
}

fn connecting(client: &str, version: u8, flags: u8, properties: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x04MQTT".to_vec();
    body.extend([version, flags, 0, 30]);
    if version == 5 {
        body.push(u8::try_from(properties.len()).unwrap());
        body.extend(properties);
    }
    body.extend([0, u8::try_from(client.len()).unwrap()]);
    body.extend(client.as_bytes());
    [vec![0x10, u8::try_from(body.len()).unwrap()], body].concat()
}

fn publishing(topic: &str, quality: u8, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0, u8::try_from(topic.len()).unwrap()];
    body.extend(topic.as_bytes());
    body.extend([0, 1, 0]);
    body.extend(payload);
    [vec![0x30 | quality << 1, u8::try_from(body.len()).unwrap()], body].concat()
}
