//! One device: where it is, how to get in, which dialect it speaks.

use crate::conversation::Conversation;
use crate::dialect::{Dialect, Quirks, Style};
use crate::rpc::{Exchange, ExchangeError, Limits, Stream};
use crate::ssh::{self, ConnectError, Endpoint, HostKeys, Login};
use adapters_port::{
    Capabilities, Deadline, Extent, Guarantee, Keeper, Place, Protocol, Save, Secrets, SessionError, Step,
};
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// Opens streams to the NETCONF subsystem of one device.
pub trait Dial: Send + Sync {
    /// A new stream, logged in and ready for hello.
    fn dial(&self, by: Deadline) -> BoxFuture<'_, Result<Box<dyn Stream>, ConnectError>>;
}

/// How long the first answer of a server that may lose the first question is waited for, at most.
const FIRST: Duration = Duration::from_secs(5);

/// The usual way: SSH.
pub struct OverSsh {
    /// Where the device listens.
    pub endpoint: Endpoint,
    /// The host keys on record.
    pub host_keys: Arc<HostKeys>,
    /// Who logs in.
    pub login: Login,
}

impl Dial for OverSsh {
    fn dial(&self, by: Deadline) -> BoxFuture<'_, Result<Box<dyn Stream>, ConnectError>> {
        Box::pin(async move {
            let connection = ssh::connect(&self.endpoint, Arc::clone(&self.host_keys), &self.login, by).await?;
            connection.subsystem("netconf", by).await
        })
    }
}

/// Everything that a session to one device needs to know.
pub struct Target {
    /// The name that operators use.
    pub device: String,
    /// The way there.
    pub dial: Box<dyn Dial>,
    /// The words it understands.
    pub dialect: Arc<dyn Dialect>,
    /// Where secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// How much is taken from it.
    pub limits: Limits,
}

impl Target {
    /// Opens a session, says hello, and is sure to be heard: where a server may lose the first RPC, a session that gets no
    /// answer to it is opened anew, once.
    pub(crate) async fn open(&self, by: Deadline) -> Result<Conversation, SessionError> {
        let mut exchange = self.greeted(by).await?;
        if self.quirks(&exchange).keeps_first {
            let now = tokio::time::Instant::now().into_std();
            let first = by.earlier(Deadline::after(now, FIRST.min(by.remaining(now) / 2)));
            match exchange.wake(first).await {
                Err(ExchangeError::Deadline { .. }) => {
                    drop(exchange);
                    exchange = self.greeted(by).await?;
                    exchange.wake(by).await.map_err(|it| self.lost(it))?;
                }
                woken => woken.map_err(|it| self.lost(it))?,
            }
        }
        Ok(Conversation::new(exchange, self.device.clone()))
    }

    async fn greeted(&self, by: Deadline) -> Result<Exchange, SessionError> {
        let stream = self.dial.dial(by).await.map_err(|it| it.at(self.place()))?;
        let exchange = Exchange::open(stream, self.limits, by).await;
        exchange.map_err(|it| self.lost(it))
    }

    fn lost(&self, error: ExchangeError) -> SessionError {
        let (place, malformed) = (self.place(), error.is_malformed());
        let source = error.into();
        if malformed {
            SessionError::Malformed { place, source }
        } else {
            SessionError::Unreachable { place, source }
        }
    }

    fn place(&self) -> Place {
        Place {
            device: self.device.clone(),
            protocol: Protocol::Netconf,
            step: Step::Connect,
        }
    }

    /// What a session can do here.
    pub(crate) fn capabilities(&self, exchange: &Exchange) -> Capabilities {
        let features = exchange.features();
        let style = Style::of(features);
        Capabilities {
            protocol: Protocol::Netconf,
            guarantee: guarantee(style),
            renew: style == Some(Style::Persistent) && self.quirks(exchange).renew,
            exclusive: style.is_some(),
            save: if features.startup() {
                Save::AtConfirm
            } else {
                Save::Itself
            },
            watch: features.notification(),
            identity: None,
            announced: features.announced().map(str::to_owned).collect(),
        }
    }

    pub(crate) fn quirks(&self, exchange: &Exchange) -> Quirks {
        self.dialect.quirks(exchange.features())
    }
}

/// What a server of this column promises. One that cannot be written to promises least.
pub(crate) fn guarantee(style: Option<Style>) -> Guarantee {
    match style {
        Some(Style::Persistent) => Guarantee::of(Extent::Whole, Keeper::Device),
        Some(Style::BySession) => Guarantee::of(Extent::Whole, Keeper::Session),
        Some(Style::Candidate | Style::RunningWhole) => Guarantee::of(Extent::Whole, Keeper::Agent),
        Some(Style::RunningLines) | None => Guarantee::of(Extent::Lines, Keeper::Agent),
    }
}
