//! The command line's way to the controller.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{Stream, StreamExt};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::arguments::Remote;
use crate::config::Config;
use crate::exit::Exit;
use crate::secure;

/// How long an answer may take; a plan reads devices.
const WITHIN: Duration = Duration::from_secs(120);
/// The longest line of events that is read.
const LINE: usize = 1024 * 1024;

/// A controller that is asked.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Problem {
    code: String,
    title: String,
    #[serde(default)]
    faults: Vec<String>,
}

/// One event of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// Counts upwards; a watcher resumes after the last he saw.
    pub sequence: u64,
    /// The device it is about.
    pub device: Option<String>,
    /// What happened.
    pub text: String,
    /// How far the whole transaction is.
    pub percent: u64,
    /// How it ended, on the last event.
    pub ending: Option<String>,
}

impl Client {
    /// The controller that `remote` or the settings name; the token comes from the environment or the state directory.
    pub fn new(remote: &Remote, config: &Config) -> Result<Self> {
        let base = remote.server.clone().unwrap_or_else(|| secure::address(config));
        let file = config.state.join("token");
        let token = match std::env::var("ENTENTE_TOKEN") {
            Ok(token) => token,
            Err(_) => fs::read_to_string(&file)
                .map(|it| it.trim().to_owned())
                .unwrap_or_default(),
        };
        let secured = base.starts_with("https://");
        let certificate = secured && std::env::var_os("ENTENTE_CERTIFICATE").is_some();
        if token.is_empty() && !certificate {
            return Err(Exit::Denied.because(format!(
                "no token: start a controller with `entente serve`, set ENTENTE_TOKEN, or run as the user who may read {}",
                file.display()
            )));
        }
        let mut http = reqwest::Client::builder().connect_timeout(Duration::from_secs(5));
        if secured {
            http = http.tls_backend_preconfigured(secure::client(config)?);
        }
        let http = http.build().context("prepare HTTP")?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Asks for something.
    pub async fn fetch<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let response = self.send(Method::GET, path, None).await?;
        response.json().await.context("read the controller's answer")
    }

    /// Every row of a list, page by page.
    pub async fn list(&self, path: &str) -> Result<Value> {
        let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next.take() {
            let response = self.send(Method::GET, &path, None).await?;
            let link = response.headers().get("link").and_then(|value| value.to_str().ok());
            next = link.and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
            let page: Vec<Value> = response.json().await.context("read the controller's answer")?;
            rows.extend(page);
        }
        Ok(rows.into())
    }

    /// Puts something in the place of another and takes the answer.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: String) -> Result<T> {
        let response = self.send(Method::PUT, path, Some(body)).await?;
        response.json().await.context("read the controller's answer")
    }

    /// Sends something and takes the answer.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: String) -> Result<T> {
        let response = self.send(Method::POST, path, Some(body)).await?;
        response.json().await.context("read the controller's answer")
    }

    /// Sends something whose answer is only that it was done.
    pub async fn order(&self, path: &str, body: String) -> Result<()> {
        let body = Some(body).filter(|it| !it.is_empty());
        self.send(Method::POST, path, body).await.map(|_| ())
    }

    /// Asks for something to be done that has no answer.
    pub async fn tell(&self, path: &str) -> Result<()> {
        self.send(Method::POST, path, None).await.map(|_| ())
    }

    /// Sends something and writes the answer to a file, durable when this returns; gives its length.
    pub async fn download(&self, path: &str, body: String, file: fs::File) -> Result<u64> {
        let response = self.send(Method::POST, path, Some(body)).await?;
        let expected = response.content_length();
        let mut chunks = response.bytes_stream();
        let (mut file, mut length) = (tokio::fs::File::from_std(file), 0);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.context("read the controller's answer")?;
            length += chunk.len() as u64;
            file.write_all(&chunk).await.context("write the file")?;
        }
        if expected.is_some_and(|expected| expected != length) {
            return Err(Exit::Unreachable.because("the controller's answer ended too early: try again"));
        }
        file.sync_all().await.context("write the file")?;
        Ok(length)
    }

    /// Takes something away.
    pub async fn remove(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, None).await.map(|_| ())
    }

    /// Sends something that has no answer.
    pub async fn send_only(&self, path: &str, body: String) -> Result<()> {
        self.send(Method::POST, path, Some(body)).await.map(|_| ())
    }

    async fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Response> {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = if self.token.is_empty() {
            request
        } else {
            request.bearer_auth(&self.token)
        };
        let request = request.header("x-entente-user", std::env::var("USER").unwrap_or_default());
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body),
            None => request,
        };
        let response = tokio::time::timeout(WITHIN, request.send()).await;
        let unreachable = |why: String| {
            Exit::Unreachable.because(format!(
                "the controller at {} does not answer ({why}): start it with `entente serve`, or name it with --server",
                self.base
            ))
        };
        let response = response.map_err(|_| unreachable(format!("nothing in {} s", WITHIN.as_secs())))?;
        let response = response.map_err(|error| unreachable(root(&error)))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(refusal(response).await)
        }
    }

    /// The events of a transaction after `since`, until it ends.
    pub async fn events(&self, id: &str, since: u64) -> Result<impl Stream<Item = Result<Event>> + use<>> {
        self.lines(&format!("/v1/transactions/{id}/progress?since={since}"))
            .await
    }

    /// What comes as server-sent events, each read as JSON.
    pub async fn lines<T: DeserializeOwned + Send>(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<T>> + use<T>> {
        let response = self.send(Method::GET, path, None).await?;
        let chunks = response
            .bytes_stream()
            .map(|chunk| chunk.context("follow the controller"));
        let mut buffer = Vec::new();
        Ok(chunks.flat_map(move |chunk| {
            let events = chunk.map(|chunk| {
                buffer.extend_from_slice(&chunk);
                take_events(&mut buffer)
            });
            futures::stream::iter(events.unwrap_or_else(|error| vec![Err(error)]))
        }))
    }
}

/// Takes the whole lines out of the buffer and reads those that carry data.
fn take_events<T: DeserializeOwned>(buffer: &mut Vec<u8>) -> Vec<Result<T>> {
    let Some(end) = buffer.iter().rposition(|byte| *byte == b'\n') else {
        return if buffer.len() > LINE {
            vec![Err(anyhow::anyhow!("the controller sent an endless line"))]
        } else {
            Vec::new()
        };
    };
    let lines: Vec<u8> = buffer.drain(..=end).collect();
    let text = String::from_utf8_lossy(&lines);
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).context("read an event"))
        .collect()
}

fn root(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

async fn refusal(response: Response) -> anyhow::Error {
    let status = response.status();
    let Ok(problem) = response.json::<Problem>().await else {
        return Exit::Failure.because(format!("the controller answered {status}"));
    };
    let exit = match problem.code.as_str() {
        "invalid" => Exit::Invalid,
        "missing" => Exit::Missing,
        "conflict" | "spent" | "stale" | "maintenance" | "cut-off" => Exit::Conflict,
        "denied" | "unapproved" | "frozen" => Exit::Denied,
        "reused" => Exit::Conflict,
        "unreachable" | "outdated" | "busy" | "stopping" | "mute" => Exit::Unreachable,
        "full" => Exit::Full,
        _ if status == StatusCode::UNAUTHORIZED => Exit::Denied,
        _ => Exit::Failure,
    };
    let faults: String = problem.faults.iter().map(|fault| format!("\n  {fault}")).collect();
    exit.because(format!("{}{faults}", problem.title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text = "id: 1\ndata: {\"sequence\":1,\"device\":null,\"text\":\"a\",\"percent\":3,\"ending\":null}\n\n";
        for cut in 0..text.len() {
            let (mut buffer, mut found) = (Vec::new(), Vec::<Result<Event>>::new());
            for part in [&text[..cut], &text[cut..]] {
                buffer.extend_from_slice(part.as_bytes());
                found.extend(take_events(&mut buffer));
            }
            assert_eq!(found.len(), 1, "cut at {cut}");
            assert_eq!(found[0].as_ref().unwrap().text, "a");
        }
    }
}
