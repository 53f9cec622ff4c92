//! A TCP proxy that loses what it is told to lose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// They pass.
    Passes,
    /// Nobody listens, and what was open is cut.
    Refused,
    /// None arrive, either way.
    Dropped,
}

/// A way to one port, through which a test reaches a device.
pub struct Proxy {
    pub port: u16,
    link: Arc<watch::Sender<Link>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let link = Arc::new(watch::Sender::new(Link::Passes));
        let task = tokio::spawn(serve(listener, at, port, Arc::clone(&link)));
        Self {
            port: at.port(),
            link,
            task,
        }
    }

    pub fn is(&self, link: Link) {
        self.link.send_replace(link);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, at: SocketAddr, port: u16, link: Arc<watch::Sender<Link>>) {
    let mut listener = Some(listener);
    let mut changes = link.subscribe();
    loop {
        if *changes.borrow_and_update() == Link::Refused {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(at).await.ok();
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            // the port may be held for a moment by what was just cut
            () = tokio::time::sleep(Duration::from_millis(20)), if listener.is_none() => {}
            Some((near, _)) = accepted => {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(relay(near_in, far_out, link.subscribe()));
                tokio::spawn(relay(far_in, near_out, link.subscribe()));
            }
        }
    }
}

async fn relay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut link: watch::Receiver<Link>) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let now = *link.borrow_and_update();
        if now == Link::Refused {
            return;
        }
        tokio::select! {
            changed = link.changed() => if changed.is_err() { return },
            read = from.read(&mut buffer), if now == Link::Passes => match read {
                Ok(count) if count > 0 => if to.write_all(&buffer[..count]).await.is_err() { return },
                Ok(_) | Err(_) => return,
            },
        }
    }
}
