//! The enrolment's server: four operations of RFC 7030, the revocation list, how a certificate stands, and an agent's
//! own word that its certificates are good no longer.

use super::envelope::{seal, wrap};
use crate::acceptor::Lobby;
use crate::roll::{Reason, Refusal, Status};
use crate::{Acceptor, Authority, AuthorityError, Caller, Certificate, Credential, Role};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How many connections of callers without a certificate are served at once, and how many of those with one. When one
/// more comes, the one that has taken longest is let go.
const MOST_CONNECTIONS: (usize, usize) = (256, 256);
/// How long a caller may take to say what it wants.
const SAID_WITHIN: Duration = Duration::from_secs(5);
/// How long one connection may last.
const LONGEST_CONNECTION: Duration = Duration::from_secs(30);
/// The largest request body: an application of 16 KiB in base64.
const LARGEST_BODY: usize = 24 << 10;
/// When who waits for approval shall come again, in seconds.
const COME_AGAIN: &str = "15";

const ENVELOPE: &str = "application/pkcs7-mime; smime-type=certs-only";

/// Serves enrolment to whoever calls, until the acceptor ends. `clock` tells the time.
pub async fn serve(mut callers: Acceptor, authority: Arc<Authority>, clock: fn() -> SystemTime) {
    let router = router(authority, clock);
    let (strangers, holders) = (Lobby::new(MOST_CONNECTIONS.0), Lobby::new(MOST_CONNECTIONS.1));
    while let Some(caller) = callers.next().await {
        let lobby = if caller.certificate.is_some() {
            &holders
        } else {
            &strangers
        };
        let (seat, router, address) = (lobby.enter(), router.clone(), caller.address);
        tokio::spawn(async move {
            // A certificate that is taken back meanwhile is found so on the roll: who takes back its own hears the answer.
            let conversation = tokio::time::timeout(LONGEST_CONNECTION, converse(caller, router));
            if seat.gone.run_until_cancelled(conversation).await.is_none() {
                tracing::info!(%address, "let a caller of the enrolment go: too many call");
            }
        });
    }
}

async fn converse(caller: Caller, router: Router) {
    let address = caller.address;
    let router = router.layer(Extension(Shown(caller.certificate, address.ip())));
    let service = TowerToHyperService::new(router);
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SAID_WITHIN)
        .serve_connection(TokioIo::new(caller.io), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%address, %error, "serve an enrolment");
    }
}

/// The certificate that the caller has shown, if any, and where he calls from.
#[derive(Clone)]
struct Shown(Option<Certificate>, IpAddr);

#[derive(Clone)]
struct Desk {
    authority: Arc<Authority>,
    clock: fn() -> SystemTime,
}

fn router(authority: Arc<Authority>, clock: fn() -> SystemTime) -> Router {
    Router::new()
        .route("/.well-known/est/cacerts", get(authority_certificates))
        .route("/.well-known/est/csrattrs", get(attributes))
        .route("/.well-known/est/simpleenroll", post(enrol))
        .route("/.well-known/est/simplereenroll", post(renew))
        .route("/.well-known/entente/revoke", post(revoke))
        .route("/.well-known/entente/crl", get(list))
        .route("/.well-known/entente/status/{serial}", get(status))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(Desk { authority, clock })
}

async fn authority_certificates(State(desk): State<Desk>) -> Response {
    encoded("application/pkcs7-mime", &seal(&[desk.authority.certificate()]))
}

/// What an application should have: a key on the curve P-256 or an Ed25519 key.
async fn attributes() -> Response {
    let curve = wrap(0x31, &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    let on_curve = wrap(
        0x30,
        &[&[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01][..], &curve].concat(),
    );
    let edwards = [0x06, 0x03, 0x2b, 0x65, 0x70];
    encoded("application/csrattrs", &wrap(0x30, &[&edwards[..], &on_curve].concat()))
}

async fn enrol(
    State(desk): State<Desk>,
    Extension(shown): Extension<Shown>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(request) = decoded(&body) else {
        return not_base64();
    };
    let issued = match token(&headers) {
        Some(token) => desk.authority.enrol(&request, &token, (desk.clock)()),
        None => desk.authority.apply(&request, Some(shown.1), (desk.clock)()),
    };
    answer(issued)
}

async fn renew(State(desk): State<Desk>, Extension(shown): Extension<Shown>, body: Bytes) -> Response {
    let Some(Certificate { serial, .. }) = shown.0 else {
        return (
            StatusCode::FORBIDDEN,
            "a renewal needs the certificate that is renewed\n",
        )
            .into_response();
    };
    let Some(request) = decoded(&body) else {
        return not_base64();
    };
    answer(desk.authority.renew(&request, &serial, (desk.clock)()))
}

/// An agent takes its own certificates back: all of its name, for good.
async fn revoke(State(desk): State<Desk>, Extension(shown): Extension<Shown>, body: Bytes) -> Response {
    let Some(Certificate { identity, .. }) = shown.0.filter(|it| it.identity.role == Role::Agent) else {
        let words = "to take certificates back needs one of them\n";
        return (StatusCode::FORBIDDEN, words).into_response();
    };
    let Ok(reason) = serde_json::from_slice::<Reason>(&body) else {
        let words = "the reason is \"key-compromise\", \"cessation\", \"affiliation-changed\" or \"unspecified\"\n";
        return (StatusCode::BAD_REQUEST, words).into_response();
    };
    match desk.authority.revoke(&identity.name, reason, (desk.clock)()) {
        Ok(_) => "revoked\n".into_response(),
        Err(error) => failure(&error),
    }
}

async fn list(State(desk): State<Desk>) -> Response {
    match desk.authority.list((desk.clock)()) {
        Ok(list) => ([(header::CONTENT_TYPE, "application/pkix-crl")], list).into_response(),
        Err(error) => failure(&error),
    }
}

async fn status(State(desk): State<Desk>, Path(serial): Path<String>) -> Response {
    match desk.authority.status(&serial) {
        Ok(record) if record.until < (desk.clock)() => "expired\n".into_response(),
        Ok(record) => match record.status {
            Status::Valid => "valid\n".into_response(),
            Status::Held { .. } => "held\n".into_response(),
            Status::Revoked { .. } => "revoked\n".into_response(),
        },
        Err(error) => failure(&error),
    }
}

fn answer(issued: Result<Credential, AuthorityError>) -> Response {
    match issued {
        Ok(credential) => encoded(ENVELOPE, &seal(&[&credential.certificate])),
        Err(error) => failure(&error),
    }
}

fn failure(error: &AuthorityError) -> Response {
    let words = format!("{}\n", chain(error));
    match error {
        AuthorityError::Waiting => (StatusCode::ACCEPTED, [(header::RETRY_AFTER, COME_AGAIN)], words).into_response(),
        AuthorityError::Refused(Refusal::UnknownToken | Refusal::UsedToken | Refusal::ExpiredToken) => (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Basic realm=\"enrolment\"")],
            words,
        )
            .into_response(),
        AuthorityError::Refused(Refusal::TooManyWaiting | Refusal::TooManyFromOne | Refusal::TooManyGood) => {
            (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
        }
        AuthorityError::Refused(Refusal::UnknownCertificate) => (StatusCode::NOT_FOUND, words).into_response(),
        AuthorityError::Refused(_) => (StatusCode::FORBIDDEN, words).into_response(),
        AuthorityError::Application(_) => (StatusCode::BAD_REQUEST, words).into_response(),
        AuthorityError::Disk { .. }
        | AuthorityError::Roll { .. }
        | AuthorityError::Sign(_)
        | AuthorityError::Random => {
            tracing::error!(error = chain(error), "enrol an agent");
            (StatusCode::INTERNAL_SERVER_ERROR, "the authority failed\n").into_response()
        }
    }
}

fn chain(error: &dyn Error) -> String {
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn encoded(kind: &'static str, bytes: &[u8]) -> Response {
    let lines = BASE64_STANDARD.encode(bytes).into_bytes();
    let mut text: Vec<u8> = lines.chunks(64).collect::<Vec<_>>().join(&b'\n');
    text.push(b'\n');
    let transfer = header::HeaderName::from_static("content-transfer-encoding");
    ([(header::CONTENT_TYPE, kind), (transfer, "base64")], text).into_response()
}

fn decoded(body: &[u8]) -> Option<Vec<u8>> {
    let plain: Vec<u8> = body.iter().copied().filter(|it| !it.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(plain).ok()
}

fn not_base64() -> Response {
    (StatusCode::BAD_REQUEST, "the application is not in base64\n").into_response()
}

/// The one-time token: the password of basic authentication, whose user name says nothing.
fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let pair = String::from_utf8(BASE64_STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    pair.split_once(':').map(|(_, token)| token.to_owned())
}
