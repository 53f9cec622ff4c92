//! Errors as RFC 9457 writes them.

use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::agents::ReadError;
use crate::app::AppError;
use crate::plan::PlanError;

/// What is wrong with a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A stable code, see docs/rest.md.
    pub code: &'static str,
    /// The status again.
    pub status: u16,
    /// What is wrong, in one sentence.
    pub title: String,
    /// Every fault with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

impl Problem {
    /// A problem without further faults.
    pub fn new(status: u16, code: &'static str, title: String) -> Self {
        Self {
            code,
            status,
            title,
            faults: Vec::new(),
        }
    }

    /// What was sent cannot be.
    pub fn invalid(title: String) -> Self {
        Self::new(422, "invalid", title)
    }

    /// The problem that an answer of the machinery stands for, such as a wrong query or an unknown path.
    fn plain(status: StatusCode, said: &str) -> Self {
        let (code, usual) = match status {
            StatusCode::NOT_FOUND => ("missing", "nothing is served here: see /v1/openapi.json"),
            StatusCode::METHOD_NOT_ALLOWED => ("method", "this path does not take this method: see /v1/openapi.json"),
            StatusCode::PAYLOAD_TOO_LARGE => ("large", "the body is too long: send less"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("invalid", "this content type is not read: send JSON"),
            status if status.is_server_error() => ("inside", "something went wrong inside: look at the log"),
            _ => ("invalid", "the request cannot be understood"),
        };
        let title = if said.is_empty() || status.is_server_error() {
            usual
        } else {
            said
        };
        Self::new(status.as_u16(), code, title.to_owned())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

/// How much of what the machinery says is passed on.
const SAID: usize = 4096;

/// Gives every answer that says no the form of a problem.
pub async fn everywhere(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let ours = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let said = to_bytes(body, SAID).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let mut response = Problem::plain(status, said.trim()).into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let full = matches!(&error, AppError::Store(error) if error.is_full());
        let title = if full {
            "the controller's disk is full: free some space, nothing was done".to_owned()
        } else {
            error.to_string()
        };
        let (status, code, faults) = match error {
            AppError::Invalid(faults) => (422, "invalid", faults.iter().map(ToString::to_string).collect()),
            AppError::Missing { .. } => (404, "missing", Vec::new()),
            AppError::Plan(PlanError::Invalid(faults)) => (422, "invalid", faults),
            AppError::Plan(PlanError::Conflict(conflicts)) => (409, "conflict", conflicts),
            AppError::Plan(PlanError::Unread(_)) => (503, "unreachable", Vec::new()),
            // What is wrong here is the state of the device, which somebody has to change, not the controller.
            AppError::Read(ReadError::Unspoken { .. }) => (409, "unreachable", Vec::new()),
            AppError::Plan(PlanError::CutOff(cuts)) => (409, "cut-off", cuts),
            AppError::Read(ReadError::Away { .. } | ReadError::Late { .. } | ReadError::Fault { .. }) => {
                (503, "unreachable", Vec::new())
            }
            AppError::Stale(moved) => (409, "stale", moved),
            AppError::Classes(faults) => (422, "invalid", faults),
            AppError::Unteachable(error) => (422, "invalid", error.faults()),
            AppError::Unlearned { changes, .. } => (409, "conflict", changes),
            AppError::NotYet(_) => (422, "not-yet", Vec::new()),
            AppError::Spent { .. } | AppError::Changed { .. } => (409, "spent", Vec::new()),
            AppError::Store(_) if full => (507, "full", Vec::new()),
            AppError::Unapproved { wanting, .. } => (403, "unapproved", wanting),
            AppError::Frozen { .. } => (403, "frozen", Vec::new()),
            AppError::Maintained { busy } => (409, "maintenance", busy),
            AppError::Final { .. } | AppError::Over { .. } => (409, "conflict", Vec::new()),
            AppError::Moved { what, .. } => (409, "stale", what),
            AppError::Twice(_) => (409, "conflict", Vec::new()),
            AppError::Outdated(_) => (409, "outdated", Vec::new()),
            AppError::Store(_) | AppError::Inside(_) | AppError::Read(ReadError::Veiled { .. }) => {
                tracing::error!(%title, "cannot serve a request");
                (500, "inside", Vec::new())
            }
        };
        Self {
            code,
            status,
            title,
            faults,
        }
    }
}
