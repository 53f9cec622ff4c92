//! Events on one core: signed, carried by the built-in broker over mutual TLS, verified and remembered; beside the same
//! events unsigned and only read, over the same broker.
//!
//! Everything runs on this one thread, whose processor time is what counts. What waits in the outboxes has been made
//! durable before: how many syncs a second a disk can do is another question.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use fabric_events::broker::{Broker, Ear, Limits};
use fabric_events::mqtt::{Destination, Publisher};
use fabric_events::{Event, Filter, Hearing, Memory, Outbox, Severity, Signer, Terms, Verifier, topic};
use fabric_identity::tls::{self, Callers, MQTT, Trust};
use fabric_identity::{Acceptor, Authority, LifeTimes};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event as Happening, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::cast;
use crate::measure::{median, own_cpu};
use crate::report::Row;

/// How many events a round carries.
const EVENTS: usize = 20_000;
/// How many agents publish them.
const AGENTS: usize = 8;
/// What one core should do.
const AIM: f64 = 20_000.0;

/// The rows of events.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    cast::write_some(folder.path(), AGENTS)?;
    let (mut signed, mut plain, mut seal, mut verify) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        signed.push(carried(folder.path(), true)?);
        plain.push(carried(folder.path(), false)?);
        let (one, other) = alone(folder.path())?;
        seal.push(one);
        verify.push(other);
    }
    let (signed, plain) = (median(&mut signed), median(&mut plain));
    let row = |what: &str, peer: &str, ours: f64, theirs: f64| Row {
        bench: format!("events, {what}"),
        peer: peer.into(),
        ours,
        theirs,
        unit: "1/s",
        ratio: ours / theirs,
        ..Row::default()
    };
    let whole = "signed, delivered, verified, one core";
    Ok(vec![
        Row {
            target: Some(1.0),
            ..row(whole, "the aim", signed, AIM)
        },
        row(whole, "the same unsigned, unverified", signed, plain),
        row("signed alone", "the aim", median(&mut seal), AIM),
        row("verified alone", "the aim", median(&mut verify), AIM),
    ])
}

/// How many a second of this thread's time are carried from the outboxes to the receiver's memory.
fn carried(folder: &Path, signed: bool) -> anyhow::Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let authority = Authority::open(folder, LifeTimes::default(), cast::now())?;
        let heard = Heard::new(folder, &authority, signed)?;
        let limits = Limits {
            rate: 1e9, // an agent alone is held to 1,000 a second
            burst: 1e9,
            ..Limits::default()
        };
        let broker = Broker::new(limits, heard.ear());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let own = cast::read(folder, "controller")?;
        let config = tls::server(&own.credential, &own.key, Callers::Known, authority.revocations())?;
        let acceptor = Acceptor::start(listener, Arc::new(config), authority.revocations());
        let (serving, stop) = (broker.clone(), CancellationToken::new());
        tokio::spawn(async move { serving.serve(acceptor).await });
        let _stop = stop.clone().drop_guard();
        let agents = (0..AGENTS).map(|number| Agent::open(folder, number, port));
        let agents = agents.collect::<anyhow::Result<Vec<_>>>()?;
        let begun = own_cpu()?;
        for agent in agents {
            let stop = stop.clone();
            tokio::spawn(async move {
                match signed {
                    true => agent.publish(stop).await,
                    false => drop(stop.run_until_cancelled(agent.publish_plain()).await),
                }
            });
        }
        let all = tokio::time::timeout(Duration::from_secs(300), heard.all());
        all.await.context("the events did not arrive in 300 s")?;
        let took = own_cpu()? - begun;
        broker.close();
        heard.check()?;
        Ok(EVENTS as f64 / took)
    })
}

/// The receiver: verifies, or only reads.
struct Heard {
    hearing: Option<Mutex<Hearing>>,
    count: AtomicUsize,
    refused: AtomicUsize,
    more: Notify,
}

impl Heard {
    fn new(folder: &Path, authority: &Authority, verifies: bool) -> anyhow::Result<Arc<Self>> {
        let path = folder.join("ear");
        let _ = std::fs::remove_file(&path); // what the round before has believed counts no longer
        let memory = Memory::new(EVENTS * 2, EVENTS * 2);
        let der = authority.certificate().to_vec();
        let hearing = Hearing::open(der, Filter::default(), (&path, memory), Terms::default(), cast::now())?;
        Ok(Arc::new(Self {
            hearing: verifies.then(|| Mutex::new(hearing)),
            count: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            more: Notify::new(),
        }))
    }

    fn ear(self: &Arc<Self>) -> Ear {
        let it = self.clone();
        let nobody = BTreeSet::new();
        Arc::new(move |all: &[&[u8]]| {
            let good = match &it.hearing {
                Some(hearing) => {
                    let mut hearing = hearing.lock().unwrap_or_else(PoisonError::into_inner);
                    let heard = hearing.hear_all(all, &nobody, cast::now());
                    heard.iter().filter(|it| it.is_ok()).count()
                }
                None => all.iter().filter(|it| Event::read(it).is_ok()).count(),
            };
            it.refused.fetch_add(all.len() - good, Ordering::Relaxed);
            if it.count.fetch_add(all.len(), Ordering::Relaxed) + all.len() == EVENTS {
                it.more.notify_one();
            }
            Ok(())
        })
    }

    async fn all(&self) {
        self.more.notified().await;
    }

    fn check(&self) -> anyhow::Result<()> {
        let refused = self.refused.load(Ordering::Relaxed);
        ensure!(refused == 0, "{refused} good events were refused");
        Ok(())
    }
}

/// Somebody who publishes what waits in an outbox.
struct Agent {
    name: String,
    outbox: PathBuf,
    events: Vec<Event>,
    to: Destination,
    signer: Arc<Signer>,
}

fn now() -> SystemTime {
    cast::now()
}

impl Agent {
    fn open(folder: &Path, number: usize, port: u16) -> anyhow::Result<Self> {
        let name = cast::name(number);
        let own = cast::read(folder, &name)?;
        let trust = Trust::Authority(own.credential.authority.clone());
        let config = Arc::new(tls::client_of_events((&own.credential, &own.key), trust, None)?);
        let events: Vec<Event> = (0..EVENTS / AGENTS).map(|it| event(&name, it)).collect();
        let outbox = folder.join(format!("{name}.outbox"));
        let mut lines = String::new();
        for event in &events {
            writeln!(lines, "{}", serde_json::to_string(event)?)?;
        }
        std::fs::write(&outbox, lines)?; // what a former process has left
        Ok(Self {
            signer: Arc::new(Signer::new(&own.credential.certificate, &own.key)?),
            to: Destination {
                host: "127.0.0.1".into(),
                port,
                proves: Arc::new(move || Some(config.clone())),
                client: "agent".into(),
            },
            name,
            outbox,
            events,
        })
    }

    /// As our agents do.
    async fn publish(self, stop: CancellationToken) {
        let Ok(outbox) = Outbox::open(&self.outbox, EVENTS) else {
            return;
        };
        let signer = self.signer;
        let signs = Arc::new(move || Some(signer.clone()));
        Publisher::new(outbox).run(self.to, signs, now, stop).await;
    }

    /// The same events as they are, by the same client of MQTT.
    async fn publish_plain(self) -> anyhow::Result<()> {
        let mut tls = (self.to.proves)().context("a certificate")?;
        Arc::make_mut(&mut tls).alpn_protocols = vec![MQTT.to_vec()];
        let mut options = MqttOptions::new(&self.name, &self.to.host, self.to.port);
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(tls)));
        let (client, mut happens) = AsyncClient::new(options, 64);
        let (mut events, mut on_the_way) = (self.events.into_iter(), 0usize);
        loop {
            while on_the_way < 64 {
                let Some(event) = events.next() else { break };
                let bytes = serde_json::to_vec(&event)?;
                client.try_publish(topic(&event), QoS::AtLeastOnce, false, bytes)?;
                on_the_way += 1;
            }
            if on_the_way == 0 {
                std::future::pending::<()>().await;
            }
            if let Happening::Incoming(Packet::PubAck(_)) = happens.poll().await? {
                on_the_way -= 1;
            }
        }
    }
}

/// What signing alone and verifying alone take, a second of this thread's time.
fn alone(folder: &Path) -> anyhow::Result<(f64, f64)> {
    let own = cast::read(folder, &cast::name(0))?;
    let signer = Signer::new(&own.credential.certificate, &own.key)?;
    let at = cast::now();
    let begun = own_cpu()?;
    let sealed = (0..EVENTS).map(|it| signer.seal(&event(&cast::name(0), it), at));
    let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
    let signed = own_cpu()?;
    let memory = Memory::new(EVENTS * 2, EVENTS * 2);
    let mut verifier = Verifier::new(own.credential.authority.to_vec(), Terms::default(), memory);
    for bytes in &sealed {
        if let Err(reason) = verifier.verify(bytes, &BTreeSet::new(), at + Duration::from_secs(1)) {
            bail!("a good event was refused: {reason}");
        }
    }
    let rate = |seconds: f64| EVENTS as f64 / seconds;
    Ok((rate(signed - begun), rate(own_cpu()? - signed)))
}

fn event(agent: &str, number: usize) -> Event {
    Event {
        specversion: "1.0".into(),
        id: number.to_string(),
        source: format!("entente://agent/{agent}"),
        kind: "link-fault".into(),
        time: "2027-01-15T08:00:00Z".into(),
        subject: "01930000-0000-7000-8000-000000000001".into(),
        severity: Severity::Error,
        datacontenttype: "application/json".into(),
        data: serde_json::json!({"link": "eth1", "state": "down", "words": "the device says that it is down"}),
    }
}
