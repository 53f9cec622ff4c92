//! The agent's end: it joins over a connection that is given to it, and joins again after a loss.

use crate::outlet::{Flow, Intake, Life, Shared};
use crate::v1::fabric_client::FabricClient;
use crate::v1::{Downward, Hello, Refused, Scope, Upward, Welcome, downward, upward};
use crate::{Envelope, Limits, Lost, OfferError, Outlet, hello};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// Why an agent has not joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The connection did not become a stream.
    #[error("open a stream to the controller")]
    Connect(#[source] tonic::transport::Error),
    /// The controller ended the stream.
    #[error("join the controller")]
    Stream(#[source] Box<tonic::Status>),
    /// The controller said no, and why.
    #[error("the controller refused the agent: {}", reason(.0))]
    Refused(Box<Refused>),
    /// The controller did not begin with a welcome.
    #[error("join the controller")]
    Lost(#[source] Lost),
    /// Nothing came in time.
    #[error("join the controller: no welcome in {milliseconds} ms")]
    Silent {
        /// In which time.
        milliseconds: u128,
    },
}

fn reason(refused: &Refused) -> String {
    refused
        .fault
        .as_ref()
        .map_or_else(|| "no reason given".into(), |it| format!("{}: {}", it.code, it.detail))
}

/// An agent's session: it outlives the streams that carry it.
pub struct Membership {
    hello: Hello,
    clock: Option<fn() -> SystemTime>,
    limits: Limits,
    shared: Arc<Shared<Upward>>,
}

impl Membership {
    /// A session that begins with `hello`, whose `session` holds 16 random bytes.
    pub fn new(hello: Hello, limits: Limits) -> Self {
        let shared = Shared::new(&limits);
        Self {
            hello,
            clock: None,
            limits,
            shared,
        }
    }

    /// The same, and says each time what this clock shows.
    #[must_use]
    pub fn by(self, clock: fn() -> SystemTime) -> Self {
        Self {
            clock: Some(clock),
            ..self
        }
    }

    /// The way out, which also takes messages while no stream is there, up to the bound.
    pub fn outlet(&self) -> Outlet<Upward> {
        Outlet {
            shared: self.shared.clone(),
            life: None,
        }
    }

    /// Joins over an authenticated connection. What the controller has not taken in yet is sent again.
    pub async fn join<S>(&self, io: S) -> Result<AgentLink, JoinError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let within = self.limits.hello_within;
        let joined = tokio::time::timeout(within, self.greet(io)).await;
        joined.map_err(|_| JoinError::Silent {
            milliseconds: within.as_millis(),
        })?
    }

    async fn greet<S>(&self, io: S) -> Result<AgentLink, JoinError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let channel = connect(io, &self.limits).await.map_err(JoinError::Connect)?;
        let resume = self.shared.ledger().seen();
        let clock = self.clock.map_or(0, |it| hello::shown(it()));
        let hello = upward::Body::Hello(Hello {
            resume,
            clock,
            ..self.hello.clone()
        });
        let life = Arc::new(Life::default());
        let flow = Flow::new(
            Upward::about(None, hello),
            self.shared.clone(),
            life.clone(),
            &self.limits,
        );
        let mut client = FabricClient::new(channel).max_decoding_message_size(self.limits.largest_message);
        let streaming = client
            .join(flow)
            .await
            .map_err(|it| JoinError::Stream(Box::new(it)))?
            .into_inner();
        let mut intake = Intake::new(self.shared.clone(), life.clone(), streaming, &self.limits);
        let first: Downward = intake.receive().await.map_err(JoinError::Lost)?;
        let welcome = self.welcomed(first)?;
        life.open();
        let outlet = Outlet {
            shared: self.shared.clone(),
            life: Some(life),
        };
        outlet.shared.wake();
        Ok(AgentLink {
            welcome,
            outlet,
            intake,
        })
    }

    fn welcomed(&self, first: Downward) -> Result<Welcome, JoinError> {
        let malformed = |what: &str| JoinError::Lost(Lost::Malformed { what: what.into() });
        let welcome = match first.body {
            Some(downward::Body::Welcome(welcome)) => welcome,
            Some(downward::Body::Refused(refused)) => return Err(JoinError::Refused(Box::new(refused))),
            Some(_) | None => return Err(malformed("the first message is no welcome")),
        };
        let mut ledger = self.shared.ledger();
        if !welcome.resumed {
            ledger.restart();
        } else if ledger.reaches(welcome.resume) {
            ledger.resume(welcome.resume);
        } else {
            return Err(malformed("the controller has taken in what was never sent"));
        }
        Ok(welcome)
    }
}

async fn connect<S>(io: S, limits: &Limits) -> Result<Channel, tonic::transport::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let once = Arc::new(Mutex::new(Some(io)));
    let connector = service_fn(move |_| {
        let io = once.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            io.map(TokioIo::new)
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
        }
    });
    Endpoint::from_static("http://controller")
        .http2_keep_alive_interval(limits.heartbeat)
        .keep_alive_timeout(limits.silence())
        .keep_alive_while_idle(true)
        .connect_with_connector(connector)
        .await
}

/// A joined agent's end of the stream.
pub struct AgentLink {
    welcome: Welcome,
    outlet: Outlet<Upward>,
    intake: Intake<Upward, Downward>,
}

impl AgentLink {
    /// What the controller said when it took the agent in.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// A way out for others, which ends with this stream.
    pub fn outlet(&self) -> Outlet<Upward> {
        self.outlet.clone()
    }

    /// Queues a message that is sent again until the controller has taken it in; its number comes back.
    pub fn offer(&self, scope: Option<Scope>, body: upward::Body) -> Result<u64, OfferError> {
        self.outlet.offer(scope, body)
    }

    /// Queues a message that may be lost.
    pub fn pass(&self, scope: Option<Scope>, body: upward::Body) -> Result<(), OfferError> {
        self.outlet.pass(scope, body)
    }

    /// The next request, each once and in order. May be given up and called again without losing anything.
    pub async fn next(&mut self) -> Result<Downward, Lost> {
        self.intake.next().await
    }
}
