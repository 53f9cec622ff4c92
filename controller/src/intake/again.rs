//! Asking again without doing again: with an `Idempotency-Key` the first answer is kept, and a repeat gets it.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::caller::Caller;
use super::problem::Problem;
use super::rest::{BODY, Door};
use crate::app::AppError;
use crate::commit::now;
use crate::store::AnswerRow;

/// The header with the key.
const KEY: &str = "idempotency-key";
/// Set on an answer that was given before.
const REPLAYED: &str = "idempotency-replayed";
/// The longest key.
const LONGEST: usize = 128;
/// The largest answer that is kept.
const KEPT: usize = 1024 * 1024;
/// For how long, in milliseconds.
const FOR: i64 = 24 * 3600 * 1000;
/// How many answers are kept.
const MOST: i64 = 10_000;
/// Answers that carry a secret are shown once and kept nowhere.
const SECRET: [&str; 3] = ["/v1/backup", "/v1/tokens", "/invitation"];

/// Answers a repeat as the first time; the same key with another body is refused.
pub async fn once(State(door): State<Door>, request: Request, next: Next) -> Response {
    let key = match key(&request) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    let caller = request.extensions().get::<Caller>().map(|it| it.name.clone());
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY).await else {
        return Problem::new(413, "large", format!("the body is longer than {BODY} bytes: send less")).into_response();
    };
    let asked = asked(&parts.method, parts.uri.path(), &body);
    let request = Request::from_parts(parts, Body::from(body));
    match answer(&door, &caller.unwrap_or_default(), &key, &asked, (request, next)).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

fn key(request: &Request) -> Result<Option<String>, Problem> {
    let Some(key) = request.headers().get(KEY).filter(|_| *request.method() == Method::POST) else {
        return Ok(None);
    };
    let good = |key: &&str| (1..=LONGEST).contains(&key.len()) && key.chars().all(|it| it.is_ascii_graphic());
    let Some(key) = key.to_str().ok().filter(good) else {
        let title = format!("the idempotency key is not 1 to {LONGEST} visible characters: send another");
        return Err(Problem::new(422, "invalid", title));
    };
    if SECRET.iter().any(|end| request.uri().path().ends_with(end)) {
        let title = "this answer holds a secret and is kept nowhere: ask without an idempotency key".to_owned();
        return Err(Problem::new(422, "invalid", title));
    }
    Ok(Some(key.to_owned()))
}

fn asked(method: &Method, path: &str, body: &Bytes) -> String {
    let mut digest = Sha256::new();
    for part in [method.as_str().as_bytes(), path.as_bytes(), body] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    crate::audit::hex(&digest.finalize())
}

async fn answer(
    door: &Door,
    caller: &str,
    key: &str,
    asked: &str,
    (request, next): (Request, Next),
) -> Result<Response, Problem> {
    let store = &door.app.store;
    let at = i64::try_from(now().0).unwrap_or(i64::MAX);
    store.forget_answers(at - FOR, MOST).await.map_err(AppError::from)?;
    if let Some(row) = store.take_key(caller, key, asked, at).await.map_err(AppError::from)? {
        return replayed(&row, asked);
    }
    let (parts, body) = next.run(request).await.into_parts();
    let Ok(body) = to_bytes(body, KEPT).await else {
        let title = "the answer is too large to be kept: ask without an idempotency key".to_owned();
        return Err(Problem::new(500, "inside", title));
    };
    let kept = match (parts.status.is_server_error(), String::from_utf8(body.to_vec())) {
        // What went wrong inside may go right the next time.
        (true, _) | (_, Err(_)) => store.free_key(caller, key).await,
        (false, Ok(body)) => {
            let row = AnswerRow {
                request: asked.to_owned(),
                status: Some(i64::from(parts.status.as_u16())),
                kind: kind(&parts.headers),
                body,
            };
            store.keep_answer(caller, key, &row).await
        }
    };
    kept.map_err(AppError::from)?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.unwrap_or_default().to_owned()
}

fn replayed(row: &AnswerRow, asked: &str) -> Result<Response, Problem> {
    if row.request != asked {
        let title = "this idempotency key was used for something else: send another".to_owned();
        return Err(Problem::new(422, "reused", title));
    }
    let status = row
        .status
        .and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
    let Some(status) = status else {
        let title = "what was asked under this key has no answer yet, or lost it in a restart: look what became of it";
        return Err(Problem::new(409, "busy", title.to_owned()));
    };
    let mut response = (status, row.body.clone()).into_response();
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    match HeaderValue::from_str(&row.kind) {
        Ok(kind) if !row.kind.is_empty() => headers.insert(header::CONTENT_TYPE, kind),
        Ok(_) | Err(_) => headers.remove(header::CONTENT_TYPE),
    };
    Ok(response)
}
