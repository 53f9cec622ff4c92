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

/// Opens streams to the NETCONF subsystem of one device.
pub trait Dial: Send + Sync {
    /// A new stream, logged in and ready for hello.
    fn dial(&self, by: Deadline) -> BoxFuture<'_, Result<Box<dyn Stream>, ConnectError>>;
}

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
    /// Opens a session and says hello.
    pub(crate) async fn open(&self, by: Deadline) -> Result<Conversation, SessionError> {
        let place = || Place {
            device: self.device.clone(),
            protocol: Protocol::Netconf,
            step: Step::Connect,
        };
        let stream = self.dial.dial(by).await.map_err(|it| it.at(place()))?;
        let settle = |features: &_| self.dialect.quirks(features).settle;
        let exchange = Exchange::open(stream, self.limits, settle, by).await;
        let exchange = exchange.map_err(|it: ExchangeError| {
            if it.is_malformed() {
                SessionError::Malformed {
                    place: place(),
                    source: it.into(),
                }
            } else {
                SessionError::Unreachable {
                    place: place(),
                    source: it.into(),
                }
            }
        })?;
        Ok(Conversation::new(exchange, self.device.clone()))
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
