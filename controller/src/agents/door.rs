//! Where agents come in: enrolment and the streams, both on connections that the authority vouches for.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use fabric_identity::identity::Pattern;
use fabric_identity::roll::{Evidence, Grant};
use fabric_identity::tls::{self, Callers};
use fabric_identity::{Acceptor, Authority, Caller, Guarded, Identity, LifeTimes, Permission, Role, est};
use fabric_wire::{Connection, Door, Limits, Peer};
use futures::Stream;
use rcgen::KeyPair;
use rustls::ServerConfig;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::exit::Exit;

/// How many callers may wait to be served.
const CALLERS: usize = 256;
/// How many agents may wait to be received.
const ARRIVALS: usize = 1024;
/// How often the controller shows a new certificate: a third of the time that one is good for.
const RENEWAL: Duration = Duration::from_secs(8 * 3600);

/// The name of the controller in its certificate.
const NAME: &str = "controller";

/// Opens the authority and the two ports, and gives the door at which agents arrive.
pub async fn open(config: &Config) -> Result<(Door, Arc<Authority>)> {
    let authority = Authority::open(&config.state.join("authority"), LifeTimes::default(), clock());
    let authority = Arc::new(authority.context("open the certificate authority")?);
    let streams = bind(config.agents_listen, "agents.listen")?;
    let enrolment = bind(config.agents_enrolment, "agents.enrolment")?;
    let identity = Own {
        authority: authority.clone(),
        names: config.agents_names.clone(),
    };
    identity.server(Callers::Known)?;
    let (sender, callers) = mpsc::channel(CALLERS);
    tokio::spawn(take_streams(streams, identity.clone(), sender));
    tokio::spawn(take_enrolments(enrolment, identity));
    let door = Door::new(NAME, Limits::default(), ARRIVALS);
    let serving = door.serve(connections(callers), CancellationToken::new());
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "no agent can join any more");
        }
    });
    Ok((door, authority))
}

/// What an operator allows a new agent: to speak for these devices.
pub fn grant(name: &str, devices: &[String]) -> Result<Grant, fabric_identity::identity::IdentityError> {
    let devices = devices
        .iter()
        .map(|it| it.parse::<Pattern>())
        .collect::<Result<BTreeSet<_>, _>>()?;
    let identity = Identity {
        name: name.parse()?,
        role: Role::Agent,
        devices,
        may: Permission::ALL.into(),
    };
    Ok(Grant {
        identity,
        evidence: Evidence {
            function: "speak for devices".to_owned(),
            ..Evidence::default()
        },
    })
}

/// The wall clock, by which certificates are judged.
#[expect(clippy::disallowed_methods, reason = "certificates live by the wall clock")]
pub fn clock() -> SystemTime {
    SystemTime::now()
}

fn bind(address: SocketAddr, setting: &str) -> Result<std::net::TcpListener> {
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

/// The controller's own identity, made anew for each period.
#[derive(Clone)]
struct Own {
    authority: Arc<Authority>,
    names: Vec<String>,
}

impl Own {
    fn server(&self, callers: Callers) -> Result<ServerConfig> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).context("make a key")?;
        let identity = Identity {
            name: NAME.parse()?,
            role: Role::Controller,
            devices: BTreeSet::new(),
            may: BTreeSet::new(),
        };
        let own = self
            .authority
            .issue_own(identity, &key, &self.names, clock())
            .context("issue the controller's certificate")?;
        tls::server(&own, &key.serialize_der(), callers, self.authority.revocations()).context("set up mutual TLS")
    }

    /// Takes calls for one period under a new certificate.
    fn acceptor(&self, listener: &std::net::TcpListener, callers: Callers) -> Result<Acceptor> {
        let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        Ok(Acceptor::start(
            listener,
            Arc::new(self.server(callers)?),
            self.authority.revocations(),
        ))
    }
}

async fn take_streams(listener: std::net::TcpListener, own: Own, callers: mpsc::Sender<Caller>) {
    loop {
        let mut acceptor = match own.acceptor(&listener, Callers::Known) {
            Ok(acceptor) => acceptor,
            Err(error) => return tracing::error!("agents are not let in any more: {error:#}"),
        };
        let period = tokio::time::sleep(RENEWAL);
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

async fn take_enrolments(listener: std::net::TcpListener, own: Own) {
    loop {
        match own.acceptor(&listener, Callers::Anybody) {
            Ok(acceptor) => {
                let serving = est::serve(acceptor, own.authority.clone(), clock);
                // At the end of the period the next certificate is shown.
                let _ = tokio::time::timeout(RENEWAL, serving).await;
            }
            Err(error) => return tracing::error!("agents cannot enrol any more: {error:#}"),
        }
    }
}

/// The callers whose certificates say that they are agents, as connections of the wire.
fn connections(callers: mpsc::Receiver<Caller>) -> impl Stream<Item = io::Result<Connection<Guarded>>> {
    futures::stream::unfold(callers, |mut callers| async move {
        loop {
            let caller = callers.recv().await?;
            let identity = caller
                .certificate
                .map(|it| it.identity)
                .filter(|it| it.role == Role::Agent);
            let Some(identity) = identity else {
                tracing::warn!(address = %caller.address, "a caller that is no agent was turned away");
                continue;
            };
            let identity = Arc::new(identity);
            let allowed = identity.clone();
            let peer = Peer {
                name: identity.name.to_string(),
                allows: Arc::new(move |device| allowed.covers(device)),
                cut: caller.cut,
            };
            return Some((Ok(Connection::new(caller.io, peer)), callers));
        }
    })
}
