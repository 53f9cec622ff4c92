//! Every request is counted, and told as a span where somebody takes traces.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use super::rest::Door;
use crate::commit::now;
use crate::metrics;
use crate::traces::{Span, parent};

/// Counts what is answered, and how long that takes.
pub async fn measured(State(door): State<Door>, request: Request, next: Next) -> Response {
    let (begun, clock, method) = (tokio::time::Instant::now(), now(), request.method().clone());
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map(|it| it.as_str().to_owned());
    let within = request.headers().get("traceparent");
    let within = within.and_then(|value| value.to_str().ok()).and_then(parent);
    let response = next.run(request).await;
    let operation = &door.app.operation;
    operation
        .metrics
        .count(metrics::REQUESTS, &[method.as_str(), response.status().as_str()]);
    operation.metrics.took(begun.elapsed());
    if let Some(traces) = &operation.traces {
        let own = Uuid::now_v7().as_u128();
        let path = path.unwrap_or_else(|| "nowhere".to_owned());
        traces.tell(Span {
            trace: within.map_or(own, |it| it.0),
            id: u64::try_from(own & u128::from(u64::MAX)).unwrap_or(1),
            parent: within.map(|it| it.1),
            name: format!("{method} {path}"),
            begun: clock.0,
            ended: now().0,
            known: vec![
                ("http.request.method", method.to_string()),
                ("http.route", path),
                ("http.response.status_code", response.status().as_u16().to_string()),
            ],
            failed: response.status().is_server_error(),
        });
    }
    response
}
