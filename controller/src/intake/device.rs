//! REST about what stands on a device, and stood there.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::{Door, Wanted, asker, parse};
use crate::history::Comparison;
use crate::plan::Plan;
use crate::reach::Probe;
use crate::standing::Standing;
use crate::store::Native;

/// A configuration in the device's own words.
#[derive(Debug, Serialize, ToSchema)]
pub struct NativeText {
    /// The device, by name.
    device: String,
    /// The number, or `now`.
    which: String,
    /// The text, without secrets.
    text: String,
}

/// What is compared.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub struct Pair {
    /// A number that is kept, or `now`.
    from: String,
    /// A number that is kept, or `now`.
    to: String,
}

/// Who works on a device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// Why.
    #[serde(default)]
    reason: String,
    /// Whether he is done.
    #[serde(default)]
    off: bool,
}

/// What was waived.
#[derive(Debug, Serialize, ToSchema)]
pub struct Waived {
    /// How many debts.
    debts: u64,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(history))
        .routes(routes!(native))
        .routes(routes!(compare))
        .routes(routes!(probe))
        .routes(routes!(standings))
        .routes(routes!(maintain))
        .routes(routes!(replace))
        .routes(routes!(repair))
        .routes(routes!(waive))
}

/// What is kept of a device from before and after transactions, the latest first.
#[utoipa::path(get, path = "/v1/devices/{name}/history", responses((status = 200, body = [Native]), (status = 404, body = Problem)))]
async fn history(State(door): State<Door>, Path(name): Path<String>) -> Result<Json<Vec<Native>>, Problem> {
    Ok(Json(door.app.history(&name).await?))
}

/// A device's configuration in its own words and without secrets: a number that is kept, or `now`.
#[utoipa::path(get, path = "/v1/devices/{name}/history/{which}",
    responses((status = 200, body = NativeText), (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn native(
    State(door): State<Door>,
    Path((device, which)): Path<(String, String)>,
) -> Result<Json<NativeText>, Problem> {
    let text = door.app.native(&device, &which).await?;
    Ok(Json(NativeText { device, which, text }))
}

/// What differs between two configurations of a device.
#[utoipa::path(get, path = "/v1/devices/{name}/compare", params(Pair),
    responses((status = 200, body = Comparison), (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn compare(
    State(door): State<Door>,
    Path(name): Path<String>,
    Query(pair): Query<Pair>,
) -> Result<Json<Comparison>, Problem> {
    Ok(Json(door.app.compare(&name, &pair.from, &pair.to).await?))
}

/// How a device is reached: its protocols, what each can do, and how well it is. Its agent asks it now.
#[utoipa::path(get, path = "/v1/devices/{name}/probe",
    responses((status = 200, body = Probe), (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn probe(State(door): State<Door>, Path(name): Path<String>) -> Result<Json<Probe>, Problem> {
    Ok(Json(door.app.probe(&name).await?))
}

/// The devices in maintenance, and those that are owed the end of a torn transaction.
#[utoipa::path(get, path = "/v1/standings", responses((status = 200, body = [Standing])))]
async fn standings(State(door): State<Door>) -> Result<Json<Vec<Standing>>, Problem> {
    Ok(Json(door.app.standings().await?))
}

/// Lets somebody work on a device: nothing is committed to it until he is done.
#[utoipa::path(post, path = "/v1/devices/{name}/maintenance", request_body(content = Maintenance, content_type = "application/json"),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn maintain(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let request: Maintenance = parse(&body)?;
    let who = asker(&headers);
    door.app.maintain(&name, &request.reason, !request.off, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Plans to make new hardware under a device's id what its intents want.
#[utoipa::path(post, path = "/v1/devices/{name}/replace", params(Wanted),
    responses((status = 201, body = Plan), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn replace(
    State(door): State<Door>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Plan>), Problem> {
    let plan = door.app.replace(&name, wanted.wishes(), &asker(&headers)).await?;
    Ok((StatusCode::CREATED, Json(plan)))
}

/// Plans to bring a device to what was decided in transactions whose end it did not reach.
#[utoipa::path(post, path = "/v1/devices/{name}/repair", responses((status = 201, body = Plan), (status = 404, body = Problem)))]
async fn repair(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Plan>), Problem> {
    let plan = door.app.settle_debts(&name, &asker(&headers)).await?;
    Ok((StatusCode::CREATED, Json(plan)))
}

/// Takes on oneself what a device is owed: its next transaction begins without it.
#[utoipa::path(post, path = "/v1/devices/{name}/waive", responses((status = 200, body = Waived), (status = 404, body = Problem)))]
async fn waive(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Waived>, Problem> {
    let debts = door.app.waive(&name, &asker(&headers)).await?;
    Ok(Json(Waived { debts }))
}
