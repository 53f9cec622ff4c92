//! REST about drift, and about taking past transactions back.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::{Door, Wanted, asker, parse};
use crate::drift::Drift;
use crate::plan::Plan;

/// Which paths are meant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// The paths: `interface[eth1]/mtu`.
    #[serde(default)]
    paths: Vec<String>,
}

/// What is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The paths.
    paths: Vec<String>,
    /// Whether the intents want nothing there from now on, instead of what is there.
    #[serde(default)]
    release: bool,
}

/// What is left alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// The paths.
    paths: Vec<String>,
    /// Whether it is looked at again.
    #[serde(default)]
    off: bool,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(all))
        .routes(routes!(one))
        .routes(routes!(repair))
        .routes(routes!(accept))
        .routes(routes!(ignore))
        .routes(routes!(rollback))
}

/// Where the network is not what its intents want.
#[utoipa::path(get, path = "/v1/drift", responses((status = 200, body = [Drift]), (status = 503, body = Problem)))]
async fn all(State(door): State<Door>) -> Result<Json<Vec<Drift>>, Problem> {
    Ok(Json(door.app.drift(None, false).await?))
}

/// Where one device is not what its intents want, with what is ignored.
#[utoipa::path(get, path = "/v1/devices/{name}/drift",
    responses((status = 200, body = [Drift]), (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn one(State(door): State<Door>, Path(name): Path<String>) -> Result<Json<Vec<Drift>>, Problem> {
    Ok(Json(door.app.drift(Some(&name), true).await?))
}

/// Plans the repair of a device's drift: of these paths, or of all that is not ignored.
#[utoipa::path(post, path = "/v1/devices/{name}/drift/repair", params(Wanted), request_body(content = Paths, content_type = "application/json"),
    responses((status = 201, body = Plan), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn repair(
    State(door): State<Door>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Plan>), Problem> {
    let request: Paths = parse(&body)?;
    let (wishes, who) = (wanted.wishes(), asker(&headers));
    let plan = door.app.repair(&name, &request.paths, wishes, &who).await?;
    Ok((StatusCode::CREATED, Json(plan)))
}

/// Accepts what drifted: the intents want it so from now on. The answer is the drift that is left.
#[utoipa::path(post, path = "/v1/devices/{name}/drift/accept", request_body(content = Acceptance, content_type = "application/json"),
    responses((status = 200, body = [Drift]), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn accept(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Vec<Drift>>, Problem> {
    let request: Acceptance = parse(&body)?;
    let who = asker(&headers);
    Ok(Json(
        door.app.accept(&name, &request.paths, request.release, &who).await?,
    ))
}

/// Leaves drift alone from now on, or looks at it again.
#[utoipa::path(post, path = "/v1/devices/{name}/drift/ignore", request_body(content = Silence, content_type = "application/json"),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn ignore(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let request: Silence = parse(&body)?;
    door.app
        .ignore(&name, &request.paths, !request.off, &asker(&headers))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Plans the way back from a past transaction: its intents want again what they wanted before.
#[utoipa::path(post, path = "/v1/transactions/{id}/rollback", params(Wanted),
    responses((status = 201, body = Plan), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn rollback(
    State(door): State<Door>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Plan>), Problem> {
    let plan = door.app.rollback(&id, wanted.wishes(), &asker(&headers)).await?;
    Ok((StatusCode::CREATED, Json(plan)))
}
