//! REST about approval and freeze.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::{Door, asker, parse};
use crate::approval::{Approval, Verdict};
use crate::freeze::Freeze;
use crate::moved::Moved;

/// A word about a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// The hash of the plan that was looked at.
    hash: String,
    /// Why.
    #[serde(default)]
    reason: String,
}

impl Word {
    fn says(self, approved: bool) -> Verdict {
        Verdict {
            hash: self.hash,
            approved,
            reason: self.reason,
        }
    }
}

/// What is frozen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeRequest {
    /// Until when, in milliseconds since 1970; nothing means until it is lifted.
    until: Option<i64>,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(approval))
        .routes(routes!(approve))
        .routes(routes!(refuse))
        .routes(routes!(moved))
        .routes(routes!(freezes, freeze, thaw))
}

/// What a plan needs before it is committed, and what was said about it.
#[utoipa::path(get, path = "/v1/plans/{id}/approval", responses((status = 200, body = Approval), (status = 404, body = Problem)))]
async fn approval(State(door): State<Door>, Path(id): Path<String>) -> Result<Json<Approval>, Problem> {
    Ok(Json(door.app.approval(&id).await?))
}

/// Approves a plan by its hash. Where the network moved on since it was made, nothing is approved.
#[utoipa::path(post, path = "/v1/plans/{id}/approve", request_body(content = Word, content_type = "application/json"),
    responses((status = 200, body = Approval), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn approve(
    State(door): State<Door>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Approval>, Problem> {
    let word: Word = parse(&body)?;
    let who = asker(&headers);
    Ok(Json(door.app.judge(&id, word.says(true), &who).await?))
}

/// Refuses a plan for good.
#[utoipa::path(post, path = "/v1/plans/{id}/refuse", request_body(content = Word, content_type = "application/json"),
    responses((status = 200, body = Approval), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn refuse(
    State(door): State<Door>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Approval>, Problem> {
    let word: Word = parse(&body)?;
    let who = asker(&headers);
    Ok(Json(door.app.judge(&id, word.says(false), &who).await?))
}

/// Where the network moved on since a plan was made, and whether it was us.
#[utoipa::path(get, path = "/v1/plans/{id}/moved",
    responses((status = 200, body = [Moved]), (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn moved(State(door): State<Door>, Path(id): Path<String>) -> Result<Json<Vec<Moved>>, Problem> {
    Ok(Json(door.app.moved(&id).await?))
}

/// The freezes that hold now.
#[utoipa::path(get, path = "/v1/freeze", responses((status = 200, body = [Freeze])))]
async fn freezes(State(door): State<Door>) -> Result<Json<Vec<Freeze>>, Problem> {
    Ok(Json(door.app.freezes().await?))
}

/// Freezes the network: nothing is committed but what takes back or repairs.
#[utoipa::path(post, path = "/v1/freeze", request_body(content = FreezeRequest, content_type = "application/json"),
    responses((status = 200, body = Freeze), (status = 422, body = Problem)))]
async fn freeze(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Result<Json<Freeze>, Problem> {
    let request: FreezeRequest = parse(&body)?;
    let who = asker(&headers);
    Ok(Json(door.app.freeze(request.until, &request.reason, &who).await?))
}

/// Lifts what an operator froze; a window of the policy ends by itself.
#[utoipa::path(delete, path = "/v1/freeze", responses((status = 204), (status = 404, body = Problem)))]
async fn thaw(State(door): State<Door>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    door.app.thaw(&asker(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}
