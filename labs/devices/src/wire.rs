//! The bytes between a session and its peer: a connection that can be cut, output that can be counted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::log::Protocol;
use crate::shared::Shared;
use russh::ChannelWriteHalf;
use russh::server::Msg;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A TCP stream that ends abruptly when its token is cancelled.
pub struct Cut {
    stream: TcpStream,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Cut {
    /// Ties a stream to a token.
    pub fn new(stream: TcpStream, token: CancellationToken) -> Cut {
        Cut {
            stream,
            cancelled: Box::pin(token.cancelled_owned()),
        }
    }

    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        self.cancelled.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for Cut {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cut {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The session is over: the peer is gone, or a fault ended it.
#[derive(Debug, PartialEq, Eq)]
pub struct Over;

/// Where a session writes.
pub struct Outbox {
    channel: ChannelWriteHalf<Msg>,
    left: Option<u64>,
    trickle: Option<u64>,
    token: CancellationToken,
}

impl Outbox {
    /// Output of a new session into a channel, with the faults that are armed for its bytes.
    pub fn new(
        channel: ChannelWriteHalf<Msg>,
        shared: &Shared,
        protocol: Protocol,
        token: CancellationToken,
    ) -> Outbox {
        let (left, trickle) = (shared.close_at(protocol), shared.trickle(protocol));
        Outbox {
            channel,
            left,
            trickle,
            token,
        }
    }

    /// Sends everything.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn send(&mut self, mut bytes: Vec<u8>) -> Result<(), Over> {
        let last = match &mut self.left {
            Some(left) if bytes.len() as u64 >= *left => {
                bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                true
            }
            Some(left) => {
                *left -= bytes.len() as u64;
                false
            }
            None => false,
        };
        let sent = tokio::select! {
            sent = self.pour(bytes) => sent,
            () = self.token.cancelled() => Err(Over),
        };
        match last {
            true => Err(self.cut().await),
            false => sent,
        }
    }

    async fn pour(&self, bytes: Vec<u8>) -> Result<(), Over> {
        let Some(rate) = self.trickle else {
            return self.channel.data_bytes(bytes).await.map_err(|_| Over);
        };
        // Twenty drops a second.
        let drop = usize::try_from((rate / 20).max(1)).unwrap_or(usize::MAX);
        for part in bytes.chunks(drop) {
            self.channel.data_bytes(part.to_vec()).await.map_err(|_| Over)?;
            let pause = part.len() as u64 * 1_000_000 / rate;
            tokio::time::sleep(std::time::Duration::from_micros(pause)).await;
        }
        Ok(())
    }

    /// Ends the connection abruptly, what was sent before it aside.
    pub async fn cut(&mut self) -> Over {
        // One turn of the SSH task, so that what was sent gets out before the end.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        self.token.cancel();
        Over
    }

    /// Ends the channel in an orderly way.
    pub async fn close(&mut self) {
        let _ = self.channel.exit_status(0).await;
        let _ = self.channel.eof().await;
        let _ = self.channel.close().await;
    }
}
