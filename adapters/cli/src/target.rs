//! One device: where it is, how to get in, which platform it speaks.

use crate::locks::Locks;
use crate::terminal::{Terminal, TerminalError};
use adapters_platform::{self as platform, Facts, Platform};
use adapters_port::{
    Capabilities, Deadline, Extent, Guarantee, Keeper, Place, Protocol, Save, Secret, Secrets, SessionError, Step,
};
use adapters_ssh::{ConnectError, Endpoint, HostKeys, Login, Stream, connect};
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Instant;

/// The width of the terminal: wide enough that no line is broken.
const COLUMNS: u32 = 511;
/// Its height.
const ROWS: u32 = 1000;

/// How often a login is tried whose first prompt does not come, where that is known to happen.
const ATTEMPTS: u32 = 3;

/// Opens terminals on one device.
pub trait Dial: Send + Sync {
    /// A new terminal, logged in.
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
            let connection = connect(&self.endpoint, Arc::clone(&self.host_keys), &self.login, by).await?;
            connection.terminal(COLUMNS, ROWS, by).await
        })
    }
}

/// Everything that a session to one device needs to know.
pub struct Target {
    /// The name that operators use.
    pub device: String,
    /// The way there.
    pub dial: Box<dyn Dial>,
    /// The language it speaks.
    pub platform: Arc<Platform>,
    /// Where secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// The password for more rights, where the device asks for one.
    pub enable: Option<Secret>,
    /// Who changes which device now.
    pub locks: Locks,
}

impl Target {
    /// Where something happens.
    pub(crate) fn place(&self, step: Step) -> Place {
        Place {
            device: self.device.clone(),
            protocol: Protocol::Cli,
            step,
        }
    }

    /// Opens a command line.
    pub(crate) async fn open(&self, by: Deadline) -> Result<Terminal, SessionError> {
        let place = || self.place(Step::Connect);
        let Some(session) = self.platform.session() else {
            return Err(SessionError::Unsupported {
                place: place(),
                what: format!("the platform {} has no command line", self.platform.name()),
            });
        };
        let Some(mut patience) = session.patience else {
            return self.attempt(session, by).await;
        };
        for _ in 1..ATTEMPTS {
            let first = by.earlier(Deadline::after(now(), patience.min(by.remaining(now()) / 2)));
            match self.attempt(session, first).await {
                // A slow device is not one whose prompt never comes: it is given more time each time.
                Err(_) if first < by && first.remaining(now()).is_zero() => patience *= 2,
                opened => return opened,
            }
        }
        self.attempt(session, by).await
    }

    async fn attempt(&self, session: &platform::Session, by: Deadline) -> Result<Terminal, SessionError> {
        let place = || self.place(Step::Connect);
        let stream = self.dial.dial(by).await.map_err(|it| it.at(place()))?;
        let enable = self.enable.as_ref().map(|it| platform::Secret::new(it.expose()));
        let terminal = Terminal::open(stream, session.clone(), enable, by).await;
        terminal.map_err(|error| lost(place(), error))
    }

    /// What a session can do here.
    pub(crate) fn capabilities(&self, session: &platform::Session) -> Capabilities {
        let saves = !session.save.is_empty();
        Capabilities {
            protocol: Protocol::Cli,
            guarantee: guarantee(self.platform.facts()),
            renew: false,
            exclusive: session.commit.as_ref().is_some_and(|it| !it.exclusive.is_empty()),
            save: if saves { Save::AtConfirm } else { Save::Itself },
            watch: false,
            identity: None,
            announced: Vec::new(),
        }
    }
}

/// The promise that a platform's two facts make.
pub(crate) fn guarantee(facts: Facts) -> Guarantee {
    let extent = if facts.whole { Extent::Whole } else { Extent::Lines };
    let keeper = match facts.keeper {
        platform::Keeper::Device => Keeper::Device,
        platform::Keeper::Session => Keeper::Session,
        platform::Keeper::Agent => Keeper::Agent,
    };
    Guarantee::of(extent, keeper)
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Nothing was changed, and nobody answers.
pub(crate) fn lost(place: Place, error: TerminalError) -> SessionError {
    match &error {
        TerminalError::Deadline { .. } | TerminalError::Closed { .. } | TerminalError::Broken { .. } => {
            SessionError::Unreachable {
                place,
                source: error.into(),
            }
        }
        TerminalError::Limit { .. } | TerminalError::Question { .. } | TerminalError::Mode { .. } => {
            SessionError::Malformed {
                place,
                source: error.into(),
            }
        }
    }
}
