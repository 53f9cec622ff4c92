//! REST about cases: what went wrong before, and what the cure was.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use knowledge_cases::Case;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppError;
use crate::commit::DeviceFault;

use super::problem::Problem;
use super::rest::{Door, asker, parse};
use super::view::faults;

/// How many cases a list holds at most.
const ROWS: usize = 500;

/// A failure that was kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseView {
    /// Its id.
    id: String,
    /// When it happened last, in milliseconds since 1970.
    at: i64,
    /// How often it happened in this very form.
    times: u32,
    /// The error type: `refused`, `failed`, `torn`, …
    kind: &'static str,
    /// The transaction in which it happened last.
    transaction: String,
    /// The devices that it came from.
    devices: Vec<String>,
    /// Their platforms.
    platforms: Vec<String>,
    /// The classes of the intents.
    classes: Vec<String>,
    /// Where the devices were to be changed.
    paths: Vec<String>,
    /// The scope of impact.
    impact: String,
    /// The device's own words.
    words: String,
    /// The suggested repair.
    suggestion: String,
    /// What went wrong on the devices, part by part, when it happened last.
    faults: Vec<DeviceFault>,
    /// What was tried.
    tried: String,
    /// What an operator found to be the cure.
    cure: Option<String>,
    /// Which operator.
    cured_by: Option<String>,
}

impl From<Case> for CaseView {
    fn from(case: Case) -> Self {
        let (cure, cured_by) = case.cure.map(|it| (it.text, it.by)).unzip();
        Self {
            id: case.id,
            at: case.at,
            times: case.times,
            kind: case.kind.word(),
            transaction: case.transaction,
            devices: case.devices,
            platforms: case.platforms,
            classes: case.classes,
            paths: case.paths,
            impact: case.impact,
            words: case.words,
            suggestion: case.suggestion,
            faults: Vec::new(),
            tried: case.tried,
            cure,
            cured_by,
        }
    }
}

/// Which cases are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub struct About {
    /// Words that the cases speak of, English or Chinese; the likest come first.
    about: Option<String>,
}

/// What the cure was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CureRequest {
    /// In the operator's words.
    text: String,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(cases))
        .routes(routes!(case))
        .routes(routes!(cure))
}

/// What went wrong before, the latest first, or those that speak of something.
#[utoipa::path(get, path = "/v1/cases", params(About), responses((status = 200, body = [CaseView])))]
async fn cases(State(door): State<Door>, Query(About { about }): Query<About>) -> Result<Json<Vec<CaseView>>, Problem> {
    let found = door.app.cases(about.as_deref(), ROWS);
    Ok(Json(viewed(&door, found).await?))
}

/// Cases, with what went wrong in the transactions in which they happened last.
async fn viewed(door: &Door, cases: Vec<Case>) -> Result<Vec<CaseView>, Problem> {
    let transactions: Vec<&str> = cases.iter().map(|it| it.transaction.as_str()).collect();
    let kept = door.app.store.faults_of(&transactions).await.map_err(AppError::from)?;
    let view = |case: Case| {
        let all = kept.get(&case.transaction).map(|it| faults(it)).unwrap_or_default();
        let blames = |it: &DeviceFault| case.devices.is_empty() || case.devices.contains(&it.device);
        let faults = all.into_iter().filter(blames).collect();
        CaseView {
            faults,
            ..CaseView::from(case)
        }
    };
    Ok(cases.into_iter().map(view).collect())
}

async fn viewed_one(door: &Door, case: Case) -> Result<Json<CaseView>, Problem> {
    let mut views = viewed(door, vec![case]).await?;
    let gone = || AppError::Inside("a case came without its view".to_owned());
    Ok(Json(views.pop().ok_or_else(gone)?))
}

/// One case.
#[utoipa::path(get, path = "/v1/cases/{id}", responses((status = 200, body = CaseView), (status = 404, body = Problem)))]
async fn case(State(door): State<Door>, Path(id): Path<String>) -> Result<Json<CaseView>, Problem> {
    viewed_one(&door, door.app.case(&id)?).await
}

/// Notes what the cure of a case was: plans like it are told.
#[utoipa::path(post, path = "/v1/cases/{id}/cure", request_body(content = CureRequest, content_type = "application/json"),
    responses((status = 200, body = CaseView), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn cure(
    State(door): State<Door>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<CaseView>, Problem> {
    let request: CureRequest = parse(&body)?;
    let who = asker(&headers);
    viewed_one(&door, door.app.cure(&id, &request.text, &who).await?).await
}
