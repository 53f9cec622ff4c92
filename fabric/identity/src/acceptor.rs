//! Takes connections in: bounded, each shaken hands with in time, each cut the moment its certificate ends.

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
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How many connections may be shaking hands at once.
pub const MOST_HALF_OPEN: usize = 2_048;
/// How many callers wait for who serves them.
const WAITING: usize = 64;
/// How long a handshake may take.
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
        let (sender, ready) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        tokio::spawn(async move {
            stop.run_until_cancelled(listen(listener, config, revoked, sender))
                .await
        });
        Self { ready, _stop: guard }
    }

    /// The next caller.
    pub async fn next(&mut self) -> Option<Caller> {
        self.ready.recv().await
    }
}

async fn listen(listener: TcpListener, config: Arc<ServerConfig>, revoked: Revocations, ready: mpsc::Sender<Caller>) {
    let places = Arc::new(Semaphore::new(MOST_HALF_OPEN));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let (io, address) = match listener.accept().await {
            Ok(it) => it,
            Err(error) => {
                tracing::warn!(%error, "take a call");
                tokio::time::sleep(Duration::from_millis(50)).await; // out of descriptors: give others time to close
                continue;
            }
        };
        let (config, revoked, ready) = (config.clone(), revoked.clone(), ready.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_WITHIN, shake(io, address, config, revoked)).await {
                Ok(Ok(caller)) => drop(ready.send(caller).await),
                Ok(Err(error)) => tracing::info!(%address, %error, "turned a caller away"),
                Err(_) => tracing::info!(%address, "a caller did not finish its handshake"),
            }
            drop(place);
        });
    }
}

async fn shake(
    io: TcpStream,
    address: SocketAddr,
    config: Arc<ServerConfig>,
    revoked: Revocations,
) -> io::Result<Caller> {
    io.set_nodelay(true)?;
    let io = TlsAcceptor::from(config).accept(io).await?;
    let shown = io.get_ref().1.peer_certificates().and_then(|it| it.first());
    let certificate = shown
        .map(|it| Certificate::read(it))
        .transpose()
        .map_err(io::Error::other)?;
    let speaks_mqtt = io.get_ref().1.alpn_protocol() == Some(MQTT);
    let (cut, closed) = (CancellationToken::new(), CancellationToken::new());
    if let Some(certificate) = &certificate {
        let over = end(revoked, certificate.serial.clone(), certificate.not_after);
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
