//! The stream to the controller: joined over whatever connection is dialled, and joined again after a loss.
//!
//! What comes in is checked and turned into the words of [`crate::link`]; what goes out is turned back. Nothing is
//! decided here.

mod down;
mod pump;
mod up;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fabric_identity::Permission;
use fabric_wire::v1::{self, Hello};
use fabric_wire::{JoinError, Limits, Membership};
use futures::future::BoxFuture;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::config::{Device, Way};
use crate::events::Teller;
use crate::link::Wire;
use pump::Pump;

/// How long to wait before the first attempt to join again, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// How long a connection may take, with the proof of who is there.
const DIAL_WITHIN: Duration = Duration::from_secs(10);

/// How the agent parts from its controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// Nothing is open on any device: it takes leave of the registry.
    Leave,
    /// Something is, and it comes back for it: what is answered is said still, and it keeps its place.
    Pause,
}

/// An authenticated stream of bytes to the controller.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How the agent comes to such a stream.
pub trait Dial: Send + Sync {
    /// Connects, and proves on both sides who is there.
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, DialError>>;

    /// Whether the agent's own certificate, as it is now, lets it do something to a device.
    fn permits(&self, device: &str, what: Permission) -> bool;
}

/// Why there is no stream.
#[derive(Debug, Error)]
#[error("dial the controller at {address}")]
pub struct DialError {
    /// Where.
    pub address: String,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Who joins.
#[derive(Debug, Clone)]
pub struct Joiner {
    /// The agent's name, as in its certificate.
    pub name: String,
    /// 16 random bytes, drawn when the process starts.
    pub session: [u8; 16],
    /// The devices that it speaks for.
    pub devices: Vec<v1::Device>,
    /// What the agent can do, in the registry's words.
    pub capabilities: Vec<String>,
    /// The revision of the configuration model that it knows.
    pub model_revision: String,
    /// What it is for, in a sentence for people.
    pub description: String,
    /// Whatever else it may be found by.
    pub attributes: BTreeMap<String, String>,
    /// What its clock shows.
    pub clock: fn() -> SystemTime,
    /// How long the controller may take to hear its last words.
    pub leave_within: Duration,
}

impl Joiner {
    fn hello(self) -> Hello {
        Hello {
            lowest_version: *fabric_wire::VERSIONS.start(),
            highest_version: *fabric_wire::VERSIONS.end(),
            agent: self.name,
            devices: self.devices,
            session: self.session.to_vec(),
            resume: 0,
            program: concat!("entente-agent ", env!("CARGO_PKG_VERSION")).to_owned(),
            model_revision: self.model_revision,
            capabilities: self.capabilities,
            description: self.description,
            attributes: self.attributes.into_iter().collect(),
            languages: vec!["en".to_owned()],
            ..Hello::default()
        }
    }
}

/// What a device is called, how it is reached and, where that is known, what it promises; for the hello.
#[must_use]
pub fn device(device: &Device, promised: Option<transaction::Guarantee>) -> v1::Device {
    let protocol = |way: &Way| match way.protocol {
        adapters_port::Protocol::Netconf => v1::Protocol::Netconf.into(),
        adapters_port::Protocol::Cli => v1::Protocol::Cli.into(),
    };
    v1::Device {
        id: device.id.to_string(),
        platforms: device.ways.iter().map(|way| way.platform.clone()).collect(),
        protocols: device.ways.iter().map(protocol).collect(),
        guarantee: promised.map_or(v1::Guarantee::Unspecified, values::guarantee).into(),
    }
}

/// Carries the words of the link until told how to part; then it says what is left to say, and goes in that way. Losses are
/// logged and mended; it never gives up by itself.
/// What others are to hear goes to `teller`.
pub async fn carry(
    joiner: Joiner,
    dial: &dyn Dial,
    wire: Wire,
    teller: Option<Arc<Teller>>,
    mut told: watch::Receiver<Option<Parting>>,
) {
    let (clock, devices, leave_within) = (joiner.clock, joiner.devices.len(), joiner.leave_within);
    let membership = Membership::new(joiner.hello(), Limits::default()).by(clock);
    let mut pump = Pump::new(wire, membership.outlet(), teller.clone());
    let mut pause = PAUSES.0;
    while told.borrow().is_none() {
        // Whoever is dialled may be silent: what is said meanwhile is kept, and to be told to stop is enough.
        let attempt = tokio::select! {
            attempt = joined(&membership, dial) => attempt,
            () = pump.keep() => continue,
            _ = parting(&mut told) => return,
        };
        match attempt {
            Ok(mut link) => {
                tracing::info!(controller = link.welcome().controller, "joined the controller");
                pause = PAUSES.0;
                if let Some(teller) = &teller {
                    teller.joined(link.welcome(), devices);
                }
                let lost = tokio::select! {
                    lost = pump.run(&mut link, dial) => lost,
                    how = parting(&mut told) => return part(&mut pump, &mut link, (how, leave_within)).await,
                };
                tracing::warn!(error = crate::desk::chain(&lost), "lost the controller");
            }
            Err(error) => tracing::warn!(error = crate::desk::chain(&error), "could not join the controller"),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = pump.keep() => {}
            _ = parting(&mut told) => return,
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// How to part, once that is said. Where nobody is left to say it, nothing is given away.
async fn parting(told: &mut watch::Receiver<Option<Parting>>) -> Parting {
    let said = told.wait_for(Option::is_some).await;
    said.ok().and_then(|it| *it).unwrap_or(Parting::Pause)
}

/// The agent's last words, within bounds.
async fn part(pump: &mut Pump, link: &mut fabric_wire::AgentLink, (how, within): (Parting, Duration)) {
    let parted = tokio::time::timeout(within, pump.part(link, how)).await;
    match (how, parted) {
        (Parting::Leave, Ok(Ok(()))) => tracing::info!("took leave of the controller"),
        (Parting::Leave, Ok(Err(lost))) => {
            tracing::warn!(%lost, "the controller has gone before it heard the leave");
        }
        (Parting::Leave, Err(_)) => tracing::warn!("the controller did not answer the leave in time"),
        (Parting::Pause, Ok(Ok(()))) => tracing::info!("paused: the controller has taken in what was answered"),
        (Parting::Pause, Ok(Err(lost))) => {
            tracing::warn!(%lost, "the controller has gone before it took in all that was answered");
        }
        (Parting::Pause, Err(_)) => tracing::warn!("the controller did not take in all that was answered in time"),
    }
}

/// Why the agent has not joined this time.
#[derive(Debug, Error)]
enum Failure {
    #[error("no connection")]
    Dial(#[from] DialError),
    #[error("no connection: no answer in {} s", DIAL_WITHIN.as_secs())]
    Late,
    #[error("no membership")]
    Join(#[from] JoinError),
}

async fn joined(membership: &Membership, dial: &dyn Dial) -> Result<fabric_wire::AgentLink, Failure> {
    let stream = tokio::time::timeout(DIAL_WITHIN, dial.dial()).await;
    Ok(membership.join(stream.map_err(|_| Failure::Late)??).await?)
}
