//! Who is at the other end of a connection, as the transport has established it.

use crate::stay::{Stay, Watch};
use crate::v1::{Fault, Hello};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// What an agent is told when it was taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Its place in the registry.
    pub resource: String,
    /// Where it publishes events; empty where none are taken.
    pub events: String,
}

/// Whether an agent with this hello is registered, and where; or why not.
pub type Registers = Arc<dyn Fn(&Hello) -> Result<Place, Box<Fault>> + Send + Sync>;

/// What an agent's certificate lets it do to the devices that it speaks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// Whether it may change them.
    pub configures: bool,
    /// Whether it may read and watch them.
    pub observes: bool,
}

/// An authenticated agent.
#[derive(Clone)]
pub struct Peer {
    /// The name in its certificate.
    pub name: String,
    /// Whether it may speak for a device.
    pub allows: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// What it may do to those; nothing unless said.
    pub rights: Rights,
    /// Cancelled when its certificate is revoked or has run out: the connection ends at once.
    pub cut: CancellationToken,
    /// Asked once for each stream, after the hello was found good.
    pub registers: Registers,
    /// How many streams it has on this connection.
    pub(crate) stay: Arc<Stay>,
}

impl Peer {
    /// An agent that may speak for the devices that `allows` says, until `cut`, and that is in no registry.
    pub fn new(
        name: impl Into<String>,
        allows: impl Fn(&str) -> bool + Send + Sync + 'static,
        cut: CancellationToken,
    ) -> Self {
        Self {
            name: name.into(),
            allows: Arc::new(allows),
            rights: Rights::default(),
            cut,
            registers: Arc::new(|_| Ok(Place::default())),
            stay: Arc::default(),
        }
    }

    /// The same, and it may do so much.
    #[must_use]
    pub fn allowed(self, rights: Rights) -> Self {
        Self { rights, ..self }
    }

    /// The same, and in a registry.
    #[must_use]
    pub fn registering(self, registers: impl Fn(&Hello) -> Result<Place, Box<Fault>> + Send + Sync + 'static) -> Self {
        Self {
            registers: Arc::new(registers),
            ..self
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A connection with the peer that it was authenticated for.
pub struct Connection<S> {
    io: S,
    peer: Peer,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    watch: Option<Watch>,
}

impl<S> Connection<S> {
    /// Ties a connection to its peer.
    pub fn new(io: S, peer: Peer) -> Self {
        let cut = Box::pin(peer.cut.clone().cancelled_owned());
        Self {
            io,
            peer,
            cut,
            watch: None,
        }
    }

    /// The same, given up when nobody has joined over it in time, or nobody is joined any more.
    pub(crate) fn within(mut self, within: Duration) -> Self {
        let stay = Arc::<Stay>::default();
        self.peer.stay = stay.clone();
        self.watch = Some(Watch::new(stay, within));
        self
    }
}

impl<S> Connected for Connection<S> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if self.watch.as_mut().is_some_and(|it| it.is_over(cx)) {
            tracing::info!(
                agent = self.peer.name,
                "closed a connection over which nobody is joined"
            );
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buffer)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
