//! The agents of one side, in a process of their own: each joins over mutual TLS and answers what it is asked.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use fabric_identity::est;
use fabric_identity::tls::{self, Trust};
use fabric_wire::v1::fabric_client::FabricClient;
use fabric_wire::v1::{Answer, Device, Hello, Upward, upward};
use fabric_wire::{Limits, Membership};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::client::TlsStream;

use super::{Kind, STREAMS, cast};

/// How many join at once.
const AT_ONCE: usize = 32;

/// Joins as everybody and answers until the process is ended.
pub fn run(kind: Kind, folder: &Path, address: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for some in (0..STREAMS).collect::<Vec<_>>().chunks(AT_ONCE) {
            let joining = some.iter().map(|number| {
                let (folder, address) = (folder.to_owned(), address.to_owned());
                tokio::spawn(join(kind, folder, address, cast::name(*number)))
            });
            for joined in joining.collect::<Vec<_>>() {
                joined.await??;
            }
        }
        std::future::pending().await
    })
}

async fn join(kind: Kind, folder: PathBuf, address: String, name: String) -> anyhow::Result<()> {
    let own = cast::read(&folder, &name)?;
    let trust = Trust::Authority(own.credential.authority.clone());
    let mut config = tls::client(Some((&own.credential, &own.key)), trust, None)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let io = est::dial(&address, Arc::new(config)).await?;
    match kind {
        Kind::Ours => ours(io, &name).await,
        Kind::Bare => bare(io).await,
    }
}

fn answer() -> upward::Body {
    upward::Body::Answer(Answer::default())
}

async fn ours(io: TlsStream<TcpStream>, name: &str) -> anyhow::Result<()> {
    let hello = Hello {
        lowest_version: 1,
        highest_version: 1,
        agent: name.to_owned(),
        session: vec![1; 16],
        devices: vec![Device {
            id: "pe1".into(),
            ..Device::default()
        }],
        ..Hello::default()
    };
    let mut agent = Membership::new(hello, Limits::default()).join(io).await?;
    tokio::spawn(async move {
        while let Ok(request) = agent.next().await {
            if agent.offer(request.scope, answer()).is_err() {
                break;
            }
        }
    });
    Ok(())
}

async fn bare(io: TlsStream<TcpStream>) -> anyhow::Result<()> {
    let once = Arc::new(Mutex::new(Some(hyper_util::rt::TokioIo::new(io))));
    let connector = tower::service_fn(move |_| {
        let io = once.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move { io.context("the connection is gone").map_err(std::io::Error::other) }
    });
    let endpoint = tonic::transport::Endpoint::from_static("http://controller");
    let mut client = FabricClient::new(endpoint.connect_with_connector(connector).await?);
    let (up, mut queue) = mpsc::channel(256);
    let mut down = client
        .join(futures::stream::poll_fn(move |cx| queue.poll_recv(cx)))
        .await?
        .into_inner();
    tokio::spawn(async move {
        let _client = client;
        while let Ok(Some(request)) = down.message().await {
            let message = Upward {
                scope: request.scope,
                body: Some(answer()),
                ..Upward::default()
            };
            if up.send(message).await.is_err() {
                break;
            }
        }
    });
    Ok(())
}
