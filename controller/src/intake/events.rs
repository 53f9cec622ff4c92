//! The REST door's part about events: those that were believed, as they come, and how many were not.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query as Asked, State};
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use fabric_events::{Filter, Severity, is_kind};
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::Door;
use crate::app::AppError;

/// The routes about events.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(tail)).routes(routes!(count))
}

/// Which events are wanted; several words of one kind are separated by commas.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Of one of these types.
    r#type: String,
    /// About one of these devices, by name.
    object: String,
    /// At least so grave: `info`, `warning`, `error`, `critical`.
    severity: String,
    /// After this sequence number; none: from now on.
    since: Option<u64>,
}

/// How many events were believed and how many not.
#[derive(Debug, Serialize, ToSchema)]
struct CountView {
    /// Believed.
    believed: u64,
    /// Refused, by reason.
    refused: BTreeMap<String, u64>,
    /// Believed and not acted on, because they came too fast.
    passed_over: u64,
    /// Own events that wait for the broker.
    waiting: usize,
    /// Own events that were lost because too many waited.
    lost: u64,
    /// Own events that the broker rejected.
    rejected: u64,
    /// The built-in broker, if it is used.
    broker: Option<BrokerView>,
}

/// What the built-in broker has done.
#[derive(Debug, Serialize, ToSchema)]
struct BrokerView {
    /// Clients that are connected.
    connected: usize,
    /// Messages that were taken.
    published: u64,
    /// Messages that were handed to clients.
    delivered: u64,
    /// Messages that their sender was not allowed.
    refused: u64,
    /// Messages that were dropped because too many waited for their receiver.
    dropped: u64,
}

/// Believed events as they come, as server-sent events.
#[utoipa::path(get, path = "/v1/events", params(Wanted),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn tail(
    State(door): State<Door>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>>>, Problem> {
    let filter = filter(&door, &wanted).await?;
    let events = door.app.events.clone();
    let since = wanted.since.unwrap_or_else(|| events.count());
    let lines = stream::unfold((events, filter, since), |(events, filter, since)| async move {
        let (upto, told) = events.after(since, &filter).await;
        let lines: Vec<_> = told.iter().map(|it| Ok(line(it))).collect();
        Some((stream::iter(lines), (events, filter, upto)))
    });
    let beginning = stream::once(async { Ok(Line::default().comment("listening")) });
    let lines = futures::StreamExt::chain(beginning, futures::StreamExt::flatten(lines));
    Ok(Sse::new(lines).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn line(told: &crate::events::Told) -> Line {
    let event = serde_json::to_value(&told.event).unwrap_or_default();
    let data = serde_json::json!({ "sequence": told.sequence, "event": event });
    Line::default().id(told.sequence.to_string()).data(data.to_string())
}

async fn filter(door: &Door, wanted: &Wanted) -> Result<Filter, AppError> {
    let words = |text: &str| {
        text.split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let network = door.app.network.lock().await;
    let id = |name: String| {
        let known = network.named(&name).map(|it| it.id.to_string());
        known.ok_or(AppError::Missing {
            kind: "device",
            key: name,
        })
    };
    let severity = |word: &str| {
        let known = Severity::ALL.into_iter().find(|it| it.word() == word);
        known.ok_or_else(|| super::agents::unclear(word, "info, warning, error or critical"))
    };
    let kind = |word: String| match is_kind(&word) {
        true => Ok(word),
        false => Err(super::agents::unclear(
            &word,
            "a type is small letters, digits and '-', as in link-fault",
        )),
    };
    Ok(Filter {
        kinds: words(&wanted.r#type).into_iter().map(kind).collect::<Result<_, _>>()?,
        devices: words(&wanted.object).into_iter().map(id).collect::<Result<_, _>>()?,
        at_least: Some(wanted.severity.as_str())
            .filter(|it| !it.is_empty())
            .map(severity)
            .transpose()?,
    })
}

/// How many events were believed, and how many were not and why.
#[utoipa::path(get, path = "/v1/events/count", responses((status = 200, body = CountView)))]
async fn count(State(door): State<Door>) -> Json<CountView> {
    let standing = door.app.events.standing();
    let (waiting, lost, rejected) = standing.outbox;
    Json(CountView {
        believed: standing.believed,
        refused: standing.refused,
        passed_over: standing.passed_over,
        waiting,
        lost,
        rejected,
        broker: standing.broker.map(|it| BrokerView {
            connected: it.connected,
            published: it.published,
            delivered: it.delivered,
            refused: it.refused,
            dropped: it.dropped,
        }),
    })
}
