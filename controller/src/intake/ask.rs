//! Classes, questions and carried plans over REST.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::{Door, asker, not_text, parse};
use crate::answer::Answer;
use crate::app::AppError;
use crate::plan::Plan;

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(classes))
        .routes(routes!(class))
        .routes(routes!(reload))
        .routes(routes!(call))
        .routes(routes!(carry))
}

/// The classes that the controller knows.
#[derive(Debug, Serialize, ToSchema)]
struct LibraryView {
    /// Tells this library from every other.
    revision: String,
    /// The classes in the order of their names.
    classes: Vec<ClassView>,
}

/// A class.
#[derive(Debug, Serialize, ToSchema)]
struct ClassView {
    /// Its name.
    name: String,
    /// Its version.
    version: u32,
    /// Its title.
    title: String,
    /// What may go wrong: `low`, `medium` or `high`.
    risk: &'static str,
    /// Where its file is; nothing for those that come with the program.
    file: Option<String>,
}

fn view(library: &intents::Library) -> LibraryView {
    let class = |class: &intents::Class| ClassView {
        name: class.name.clone(),
        version: class.version,
        title: class.title.en.clone(),
        risk: class.risk.word(),
        file: library.file(&class.name).map(str::to_owned),
    };
    LibraryView {
        revision: library.revision().to_owned(),
        classes: library.iter().map(class).collect(),
    }
}

/// The classes that the controller knows.
#[utoipa::path(get, path = "/v1/classes", responses((status = 200, body = LibraryView)))]
async fn classes(State(door): State<Door>) -> Json<LibraryView> {
    Json(view(&door.app.library()))
}

/// The JSON Schema of intents of one class.
#[utoipa::path(get, path = "/v1/classes/{name}", responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn class(State(door): State<Door>, Path(name): Path<String>) -> Result<Json<serde_json::Value>, Problem> {
    let library = door.app.library();
    let class = library.class(&name).ok_or(AppError::Missing {
        kind: "class",
        key: name,
    })?;
    Ok(Json(intents::class_schema(class)))
}

/// Reads the classes anew; the old ones stay where the new ones have faults.
#[utoipa::path(post, path = "/v1/classes/reload", responses((status = 200, body = LibraryView), (status = 422, body = Problem)))]
async fn reload(State(door): State<Door>, headers: HeaderMap) -> Result<Json<LibraryView>, Problem> {
    Ok(Json(view(&*door.app.reload(&asker(&headers)).await?)))
}

/// Answers an intent that changes nothing: a question about the network or about intents.
#[utoipa::path(post, path = "/v1/calls", request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = Answer), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn call(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Result<Json<Answer>, Problem> {
    let text = std::str::from_utf8(&body).map_err(|_| AppError::Invalid(vec![not_text()]))?;
    let envelopes = intents::read_file(text, &door.app.library()).map_err(AppError::Invalid)?;
    let [envelope] = &envelopes[..] else {
        return Err(Problem::invalid("ask one thing at a time".to_owned()));
    };
    Ok(Json(door.app.answer(envelope, &asker(&headers)).await?))
}

/// Takes a plan that was made without a controller: it is made anew, and refused where the network moved on.
#[utoipa::path(post, path = "/v1/plans/carried", request_body(content = Plan, content_type = "application/json"),
    responses((status = 201, body = Plan), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn carry(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Result<(StatusCode, Json<Plan>), Problem> {
    let carried: Plan = parse(&body)?;
    Ok((
        StatusCode::CREATED,
        Json(door.app.carry(carried, &asker(&headers)).await?),
    ))
}
