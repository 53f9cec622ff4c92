//! A TCP proxy that loses what it is told to lose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
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
    /// Keeps the port ours while nobody listens on it.
    _reserved: TcpSocket,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let reserved = bound(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let at = reserved.local_addr().unwrap();
        let listener = listening(at).unwrap();
        let link = Arc::new(watch::Sender::new(Link::Passes));
        let task = tokio::spawn(serve(listener, at, port, Arc::clone(&link)));
        Self {
            port: at.port(),
            link,
            task,
            _reserved: reserved,
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

fn bound(at: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(at)?;
    Ok(socket)
}

fn listening(at: SocketAddr) -> std::io::Result<TcpListener> {
    bound(at)?.listen(64)
}

async fn serve(listener: TcpListener, at: SocketAddr, port: u16, link: Arc<watch::Sender<Link>>) {
    let mut listener = Some(listener);
    let mut changes = link.subscribe();
    loop {
        if *changes.borrow_and_update() == Link::Refused {
            listener = None;
        } else if listener.is_none() {
            listener = listening(at).ok();
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What the link is now comes before all that comes over it.
            biased;
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
            // Whoever lost the link relies on it for every byte that is sent afterwards, however late this task runs.
            biased;
            changed = link.changed() => if changed.is_err() { return },
            read = from.read(&mut buffer), if now == Link::Passes => match read {
                Ok(count) if count > 0 => if to.write_all(&buffer[..count]).await.is_err() { return },
                Ok(_) | Err(_) => return,
            },
        }
    }
}
