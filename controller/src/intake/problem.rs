//! Errors as RFC 9457 writes them.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::AppError;
use crate::plan::PlanError;

/// What is wrong with a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A stable code: `invalid`, `missing`, `conflict`, `unreachable`, `denied`, `spent`, `inside`.
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
    /// What was sent cannot be.
    pub fn invalid(title: String) -> Self {
        Self {
            code: "invalid",
            status: 422,
            title,
            faults: Vec::new(),
        }
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

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let title = error.to_string();
        let (status, code, faults) = match error {
            AppError::Invalid(faults) => (422, "invalid", faults.iter().map(ToString::to_string).collect()),
            AppError::Missing { .. } => (404, "missing", Vec::new()),
            AppError::Plan(PlanError::Invalid(faults)) => (422, "invalid", faults),
            AppError::Plan(PlanError::Conflict(conflicts)) => (409, "conflict", conflicts),
            AppError::Plan(PlanError::Unread(_)) => (503, "unreachable", Vec::new()),
            AppError::Read(_) => (503, "unreachable", Vec::new()),
            AppError::Spent { .. } | AppError::Changed { .. } => (409, "spent", Vec::new()),
            AppError::Store(_) | AppError::Inside(_) => {
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
