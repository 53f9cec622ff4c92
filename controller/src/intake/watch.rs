//! REST about watching a device: what its agent sees again and again, as it comes.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use fabric_wire::v1::Source;
use futures::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::Door;
use crate::agents::{Wish, invalid};
use crate::app::AppError;

/// How often a device may be looked at.
const OFTEN: std::ops::RangeInclusive<u64> = 200..=3_600_000;
/// How many names or paths are watched at once.
const MOST: usize = 64;

/// What is watched.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// `state`: what the device says of itself; `running`: its configuration.
    source: String,
    /// Names (`interface`, `bgp-session`) or paths, separated by commas; nothing: the links, or all of the configuration.
    path: String,
    /// How often it is looked, in milliseconds.
    every: u64,
    /// Whether only what has changed is told.
    changes: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            source: "state".to_owned(),
            path: String::new(),
            every: 5_000,
            changes: false,
        }
    }
}

impl Wanted {
    fn read(self) -> Result<(Source, Vec<String>, Duration, bool), AppError> {
        let mut paths: Vec<String> = self.path.split(',').map(|it| it.trim().to_owned()).collect();
        paths.retain(|it| !it.is_empty());
        let source = match self.source.as_str() {
            "state" => Source::State,
            "running" => Source::Running,
            _ => return Err(invalid("the source is not understood", "state or running")),
        };
        if source == Source::State && paths.is_empty() {
            paths.push("interface".to_owned());
        }
        let plain = |it: &String| it.parse::<knowledge_model::Path>().is_ok();
        if paths.len() > MOST || !paths.iter().all(plain) {
            return Err(invalid("a path is not understood", "at most 64, as in interface[eth1]"));
        }
        if !OFTEN.contains(&self.every) {
            return Err(invalid(
                "that is not how often a device is looked at",
                "200 to 3600000 ms",
            ));
        }
        Ok((source, paths, Duration::from_millis(self.every), self.changes))
    }
}

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(watch))
}

/// What the agent of a device sees, again and again, as server-sent events; it looks no longer once nobody listens.
#[utoipa::path(get, path = "/v1/devices/{name}/watch", params(Wanted),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn watch(
    State(door): State<Door>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>>>, Problem> {
    let (source, paths, every, changes_only) = wanted.read()?;
    let wish = Wish {
        device: door.app.device(&name).await?.id,
        source,
        paths,
        every,
        changes_only,
    };
    let watching = door.app.agents.watch(wish).map_err(AppError::Read)?;
    let lines = stream::unfold(Some(watching), |watching| async {
        let mut watching = watching?;
        match watching.next().await? {
            Ok(seen) => Some((Ok(line(&seen)), Some(watching))),
            Err(words) => Some((Ok(line(&serde_json::json!({ "ended": words }))), None)),
        }
    });
    let beginning = stream::once(async { Ok(Line::default().comment("watching")) });
    Ok(Sse::new(beginning.chain(lines)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn line(what: &impl serde::Serialize) -> Line {
    Line::default().data(serde_json::to_string(what).unwrap_or_default()) // what is told can be written
}
