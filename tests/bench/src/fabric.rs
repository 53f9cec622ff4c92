//! The fabric: a controller with a thousand streams against a bare tonic echo of the same shape, and signed events
//! against unsigned ones.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use fabric_events::{Event, Memory, Severity, Signer, Terms, Verifier};
use fabric_identity::{Authority, Identity, LifeTimes, Permission, Role};
use fabric_wire::v1::fabric_client::FabricClient;
use fabric_wire::v1::fabric_server::{Fabric, FabricServer};
use fabric_wire::v1::{Answer, Device, Downward, Hello, Inquire, Scope, Upward, downward, upward};
use fabric_wire::{Connection, ControllerLink, Door, Limits, Membership, Peer};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::measure::{Watch, median};
use crate::report::Row;

const STREAMS: usize = 1_000;
const ROUND_TRIPS: usize = 2_000;
const EVENTS: usize = 20_000;
const AT_MOST: f64 = 1.0 / 1.5;

/// The rows of the fabric: streams, then events.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut rows = runtime.block_on(streams(rounds))?;
    rows.extend(events(rounds)?);
    Ok(rows)
}

/// One end of a stream to an agent: what is asked is answered once.
trait Asked: Send {
    async fn ask(&mut self) -> anyhow::Result<()>;
    async fn answered(&mut self) -> anyhow::Result<()>;
}

impl Asked for ControllerLink {
    async fn ask(&mut self) -> anyhow::Result<()> {
        self.offer(Some(scope()), question())?;
        Ok(())
    }

    async fn answered(&mut self) -> anyhow::Result<()> {
        self.next().await?;
        Ok(())
    }
}

/// The bare end: a bounded channel into tonic's stream, and tonic's stream.
struct Bare {
    down: mpsc::Sender<Result<Downward, Status>>,
    up: Streaming<Upward>,
}

impl Asked for Bare {
    async fn ask(&mut self) -> anyhow::Result<()> {
        let message = Downward {
            scope: Some(scope()),
            body: Some(question()),
            ..Downward::default()
        };
        self.down.send(Ok(message)).await.context("the stream has ended")
    }

    async fn answered(&mut self) -> anyhow::Result<()> {
        self.up.message().await?.context("the stream has ended")?;
        Ok(())
    }
}

fn scope() -> Scope {
    Scope {
        transaction: vec![7; 16],
        epoch: 1,
        device: "pe1".into(),
        ..Scope::default()
    }
}

fn question() -> downward::Body {
    downward::Body::Inquire(Inquire {
        within_milliseconds: 1_000,
    })
}

fn answer() -> upward::Body {
    upward::Body::Answer(Answer::default())
}

/// What one side needs for a thousand streams, and how fast it is over them.
#[derive(Default)]
struct Figures {
    memory: Vec<f64>,
    middle: Vec<f64>,
    slow: Vec<f64>,
    fan_out: Vec<f64>,
}

impl Figures {
    async fn take<A: Asked>(&mut self, links: &mut [A], memory: f64) -> anyhow::Result<()> {
        self.memory.push(memory);
        let mut trips = Vec::with_capacity(ROUND_TRIPS);
        for number in 0..ROUND_TRIPS {
            let link = &mut links[number % 10];
            let watch = Watch::start();
            link.ask().await?;
            link.answered().await?;
            trips.push(watch.elapsed().as_secs_f64() * 1e6);
        }
        self.middle.push(median(&mut trips));
        self.slow
            .push(trips.get(trips.len() * 99 / 100).copied().unwrap_or_default());
        let watch = Watch::start();
        for link in links.iter_mut() {
            link.ask().await?;
        }
        for link in links.iter_mut() {
            link.answered().await?;
        }
        self.fan_out.push(watch.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }
}

async fn streams(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    for _ in 0..rounds {
        let before = resident()?;
        let (mut links, _stop) = our_links().await?;
        ours.take(&mut links, (resident()? - before) / STREAMS as f64).await?;
        drop(links);
        let before = resident()?;
        let (mut links, _stop) = bare_links().await?;
        theirs.take(&mut links, (resident()? - before) / STREAMS as f64).await?;
    }
    let row = |what: &str, unit, ours: &mut Vec<f64>, theirs: &mut Vec<f64>, target| {
        let (ours, theirs) = (median(ours), median(theirs));
        let (bench, peer) = (format!("fabric, {what}"), "bare tonic echo".into());
        Row {
            bench,
            peer,
            ours,
            theirs,
            unit,
            ratio: theirs / ours,
            target,
            ..Row::default()
        }
    };
    Ok(vec![
        row(
            "round trip p50, 1,000 streams",
            "µs",
            &mut ours.middle,
            &mut theirs.middle,
            Some(AT_MOST),
        ),
        row(
            "round trip p99, 1,000 streams",
            "µs",
            &mut ours.slow,
            &mut theirs.slow,
            None,
        ),
        row(
            "fan-out to 1,000 and back",
            "ms",
            &mut ours.fan_out,
            &mut theirs.fan_out,
            Some(AT_MOST),
        ),
        row(
            "memory a stream, both ends, first round",
            "KiB",
            &mut first(&ours.memory),
            &mut first(&theirs.memory),
            None,
        ),
    ])
}

fn first(figures: &[f64]) -> Vec<f64> {
    figures.first().copied().into_iter().collect()
}

/// Links of ours, each with an agent that answers, and what ends them when it is dropped.
async fn our_links() -> anyhow::Result<(Vec<ControllerLink>, impl Drop)> {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut door = Door::new("controller-1", Limits::default(), STREAMS);
    let incoming = futures::stream::unfold((listener, 0), |(listener, number)| async move {
        let io = accepted(&listener).await;
        let peer = Peer::new(format!("agent-{number}"), |_| true, CancellationToken::new());
        Some((io.map(|io| Connection::new(io, peer)), (listener, number + 1)))
    });
    tokio::spawn(door.serve(incoming, stop.clone()));
    let mut links = Vec::with_capacity(STREAMS);
    for number in 0..STREAMS {
        let membership = Membership::new(hello(&format!("agent-{number}")), Limits::default());
        let mut agent = membership.join(dialled(address).await?).await?;
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok(request) = agent.next().await {
                if agent.offer(request.scope, answer()).is_err() {
                    break;
                }
            }
        }));
        links.push(door.next().await.context("the door has closed")?);
    }
    Ok((links, stop.drop_guard()))
}

fn hello(agent: &str) -> Hello {
    let devices = vec![Device {
        id: "pe1".into(),
        ..Device::default()
    }];
    Hello {
        lowest_version: 1,
        highest_version: 1,
        agent: agent.into(),
        session: vec![1; 16],
        devices,
        ..Hello::default()
    }
}

#[derive(Clone)]
struct Echo(mpsc::Sender<Bare>);

#[tonic::async_trait]
impl Fabric for Echo {
    type JoinStream = BoxStream<'static, Result<Downward, Status>>;

    async fn join(&self, request: Request<Streaming<Upward>>) -> Result<Response<Self::JoinStream>, Status> {
        let (down, queue) = mpsc::channel(256);
        let bare = Bare {
            down,
            up: request.into_inner(),
        };
        self.0
            .send(bare)
            .await
            .map_err(|_| Status::unavailable("the bench is over"))?;
        Ok(Response::new(queued(queue).boxed()))
    }
}

fn queued<T: Send + 'static>(queue: mpsc::Receiver<T>) -> impl futures::Stream<Item = T> + Send + 'static {
    futures::stream::unfold(
        queue,
        |mut queue| async move { queue.recv().await.map(|it| (it, queue)) },
    )
}

/// The same with nothing of ours but the messages.
async fn bare_links() -> anyhow::Result<(Vec<Bare>, impl Drop)> {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (sender, mut arrivals) = mpsc::channel(STREAMS);
    let incoming = futures::stream::unfold(listener, |listener| async move {
        Some((accepted(&listener).await, listener))
    });
    let server = tonic::transport::Server::builder().add_service(FabricServer::new(Echo(sender)));
    tokio::spawn(server.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned()));
    let mut links = Vec::with_capacity(STREAMS);
    for _ in 0..STREAMS {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
        let mut client = FabricClient::new(endpoint.connect().await?);
        let (up, queue) = mpsc::channel(256);
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            let Ok(down) = client.join(queued(queue)).await else {
                return;
            };
            let mut down = down.into_inner();
            while let Ok(Some(request)) = down.message().await {
                let message = Upward {
                    scope: request.scope,
                    body: Some(answer()),
                    ..Upward::default()
                };
                if up.send(message).await.is_err() {
                    break;
                }
            }
        }));
        links.push(arrivals.recv().await.context("the door has closed")?);
    }
    Ok((links, stop.drop_guard()))
}

async fn accepted(listener: &TcpListener) -> std::io::Result<TcpStream> {
    let (io, _) = listener.accept().await?;
    io.set_nodelay(true)?;
    Ok(io)
}

async fn dialled(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let io = TcpStream::connect(address).await?;
    io.set_nodelay(true)?;
    Ok(io)
}

/// What this process holds in memory, in KiB.
fn resident() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|it| it.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Events on one core: signed, handed over as bytes and verified, beside the same unsigned and only read.
fn events(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let authority = Authority::open(folder.path(), LifeTimes::default(), now)?;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
    let devices = ["*".parse()?].into();
    let identity = Identity {
        name: "edge-1".parse()?,
        role: Role::Agent,
        devices,
        may: Permission::ALL.into(),
    };
    let own = authority.issue_own(identity, &key, &[], now)?;
    let signer = Signer::new(&own.certificate, key.serialized_der())?;
    let (mut both, mut verified, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let memory = Memory::new(EVENTS * 2, EVENTS * 2);
        let mut verifier = Verifier::new(authority.certificate().to_vec(), Terms::default(), memory);
        let (watch, revoked) = (Watch::start(), BTreeSet::new());
        let sealed: Vec<_> = (0..EVENTS)
            .map(|it| signer.seal(&event(it), now))
            .collect::<Result<_, _>>()?;
        let signed = watch.elapsed();
        for bytes in &sealed {
            if let Err(reason) = verifier.verify(bytes, &revoked, now) {
                bail!("a good event was refused: {reason}");
            }
        }
        both.push(EVENTS as f64 / watch.elapsed().as_secs_f64());
        verified.push(EVENTS as f64 / (watch.elapsed() - signed).as_secs_f64());
        let watch = Watch::start();
        for number in 0..EVENTS {
            Event::read(&serde_json::to_vec(&event(number))?)?;
        }
        plain.push(EVENTS as f64 / watch.elapsed().as_secs_f64());
    }
    let (both, verified, plain) = (median(&mut both), median(&mut verified), median(&mut plain));
    let row = |what: &str, peer: &str, ours: f64, theirs: f64, target| {
        let (bench, peer) = (format!("events, {what}"), peer.into());
        Row {
            bench,
            peer,
            ours,
            theirs,
            unit: "1/s",
            ratio: ours / theirs,
            target,
            ..Row::default()
        }
    };
    Ok(vec![
        row(
            "signed and verified on one core",
            "the same unsigned",
            both,
            plain,
            None,
        ),
        row(
            "verified on one core",
            "the aim of 20,000",
            verified,
            20_000.0,
            Some(1.0),
        ),
    ])
}

fn event(number: usize) -> Event {
    Event {
        specversion: "1.0".into(),
        id: number.to_string(),
        source: "entente://agent/edge-1".into(),
        kind: "link-fault".into(),
        time: "2027-01-15T08:00:00Z".into(),
        subject: "pe1".into(),
        severity: Severity::Error,
        datacontenttype: "application/json".into(),
        data: serde_json::json!({"interface": "eth1", "link": "down", "since": "2027-01-15T07:59:58Z"}),
    }
}
