//! REST about what operators teach the reader of sentences.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::pages::{Page, Paged};
use super::problem::Problem;
use super::rest::{Door, asker, parse};
use crate::learning::{LearnedView, Proposal, SetView, Trial};

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(rules, propose))
        .routes(routes!(rule))
        .routes(routes!(attempt))
        .routes(routes!(activate))
        .routes(routes!(withdraw))
        .routes(routes!(history))
        .routes(routes!(revert))
}

/// A sentence, and what it means: either `means` or `intent`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProposalRequest {
    /// The sentence that was read wrong, or not at all.
    #[schema(min_length = 1, max_length = 300)]
    say: String,
    /// The same in words that are understood.
    #[schema(max_length = 4000)]
    means: Option<String>,
    /// The same as an intent.
    intent: Option<MeantIntent>,
    /// The phrase in the notation of classes, where you write it yourself.
    #[schema(max_length = 300)]
    phrase: Option<String>,
}

/// What is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MeantIntent {
    /// The class.
    class: String,
    /// Its slots.
    #[serde(default)]
    #[schema(value_type = Object)]
    slots: Map<String, Value>,
}

/// The rules that were learned, the earliest first.
#[utoipa::path(get, path = "/v1/rules", params(Page), responses((status = 200, body = [LearnedView]), (status = 422, body = Problem)))]
async fn rules(State(door): State<Door>, Query(page): Query<Page>) -> Result<Paged<LearnedView>, Problem> {
    let limit = page.limit()?;
    let wrong = || Problem::invalid("`after` is no end of a page: take it from a `Link` header".to_owned());
    let after: i64 = page
        .after()?
        .map_or(Ok(0), |after| after.parse().map_err(|_| wrong()))?;
    let mut rows = door.app.learned_rules().await?;
    rows.retain(|row| row.number > after);
    rows.truncate(limit);
    Ok(Paged::new("/v1/rules", limit, rows, |row| row.number.to_string()))
}

/// Proposes a correction: a candidate that changes no reading until it is activated.
#[utoipa::path(post, path = "/v1/rules", request_body(content = ProposalRequest, content_type = "application/json"),
    responses((status = 201, body = LearnedView), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn propose(
    State(door): State<Door>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<LearnedView>), Problem> {
    let request: ProposalRequest = parse(&body)?;
    let proposal = Proposal {
        say: request.say,
        means: request.means,
        intent: request.intent.map(|it| (it.class, it.slots)),
        phrase: request.phrase,
    };
    let rule = door.app.propose(proposal, &asker(&headers)).await?;
    Ok((StatusCode::CREATED, Json(rule)))
}

/// One rule.
#[utoipa::path(get, path = "/v1/rules/{number}", responses((status = 200, body = LearnedView), (status = 404, body = Problem)))]
async fn rule(State(door): State<Door>, Path(number): Path<i64>) -> Result<Json<LearnedView>, Problem> {
    Ok(Json(door.app.learned_rule(number).await?))
}

/// Reads every sentence that must stay as it is, with a rule and without it. Nothing changes.
#[utoipa::path(post, path = "/v1/rules/{number}/try", responses((status = 200, body = Trial), (status = 404, body = Problem)))]
async fn attempt(State(door): State<Door>, Path(number): Path<i64>) -> Result<Json<Trial>, Problem> {
    Ok(Json(door.app.try_rule(number).await?))
}

/// Lets a candidate hold; refused where a sentence that is read right would be read otherwise.
#[utoipa::path(post, path = "/v1/rules/{number}/activate",
    responses((status = 200, body = SetView), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn activate(
    State(door): State<Door>,
    Path(number): Path<i64>,
    headers: HeaderMap,
) -> Result<Json<SetView>, Problem> {
    Ok(Json(door.app.activate_rule(number, &asker(&headers)).await?))
}

/// Takes a rule back, or a candidate out of the way.
#[utoipa::path(post, path = "/v1/rules/{number}/withdraw",
    responses((status = 200, body = LearnedView), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn withdraw(
    State(door): State<Door>,
    Path(number): Path<i64>,
    headers: HeaderMap,
) -> Result<Json<LearnedView>, Problem> {
    Ok(Json(door.app.withdraw_rule(number, &asker(&headers)).await?))
}

/// The sets of rules that held one after the other, the earliest first.
#[utoipa::path(get, path = "/v1/rule-versions", responses((status = 200, body = [SetView])))]
async fn history(State(door): State<Door>) -> Result<Json<Vec<SetView>>, Problem> {
    Ok(Json(door.app.rule_history().await?))
}

/// Brings the rules of an earlier version back, as a new version; 0 is that nothing was learned.
#[utoipa::path(post, path = "/v1/rule-versions/{version}/revert",
    responses((status = 200, body = SetView), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn revert(
    State(door): State<Door>,
    Path(version): Path<i64>,
    headers: HeaderMap,
) -> Result<Json<SetView>, Problem> {
    Ok(Json(door.app.revert_rules(version, &asker(&headers)).await?))
}
