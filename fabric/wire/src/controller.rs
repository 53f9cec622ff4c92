//! The controller's end: a door at which agents join, and one link for each that has.

use crate::hello;
use crate::outlet::{Flow, Intake, Life, Shared, is_unreadable};
use crate::stay::Staying;
use crate::v1::fabric_server::{Fabric, FabricServer};
use crate::v1::{Downward, Hello, Refused, Scope, Upward, Welcome, downward, upward};
use crate::{Connection, Envelope, Limits, Lost, OfferError, Outlet, Peer, Place, Rights};
use futures::stream::{BoxStream, StreamExt};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

/// The door has fallen shut.
#[derive(Debug, thiserror::Error)]
#[error("serve the agents")]
pub struct ServeError(#[source] tonic::transport::Error);

/// Where agents that have joined come out.
pub struct Door {
    keeper: Keeper,
    arrivals: mpsc::Receiver<ControllerLink>,
}

impl Door {
    /// A door of the controller named `name` behind which at most `waiting` new links wait to be fetched.
    pub fn new(name: impl Into<String>, limits: Limits, waiting: usize) -> Self {
        let (sender, arrivals) = mpsc::channel(waiting.max(1));
        let keeper = Keeper {
            name: name.into(),
            limits,
            sessions: Arc::default(),
            streams: Arc::default(),
            arrivals: sender,
        };
        Self { keeper, arrivals }
    }

    /// Serves the connections that come until `closed`. The future does the work; the door gives out the links.
    pub fn serve<S, I>(
        &self,
        incoming: I,
        closed: CancellationToken,
    ) -> impl Future<Output = Result<(), ServeError>> + Send + use<S, I>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        I: futures::Stream<Item = io::Result<Connection<S>>> + Send + 'static,
    {
        let limits = &self.keeper.limits;
        let within = limits.hello_within;
        let incoming = incoming.map(move |it| it.map(|connection| connection.within(within)));
        let service = FabricServer::new(self.keeper.clone()).max_decoding_message_size(limits.largest_message);
        let router = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(limits.heartbeat))
            .http2_keepalive_timeout(Some(limits.silence()))
            .max_concurrent_streams(4)
            .add_service(service);
        async move {
            router
                .serve_with_incoming_shutdown(incoming, closed.cancelled_owned())
                .await
                .map_err(ServeError)
        }
    }

    /// The next agent that has joined.
    pub async fn next(&mut self) -> Option<ControllerLink> {
        self.arrivals.recv().await
    }
}

/// What is remembered of an agent between its streams.
struct Session {
    id: Vec<u8>,
    shared: Arc<Shared<Downward>>,
    life: Arc<Life>,
}

#[derive(Clone)]
struct Keeper {
    name: String,
    limits: Limits,
    sessions: Arc<Mutex<HashMap<String, Session>>>,
    streams: Arc<AtomicU64>,
    arrivals: mpsc::Sender<ControllerLink>,
}

#[tonic::async_trait]
impl Fabric for Keeper {
    type JoinStream = BoxStream<'static, Result<Downward, Status>>;

    async fn join(&self, request: Request<Streaming<Upward>>) -> Result<Response<Self::JoinStream>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let peer = peer.ok_or_else(|| Status::unauthenticated("the connection has no authenticated peer"))?;
        if peer.cut.is_cancelled() {
            return Err(Lost::Revoked.into());
        }
        let mut streaming = request.into_inner();
        let greeting = self.greeting(&mut streaming).await;
        let hello = greeting.inspect_err(|status| {
            let (code, words) = (status.code(), status.message());
            tracing::warn!(agent = peer.name, ?code, words, "an agent did not begin with a hello");
        })?;
        let version = match hello::admit(&hello, &peer, &self.limits) {
            Ok(version) => version,
            Err(refused) => return Ok(Response::new(say_no(&peer, *refused))),
        };
        match (peer.registers)(&hello) {
            Ok(place) => self.welcome((version, place), hello, peer, streaming),
            Err(fault) => Ok(Response::new(say_no(&peer, *hello::refused(*fault)))),
        }
    }
}

fn say_no(peer: &Peer, refused: Refused) -> BoxStream<'static, Result<Downward, Status>> {
    if let Some(fault) = &refused.fault {
        tracing::warn!(
            agent = peer.name,
            code = fault.code,
            detail = fault.detail,
            "refused an agent's hello"
        );
    }
    let message = Downward::about(None, downward::Body::Refused(refused));
    futures::stream::iter([Ok(message)]).boxed()
}

impl Keeper {
    async fn greeting(&self, streaming: &mut Streaming<Upward>) -> Result<Hello, Status> {
        let first = tokio::time::timeout(self.limits.hello_within, streaming.message()).await;
        let first = first.map_err(|_| Status::deadline_exceeded("no hello came in time"))?;
        let first = first.map_err(|it| {
            if is_unreadable(&it) {
                Status::invalid_argument(it.message())
            } else {
                it
            }
        })?;
        match first.and_then(|it| it.body) {
            Some(upward::Body::Hello(hello)) => Ok(hello),
            Some(_) | None => Err(Status::invalid_argument("the first message is no hello")),
        }
    }

    fn welcome(
        &self,
        (version, place): (u32, Place),
        hello: Hello,
        peer: Peer,
        streaming: Streaming<Upward>,
    ) -> Result<Response<<Self as Fabric>::JoinStream>, Status> {
        let permit = self
            .arrivals
            .try_reserve()
            .map_err(|_| Status::resource_exhausted("too many agents join at once"))?;
        let life = Arc::new(Life::default());
        let (shared, resumed, number) = self.session(&hello, &peer, &life);
        let welcome = Welcome {
            version,
            resumed,
            resume: shared.ledger().seen(),
            controller: self.name.clone(),
            heartbeat_milliseconds: u64::try_from(self.limits.heartbeat.as_millis()).unwrap_or(u64::MAX),
            largest_message: self.limits.largest_message as u64,
            resource: place.resource.clone(),
            events: place.events,
        };
        let first = Downward::about(None, downward::Body::Welcome(welcome));
        let flow = Flow::new(first, shared.clone(), life.clone(), &self.limits);
        life.open();
        let intake = Intake::new(shared.clone(), life.clone(), streaming, &self.limits);
        let outlet = Outlet {
            shared,
            life: Some(life.clone()),
        };
        let devices = hello.devices.iter().map(|it| it.id.clone()).collect();
        permit.send(ControllerLink {
            hello,
            devices,
            resource: place.resource,
            rights: peer.rights,
            number,
            resumed,
            _staying: peer.stay.begin(),
            cut: peer.cut,
            outlet,
            intake,
        });
        let end = futures::stream::once(async move { Err(life.reason().into()) });
        Ok(Response::new(flow.map(Ok).chain(end).boxed()))
    }

    /// Ends the agent's stream before this one and goes on with its session where that is possible. Streams are counted
    /// in the order in which they take each other's place.
    fn session(&self, hello: &Hello, peer: &Peer, life: &Arc<Life>) -> (Arc<Shared<Downward>>, bool, u64) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.streams.fetch_add(1, Ordering::Relaxed) + 1;
        let before = sessions.remove(&peer.name);
        let mut kept = None;
        if let Some(before) = before {
            let mut ledger = before.shared.ledger();
            before.life.end(Lost::Replaced);
            if before.id == hello.session && ledger.reaches(hello.resume) {
                ledger.resume(hello.resume);
                kept = Some(before.shared.clone());
            }
        }
        let resumed = kept.is_some();
        let shared = kept.unwrap_or_else(|| Shared::new(&self.limits));
        let session = Session {
            id: hello.session.clone(),
            shared: shared.clone(),
            life: life.clone(),
        };
        sessions.insert(peer.name.clone(), session);
        (shared, resumed, number)
    }
}

/// A controller's end of one agent's stream.
pub struct ControllerLink {
    hello: Hello,
    devices: BTreeSet<String>,
    resource: String,
    rights: Rights,
    number: u64,
    resumed: bool,
    _staying: Staying,
    cut: CancellationToken,
    outlet: Outlet<Downward>,
    intake: Intake<Downward, Upward>,
}

impl ControllerLink {
    /// Who has joined, checked against its certificate.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Its place in the registry, if there is one.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// What its certificate lets it do to its devices.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// Which stream of all this is: of two of one agent the higher one is the later one.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether the session goes on; if not, what was sent before and not answered must be asked again.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// A way out for others, which ends with this stream.
    pub fn outlet(&self) -> Outlet<Downward> {
        self.outlet.clone()
    }

    /// Queues a request that is sent again until the agent has taken it in; its number comes back.
    pub fn offer(&self, scope: Option<Scope>, body: downward::Body) -> Result<u64, OfferError> {
        self.outlet.offer(scope, body)
    }

    /// The next report, each once and in order. May be given up and called again without losing anything.
    pub async fn next(&mut self) -> Result<Upward, Lost> {
        let message = tokio::select! {
            biased;
            () = self.cut.cancelled() => Err(Lost::Revoked),
            message = self.intake.next() => message,
        };
        message
            .and_then(|it| self.within_scope(it))
            .inspect_err(|lost| self.intake.life.end(lost.clone()))
    }

    fn within_scope(&self, message: Upward) -> Result<Upward, Lost> {
        match message.scope() {
            Some(scope) if !scope.device.is_empty() && !self.devices.contains(&scope.device) => Err(Lost::Malformed {
                what: "the agent speaks for a device that it did not name".into(),
            }),
            Some(_) | None => Ok(message),
        }
    }
}
