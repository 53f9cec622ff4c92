//! Takes connections in: bounded, each shaken hands with in time, each cut the moment its certificate ends.

mod crowd;

pub use crowd::Crowd;
pub(crate) use crowd::Lobby;
use crowd::Place;

use crate::tls::MQTT;
use crate::{Certificate, Revocations};
use rustls::ServerConfig;
use std::future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How many connections may be shaking hands, or wait for who serves them, at once. When one more comes, the one that has taken longest is let go.
pub const MOST_HALF_OPEN: usize = 2_048;
/// How many connections one holder of a certificate may have at once.
pub const MOST_OF_ONE: usize = 64;
/// How many callers wait for who serves them.
const WAITING: usize = 64;
/// How long it may take until somebody who calls is served.
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Somebody who called and whose handshake was good.
pub struct Caller {
    /// The connection.
    pub io: Guarded,
    /// What the caller's certificate says; none if it has shown none.
    pub certificate: Option<Certificate>,
    /// Cancelled the moment the certificate is taken back or runs out.
    pub cut: CancellationToken,
    /// Where the call comes from.
    pub address: SocketAddr,
    /// Whether it wants to speak MQTT (by ALPN) rather than what this port speaks otherwise.
    pub speaks_mqtt: bool,
}

/// A connection; when it is dropped, nobody watches over its certificate any longer.
pub struct Guarded {
    io: TlsStream<TcpStream>,
    _place: Option<Place>,
    _closed: DropGuard,
}

/// Where callers come out.
pub struct Acceptor {
    ready: mpsc::Receiver<Caller>,
    _stop: DropGuard,
}

impl Acceptor {
    /// Begins to take calls in on a runtime; it ends when the acceptor is dropped.
    pub fn start(listener: TcpListener, config: Arc<ServerConfig>, revoked: Revocations) -> Self {
        Self::among(&Crowd::default(), listener, config, revoked)
    }

    /// The same beside other acceptors: each holder's connections are counted over all that share the crowd.
    pub fn among(crowd: &Crowd, listener: TcpListener, config: Arc<ServerConfig>, revoked: Revocations) -> Self {
        let (sender, ready) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let terms = Terms {
            config,
            revoked,
            crowd: crowd.clone(),
        };
        tokio::spawn(async move { stop.run_until_cancelled(listen(listener, terms, sender)).await });
        Self { ready, _stop: guard }
    }

    /// The next caller.
    pub async fn next(&mut self) -> Option<Caller> {
        self.ready.recv().await
    }
}

/// How callers are taken in.
#[derive(Clone)]
struct Terms {
    config: Arc<ServerConfig>,
    revoked: Revocations,
    crowd: Crowd,
}

async fn listen(listener: TcpListener, terms: Terms, ready: mpsc::Sender<Caller>) {
    let lobby = Lobby::new(MOST_HALF_OPEN);
    loop {
        let (io, address) = match listener.accept().await {
            Ok(it) => it,
            Err(error) => {
                tracing::warn!(%error, "take a call");
                tokio::time::sleep(Duration::from_millis(50)).await; // out of descriptors: give others time to close
                continue;
            }
        };
        let seat = lobby.enter();
        let (terms, ready) = (terms.clone(), ready.clone());
        tokio::spawn(async move {
            let taking = async {
                let caller = shake(io, address, terms).await?;
                drop(ready.send(caller).await); // nobody serves any more
                io::Result::Ok(())
            };
            let taking = tokio::time::timeout(HANDSHAKE_WITHIN, taking);
            match seat.gone.run_until_cancelled(taking).await {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => tracing::info!(%address, %error, "turned a caller away"),
                Some(Err(_)) => tracing::info!(%address, "a caller did not finish its handshake in time"),
                None => tracing::info!(%address, "let a caller go that did not finish its handshake: too many call"),
            }
        });
    }
}

async fn shake(io: TcpStream, address: SocketAddr, terms: Terms) -> io::Result<Caller> {
    io.set_nodelay(true)?;
    let io = TlsAcceptor::from(terms.config).accept(io).await?;
    let shown = io.get_ref().1.peer_certificates().and_then(|it| it.first());
    let certificate = shown
        .map(|it| Certificate::read(it))
        .transpose()
        .map_err(io::Error::other)?;
    let place = match &certificate {
        Some(it) => Some(
            terms
                .crowd
                .enter(&it.identity.name, MOST_OF_ONE)
                .map_err(io::Error::other)?,
        ),
        None => None,
    };
    let speaks_mqtt = io.get_ref().1.alpn_protocol() == Some(MQTT);
    let (cut, closed) = (CancellationToken::new(), CancellationToken::new());
    if let Some(certificate) = &certificate {
        let over = end(terms.revoked, certificate.serial.clone(), certificate.not_after);
        let (cut, closed) = (cut.clone(), closed.clone());
        tokio::spawn(async move {
            if closed.run_until_cancelled(over).await.is_some() {
                cut.cancel();
            }
        });
    }
    Ok(Caller {
        io: Guarded {
            io,
            _place: place,
            _closed: closed.drop_guard(),
        },
        certificate,
        cut,
        address,
        speaks_mqtt,
    })
}

/// Waits until a certificate is taken back or runs out.
async fn end(mut revoked: Revocations, serial: String, until: SystemTime) {
    #[expect(clippy::disallowed_methods, reason = "the edge: a certificate's end is wall time")]
    let remaining = until.duration_since(SystemTime::now()).unwrap_or_default();
    let taken_back = async {
        if revoked.wait_for(|it| it.contains(&serial)).await.is_err() {
            future::pending::<()>().await; // the authority is gone: the certificate runs until its end
        }
    };
    let _ = tokio::time::timeout(remaining, taken_back).await; // either way it is over
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guarded {
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
