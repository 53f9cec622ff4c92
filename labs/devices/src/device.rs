//! A running device: its doors, its faults, its log.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::key::safe_rng;
use russh::keys::{Algorithm, PrivateKey, PublicKey};
use russh::server::Config;
use tokio::net::TcpListener;

use crate::door::{self, Door, Logins};
use crate::fault::{Act, Armed};
use crate::log::{Entry as LogEntry, Protocol};
use crate::netconf::{NS, RpcError, edit};
use crate::personality::Personality;
use crate::shared::{Shared, held};
use crate::store::{Datastores, Entry, Store};
use crate::xml;

/// How a device is started; the default listens on free ports of 127.0.0.1 for admin with password admin.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: IpAddr,
    /// Port of NETCONF; 0 takes a free one.
    pub netconf_port: u16,
    /// Port of the terminal; 0 takes a free one.
    pub cli_port: u16,
    /// Who may log in.
    pub user: String,
    /// With which password.
    pub password: String,
    /// Or with which public keys, each in OpenSSH's form.
    pub keys: Vec<String>,
    /// By how much the timers of its terminals (revert timer, commit trial) run faster than said.
    pub pace: u32,
    /// The configuration that it starts with: elements as they stand below `<config>`.
    pub config: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            name: "device".to_owned(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            netconf_port: 0,
            cli_port: 0,
            user: "admin".to_owned(),
            password: "admin".to_owned(),
            keys: Vec::new(),
            pace: 1,
            config: None,
        }
    }
}

/// Why a device does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {at}")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No host key could be made or read.
    #[error("no host key or login key")]
    Key(#[source] russh::keys::ssh_key::Error),
    /// The initial configuration is refused.
    #[error("the initial configuration is refused: {0}")]
    Config(String),
}

/// A running device; it stops when dropped.
pub struct Device {
    /// Where it listens.
    pub address: IpAddr,
    /// Port of NETCONF, if it speaks it.
    pub netconf: Option<u16>,
    /// Port of the terminal, if it has one.
    pub cli: Option<u16>,
    shared: Arc<Shared>,
    config: Arc<Mutex<Arc<Config>>>,
    foreigner: u32,
}

impl Device {
    /// Starts a device.
    ///
    /// # Errors
    /// When it cannot listen, or its keys or configuration cannot be read.
    pub async fn start(personality: Personality, options: Options) -> Result<Device, StartError> {
        let initial = match &options.config {
            Some(text) => read_config(text).map_err(|error| StartError::Config(error.message))?,
            None => Entry::root(),
        };
        let stores = Datastores::new(personality.netconf, initial);
        let shared = Arc::new(Shared::new(personality, options.name.clone(), options.pace, stores));
        let keys = options
            .keys
            .iter()
            .map(|key| PublicKey::from_openssh(key))
            .collect::<Result<_, _>>();
        let keys = keys.map_err(StartError::Key)?;
        let logins = Arc::new(Logins {
            user: options.user,
            password: options.password,
            keys,
        });
        let config = Arc::new(Mutex::new(Arc::new(door::config(host_key()?))));
        let open = |protocol, port| {
            let shared = Arc::clone(&shared);
            let door = Door {
                shared,
                protocol,
                logins: Arc::clone(&logins),
                config: Arc::clone(&config),
            };
            listen(door, SocketAddr::new(options.address, port))
        };
        let netconf = match personality.netconf {
            Some(_) => Some(open(Protocol::Netconf, options.netconf_port).await?),
            None => None,
        };
        let cli = match personality.dialect {
            Some(_) => Some(open(Protocol::Cli, options.cli_port).await?),
            None => None,
        };
        let foreigner = shared.number();
        Ok(Device {
            address: options.address,
            netconf,
            cli,
            shared,
            config,
            foreigner,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What it is.
    pub fn personality(&self) -> Personality {
        self.shared.personality
    }

    /// Its public host key in OpenSSH's form: algorithm and base64.
    pub fn host_key(&self) -> String {
        let config = held(&self.config);
        config
            .keys
            .first()
            .and_then(|key| key.public_key().to_openssh().ok())
            .unwrap_or_default()
            .trim()
            .to_owned()
    }

    /// Arms a fault.
    pub fn inject(&self, fault: impl Into<Armed>) {
        self.shared.inject(fault.into());
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
    }

    /// The faults that are armed.
    pub fn faults(&self) -> Vec<Armed> {
        self.shared.faults()
    }

    /// Lets something happen to the device.
    ///
    /// # Errors
    /// When a foreign edit is no configuration, or a lock is held already.
    pub fn act(&self, act: &Act) -> Result<(), RpcError> {
        match act {
            Act::Restart { down_millis } => self.restart(Duration::from_millis(*down_millis)),
            Act::DropSessions => self.shared.kill_all(),
            Act::ForeignEdit { store, config } => self.foreign_edit(*store, config)?,
            Act::HoldLock { store } => self.shared.stores().lock(*store, self.foreigner)?,
            Act::ReleaseLocks => self.shared.stores().end_session(self.foreigner),
            Act::RotateHostKey => {
                let key = host_key().map_err(|error| RpcError::protocol("operation-failed", error.to_string()))?;
                *held(&self.config) = Arc::new(door::config(key));
            }
            Act::Release => self.shared.release(),
        }
        Ok(())
    }

    /// What it saw, oldest first.
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.entries()
    }

    /// How often it saw each operation; lines of a terminal are counted as `line`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.shared.counts()
    }

    /// Forgets what it saw.
    pub fn clear_log(&self) {
        self.shared.clear_log();
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.shared.session_count()
    }

    /// Whether a confirmed commit is pending.
    pub fn is_pending(&self) -> bool {
        self.shared.stores().pending.is_some()
    }

    /// Who holds the lock of a datastore.
    pub fn lock_holder(&self, store: Store) -> Option<u32> {
        self.shared.stores().holder(store)
    }

    /// A datastore's content as XML: the elements below `<config>`.
    pub fn content(&self, store: Store) -> String {
        let content = Arc::clone(self.shared.stores().content(store));
        let mut out = String::new();
        content.write_children(&mut out, NS);
        out
    }

    /// Ends it: listeners, connections, timers.
    pub fn stop(&self) {
        self.shared.stop.cancel();
    }

    fn restart(&self, down: Duration) {
        self.shared.kill_all();
        self.shared.stores().restart();
        if !down.is_zero() {
            self.shared.go_down(down);
        }
    }

    fn foreign_edit(&self, store: Store, config: &str) -> Result<(), RpcError> {
        let wrapped = format!("<config xmlns:nc=\"{NS}\">{config}</config>");
        let element =
            xml::parse(&wrapped).map_err(|error| RpcError::protocol("malformed-message", error.to_string()))?;
        let mut stores = self.shared.stores();
        let mut tree = Entry::clone(stores.content(store));
        edit::apply(&mut tree, &element, edit::Operation::Merge)?;
        stores.set(store, tree);
        Ok(())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read_config(text: &str) -> Result<Entry, RpcError> {
    let element = xml::parse(&format!("<config>{text}</config>"));
    edit::read(&element.map_err(|error| RpcError::protocol("malformed-message", error.to_string()))?)
}

fn host_key() -> Result<PrivateKey, StartError> {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).map_err(StartError::Key)
}

/// Opens a door and says on which port.
async fn listen(door: Door, at: SocketAddr) -> Result<u16, StartError> {
    let failed = |source| StartError::Listen { at, source };
    let listener = TcpListener::bind(at).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    tokio::spawn(accept(Arc::new(door), listener, at));
    Ok(at.port())
}

async fn accept(door: Arc<Door>, listener: TcpListener, at: SocketAddr) {
    let mut changes = door.shared.armings.subscribe();
    let mut listener = Some(listener);
    loop {
        if door.shared.refuses(door.protocol) {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(at).await.ok();
        }
        tokio::select! {
            () = door.shared.stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
            accepted = next(listener.as_ref()) => {
                let Some(stream) = accepted else { continue };
                let door = Arc::clone(&door);
                tokio::spawn(async move { door.admit(stream).await });
            }
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> Option<tokio::net::TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.ok().map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}
