//! Operating the controller over REST: who is let in, what is logged and counted, backups.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::AsyncReadExt;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::caller;
use super::pages::{Page, Paged};
use super::problem::Problem;
use super::rest::{Door, asker, parse};
use super::roles::Role;
use crate::app::AppError;
use crate::backup::SealedFile;
use crate::commit::now;
use crate::secure;
use crate::store::TokenRow;

/// The shortest passphrase that seals a backup.
const SHORTEST: usize = 8;
/// How much of a file is sent at once.
const PIECE: usize = 64 * 1024;

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(backup))
        .routes(routes!(tokens, make))
        .routes(routes!(revoke))
        .routes(routes!(logged, log))
        .routes(routes!(metrics))
}

/// Somebody who is let in.
#[derive(Serialize, ToSchema)]
struct TokenView {
    /// Its id, no secret.
    id: String,
    /// Whose it is.
    name: String,
    /// What he is.
    role: String,
    /// `token` or `certificate`.
    kind: String,
    /// Who let him in.
    made_by: String,
    /// When, in milliseconds since 1970.
    made: i64,
    /// When he was shut out, if he was.
    revoked: Option<i64>,
    /// The token itself: shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl From<TokenRow> for TokenView {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            role: row.role,
            kind: row.kind,
            made_by: row.made_by,
            made: row.made,
            revoked: row.revoked,
            token: None,
        }
    }
}

/// Who is to be let in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    /// His name: 1 to 64 visible characters.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    name: String,
    /// What he is.
    role: Role,
    /// His certificate in PEM; without it a token is made.
    certificate: Option<String>,
}

/// Everybody who is or was let in.
#[utoipa::path(get, path = "/v1/tokens", params(Page), responses((status = 200, body = [TokenView]), (status = 422, body = Problem)))]
async fn tokens(State(door): State<Door>, Query(page): Query<Page>) -> Result<Paged<TokenView>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?.unwrap_or_default());
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = door.app.store.tokens(after, most).await.map_err(AppError::from)?;
    let rows = rows.into_iter().map(TokenView::from).collect();
    Ok(Paged::new("/v1/tokens", limit, rows, |row| row.id.clone()))
}

/// Lets somebody in: by a token, which is shown once, or by his certificate.
#[utoipa::path(post, path = "/v1/tokens", request_body(content = TokenRequest, content_type = "application/json"),
    responses((status = 201, body = TokenView), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn make(
    State(door): State<Door>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<TokenView>), Problem> {
    let request: TokenRequest = parse(&body)?;
    let good = (1..=64).contains(&request.name.len()) && request.name.chars().all(|it| it.is_ascii_graphic());
    if !good {
        return Err(Problem::invalid(
            "the name is not 1 to 64 visible characters: take another".to_owned(),
        ));
    }
    let (kind, token, digest) = match &request.certificate {
        Some(text) => {
            let certificate = secure::certificate(text);
            let wrong = || Problem::invalid("the certificate is none in PEM: send the file as it is".to_owned());
            ("certificate", None, caller::digest(&certificate.ok_or_else(wrong)?))
        }
        None => {
            let token = format!("entente-{}", random(32)?);
            ("token", Some(token.clone()), caller::digest(token.as_bytes()))
        }
    };
    let asker = asker(&headers);
    if door.app.store.token(&digest).await.map_err(AppError::from)?.is_some() {
        let title = "this certificate is let in already: revoke it first".to_owned();
        return Err(Problem::new(409, "conflict", title));
    }
    let row = TokenRow {
        id: Uuid::now_v7().to_string(),
        name: request.name,
        role: request.role.word().to_owned(),
        kind: kind.to_owned(),
        digest,
        made_by: asker.who.clone(),
        made: stamp(),
        revoked: None,
    };
    door.app.store.add_token(&row).await.map_err(AppError::from)?;
    let detail = json!({ "name": row.name, "role": row.role, "kind": row.kind });
    door.app.note(&asker, "let in", &row.id, detail).await?;
    let made = TokenView {
        token,
        ..TokenView::from(row)
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Shuts somebody out from now on, by a token's id or by name.
#[utoipa::path(post, path = "/v1/tokens/{key}/revoke",
    responses((status = 200, body = [TokenView]), (status = 404, body = Problem)))]
async fn revoke(
    State(door): State<Door>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Vec<TokenView>>, Problem> {
    let gone = door.app.store.revoke(&key, stamp()).await.map_err(AppError::from)?;
    if gone.is_empty() {
        return Err(AppError::Missing { kind: "token", key }.into());
    }
    for row in &gone {
        let detail = json!({ "name": row.name, "role": row.role });
        door.app.note(&asker(&headers), "shut out", &row.id, detail).await?;
    }
    Ok(Json(gone.into_iter().map(TokenView::from).collect()))
}

fn random(bytes: usize) -> Result<String, Problem> {
    let mut drawn = vec![0; bytes];
    getrandom::fill(&mut drawn).map_err(|error| AppError::Inside(format!("draw a token: {error}")))?;
    Ok(crate::audit::hex(&drawn))
}

fn stamp() -> i64 {
    i64::try_from(now().0).unwrap_or(i64::MAX)
}

/// What is logged.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Logged {
    /// `level` or `module=level,…`.
    #[schema(min_length = 1, max_length = 1000)]
    filter: String,
}

/// What is logged now.
#[utoipa::path(get, path = "/v1/log", responses((status = 200, body = Logged)))]
async fn logged(State(door): State<Door>) -> Json<Logged> {
    let filter = door.app.operation.logging.now();
    Json(Logged { filter })
}

/// Changes what is logged until the controller stops.
#[utoipa::path(put, path = "/v1/log", request_body(content = Logged, content_type = "application/json"),
    responses((status = 200, body = Logged), (status = 422, body = Problem)))]
async fn log(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Result<Json<Logged>, Problem> {
    let wanted: Logged = parse(&body)?;
    let changed = door.app.operation.logging.change(&wanted.filter);
    changed.map_err(|error| Problem::invalid(error.to_string()))?;
    let detail = json!({ "filter": wanted.filter });
    door.app.note(&asker(&headers), "log", "controller", detail).await?;
    Ok(Json(wanted))
}

/// What is counted, in the text form of Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, content_type = "text/plain", body = String)))]
async fn metrics(State(door): State<Door>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], door.app.counted().await).into_response()
}

/// What a backup is sealed with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BackupRequest {
    /// The passphrase, without which nobody reads it; at least 8 characters.
    #[schema(min_length = 8)]
    passphrase: String,
}

/// Takes a backup of everything durable, consistent while transactions go on, sealed with a passphrase.
#[utoipa::path(post, path = "/v1/backup", request_body(content = BackupRequest, content_type = "application/json"),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 422, body = Problem)))]
async fn backup(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let request: BackupRequest = parse(&body)?;
    if request.passphrase.chars().count() < SHORTEST {
        return Err(Problem::invalid(format!(
            "the passphrase is shorter than {SHORTEST} characters: take a longer one"
        )));
    }
    let sealed = door.app.backup(request.passphrase, &asker(&headers)).await?;
    let inside = |error: std::io::Error| AppError::Inside(format!("send the backup: {error}"));
    let file = tokio::fs::File::open(&sealed.path).await.map_err(inside)?;
    let length = file.metadata().await.map_err(inside)?.len();
    let kind = HeaderValue::from_static("application/octet-stream");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_LENGTH, length.into())];
    Ok((headers, Body::from_stream(pieces(file, sealed))).into_response())
}

/// The file piece by piece; it goes when the last piece is sent.
fn pieces(file: tokio::fs::File, sealed: SealedFile) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::unfold((file, sealed), |(mut file, sealed)| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some((Ok(piece.into()), (file, sealed)))
            }
            Err(error) => Some((Err(error), (file, sealed))),
        }
    })
}
