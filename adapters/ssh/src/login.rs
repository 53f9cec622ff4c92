//! Proving who we are: by key, by password, by answering prompts.

use super::algorithms::RSA_HASH;
use super::connect::Client;
use adapters_port::Secret;
use russh::Disconnect;
use russh::client::{AuthResult, DisconnectReason, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use std::sync::{Arc, Mutex, PoisonError};

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
    /// The device ended the session instead of answering, as it does after too many attempts.
    #[error("the device ended the login of {user} by {tried}: {words}")]
    Ended {
        /// The user.
        user: String,
        /// What was tried.
        tried: String,
        /// What it said.
        words: String,
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

/// How the session ended, if it did: known before anybody hears that no answer comes.
#[derive(Clone, Default)]
pub(super) struct End(Arc<Mutex<Option<DisconnectReason<russh::Error>>>>);

impl End {
    /// The session ended.
    pub(super) fn is(&self, reason: DisconnectReason<russh::Error>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    fn take(&self) -> Option<DisconnectReason<russh::Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Tries each way until one is accepted.
pub(super) async fn log_in(handle: &mut Handle<Client>, login: &Login, end: &End) -> Result<(), LoginError> {
    let mut offered = String::from("nothing");
    for (at, credential) in login.credentials.iter().enumerate() {
        let answer = match credential {
            Credential::Key(key) => by_key(handle, &login.user, key).await,
            Credential::Password(password) => by_password(handle, &login.user, password).await,
        };
        let unanswered = match &answer {
            Ok(AuthResult::Success) => return Ok(()),
            // A session that ends before the answer comes as a failure with nothing to go on with.
            Ok(AuthResult::Failure { remaining_methods, .. }) => remaining_methods.is_empty(),
            Err(_) => true,
        };
        if unanswered && let Some(reason) = end.take() {
            return Err(ended(login, at + 1, reason));
        }
        if let AuthResult::Failure { remaining_methods, .. } = answer? {
            offered = format!("{remaining_methods:?}");
        }
    }
    Err(LoginError::Refused {
        user: login.user.clone(),
        tried: tried(&login.credentials),
        offered,
    })
}

/// A device that says good-bye while somebody logs in does not let him in. One that says nothing is lost, and so is one
/// that speaks of the connection.
fn ended(login: &Login, attempts: usize, reason: DisconnectReason<russh::Error>) -> LoginError {
    const LONGEST: usize = 200;
    let said = match reason {
        DisconnectReason::ReceivedDisconnect(said) => said,
        DisconnectReason::Error(error) => return LoginError::Broken(error),
    };
    if matches!(
        said.reason_code,
        Disconnect::ConnectionLost
            | Disconnect::TooManyConnections
            | Disconnect::ServiceNotAvailable
            | Disconnect::MACError
            | Disconnect::CompressionError
            | Disconnect::KeyExchangeFailed
    ) {
        return LoginError::Broken(russh::Error::Disconnect);
    }
    let words = said.message.chars().filter(|it| !it.is_control()).take(LONGEST);
    LoginError::Ended {
        user: login.user.clone(),
        tried: tried(&login.credentials[..attempts]),
        words: words.collect(),
    }
}

fn tried(credentials: &[Credential]) -> String {
    let tried = credentials.iter().map(Credential::name).collect::<Vec<_>>();
    if tried.is_empty() {
        "nothing".to_owned()
    } else {
        tried.join(", ")
    }
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
