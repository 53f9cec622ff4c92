//! How a device is dialled: the credential is fetched for each session, and not kept.

use std::sync::Arc;

use adapters_cli::OverSsh;
use adapters_netconf::rpc::Stream;
use adapters_netconf::ssh::{self, ConnectError, Endpoint, HostKeys, Login};
use adapters_port::Deadline;
use futures::FutureExt;
use futures::future::BoxFuture;
use thiserror::Error;

use crate::config::Credential;
use crate::credential::{SourceError, own_alone};

/// Dials by SSH; the credential is fetched when it is needed, and not kept.
pub(super) struct AtLast {
    pub endpoint: Endpoint,
    pub host_keys: Arc<HostKeys>,
    pub credential: Credential,
}

impl adapters_netconf::Dial for AtLast {
    fn dial(&self, by: Deadline) -> BoxFuture<'_, Result<Box<dyn Stream>, ConnectError>> {
        let dial = async move {
            let login = self.login().await?;
            let connection = ssh::connect(&self.endpoint, Arc::clone(&self.host_keys), &login, by).await?;
            connection.subsystem("netconf", by).await
        };
        dial.boxed()
    }
}

impl adapters_cli::Dial for AtLast {
    fn dial(&self, by: Deadline) -> BoxFuture<'_, Result<Box<dyn Stream>, ConnectError>> {
        let dial = async move {
            let over = OverSsh {
                endpoint: self.endpoint.clone(),
                host_keys: Arc::clone(&self.host_keys),
                login: self.login().await?,
            };
            adapters_cli::Dial::dial(&over, by).await
        };
        dial.boxed()
    }
}

impl AtLast {
    async fn login(&self) -> Result<Login, ConnectError> {
        let credentials = fetch(&self.credential).await.map_err(|error| ConnectError::Tcp {
            host: self.endpoint.host.clone(),
            port: self.endpoint.port,
            source: std::io::Error::other(error),
        })?;
        Ok(Login {
            user: self.credential.user.clone(),
            credentials,
        })
    }
}

/// Why a credential is of no use.
#[derive(Debug, Error)]
pub enum LoginError {
    /// Its secret.
    #[error("the credential cannot be had")]
    Source(#[from] SourceError),
    /// Its key.
    #[error("the private key cannot be used: {0}")]
    Key(String),
}

/// The ways to prove who we are, fetched now.
pub async fn fetch(credential: &Credential) -> Result<Vec<ssh::Credential>, LoginError> {
    let mut ways = Vec::new();
    if let Some(path) = &credential.key {
        own_alone(path)?;
        let text = std::fs::read_to_string(path).map_err(|error| SourceError::Unreadable(path.clone(), error))?;
        let passphrase = match &credential.passphrase {
            Some(source) => Some(source.fetch().await?),
            None => None,
        };
        let key = ssh::Credential::key(&text, passphrase.as_ref());
        ways.push(key.map_err(|error| LoginError::Key(error.to_string()))?);
    }
    if let Some(source) = &credential.password {
        ways.push(ssh::Credential::Password(source.fetch().await?));
    }
    Ok(ways)
}
