//! The REST door: JSON over HTTP, described by OpenAPI, errors as problem+json.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use futures::stream::{self, Stream};
use knowledge_model::document::{Fault, Mark};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{self, NAMED, PROVEN};
use super::pages::{Page, Paged};
use super::problem::{self, Problem};
use super::view::{AuditLink, AuditView, CommitRequest, DeviceView, EntryView, Health, IntentView, TransactionView};
use super::{again, describe, measure};
use crate::app::{App, AppError, Asker, Wishes, read_plan};
use crate::commit::Event;
use crate::plan::Plan;
use crate::store::TransactionRow;

/// The largest body that is read.
pub(super) const BODY: usize = 4 * 1024 * 1024;
/// How many requests are served at once; watching a transaction counts while it is begun.
const AT_ONCE: usize = 128;
/// How many links of the audit chain are shown at once.
pub const LINKS: i64 = 1000;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) app: Arc<App>,
    pub(super) token: Arc<str>,
    places: Arc<Semaphore>,
}

/// Which events are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct Since {
    /// The last sequence number that was seen.
    #[serde(default)]
    since: u64,
}

/// What is wanted of a plan beyond its intents.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `none`: nothing is looked at before the change stays.
    #[serde(default)]
    gate: GateWish,
    /// Make the change although it may cut an agent's way to its device.
    #[serde(default)]
    force: bool,
    /// The devices that change first, by name, with commas between: the others change once what held before still holds.
    #[serde(default)]
    first: Option<String>,
}

/// Whether health checks run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum GateWish {
    /// What the intents promise, and what must not break.
    #[default]
    Checks,
    /// Nothing.
    None,
}

impl Wanted {
    pub(super) fn wishes(&self) -> Wishes {
        Wishes {
            ungated: self.gate == GateWish::None,
            forced: self.force,
            first: self
                .first
                .iter()
                .flat_map(|it| it.split(','))
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Entente", description = "What the network should do, and whether it does."),
    components(schemas(Problem, Event, GateWish, crate::saying::Whose))
)]
struct Api;

/// The routes, behind the token.
pub fn router(app: Arc<App>, token: Arc<str>) -> Router {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let door = Door { app, token, places };
    let (open, mut api) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(health))
        .split_for_parts();
    let (closed, rest) = OpenApiRouter::new()
        .routes(routes!(plan))
        .routes(routes!(show_plan))
        .routes(routes!(commit))
        .routes(routes!(transactions))
        .routes(routes!(transaction))
        .routes(routes!(progress))
        .routes(routes!(cancel))
        .routes(routes!(intents))
        .routes(routes!(intent))
        .routes(routes!(withdraw))
        .routes(routes!(devices))
        .routes(routes!(configuration))
        .routes(routes!(audit))
        .merge(super::operate::routes())
        .merge(super::agents::routes())
        .merge(super::events::routes())
        .merge(super::beside::routes())
        .merge(super::watch::routes())
        .merge(super::case::routes())
        .merge(super::device::routes())
        .merge(super::drift::routes())
        .merge(super::approval::routes())
        .merge(super::ask::routes())
        .merge(super::say::routes())
        .merge(super::learn::routes())
        .split_for_parts();
    api.merge(rest);
    let closed = closed
        .layer(middleware::from_fn_with_state(door.clone(), again::once))
        .layer(middleware::from_fn_with_state(door.clone(), in_bounds))
        .layer(middleware::from_fn(carried_through))
        .layer(middleware::from_fn_with_state(door.clone(), caller::let_in));
    describe::complete(&mut api);
    let description = axum::routing::get(move || async move { Json(api) });
    open.merge(closed)
        .route("/v1/openapi.json", description)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn(problem::everywhere))
        .layer(middleware::from_fn_with_state(door.clone(), measure::measured))
        .with_state(door)
}

/// Who asks, as [`super::caller::let_in`] found out.
pub(super) fn asker(headers: &HeaderMap) -> Asker {
    let named = headers.get(NAMED).and_then(|value| value.to_str().ok());
    Asker {
        who: named.unwrap_or("admin").to_owned(),
        door: "rest",
        proven: headers.contains_key(PROVEN),
    }
}

/// What changes something is carried through although its caller has hung up: half of a commit would be led by nobody.
async fn carried_through(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

/// Serves as many at once as there are places, and nothing new while the controller stops.
async fn in_bounds(State(door): State<Door>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && door.app.operation.stopping.is_cancelled() {
        let title = "the controller is stopping: try again once it is back".to_owned();
        return Problem::new(503, "stopping", title).into_response();
    }
    let Ok(_place) = door.places.clone().try_acquire_owned() else {
        let title = format!("{AT_ONCE} requests are being served already: try again");
        return Problem::new(503, "busy", title).into_response();
    };
    next.run(request).await
}

/// Whether the controller lives and may decide; 503 where it can no longer write.
#[utoipa::path(get, path = "/v1/health", responses((status = 200, body = Health), (status = 503, body = Problem)))]
async fn health(State(door): State<Door>) -> Result<Json<Health>, Problem> {
    if door.app.hub.is_mute() {
        let title =
            "a record could not be written, so nothing is decided any more: look at the log, start it again".to_owned();
        return Err(Problem::new(503, "mute", title));
    }
    let (running, waiting) = door.app.hub.load();
    let agents = door.app.agents.joined().len();
    Ok(Json(Health {
        status: if door.app.operation.stopping.is_cancelled() {
            "stopping"
        } else {
            "ok"
        },
        version: env!("CARGO_PKG_VERSION"),
        agents,
        running,
        waiting,
    }))
}

/// Plans the intents of the body: one intent, or several under `intents`. Nothing changes yet.
#[utoipa::path(post, path = "/v1/plans", params(Wanted), request_body(content = Object, content_type = "application/json"),
    responses((status = 201, body = Plan), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn plan(
    State(door): State<Door>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Plan>), Problem> {
    let text = std::str::from_utf8(&body).map_err(|_| AppError::Invalid(vec![not_text()]))?;
    let envelopes = intents::read_file(text, &door.app.library()).map_err(AppError::Invalid)?;
    let plan = door
        .app
        .plan(envelopes, Vec::new(), wanted.wishes(), &asker(&headers))
        .await?;
    Ok((StatusCode::CREATED, Json(plan)))
}

pub(super) fn not_text() -> Fault {
    Fault {
        at: Mark { line: 1, column: 1 },
        what: "the body is not UTF-8".to_owned(),
        hint: "send JSON or YAML".to_owned(),
    }
}

/// A plan as it was made.
#[utoipa::path(get, path = "/v1/plans/{id}", responses((status = 200, body = Plan), (status = 404, body = Problem)))]
async fn show_plan(State(door): State<Door>, Path(id): Path<String>) -> Result<Json<Plan>, Problem> {
    let kept = door.app.store.plan(&id).await.map_err(AppError::from)?;
    let kept = kept.ok_or_else(|| AppError::Missing { kind: "plan", key: id })?;
    Ok(Json(read_plan(&kept)?))
}

/// Commits a plan: all of its devices change, or none does.
#[utoipa::path(post, path = "/v1/plans/{id}/commit", request_body(content = CommitRequest, content_type = "application/json"),
    responses((status = 202, body = TransactionView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn commit(
    State(door): State<Door>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<TransactionView>), Problem> {
    let request: CommitRequest = if body.is_empty() {
        CommitRequest::default()
    } else {
        parse(&body)?
    };
    let row = door.app.commit(&id, request.hash.as_deref(), &asker(&headers)).await?;
    Ok((StatusCode::ACCEPTED, Json(row.into())))
}

/// The transactions, the newest first.
#[utoipa::path(get, path = "/v1/transactions", params(Page), responses((status = 200, body = [TransactionView]), (status = 422, body = Problem)))]
async fn transactions(State(door): State<Door>, Query(page): Query<Page>) -> Result<Paged<TransactionView>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let rows = door
        .app
        .store
        .transactions_after(after, most(limit))
        .await
        .map_err(AppError::from)?;
    let rows = rows.into_iter().map(|row| viewed(&door, row)).collect();
    Ok(Paged::new("/v1/transactions", limit, rows, |row| row.id.clone()))
}

/// A transaction with its place in the queue, where it waits in one.
fn viewed(door: &Door, row: TransactionRow) -> TransactionView {
    let id = row.id.parse::<::transaction::TransactionId>().ok();
    let (waits, carrier) = (
        id.and_then(|id| door.app.hub.waits(id)),
        id.and_then(|id| door.app.hub.carrier(id)),
    );
    let row = TransactionRow {
        carrier: carrier.map(|it| it.to_string()).or(row.carrier),
        ..row
    };
    let track = id
        .filter(|_| row.state == "running")
        .and_then(|it| door.app.hub.track(it));
    TransactionView::from(row).waiting(waits).running(track.as_deref())
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// One transaction.
#[utoipa::path(get, path = "/v1/transactions/{id}", responses((status = 200, body = TransactionView), (status = 404, body = Problem)))]
async fn transaction(State(door): State<Door>, Path(id): Path<String>) -> Result<Json<TransactionView>, Problem> {
    let row = door.app.store.transaction(&id).await.map_err(AppError::from)?;
    let row = row.ok_or_else(|| AppError::Missing {
        kind: "transaction",
        key: id,
    })?;
    let plan = door.app.store.plan(&row.plan).await.map_err(AppError::from)?;
    let waves = match plan {
        Some(plan) => read_plan(&plan)?.waves(),
        None => Vec::new(),
    };
    Ok(Json(viewed(&door, row).in_waves(waves)))
}

/// What happens in a transaction, as server-sent events, from `since` on; the last event carries its ending.
#[utoipa::path(get, path = "/v1/transactions/{id}/progress", params(Since),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = Problem)))]
async fn progress(
    State(door): State<Door>,
    Path(id): Path<String>,
    Query(Since { since }): Query<Since>,
) -> Result<Sse<impl Stream<Item = Result<axum::response::sse::Event, Infallible>>>, Problem> {
    let missing = || AppError::Missing {
        kind: "transaction",
        key: id.clone(),
    };
    let transaction = id.parse().map_err(|_| missing())?;
    let track = door.app.track(transaction).await?.ok_or_else(missing)?;
    let events = stream::unfold((track, since, false), |(track, since, over)| async move {
        if over {
            return None;
        }
        let events = track.after(since).await;
        let last = events.last().map_or(since, |event| event.sequence);
        let over = events.iter().any(|event| event.ending.is_some());
        let lines: Vec<_> = events.iter().map(|event| Ok(line(event))).collect();
        Some((stream::iter(lines), (track, last, over)))
    });
    Ok(Sse::new(futures::StreamExt::flatten(events)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn line(event: &Event) -> axum::response::sse::Event {
    let data = serde_json::to_string(event).unwrap_or_default();
    axum::response::sse::Event::default()
        .id(event.sequence.to_string())
        .data(data)
}

/// Withdraws a transaction that is not decided yet: every device stays as it is.
#[utoipa::path(post, path = "/v1/transactions/{id}/cancel", responses((status = 202), (status = 404, body = Problem)))]
async fn cancel(State(door): State<Door>, Path(id): Path<String>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let missing = || AppError::Missing {
        kind: "running transaction",
        key: id.clone(),
    };
    let transaction = id.parse().map_err(|_| missing())?;
    let kept = door.app.store.transaction(&id).await.map_err(AppError::from)?;
    if let Some(row) = kept.filter(|row| row.state != "running") {
        return Err(AppError::Over { id, state: row.state }.into());
    }
    if door.app.cancel(transaction, &asker(&headers)).await? {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(missing().into())
    }
}

/// The intents, the newest first.
#[utoipa::path(get, path = "/v1/intents", params(Page), responses((status = 200, body = [IntentView]), (status = 422, body = Problem)))]
async fn intents(State(door): State<Door>, Query(page): Query<Page>) -> Result<Paged<IntentView>, Problem> {
    let limit = page.limit()?;
    let wrong = || Problem::invalid("`after` is no end of a page: take it from a `Link` header".to_owned());
    let after = match page
        .after()?
        .map(|after| after.split_once('.').ok_or_else(wrong))
        .transpose()?
    {
        Some((at, id)) => Some((at.parse().map_err(|_| wrong())?, id)),
        None => None,
    };
    let kept = door
        .app
        .store
        .intents_after(after, most(limit))
        .await
        .map_err(AppError::from)?;
    let rows = kept.into_iter().map(IntentView::from).collect();
    Ok(Paged::new("/v1/intents", limit, rows, |row: &IntentView| {
        format!("{}.{}", row.at, row.id)
    }))
}

/// One intent by id or name.
#[utoipa::path(get, path = "/v1/intents/{key}", responses((status = 200, body = IntentView), (status = 404, body = Problem)))]
async fn intent(State(door): State<Door>, Path(key): Path<String>) -> Result<Json<IntentView>, Problem> {
    Ok(Json(IntentView::from(door.app.intent(&key).await?)))
}

/// Plans the withdrawal of an intent: what it found comes back, what others want stays.
#[utoipa::path(post, path = "/v1/intents/{key}/withdraw", params(Wanted),
    responses((status = 201, body = Plan), (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem)))]
async fn withdraw(
    State(door): State<Door>,
    Path(key): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Plan>), Problem> {
    let plan = door
        .app
        .plan(Vec::new(), vec![key], wanted.wishes(), &asker(&headers))
        .await?;
    Ok((StatusCode::CREATED, Json(plan)))
}

/// The devices of the inventory.
#[utoipa::path(get, path = "/v1/devices", params(Page), responses((status = 200, body = [DeviceView]), (status = 422, body = Problem)))]
async fn devices(State(door): State<Door>, Query(page): Query<Page>) -> Result<Paged<DeviceView>, Problem> {
    let network = door.app.network.lock().await;
    let view = |device: &crate::network::Known| {
        let spoken = door.app.agents.spoken(device.id);
        DeviceView {
            id: device.id.to_string(),
            name: device.name.clone(),
            address: device.address.clone(),
            platforms: device.platforms.clone(),
            agent: spoken.as_ref().map(|(agent, _)| agent.clone()),
            guarantee: spoken.and_then(|(_, it)| it.guarantee).map(|it| it.to_string()),
        }
    };
    page.of("/v1/devices", network.devices().map(view), |device| device.name.clone())
}

/// A device's configuration as it is now, in the canonical model.
#[utoipa::path(get, path = "/v1/devices/{name}/configuration",
    responses((status = 200, body = [EntryView]), (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn configuration(State(door): State<Door>, Path(name): Path<String>) -> Result<Json<Vec<EntryView>>, Problem> {
    let device = door.app.network.lock().await.named(&name).map(|device| device.id);
    let device = device.ok_or_else(|| AppError::Missing {
        kind: "device",
        key: name,
    })?;
    let tree = door.app.agents.read(device, Vec::new()).await.map_err(AppError::from)?;
    let entries = tree.iter().map(|(path, value)| EntryView {
        path: path.to_string(),
        value: value.text().map(str::to_owned),
    });
    Ok(Json(entries.collect()))
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T, AppError> {
    serde_json::from_slice(body).map_err(|error| {
        let at = Mark {
            line: error.line(),
            column: error.column(),
        };
        AppError::Invalid(vec![Fault {
            at,
            what: error.to_string(),
            hint: String::new(),
        }])
    })
}

/// Which links are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Links {
    /// The position of the first, 1 unless told.
    #[param(minimum = 1)]
    from: Option<i64>,
    /// How many, 1 to 1000; 1000 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Links of the audit chain with the key that it is checked with.
#[utoipa::path(get, path = "/v1/audit", params(Links), responses((status = 200, body = AuditView), (status = 422, body = Problem)))]
async fn audit(State(door): State<Door>, Query(links): Query<Links>) -> Result<Json<AuditView>, Problem> {
    let (from, limit) = (links.from.unwrap_or(1), links.limit.unwrap_or(LINKS));
    if from < 1 || !(1..=LINKS).contains(&limit) {
        return Err(Problem::invalid(format!(
            "ask for 1 to {LINKS} links, from position 1 on"
        )));
    }
    let rows = door.app.store.audit(from, limit).await.map_err(AppError::from)?;
    let link = |row: crate::store::AuditRow| AuditLink {
        position: row.position,
        body: row.body,
        hash: row.hash,
        signature: row.signature,
    };
    Ok(Json(AuditView {
        public_key: door.app.audit.public_key(),
        links: rows.into_iter().map(link).collect(),
    }))
}
