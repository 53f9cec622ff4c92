//! The settings of everything between the controller and its agents.

use std::net::SocketAddr;
use std::time::Duration;

use fabric_registry::Terms;

/// How agents are registered, certified and heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FabricSettings {
    /// After which times an agent is taken for absent.
    pub registry: Terms,
    /// How long a certificate of an agent or of the controller is good for.
    pub certificate: Duration,
    /// Where agents dial in, and where the built-in broker takes events too.
    pub listen: SocketAddr,
    /// Where the built-in broker takes events besides, from clients that cannot say what they speak.
    pub events_listen: Option<SocketAddr>,
    /// The broker beside us that carries events instead of the built-in one: `host:port`; empty: the built-in one.
    pub events_broker: String,
    /// Where agents publish; empty: where they dial.
    pub events_address: String,
}

impl FabricSettings {
    /// Where agents are told to publish.
    pub fn told(&self) -> String {
        if !self.events_address.is_empty() {
            self.events_address.clone()
        } else if self.events_broker.is_empty() {
            format!(":{}", self.listen.port())
        } else {
            self.events_broker.clone()
        }
    }

    /// The broker beside us, as host and port, if there is one.
    pub fn broker(&self) -> Option<(String, u16)> {
        endpoint(&self.events_broker)
    }
}

/// `host:port` in two.
pub fn endpoint(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    (!host.is_empty()).then(|| (host.trim_matches(['[', ']']).to_owned(), port))
}
