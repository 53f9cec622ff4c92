//! Traces, where a setting names who takes them: requests and transactions as spans, in the JSON form of OTLP over HTTP.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

/// How many spans may wait to be sent; more are dropped and counted.
const WAITING: usize = 2048;
/// How many are sent together.
const BATCH: usize = 256;
/// How long the first of them waits for others.
const TOGETHER: Duration = Duration::from_millis(500);
/// How long who takes them may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Something that began and ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it belongs to: the whole of a trace.
    pub trace: u128,
    /// Its own number.
    pub id: u64,
    /// Within which it happened; nothing at the top.
    pub parent: Option<u64>,
    /// What it was.
    pub name: String,
    /// When it began, in milliseconds since 1970.
    pub begun: u64,
    /// When it ended.
    pub ended: u64,
    /// What is known of it.
    pub known: Vec<(&'static str, String)>,
    /// Whether it went wrong.
    pub failed: bool,
}

/// Who is told of spans.
#[derive(Debug, Clone)]
pub struct Traces {
    spans: mpsc::Sender<Span>,
}

impl Traces {
    /// Begins to send spans to an endpoint, the base of OTLP over HTTP.
    pub fn start(endpoint: &str) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(WITHIN).build()?;
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let (spans, waiting) = mpsc::channel(WAITING);
        tokio::spawn(send(http, url, waiting));
        Ok(Self { spans })
    }

    /// Tells of a span; where too many wait it is dropped, for nothing waits for traces.
    pub fn tell(&self, span: Span) {
        let _ = self.spans.try_send(span);
    }
}

async fn send(http: reqwest::Client, url: String, mut waiting: mpsc::Receiver<Span>) {
    let mut told = true;
    while let Some(first) = waiting.recv().await {
        let mut spans = vec![first];
        let end = tokio::time::Instant::now() + TOGETHER;
        while spans.len() < BATCH
            && let Ok(Some(span)) = tokio::time::timeout_at(end, waiting.recv()).await
        {
            spans.push(span);
        }
        let sent = http.post(&url).json(&written(&spans)).send().await;
        let sent = sent.and_then(reqwest::Response::error_for_status);
        match sent {
            Ok(_) => told = true,
            // Once: who takes traces may be away for long.
            Err(error) if told => {
                told = false;
                tracing::warn!(%url, %error, "nobody takes the traces; they are dropped until somebody does");
            }
            Err(_) => {}
        }
    }
}

fn written(spans: &[Span]) -> Value {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let nanoseconds = |milliseconds: u64| (u128::from(milliseconds) * 1_000_000).to_string();
    let span = |span: &Span| {
        let known: Vec<Value> = span.known.iter().map(|(key, value)| text(key, value)).collect();
        let mut written = json!({
            "traceId": format!("{:032x}", span.trace),
            "spanId": format!("{:016x}", span.id),
            "name": span.name,
            "kind": 2,
            "startTimeUnixNano": nanoseconds(span.begun),
            "endTimeUnixNano": nanoseconds(span.ended.max(span.begun)),
            "attributes": known,
            "status": { "code": if span.failed { 2 } else { 1 } },
        });
        if let Some(parent) = span.parent {
            written["parentSpanId"] = format!("{parent:016x}").into();
        }
        written
    };
    let (name, version) = (
        text("service.name", "entente"),
        text("service.version", env!("CARGO_PKG_VERSION")),
    );
    json!({ "resourceSpans": [{
        "resource": { "attributes": [name, version] },
        "scopeSpans": [{ "scope": { "name": "entente" }, "spans": spans.iter().map(span).collect::<Vec<_>>() }],
    }]})
}

/// The trace and the span that a `traceparent` header (W3C Trace Context) names.
pub fn parent(header: &str) -> Option<(u128, u64)> {
    let mut parts = header.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 {
        return None;
    }
    let (trace, span) = (
        u128::from_str_radix(trace, 16).ok()?,
        u64::from_str_radix(span, 16).ok()?,
    );
    (trace != 0 && span != 0).then_some((trace, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_may_name_his_trace() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let good = parent(&format!("00-{trace}-00f067aa0ba902b7-01"));
        assert_eq!(
            good,
            Some((0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7))
        );
        for bad in [
            "",
            "00",
            "00-1-2-01",
            &format!("ff-{trace}-00f067aa0ba902b7-01"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        ] {
            assert_eq!(parent(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_span_is_written_as_otlp_says() {
        let span = Span {
            trace: 1,
            id: 2,
            parent: Some(3),
            name: "GET".to_owned(),
            begun: 5,
            ended: 7,
            known: vec![("http.route", "/v1".to_owned())],
            failed: true,
        };
        let written = written(&[span]);
        let it = &written["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(it["traceId"], format!("{}1", "0".repeat(31)));
        assert_eq!(
            (it["spanId"].as_str(), it["parentSpanId"].as_str()),
            (Some("0000000000000002"), Some("0000000000000003"))
        );
        assert_eq!(
            (it["startTimeUnixNano"].as_str(), it["endTimeUnixNano"].as_str()),
            (Some("5000000"), Some("7000000"))
        );
        assert_eq!(
            (
                it["status"]["code"].as_u64(),
                it["attributes"][0]["value"]["stringValue"].as_str()
            ),
            (Some(2), Some("/v1"))
        );
    }
}
