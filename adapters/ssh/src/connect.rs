//! From an address to a stream.

use super::login::End;
use super::stream::{SshStream, Stream};
use super::{Algorithms, HostKeyError, HostKeys, Login, LoginError, login};
use adapters_port::{Deadline, Denial, DeviceWords, Place, SessionError};
use russh::client::{self, Handle, Msg};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg, Disconnect};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// Where a device listens and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Which algorithms it is offered.
    pub algorithms: Algorithms,
    /// How often an idle connection is checked; never when absent.
    pub keepalive: Option<Duration>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens, or nobody can be reached.
    #[error("cannot connect to {host}:{port}")]
    Tcp {
        /// Where.
        host: String,
        /// Where.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// It took too long.
    #[error("no SSH session with {host}:{port} in time, while {during}")]
    Deadline {
        /// Where.
        host: String,
        /// Where.
        port: u16,
        /// In the middle of what.
        during: &'static str,
    },
    /// The host key is not accepted.
    #[error("the host key is not accepted")]
    HostKey(#[source] HostKeyError),
    /// The login is not accepted.
    #[error("the login is not accepted")]
    Login(#[source] LoginError),
    /// SSH does not come about.
    #[error("no SSH session with {host}:{port}{}", advice(source))]
    Ssh {
        /// Where.
        host: String,
        /// Where.
        port: u16,
        /// Why.
        source: russh::Error,
    },
    /// The device has no such subsystem, or refuses it.
    #[error("{host}:{port} does not offer the subsystem {subsystem}")]
    Subsystem {
        /// Where.
        host: String,
        /// Where.
        port: u16,
        /// Which.
        subsystem: String,
        /// Why.
        source: russh::Error,
    },
}

impl ConnectError {
    /// What it means to a session that was to be opened here: nobody was let in, or nobody answers.
    pub fn at(self, place: Place) -> SessionError {
        let denial = match &self {
            Self::HostKey(HostKeyError::Changed { .. }) => Denial::HostKeyChanged,
            Self::HostKey(HostKeyError::Unknown { .. } | HostKeyError::File { .. }) => Denial::HostKeyUnknown,
            Self::Login(LoginError::Refused { .. } | LoginError::Ended { .. }) => Denial::Login,
            Self::Login(LoginError::Broken(_))
            | Self::Tcp { .. }
            | Self::Deadline { .. }
            | Self::Ssh { .. }
            | Self::Subsystem { .. } => {
                return SessionError::Unreachable {
                    place,
                    source: self.into(),
                };
            }
        };
        let message = std::error::Error::source(&self).map_or_else(|| self.to_string(), ToString::to_string);
        SessionError::Denied {
            place,
            denial,
            words: Box::new(DeviceWords {
                message,
                ..DeviceWords::default()
            }),
        }
    }
}

/// An open SSH connection. Dropping it closes it.
pub struct Connection {
    handle: Handle<Client>,
    host: String,
    port: u16,
}

/// Connects, checks the host key, logs in.
pub async fn connect(
    endpoint: &Endpoint,
    host_keys: Arc<HostKeys>,
    login: &Login,
    by: Deadline,
) -> Result<Connection, ConnectError> {
    let (host, port) = (endpoint.host.clone(), endpoint.port);
    let end = Instant::from_std(by.instant());
    let late = |during| {
        move |_| ConnectError::Deadline {
            host: endpoint.host.clone(),
            port,
            during,
        }
    };
    let tcp = timeout_at(end, TcpStream::connect((host.as_str(), port)))
        .await
        .map_err(late("connecting"))?;
    let tcp = tcp.map_err(|source| ConnectError::Tcp {
        host: host.clone(),
        port,
        source,
    })?;
    // The library only sets this where it opens the socket itself; without it each flight waits 40 ms.
    // And what was not delivered when a connection is closed is never delivered: nobody waits for it any more, and a
    // commit that arrives minutes later would be one that nobody knows of.
    tcp.set_nodelay(true)
        .and_then(|()| tcp.set_zero_linger())
        .map_err(|source| ConnectError::Tcp {
            host: host.clone(),
            port,
            source,
        })?;
    let (refusal, ended) = (Arc::new(Mutex::new(None)), End::default());
    let config = Arc::new(config(endpoint, &host_keys));
    let client = Client {
        host_keys,
        host: host.clone(),
        port,
        refusal: Arc::clone(&refusal),
        ended: ended.clone(),
    };
    let handle = timeout_at(end, client::connect_stream(config, tcp, client)).await;
    let mut handle = handle.map_err(late("agreeing on keys"))?.map_err(|source| {
        match refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(refusal) => ConnectError::HostKey(refusal),
            None => ConnectError::Ssh {
                host: host.clone(),
                port,
                source,
            },
        }
    })?;
    timeout_at(end, login::log_in(&mut handle, login, &ended))
        .await
        .map_err(late("logging in"))?
        .map_err(ConnectError::Login)?;
    Ok(Connection { handle, host, port })
}

impl Connection {
    /// Opens a channel to a subsystem, as a stream that keeps the connection open.
    pub async fn subsystem(self, name: &str, by: Deadline) -> Result<Box<dyn Stream>, ConnectError> {
        let (host, port) = (self.host.clone(), self.port);
        let end = Instant::from_std(by.instant());
        let opened = timeout_at(end, async {
            let mut channel = self.handle.channel_open_session().await?;
            channel.request_subsystem(true, name).await?;
            match granted(&mut channel).await {
                true => Ok(channel),
                false => Err(russh::Error::RequestDenied),
            }
        });
        let late = |_| ConnectError::Deadline {
            host: host.clone(),
            port,
            during: "opening the subsystem",
        };
        let channel = opened.await.map_err(late)?.map_err(|source| ConnectError::Subsystem {
            host: host.clone(),
            port,
            subsystem: name.to_owned(),
            source,
        })?;
        Ok(Box::new(SshStream::new(channel.into_stream(), self.handle)))
    }

    /// Opens a terminal of this size on the device's shell, as a stream that keeps the connection open.
    pub async fn terminal(self, columns: u32, rows: u32, by: Deadline) -> Result<Box<dyn Stream>, ConnectError> {
        let (host, port) = (self.host.clone(), self.port);
        let end = Instant::from_std(by.instant());
        let opened = timeout_at(end, async {
            let mut channel = self.handle.channel_open_session().await?;
            channel.request_pty(true, "vt100", columns, rows, 0, 0, &[]).await?;
            if !granted(&mut channel).await {
                return Err(russh::Error::RequestDenied);
            }
            channel.request_shell(true).await?;
            match granted(&mut channel).await {
                true => Ok(channel),
                false => Err(russh::Error::RequestDenied),
            }
        });
        let late = |_| ConnectError::Deadline {
            host: host.clone(),
            port,
            during: "opening the terminal",
        };
        let channel = opened.await.map_err(late)?.map_err(|source| ConnectError::Subsystem {
            host: host.clone(),
            port,
            subsystem: "terminal".to_owned(),
            source,
        })?;
        Ok(Box::new(SshStream::new(channel.into_stream(), self.handle)))
    }

    /// Says good-bye.
    pub async fn close(self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "done", "en").await;
    }
}

/// Our side of a connection: it decides about the host key, and remembers why it said no.
pub(super) struct Client {
    host_keys: Arc<HostKeys>,
    host: String,
    port: u16,
    refusal: Arc<Mutex<Option<HostKeyError>>>,
    ended: End,
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn disconnected(&mut self, reason: client::DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        self.ended.is(reason);
        Ok(())
    }

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Ok(false);
        };
        match self.host_keys.check(&self.host, self.port, key) {
            Ok(()) => Ok(true),
            Err(refusal) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                Ok(false)
            }
        }
    }
}

async fn granted(channel: &mut Channel<Msg>) -> bool {
    // Nothing but housekeeping comes before the answer to the request.
    while let Some(message) = channel.wait().await {
        if matches!(message, ChannelMsg::Success) {
            return true;
        }
        if matches!(message, ChannelMsg::Failure | ChannelMsg::Close | ChannelMsg::Eof) {
            return false;
        }
    }
    false
}

fn config(endpoint: &Endpoint, host_keys: &HostKeys) -> client::Config {
    let recorded = host_keys.kinds(&endpoint.host, endpoint.port);
    client::Config {
        client_id: russh::SshId::Standard("SSH-2.0-Entente".into()),
        preferred: endpoint.algorithms.preferred(&recorded),
        keepalive_interval: endpoint.keepalive,
        nodelay: true,
        ..client::Config::default()
    }
}

fn advice(error: &russh::Error) -> &'static str {
    if matches!(error, russh::Error::NoCommonAlgo { .. }) {
        "; it knows none of the algorithms offered: allow old ones for this device"
    } else {
        ""
    }
}
