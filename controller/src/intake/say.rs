//! Sentences over REST.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::{Door, asker, parse};
use crate::saying::{Understood, Whose};

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(understand))
        .routes(routes!(confirm))
}

/// A sentence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Utterance {
    /// What is said, in English or Chinese.
    text: String,
    /// The conversation that it belongs to, as an earlier answer named it.
    conversation: Option<String>,
}

/// Whose reading was done.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Done {
    /// `rules`, or `model`: that of the language model.
    #[serde(default)]
    reading: Whose,
}

/// How many intents a conversation has confirmed.
#[derive(Serialize, ToSchema)]
struct ConfirmedView {
    /// So many.
    confirmed: usize,
}

/// Reads a sentence: intents to be planned or asked, one question back, or a refusal. Nothing changes.
#[utoipa::path(post, path = "/v1/utterances", request_body(content = Utterance, content_type = "application/json"),
    responses((status = 200, body = Understood), (status = 422, body = Problem)))]
async fn understand(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Result<Json<Understood>, Problem> {
    let utterance: Utterance = parse(&body)?;
    let understood = door
        .app
        .understand(&utterance.text, utterance.conversation.as_deref(), &asker(&headers))
        .await?;
    Ok(Json(understood))
}

/// Says that what was last read in a conversation was done: later sentences may refer to it.
#[utoipa::path(post, path = "/v1/utterances/{conversation}/confirm", params(Done),
    responses((status = 200, body = ConfirmedView), (status = 404, body = Problem)))]
async fn confirm(
    State(door): State<Door>,
    Path(conversation): Path<String>,
    Query(Done { reading }): Query<Done>,
    headers: HeaderMap,
) -> Result<Json<ConfirmedView>, Problem> {
    let confirmed = door.app.confirm(&conversation, reading, &asker(&headers)).await?;
    Ok(Json(ConfirmedView { confirmed }))
}
