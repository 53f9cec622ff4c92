//! Where REST is served: plain on loopback, TLS elsewhere; a caller may show a certificate of his own.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::caller::digest;

/// How many connections may be open at once; more wait.
const MOST: usize = 512;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many connections may wait to be served.
const WAITING: usize = 16;

/// Who is at the other end.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where he calls from.
    pub address: SocketAddr,
    /// The digest of the certificate that he has shown and whose key he holds.
    pub certificate: Option<String>,
}

impl Connected<IncomingStream<'_, Entrance>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Entrance>) -> Self {
        stream.remote_addr().clone()
    }
}

type Io = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A connection, counted while it is open.
pub struct Open {
    io: Io,
    _place: OwnedSemaphorePermit,
}

/// Takes connections in; handshakes do not hold up one another.
pub struct Entrance {
    ready: mpsc::Receiver<(Open, Peer)>,
    address: SocketAddr,
}

impl Entrance {
    /// Begins to take connections in, with TLS where there is a configuration.
    pub fn open(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(WAITING);
        tokio::spawn(take(listener, tls.map(TlsAcceptor::from), sender));
        Ok(Self { ready, address })
    }
}

async fn take(listener: TcpListener, tls: Option<TlsAcceptor>, ready: mpsc::Sender<(Open, Peer)>) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ready.closed() => return,
        };
        let (io, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                // Out of descriptors: others get time to close theirs.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (tls, ready) = (tls.clone(), ready.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE, shake(io, tls)).await {
                Ok(Ok((io, certificate))) => {
                    let open = Open { io, _place: place };
                    // Where nobody serves any more the connection ends.
                    let _ = ready.send((open, Peer { address, certificate })).await;
                }
                Ok(Err(error)) => tracing::info!(%address, %error, "turned a caller away"),
                Err(_) => tracing::info!(%address, "a caller did not finish its handshake"),
            }
        });
    }
}

async fn shake(io: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<(Io, Option<String>)> {
    io.set_nodelay(true)?;
    let Some(tls) = tls else {
        return Ok((Either::Left(io), None));
    };
    let io = tls.accept(io).await?;
    let shown = io.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = shown.map(|it| digest(it));
    Ok((Either::Right(Box::new(io)), certificate))
}

impl Listener for Entrance {
    type Io = Open;
    type Addr = Peer;

    async fn accept(&mut self) -> (Open, Peer) {
        match self.ready.recv().await {
            Some(ready) => ready,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        let (address, certificate) = (self.address, None);
        Ok(Peer { address, certificate })
    }
}

mod flow {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::Open;

    impl AsyncRead for Open {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_read(cx, buffer)
        }
    }

    impl AsyncWrite for Open {
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
}

/// The certificate that is shown, replaced while connections go on.
#[derive(Debug)]
pub struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    /// Shows this certificate.
    pub fn new(key: CertifiedKey) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(key))))
    }

    /// From now on shows this one.
    pub fn replace(&self, key: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// TLS 1.3 with this certificate. A caller may show one of his own: that he holds its key is proven here, and whether it is
/// let in is found out by its digest.
pub fn tls(shown: Arc<Shown>) -> Result<Arc<ServerConfig>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let holders = Arc::new(Holders(provider.clone()));
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13])?;
    let mut config = builder.with_client_cert_verifier(holders).with_cert_resolver(shown);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Believes a caller that he holds the key of his certificate, and nothing else that it says but its times.
#[derive(Debug)]
struct Holders(Arc<CryptoProvider>);

impl ClientCertVerifier for Holders {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn verify_client_cert(
        &self,
        holder: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let (_, read) = X509Certificate::from_der(holder).map_err(|_| CertificateError::BadEncoding)?;
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let validity = read.validity();
        if now < validity.not_before.timestamp() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > validity.not_after.timestamp() {
            return Err(CertificateError::Expired.into());
        }
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        holder: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, holder, signature, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        holder: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, holder, signature, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
