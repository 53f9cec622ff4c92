//! A connection to a controller that ends when the controller's certificate is taken back.

use std::future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use fabric_identity::Revocations;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection to somebody who is trusted as long as the authority does not take that back.
pub struct Trusted<S> {
    io: S,
    over: BoxFuture<'static, ()>,
}

impl<S> Trusted<S> {
    /// A connection whose handshake was good, by a certificate with this serial number.
    pub fn new(io: S, serial: String, revoked: Revocations) -> Self {
        let over = taken_back(serial, revoked).boxed();
        Self { io, over }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.over.as_mut().poll(context).is_ready()
    }
}

/// Waits until a certificate stands on the list.
async fn taken_back(serial: String, mut revoked: Revocations) {
    if revoked.wait_for(|it| it.contains(&serial)).await.is_err() {
        future::pending::<()>().await; // the agent ends
    }
    tracing::warn!(serial, "the controller's certificate is taken back: leaving it");
}

impl<S: AsyncRead + Unpin> AsyncRead for Trusted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_over(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Trusted<S> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::watch;

    #[tokio::test]
    async fn it_ends_when_its_certificate_is_taken_back_and_not_when_another_is() {
        let (near, mut far) = tokio::io::duplex(64);
        let (list, revoked) = watch::channel(Arc::new(BTreeSet::new()));
        let mut near = Trusted::new(near, "0a".to_owned(), revoked);
        let mut byte = [0];
        list.send_replace(Arc::new(["0b".to_owned()].into()));
        far.write_all(b"x").await.unwrap();
        near.read_exact(&mut byte).await.unwrap();
        let waiting = tokio::spawn(async move { near.read_exact(&mut [0]).await.map_err(|it| it.kind()) });
        list.send_replace(Arc::new(["0a".to_owned()].into()));
        let ended = tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await;
        assert_eq!(ended.unwrap().unwrap(), Err(io::ErrorKind::ConnectionAborted));
    }
}
