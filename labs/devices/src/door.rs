//! The door of a device: an SSH server that knows whom to let in and which session to open.

use std::sync::{Arc, Mutex};

use russh::keys::{PrivateKey, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::fault::Fault;
use crate::log::Protocol;
use crate::shared::{Connection, Shared, held};
use crate::wire::Cut;
use crate::{cli, netconf};

/// Who is let in.
#[derive(Debug, Clone)]
pub struct Logins {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The public keys.
    pub keys: Vec<PublicKey>,
}

/// What every connection of a device needs.
pub struct Door {
    /// The device.
    pub shared: Arc<Shared>,
    /// Which protocol stands behind this door.
    pub protocol: Protocol,
    /// Who is let in.
    pub logins: Arc<Logins>,
    /// The SSH configuration of new connections, with the host key.
    pub config: Arc<Mutex<Arc<Config>>>,
}

/// The SSH configuration of a device with this host key.
pub fn config(host_key: PrivateKey) -> Config {
    Config {
        keys: vec![host_key],
        methods: MethodSet::from([MethodKind::PublicKey, MethodKind::Password].as_slice()),
        auth_rejection_time: std::time::Duration::from_millis(50),
        auth_rejection_time_initial: Some(std::time::Duration::ZERO),
        inactivity_timeout: None,
        nodelay: true,
        event_buffer_size: 4,
        channel_buffer_size: 16,
        ..Config::default()
    }
}

impl Door {
    /// Serves one accepted connection until it ends or the device stops.
    pub async fn admit(&self, stream: TcpStream) {
        let token = self.shared.stop.child_token();
        if self.shared.hit(self.protocol, &Fault::Mute) {
            token.cancelled().await;
            return;
        }
        let _ = stream.set_nodelay(true);
        let guest = Guest {
            shared: Arc::clone(&self.shared),
            protocol: self.protocol,
            logins: Arc::clone(&self.logins),
            token: token.clone(),
            channel: None,
            width: 80,
        };
        let config = Arc::clone(&held(&self.config));
        if let Ok(running) = russh::server::run_stream(config, Cut::new(stream, token), guest).await {
            let _ = running.await;
        }
    }
}

struct Guest {
    shared: Arc<Shared>,
    protocol: Protocol,
    logins: Arc<Logins>,
    token: CancellationToken,
    channel: Option<Channel<Msg>>,
    width: u32,
}

impl Guest {
    fn judge(&self, right: bool) -> Auth {
        match right && !self.shared.hit(self.protocol, &Fault::RefuseLogin) {
            true => Auth::Accept,
            false => Auth::reject(),
        }
    }

    fn knows(&self, user: &str, key: &PublicKey) -> bool {
        user == self.logins.user && self.logins.keys.iter().any(|known| known.key_data() == key.key_data())
    }

    fn connection(&mut self) -> Option<Connection> {
        Some(Connection {
            channel: self.channel.take()?,
            token: self.token.clone(),
        })
    }
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.judge(user == self.logins.user && password == self.logins.password))
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(if self.knows(user, offer.public_key) {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.judge(self.knows(user, key.public_key)))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(&mut self, id: ChannelId, name: &str, session: &mut Session) -> Result<(), Self::Error> {
        let traits = self
            .shared
            .personality
            .netconf
            .filter(|_| name == "netconf" && self.protocol == Protocol::Netconf);
        match (traits, self.connection()) {
            (Some(traits), Some(connection)) => {
                session.channel_success(id)?;
                tokio::spawn(netconf::serve(Arc::clone(&self.shared), traits, connection));
            }
            (None, _) | (_, None) => session.channel_failure(id)?,
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        _: &str,
        width: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(russh::Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.width = width;
        session.channel_success(id)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        let dialect = self
            .shared
            .personality
            .dialect
            .filter(|_| self.protocol == Protocol::Cli);
        match (dialect, self.connection()) {
            (Some(dialect), Some(connection)) => {
                session.channel_success(id)?;
                tokio::spawn(cli::serve(Arc::clone(&self.shared), dialect, connection));
            }
            (None, _) | (_, None) => session.channel_failure(id)?,
        }
        Ok(())
    }
}
