//! Where agents come in: enrolment and the streams, both on connections that the authority vouches for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use fabric_events::broker::Broker;
use fabric_identity::tls::Callers;
use fabric_identity::{Authority, Caller, Certificate, Guarded, LifeTimes, Permission, Role, est};
use fabric_wire::{Connection, Door, Limits, Peer, Rights, hello};
use futures::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Agents, CONTROLLER, Own, Roster};
use crate::config::Config;
use crate::exit::Exit;

/// How many callers may wait to be served.
const CALLERS: usize = 256;
/// How many agents may wait to be received.
const ARRIVALS: usize = 1024;

/// Opens the authority, which keeps everything about certificates in the state directory.
pub fn authority(config: &Config) -> Result<Arc<Authority>> {
    let lives = LifeTimes {
        holder: config.fabric.certificate,
        backdated: LifeTimes::default().backdated.min(config.fabric.certificate),
        ..LifeTimes::default()
    };
    let authority = Authority::open(&config.state.join("authority"), lives, clock());
    Ok(Arc::new(authority.context("open the certificate authority")?))
}

/// Opens the two ports, and gives the door at which agents arrive. Who wants to speak MQTT goes to `broker`.
pub fn open(
    config: &Config,
    identity: &Arc<Own>,
    desk: (Arc<Roster>, Arc<Agents>),
    broker: Option<Arc<Broker>>,
) -> Result<Door> {
    let streams = bind(config.agents_listen, "agents.listen")?;
    let enrolment = bind(config.agents_enrolment, "agents.enrolment")?;
    let (sender, callers) = mpsc::channel(CALLERS);
    tokio::spawn(take_streams(streams, identity.clone(), sender));
    tokio::spawn(take_enrolments(enrolment, identity.clone()));
    let door = Door::new(CONTROLLER, Limits::default(), ARRIVALS);
    let serving = door.serve(connections(callers, desk, broker), CancellationToken::new());
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "no agent can join any more");
        }
    });
    Ok(door)
}

/// The wall clock, by which certificates are judged.
#[expect(clippy::disallowed_methods, reason = "certificates live by the wall clock")]
pub fn clock() -> SystemTime {
    SystemTime::now()
}

/// Listens on an address that a setting names.
pub fn bind(address: SocketAddr, setting: &str) -> Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address).map_err(|error| {
        let exit = if error.kind() == io::ErrorKind::AddrInUse {
            Exit::Busy
        } else {
            Exit::Failure
        };
        exit.because(format!(
            "cannot listen on {address}: {error}; set `{setting}` to another address"
        ))
    })?;
    listener
        .set_nonblocking(true)
        .with_context(|| format!("listen on {address}"))?;
    Ok(listener)
}

async fn take_streams(listener: std::net::TcpListener, own: Arc<Own>, callers: mpsc::Sender<Caller>) {
    loop {
        let mut acceptor = match own.server(Callers::Known).and_then(|it| own.acceptor(&listener, it)) {
            Ok(acceptor) => acceptor,
            Err(error) => return tracing::error!("agents are not let in any more: {error:#}"),
        };
        let period = tokio::time::sleep(own.period());
        tokio::pin!(period);
        loop {
            tokio::select! {
                () = &mut period => break,
                caller = acceptor.next() => {
                    let Some(caller) = caller else { return };
                    if callers.send(caller).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn take_enrolments(listener: std::net::TcpListener, own: Arc<Own>) {
    loop {
        match own.server(Callers::Anybody).and_then(|it| own.acceptor(&listener, it)) {
            Ok(acceptor) => {
                let serving = est::serve(acceptor, own.authority().clone(), clock);
                // At the end of the period the next certificate is shown.
                let _ = tokio::time::timeout(own.period(), serving).await;
            }
            Err(error) => return tracing::error!("agents cannot enrol any more: {error:#}"),
        }
    }
}

/// The callers whose certificates say that they are agents, as connections of the wire.
fn connections(
    callers: mpsc::Receiver<Caller>,
    desk: (Arc<Roster>, Arc<Agents>),
    broker: Option<Arc<Broker>>,
) -> impl Stream<Item = io::Result<Connection<Guarded>>> {
    let all = (callers, desk, broker);
    futures::stream::unfold(all, |(mut callers, desk, broker)| async move {
        loop {
            let caller = callers.recv().await?;
            if caller.speaks_mqtt {
                match &broker {
                    Some(broker) => broker.take(caller),
                    None => {
                        tracing::warn!(address = %caller.address, "events go to another broker: a client was turned away")
                    }
                }
                continue;
            }
            let certificate = match caller.certificate {
                Some(it) if it.identity.role == Role::Agent => it,
                other => {
                    let holder = other.map(|it| it.identity.holder());
                    tracing::warn!(address = %caller.address, holder, "a caller that is no agent was turned away");
                    continue;
                }
            };
            let peer = peer(certificate, (caller.address, caller.cut), desk.clone());
            return Some((Ok(Connection::new(caller.io, peer)), (callers, desk, broker)));
        }
    })
}

/// An agent as its certificate says; it is registered if it may have a seat.
fn peer(
    certificate: Certificate,
    (from, cut): (SocketAddr, CancellationToken),
    (roster, agents): (Arc<Roster>, Arc<Agents>),
) -> Peer {
    let identity = certificate.identity.clone();
    let rights = Rights {
        configures: identity.may.contains(&Permission::Configure),
        observes: identity.may.contains(&Permission::Observe),
    };
    let name = identity.name.to_string();
    Peer::new(name, move |device| identity.covers(device), cut)
        .allowed(rights)
        .registering(move |hello| {
            hello::on_time(hello, clock())?;
            agents.admit(hello, rights)?;
            roster.register(hello, &certificate, from)
        })
}
