//! Proving who we are: by key, by password, by answering prompts.

use super::algorithms::RSA_HASH;
use super::connect::Client;
use adapters_port::Secret;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use std::sync::Arc;

const ROUNDS: usize = 8;
const PROMPTS: usize = 8;

/// One way to prove who we are.
#[derive(Clone)]
pub enum Credential {
    /// A private key.
    Key(Arc<PrivateKey>),
    /// A password, typed at the password method or at prompts that hide what is typed.
    Password(Secret),
}

/// Who logs in, and the ways to prove it in the order in which they are tried.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user on the device.
    pub user: String,
    /// The ways.
    pub credentials: Vec<Credential>,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Every way was refused.
    #[error("the device refused the login of {user} by {tried}; it offers {offered}")]
    Refused {
        /// The user.
        user: String,
        /// What was tried.
        tried: String,
        /// What the device offers.
        offered: String,
    },
    /// The session broke before an answer.
    #[error("the session ended during the login")]
    Broken(#[source] russh::Error),
}

impl Credential {
    /// Reads a private key in OpenSSH or PEM form.
    pub fn key(text: &str, passphrase: Option<&Secret>) -> Result<Self, russh::keys::Error> {
        let key = russh::keys::decode_secret_key(text, passphrase.map(Secret::expose))?;
        Ok(Self::Key(Arc::new(key)))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Password(_) => "password",
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}(***)", self.name())
    }
}

/// Tries each way until one is accepted.
pub(super) async fn log_in(handle: &mut Handle<Client>, login: &Login) -> Result<(), LoginError> {
    let mut offered = String::from("nothing");
    for credential in &login.credentials {
        let answer = match credential {
            Credential::Key(key) => by_key(handle, &login.user, key).await?,
            Credential::Password(password) => by_password(handle, &login.user, password).await?,
        };
        match answer {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure { remaining_methods, .. } => offered = format!("{remaining_methods:?}"),
        }
    }
    let tried = login.credentials.iter().map(Credential::name).collect::<Vec<_>>();
    let tried = if tried.is_empty() {
        "nothing".to_owned()
    } else {
        tried.join(", ")
    };
    Err(LoginError::Refused {
        user: login.user.clone(),
        tried,
        offered,
    })
}

async fn by_key(handle: &mut Handle<Client>, user: &str, key: &Arc<PrivateKey>) -> Result<AuthResult, LoginError> {
    let hash = if key.algorithm().is_rsa() {
        handle
            .best_supported_rsa_hash()
            .await
            .map_err(LoginError::Broken)?
            .unwrap_or(Some(RSA_HASH))
    } else {
        None
    };
    let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
    handle
        .authenticate_publickey(user, key)
        .await
        .map_err(LoginError::Broken)
}

async fn by_password(handle: &mut Handle<Client>, user: &str, password: &Secret) -> Result<AuthResult, LoginError> {
    let answer = handle
        .authenticate_password(user, password.expose())
        .await
        .map_err(LoginError::Broken)?;
    let AuthResult::Failure { remaining_methods, .. } = &answer else {
        return Ok(answer);
    };
    if !remaining_methods.contains(&russh::MethodKind::KeyboardInteractive) {
        return Ok(answer);
    }
    by_prompts(handle, user, password).await
}

async fn by_prompts(handle: &mut Handle<Client>, user: &str, password: &Secret) -> Result<AuthResult, LoginError> {
    let start = handle.authenticate_keyboard_interactive_start(user, None);
    let mut answer = start.await.map_err(LoginError::Broken)?;
    for _ in 0..ROUNDS {
        let responses = match answer {
            KeyboardInteractiveAuthResponse::Success => return Ok(AuthResult::Success),
            KeyboardInteractiveAuthResponse::Failure {
                remaining_methods,
                partial_success,
            } => {
                return Ok(AuthResult::Failure {
                    remaining_methods,
                    partial_success,
                });
            }
            // A prompt that shows what is typed asks for something else than a password.
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts
                .iter()
                .take(PROMPTS)
                .map(|it| {
                    if it.echo {
                        String::new()
                    } else {
                        password.expose().to_owned()
                    }
                })
                .collect(),
        };
        let respond = handle.authenticate_keyboard_interactive_respond(responses);
        answer = respond.await.map_err(LoginError::Broken)?;
    }
    Err(LoginError::Broken(russh::Error::NotAuthenticated))
}
