//! The controller's end of one side: a thousand streams over mutual TLS, and what they cost.

use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command};
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use anyhow::Context;
use fabric_identity::tls::{self, Callers};
use fabric_identity::{Acceptor, Authority, Guarded, LifeTimes};
use fabric_wire::v1::fabric_server::{Fabric, FabricServer};
use fabric_wire::v1::{Downward, Inquire, Scope, Upward, downward};
use fabric_wire::{Connection, ControllerLink, Door, Limits, Peer};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::{Figures, Kind, STREAMS, cast};
use crate::measure::{Watch, median, resident};

/// How many round trips are timed, over all streams in turn.
const ROUND_TRIPS: usize = 4_000;
/// How often everybody is asked; the middle one counts.
const FAN_OUTS: usize = 5;

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
    downward::Body::Inquire(Inquire {})
}

/// Measures one side and prints what was found as JSON.
pub fn run(kind: Kind, folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let figures = runtime.block_on(async {
        match kind {
            Kind::Ours => ours(folder).await,
            Kind::Bare => bare(folder).await,
        }
    })?;
    io::stdout().write_all(&serde_json::to_vec(&figures)?)?;
    Ok(())
}

/// The agents of this side; they end with it.
struct Agents(Child);

impl Agents {
    fn start(kind: Kind, folder: &Path, listener: &TcpListener) -> anyhow::Result<Self> {
        let address = listener.local_addr()?.to_string();
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["fabric-agents", kind.word()]).arg(folder).arg(address);
        Ok(Self(command.spawn().context("start the agents")?))
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it has ended by itself, or ends now
        let _ = self.0.wait();
    }
}

/// What both sides take callers in with: mutual TLS, revocation, and what a holder may have at once.
fn acceptor(folder: &Path, listener: TcpListener) -> anyhow::Result<Acceptor> {
    let authority = Authority::open(folder, LifeTimes::default(), cast::now())?;
    let own = cast::read(folder, "controller")?;
    let config = tls::server(&own.credential, &own.key, Callers::Known, authority.revocations())?;
    Ok(Acceptor::start(listener, Arc::new(config), authority.revocations()))
}

async fn ours(folder: &Path) -> anyhow::Result<Figures> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let agents = Agents::start(Kind::Ours, folder, &listener)?;
    let acceptor = acceptor(folder, listener)?;
    let mut door = Door::new("controller", Limits::default(), STREAMS);
    let incoming = futures::stream::unfold(acceptor, |mut acceptor| async move {
        let caller = acceptor.next().await?;
        let identity = caller.certificate?.identity;
        let name = identity.name.to_string();
        let peer = Peer::new(name, move |it| identity.covers(it), caller.cut);
        Some((Ok(Connection::new(caller.io, peer)), acceptor))
    });
    let before = resident()?;
    tokio::spawn(door.serve(incoming, CancellationToken::new()));
    let mut links = Vec::with_capacity(STREAMS);
    while links.len() < STREAMS {
        links.push(door.next().await.context("the door has closed")?);
    }
    take(&mut links, before, agents).await
}

async fn bare(folder: &Path) -> anyhow::Result<Figures> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let agents = Agents::start(Kind::Bare, folder, &listener)?;
    let acceptor = acceptor(folder, listener)?;
    let incoming = futures::stream::unfold(acceptor, |mut acceptor| async move {
        Some((Ok::<_, io::Error>(Plain(acceptor.next().await?.io)), acceptor))
    });
    let (sender, mut arrivals) = mpsc::channel(STREAMS);
    let before = resident()?;
    let server = tonic::transport::Server::builder().add_service(FabricServer::new(Echo(sender)));
    tokio::spawn(server.serve_with_incoming(incoming));
    let mut links = Vec::with_capacity(STREAMS);
    while links.len() < STREAMS {
        links.push(arrivals.recv().await.context("the door has closed")?);
    }
    take(&mut links, before, agents).await
}

/// What the streams cost.
async fn take<A: Asked>(links: &mut [A], before: f64, _agents: Agents) -> anyhow::Result<Figures> {
    ask_all(links).await?; // everything is warm
    let memory = (resident()? - before) / 1_024.0 / STREAMS as f64;
    let mut trips = Vec::with_capacity(ROUND_TRIPS);
    for number in 0..ROUND_TRIPS {
        let link = &mut links[number % STREAMS];
        let watch = Watch::start();
        link.ask().await?;
        link.answered().await?;
        trips.push(watch.elapsed().as_secs_f64() * 1e6);
    }
    let mut all = Vec::new();
    for _ in 0..FAN_OUTS {
        let watch = Watch::start();
        ask_all(links).await?;
        all.push(watch.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Figures {
        memory,
        middle: median(&mut trips),
        slow: trips.get(trips.len() * 99 / 100).copied().unwrap_or_default(),
        fan_out: median(&mut all),
    })
}

async fn ask_all<A: Asked>(links: &mut [A]) -> anyhow::Result<()> {
    for link in links.iter_mut() {
        link.ask().await?;
    }
    for link in links.iter_mut() {
        link.answered().await?;
    }
    Ok(())
}

#[derive(Clone)]
struct Echo(mpsc::Sender<Bare>);

#[tonic::async_trait]
impl Fabric for Echo {
    type JoinStream = BoxStream<'static, Result<Downward, Status>>;

    async fn join(&self, request: Request<Streaming<Upward>>) -> Result<Response<Self::JoinStream>, Status> {
        let (down, mut queue) = mpsc::channel(256);
        let up = request.into_inner();
        let sent = self.0.send(Bare { down, up }).await;
        sent.map_err(|_| Status::unavailable("the bench is over"))?;
        Ok(Response::new(
            futures::stream::poll_fn(move |cx| queue.poll_recv(cx)).boxed(),
        ))
    }
}

/// A connection as tonic wants it.
struct Plain(Guarded);

impl tonic::transport::server::Connected for Plain {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Plain {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Task<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Task<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
