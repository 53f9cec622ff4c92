//! Who calls: by the admin's token, a token of one's own, or a client certificate that was let in.

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::listen::Peer;
use super::problem::Problem;
use super::rest::Door;
use super::roles::{Role, needed};
use crate::app::AppError;

/// The header that carries the caller's name to the handlers. What a client sends in it counts with the admin token only.
pub const NAMED: &str = "x-entente-user";
/// The header that tells the handlers that the caller showed who he is. What a client sends in it never counts.
pub const PROVEN: &str = "x-entente-proven";
/// The longest name.
const NAME: usize = 64;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// His name.
    pub name: String,
    /// What he is.
    pub role: Role,
    /// Whether he showed that the name is his: by a token of his own or a certificate.
    pub proven: bool,
}

/// Lets in whom it knows, for what his role may.
pub async fn let_in(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let shown = shown(&door, &request);
    let caller = match find(&door, shown).await {
        Ok(Some(caller)) => caller,
        Ok(None) => {
            let peer = request.extensions().get::<ConnectInfo<Peer>>();
            let address = peer.map(|ConnectInfo(peer)| peer.address);
            tracing::info!(
                ?address,
                path = request.uri().path(),
                "turned a caller away who is not known"
            );
            let title = "the token is missing, wrong or revoked: send `Authorization: Bearer TOKEN`".to_owned();
            return Problem::new(401, "denied", title).into_response();
        }
        Err(error) => return Problem::from(error).into_response(),
    };
    let right = needed(request.method(), request.uri().path());
    if !caller.role.may(right) {
        let (is, needs) = (caller.role.word(), right.role().word());
        let title = format!("{} is {is}, and this takes {needs}: ask an admin", caller.name);
        return Problem::new(403, "denied", title).into_response();
    }
    let name = HeaderValue::from_str(&caller.name).unwrap_or(HeaderValue::from_static("admin"));
    request.headers_mut().insert(NAMED, name);
    request.headers_mut().remove(PROVEN);
    if caller.proven {
        request.headers_mut().insert(PROVEN, HeaderValue::from_static("yes"));
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// What a caller shows of himself.
enum Shown {
    Nothing,
    /// The admin token, and the name that he gives himself.
    Admin(String),
    /// The digest of a token or a certificate.
    Digest(String),
}

fn shown(door: &Door, request: &Request) -> Shown {
    let bearer = request.headers().get(header::AUTHORIZATION);
    let bearer = bearer
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        return if same(token.as_bytes(), door.token.as_bytes()) {
            Shown::Admin(claimed(request))
        } else {
            Shown::Digest(digest(token.as_bytes()))
        };
    }
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let certificate = peer.and_then(|ConnectInfo(peer)| peer.certificate.clone());
    certificate.map_or(Shown::Nothing, Shown::Digest)
}

async fn find(door: &Door, shown: Shown) -> Result<Option<Caller>, AppError> {
    match shown {
        Shown::Nothing => Ok(None),
        Shown::Admin(name) => Ok(Some(Caller {
            name,
            role: Role::Admin,
            proven: false,
        })),
        Shown::Digest(digest) => known(door, &digest).await,
    }
}

async fn known(door: &Door, digest: &str) -> Result<Option<Caller>, AppError> {
    let row = door.app.store.token(digest).await?;
    Ok(row.and_then(|row| {
        Some(Caller {
            role: Role::of(&row.role)?,
            name: row.name,
            proven: true,
        })
    }))
}

/// The name that the user of the admin token gives himself.
fn claimed(request: &Request) -> String {
    let named = request.headers().get(NAMED).and_then(|value| value.to_str().ok());
    let name: String = named
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_graphic)
        .take(NAME)
        .collect();
    if name.is_empty() { "admin".to_owned() } else { name }
}

/// What is kept of a token or a certificate.
pub fn digest(bytes: &[u8]) -> String {
    crate::audit::hex(&Sha256::digest(bytes))
}

/// Compares without telling by the time how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_are_compared_whole() {
        assert!(super::same(b"abc", b"abc"));
        assert!(!super::same(b"abc", b"abd") && !super::same(b"ab", b"abc") && !super::same(b"", b"a"));
    }
}
