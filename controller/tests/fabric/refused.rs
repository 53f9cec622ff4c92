//! Whoever breaks the rules of the transport or of the wire is refused, as openssl, grpcio and paho see it: the log says who
//! and why, and the controller goes on with bounded memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fabric_events::Severity;
use fabric_identity::tls::{self, Trust};
use fabric_identity::{Authority, Credential, Identity, LifeTimes, Permission, Role, est};
use rcgen::KeyPair;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::crafted::{Crafted, SOON, key, pem};
use super::hostile::memory;
use super::stage::{DEVICES, Stage};
use super::telling::{Mouth, now};

/// By how much the controller may grow, in KiB.
const GROWTH: u64 = 40 * 1_024;

/// Certificates that are no good, as files: too old, of another authority, of another role.
fn written(folder: &Path) {
    let ours = Authority::open(&folder.join("state/authority"), LifeTimes::default(), now()).unwrap();
    let theirs = Authority::open(&folder.join("theirs"), LifeTimes::default(), now()).unwrap();
    let days = Duration::from_secs(10 * 86_400);
    for (name, role, authority, at) in [
        ("expired", Role::Agent, &ours, now() - days),
        ("foreign", Role::Agent, &theirs, now()),
        ("broker", Role::Broker, &ours, now()),
        ("boss", Role::Controller, &ours, now()),
    ] {
        let (own, key) = issued(authority, (name, role), at);
        std::fs::write(folder.join(format!("{name}.pem")), pem(&own.certificate)).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

fn issued(authority: &Authority, (name, role): (&str, Role), at: std::time::SystemTime) -> (Credential, KeyPair) {
    let key = key();
    let identity = Identity {
        name: name.parse().unwrap(),
        role,
        devices: ["*".parse().unwrap()].into(),
        may: Permission::ALL.into(),
    };
    (authority.issue_own(identity, &key, &[], at).unwrap(), key)
}

/// What openssl hears that calls with these words.
fn openssl(stage: &Stage, words: &str) -> String {
    tests_real::operations(tests_real::Part::Openssl, 1);
    let output = Command::new("timeout")
        .args(["15", "openssl", "s_client", "-CAfile", "ca.pem", "-ign_eof", "-connect"])
        .args(words.split(' '))
        .current_dir(stage.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn logged(stage: &Stage, words: &[&str]) {
    let said = |line: &str| words.iter().all(|it| line.contains(it));
    let found = tests_real::until("the log to say it", SOON, || {
        stage.log().lines().any(said).then_some(())
    });
    found.unwrap_or_else(|error| panic!("{error}: {words:?}\n{}", stage.log()));
}

/// How strangers.py ended, by case: how, and in which words.
fn strangers(stage: &Stage, events: u16) -> BTreeMap<String, (Vec<String>, String, String)> {
    let output = Command::new(tests_real::python())
        .arg(tests_real::root().join("controller/tests/fabric/strangers.py"))
        .args([stage.ports[1].to_string(), events.to_string(), DEVICES[0].1.to_owned()])
        .arg(tests_real::root().join("fabric/wire/proto"))
        .current_dir(stage.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one siege, told in order")]
async fn foreign_clients_that_break_the_rules_are_refused_by_name() {
    if !tests_real::wanted("refused::foreign_clients_that_break_the_rules_are_refused_by_name") {
        return;
    }
    fabric_identity::install_cryptography();
    let events = tests_real::free_port().unwrap();
    let stage = Stage::prepared(&[("ENTENTE_EVENTS_LISTEN", &format!("127.0.0.1:{events}"))], written);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    edge.write(&stage.path("."));
    let before = memory(&stage);

    // The transport: TLS 1.3 with a certificate of ours, on the streams and on both ways to the events.
    let streams = stage.ports[1];
    let call = |port: u16, alpn: &str, holder: &str, more: &str| {
        let own = if holder.is_empty() {
            String::new()
        } else {
            format!(" -cert {holder}.pem -key {holder}.key")
        };
        openssl(&stage, &format!("127.0.0.1:{port} -alpn {alpn}{own}{more}"))
    };
    for (port, alpn) in [(streams, "h2"), (streams, "mqtt"), (events, "mqtt")] {
        let said = call(port, alpn, "edge", " -tls1_2");
        assert!(said.contains("alert protocol version"), "{alpn}: {said}");
        let said = call(port, alpn, "expired", "");
        assert!(said.contains("alert certificate expired"), "{alpn}: {said}");
        let said = call(port, alpn, "foreign", "");
        let unknown = ["alert unknown ca", "alert decrypt error"]
            .iter()
            .any(|it| said.contains(it));
        assert!(unknown, "{alpn}: {said}");
        let said = call(port, alpn, "", "");
        assert!(said.contains("alert certificate required"), "{alpn}: {said}");
    }
    logged(
        &stage,
        &["refused a caller's certificate", "entente://agent/expired", "xpired"],
    );
    logged(&stage, &["refused a caller's certificate", "entente://agent/foreign"]);
    logged(&stage, &["turned a caller away", "127.0.0.1:"]);

    // The wire: what grpcio and paho hear.
    let said = strangers(&stage, events);
    for (case, how, words) in [
        ("no protobuf", "INVALID_ARGUMENT", "decode"),
        ("an empty message", "INVALID_ARGUMENT", "the first message is no hello"),
        ("a heartbeat first", "INVALID_ARGUMENT", "the first message is no hello"),
        ("an answer first", "INVALID_ARGUMENT", "the first message is no hello"),
        (
            "another's name",
            "denied",
            "the agent says \"someone-else\", its certificate says \"edge\"",
        ),
        ("half a session", "malformed", "a session has 16 bytes, not 3"),
        ("no version", "version", "7 to 9"),
        ("a gap", "INVALID_ARGUMENT", "message 5 came before its predecessor"),
        ("garbage later", "INVALID_ARGUMENT", "decode"),
        ("another's device", "INVALID_ARGUMENT", "a device that it did not name"),
        ("too much", "UNAVAILABLE RESOURCE_EXHAUSTED INTERNAL", ""),
        ("expired", "UNAVAILABLE", ""),
        ("foreign", "UNAVAILABLE", ""),
        ("a broker", "UNAVAILABLE", ""),
        ("a controller", "UNAVAILABLE", ""),
        ("events: good", "connected", ""),
        ("events: TLS 1.2", "SSLError", "PROTOCOL_VERSION"),
        ("events: expired", "closed", ""),
        ("events: foreign", "closed", ""),
        ("events on the port of streams: good", "connected", ""),
        ("events on the port of streams: TLS 1.2", "SSLError", "PROTOCOL_VERSION"),
    ] {
        let (_, ended, said) = &said[case];
        assert!(
            how.split(' ').any(|how| how == ended) && said.to_uppercase().contains(&words.to_uppercase()),
            "{case}: {ended}: {said}\n{}",
            stage.log()
        );
    }
    assert_eq!(said["a gap"].0, ["welcome"], "it was let in before");
    tests_real::operations(tests_real::Part::Grpcio, 15);
    tests_real::operations(tests_real::Part::PahoMqtt, 6);
    logged(&stage, &["an agent did not begin with a hello", "edge", "no hello"]);
    logged(&stage, &["an agent did not begin with a hello", "edge", "decode"]);
    logged(&stage, &["refused an agent's hello", "edge", "someone-else"]);
    logged(&stage, &["agent left", "edge", "message 5 came before its predecessor"]);
    logged(&stage, &["agent left", "edge", "decode"]);
    logged(&stage, &["refused a caller's certificate", "entente://broker/broker"]);
    logged(
        &stage,
        &["a caller that is no agent was turned away", "entente://controller/boss"],
    );

    // It lives, has kept nothing of all that, and takes events where `events.listen` says.
    let grown = memory(&stage).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} KiB");
    let mouth = Mouth::of(&stage, &edge, events);
    let fault = json!({ "link": "eth1", "state": "down" });
    mouth.tell("heard", "link-fault", DEVICES[0].1, Severity::Error, fault);
    stage.until("the event to be believed", "event count --output json", |it| {
        !it.contains("\"believed\": 0")
    });
    assert!(edge.join(edge.hello(&["pe1"])).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_frames_end_their_connection_and_nothing_else() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(&[]);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let other = Crafted::enrolled(&stage, "other", &["pe2"]).await;
    let mut link = other.join(other.hello(&["pe2"])).await.unwrap();
    let listening = tokio::spawn(async move { link.next().await });
    let before = memory(&stage);
    let preface: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let frame = |it: &[u8]| [preface, it].concat();
    let streams: [(&str, Vec<u8>); 5] = [
        (
            "another protocol",
            b"GET / HTTP/1.1\r\nHost: controller\r\n\r\n".to_vec(),
        ),
        ("noise", (0..=255).cycle().take(64 << 10).collect()),
        ("a frame that claims 16 MiB", frame(b"\xff\xff\xff\0\0\0\0\0\x01")),
        ("data on no stream", frame(b"\0\0\x04\0\0\0\0\0\0data")),
        ("settings that are too short", frame(b"\0\0\x01\x04\0\0\0\0\0x")),
    ];
    let events: [(&str, Vec<u8>); 4] = [
        ("a packet that claims 256 MiB", b"\x10\xff\xff\xff\x7f".to_vec()),
        ("a length without end", b"\x10\xff\xff\xff\xff\xff".to_vec()),
        ("a publish before the connect", b"\x30\x05\0\x01ax\0".to_vec()),
        ("a packet of no kind", vec![0; 64]),
    ];
    let all = streams
        .map(|it| (it, "h2"))
        .into_iter()
        .chain(events.map(|it| (it, "mqtt")));
    for ((what, bytes), alpn) in all {
        let trust = Trust::Authority(edge.own.authority.clone());
        let mut config = tls::client(Some((&edge.own, edge.key.serialized_der())), trust, None).unwrap();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let address = format!("127.0.0.1:{}", stage.ports[1]);
        let mut io = est::dial(&address, Arc::new(config)).await.unwrap();
        // Whoever has closed already takes no more: that is as good.
        let _ = io.write_all(&bytes).await;
        let mut rest = Vec::new();
        let ended = timeout(Duration::from_secs(9), io.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "{what}: it is still open");
    }
    logged(&stage, &["ended a client's connection to the broker", "edge"]);
    let grown = memory(&stage).saturating_sub(before);
    assert!(grown < GROWTH, "{grown} KiB");
    assert!(!listening.is_finished(), "others hear nothing of it");
    assert!(edge.join(edge.hello(&["pe1"])).await.is_ok());
}
