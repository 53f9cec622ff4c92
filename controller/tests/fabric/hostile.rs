//! Connections that say nothing, by the thousand, and an agent that says too much: bounded, and nobody else is harmed.

use std::time::Duration;

use fabric_identity::tls::{self, Trust};
use fabric_identity::{Authority, Credential, Identity, LifeTimes, MOST_OF_ONE, Permission, Role, est};
use fabric_wire::v1::fabric_client::FabricClient;
use fabric_wire::v1::{Answer, Progress, Scope, Step, Upward, upward};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rcgen::KeyPair;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::crafted::{Crafted, SOON, key};
use super::stage::Stage;
use super::telling::now;

/// How many of each kind.
const THOUSAND: usize = 1_000;
/// By how much the controller may grow, in KiB.
const GROWTH: u64 = 200 * 1_024;
/// The preface of HTTP/2 and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Agents whose certificates were issued before the controller started.
struct Many(Vec<(String, Credential, KeyPair)>);

impl Many {
    fn prepared(folder: &std::path::Path, count: usize) -> Self {
        let authority = Authority::open(&folder.join("state/authority"), LifeTimes::default(), now()).unwrap();
        let holder = |number: usize| {
            let (name, key) = (format!("many-{number}"), key());
            let identity = Identity {
                name: name.parse().unwrap(),
                role: Role::Agent,
                devices: ["*".parse().unwrap()].into(),
                may: [Permission::Observe].into(),
            };
            let own = authority.issue_own(identity, &key, &[], now()).unwrap();
            (name, own, key)
        };
        Self((0..count).map(holder).collect())
    }

    async fn dial(&self, number: usize, address: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let (_, own, key) = &self.0[number % self.0.len()];
        let trust = Trust::Authority(own.authority.clone());
        let mut config = tls::client(Some((own, key.serialized_der())), trust, None).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        est::dial(address, std::sync::Arc::new(config)).await
    }
}

pub fn memory(stage: &Stage) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", stage.process())).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn files(stage: &Stage) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", stage.process()))
        .unwrap()
        .count()
}

/// A stream that begins with these messages and says nothing more, and never reads: alive only as TCP and HTTP/2 are.
async fn opened(io: TlsStream<TcpStream>, first: Option<Upward>) -> tokio::task::JoinHandle<()> {
    let mut once = Some(hyper_util::rt::TokioIo::new(io));
    let connector = tower::service_fn(move |_| {
        let io = once.take();
        async move { io.ok_or_else(|| std::io::Error::other("gone")) }
    });
    let endpoint = tonic::transport::Endpoint::from_static("http://controller");
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    tokio::spawn(async move {
        let saying = futures::StreamExt::chain(futures::stream::iter(first), futures::stream::pending());
        let joined = FabricClient::new(channel).join(saying).await;
        std::future::pending::<()>().await;
        drop(joined);
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one siege, told in order")]
async fn a_thousand_half_open_connections_of_each_kind_are_bounded_and_harm_nobody() {
    fabric_identity::install_cryptography();
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let mut many = None;
    let stage = Stage::prepared(&[("ENTENTE_AGENTS_OFFLINE_AFTER", "60s")], |folder| {
        many = Some(Many::prepared(folder, 40));
    });
    let (many, address) = (many.unwrap(), format!("127.0.0.1:{}", stage.ports[1]));
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let mut link = edge.join(edge.hello(&["pe1"])).await.unwrap();
    let listening = tokio::spawn(async move {
        loop {
            if let Err(lost) = link.next().await {
                return lost;
            }
        }
    });
    let (memory_before, files_before) = (memory(&stage), files(&stage));

    // A thousand that do not begin their handshake.
    let mut silent = Vec::new();
    for _ in 0..THOUSAND {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    // A thousand that end it and say nothing, or no more than that they speak HTTP/2.
    let mut shaken = Vec::new();
    for number in 0..THOUSAND {
        let mut io = many.dial(number, &address).await.unwrap();
        if number % 2 == 0 {
            io.write_all(PREFACE).await.unwrap();
        }
        shaken.push(io);
    }
    // Others that open a stream without a hello, and that say hello and fall silent.
    let mut streams = Vec::new();
    for number in 0..40 {
        let hello = upward::Body::Hello(fabric_wire::v1::Hello {
            agent: many.0[number].0.clone(),
            ..edge.hello(&["pe2"])
        });
        let hello = Upward {
            body: Some(hello),
            ..Upward::default()
        };
        let first = (number % 2 == 1).then_some(hello);
        streams.push(opened(many.dial(number, &address).await.unwrap(), first).await);
    }
    let grown = memory(&stage).saturating_sub(memory_before);
    assert!(grown < GROWTH, "{grown} KiB for {} connections", files(&stage));

    // Others come in as ever while all of that is open.
    let other = timeout(SOON, Crafted::enrolled(&stage, "other", &["pe3"]))
        .await
        .expect("somebody enrols");
    let joined = timeout(SOON, other.join(other.hello(&["pe3"])))
        .await
        .expect("and joins");
    assert!(joined.is_ok());
    assert!(stage.ok("agent list --presence online").contains("edge"));
    assert!(!listening.is_finished(), "who was there before is there still");

    // Whoever said nothing is let go; nothing is left behind.
    let let_go = tests_real::until("the half-open to be let go", Duration::from_secs(60), || {
        (files(&stage) < files_before + 20).then_some(())
    });
    let_go.unwrap_or_else(|error| {
        panic!(
            "{error}: {} open, {files_before} before\n{}",
            files(&stage),
            stage.log()
        )
    });
    let mut buffer = [0; 64];
    for io in &mut silent {
        assert_eq!(io.read(&mut buffer).await.unwrap_or(0), 0, "it is closed");
    }
    assert!(!listening.is_finished());
    assert!(stage.ok("agent list --presence online").contains("edge"));
    streams.iter().for_each(tokio::task::JoinHandle::abort);

    // One holder has so many connections and no more.
    let mut of_one = Vec::new();
    for _ in 0..MOST_OF_ONE + 20 {
        of_one.push(many.dial(0, &address).await.unwrap());
    }
    let mut turned_away = 0;
    for io in of_one.iter_mut().skip(MOST_OF_ONE) {
        let read = timeout(Duration::from_secs(15), io.read(&mut buffer)).await;
        turned_away += usize::from(read.is_ok_and(|it| it.unwrap_or(0) == 0));
    }
    assert_eq!(turned_away, 20, "within seconds, long before the others are let go");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_who_say_nothing_at_the_enrolment_keep_nobody_out() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(&[]);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let (files_before, address) = (files(&stage), format!("127.0.0.1:{}", stage.ports[2]));
    let mut silent = Vec::new();
    for _ in 0..THOUSAND {
        let trust = Trust::Authority(edge.own.authority.clone());
        let config = tls::client(None, trust, None).unwrap();
        silent.push(est::dial(&address, std::sync::Arc::new(config)).await.unwrap());
    }
    let other = timeout(Duration::from_secs(30), Crafted::enrolled(&stage, "other", &["pe2"])).await;
    assert!(other.is_ok(), "others enrol meanwhile");
    let open = files(&stage).saturating_sub(files_before);
    assert!(open < 256 + 64, "{open} of {THOUSAND} connections are held");
    let let_go = tests_real::until("the silent to be let go", Duration::from_secs(60), || {
        (files(&stage) < files_before + 20).then_some(())
    });
    let_go.unwrap_or_else(|error| panic!("{error}: {} open, {files_before} before", files(&stage)));
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_floods_its_stream_is_bounded_and_harms_nobody() {
    fabric_identity::install_cryptography();
    let stage = Stage::start(&[]);
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let other = Crafted::enrolled(&stage, "other", &["pe2"]).await;
    let mut link = edge.join(edge.hello(&["pe1"])).await.unwrap();
    let before = memory(&stage);
    let device = edge.hello(&["pe1"]).devices[0].id.clone();
    let flooding = tokio::spawn(async move {
        let scope = |number: u32| {
            Some(Scope {
                transaction: u128::from(number).to_be_bytes().to_vec(),
                device: device.clone(),
                step: Step::Apply as i32,
                attempt: number,
                ..Scope::default()
            })
        };
        let words = "x".repeat(10_000);
        for number in 0.. {
            let progress = Progress { words: words.clone() };
            let _ = link.pass(scope(number), upward::Body::Progress(progress)); // as much as fits
            let _ = link.offer(scope(number), upward::Body::Answer(Answer::default()));
            if number % 8 == 0 {
                // Acknowledgements make room; a stream that is ended ends the flood.
                if let Ok(Err(lost)) = timeout(Duration::from_millis(1), link.next()).await {
                    panic!("{lost}");
                }
            }
        }
    });
    for round in 0..5 {
        let joined = timeout(SOON, other.join(other.hello(&["pe2"]))).await;
        assert!(joined.expect("others join").is_ok(), "{round}");
        stage.ok("agent list");
    }
    let grown = memory(&stage).saturating_sub(before);
    assert!(grown < 100 * 1_024, "{grown} KiB");
    assert!(!flooding.is_finished(), "it floods still");
    flooding.abort();
}
