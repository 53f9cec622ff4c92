//! The way to the model: one POST with a deadline, few attempts, a bounded answer, and no redirect followed.

use std::time::Duration;

use anyhow::Context;
use async_openai::types::chat::{CreateChatCompletionRequest, CreateChatCompletionResponse, FinishReason};
use futures::future::BoxFuture;
use reqwest::{StatusCode, redirect};

use super::settings::AdviceSettings;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest answer that is read.
const BYTES: usize = 256 * 1024;
/// How long is waited before another attempt, unless it says how long.
const PAUSE: Duration = Duration::from_millis(300);
/// How much of what a server says beside an error is passed on.
const SAID: usize = 200;

/// Who answers a question.
pub trait Adviser: Send + Sync {
    /// Asks, and waits no longer than `within`.
    fn ask(&self, request: CreateChatCompletionRequest, within: Duration) -> BoxFuture<'_, Result<Words, Unheard>>;
    /// A text without the secrets that the adviser is reached with.
    fn without_secrets(&self, text: &str) -> String;
}

/// What it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The answer.
    pub text: String,
    /// What it cost.
    pub tokens: u64,
}

/// Why the model was not heard.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// Nobody is there, or the line broke.
    #[error("it cannot be reached: {0}")]
    Away(String),
    /// It was too slow.
    #[error("it did not answer in {} ms", .0.as_millis())]
    Late(Duration),
    /// It answered with an error.
    #[error("it answered {status}{said}")]
    Status {
        /// The status.
        status: StatusCode,
        /// What it said beside it, with a colon before.
        said: String,
    },
    /// It points elsewhere.
    #[error("it answered {0}, and redirects are not followed")]
    Elsewhere(StatusCode),
    /// It said too much.
    #[error("its answer is longer than {BYTES} bytes")]
    Long,
    /// It said something else than a completion.
    #[error("its answer is no chat completion: {0}")]
    Garbage(String),
    /// It stopped half way.
    #[error("its answer is not whole: {0}")]
    Half(&'static str),
    /// It would not.
    #[error("it refused: {0}")]
    Refused(String),
}

impl Unheard {
    /// Whether another attempt may help.
    fn passes(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Status { status, .. } => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
            Self::Late(_) | Self::Elsewhere(_) | Self::Long | Self::Garbage(_) | Self::Half(_) | Self::Refused(_) => {
                false
            }
        }
    }
}

/// A model behind an OpenAI-compatible address.
pub struct Http {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
    retries: u32,
}

impl Http {
    /// Prepares to ask; nothing is sent yet.
    ///
    /// # Errors
    /// Where the key cannot be had.
    pub fn open(settings: &AdviceSettings) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .context("prepare to reach the language model")?;
        Ok(Self {
            http,
            url: format!("{}/chat/completions", settings.url.trim_end_matches('/')),
            key: settings.key()?,
            retries: settings.retries,
        })
    }

    async fn persist(&self, request: &CreateChatCompletionRequest) -> Result<Words, Unheard> {
        let mut left = self.retries;
        loop {
            match self.once(request).await {
                Err(error) if error.passes() && left > 0 => {
                    left -= 1;
                    tracing::debug!(%error, "the language model is asked again");
                    tokio::time::sleep(PAUSE).await;
                }
                answered => return answered,
            }
        }
    }

    async fn once(&self, request: &CreateChatCompletionRequest) -> Result<Words, Unheard> {
        let away = |error: reqwest::Error| Unheard::Away(root(&error));
        let post = self.http.post(&self.url).json(request);
        let post = match &self.key {
            Some(key) => post.bearer_auth(key),
            None => post,
        };
        let mut response = post.send().await.map_err(away)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Unheard::Elsewhere(status));
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|_| Unheard::Half("the line broke"))? {
            if body.len() + piece.len() > BYTES {
                return Err(Unheard::Long);
            }
            body.extend_from_slice(&piece);
        }
        if !status.is_success() {
            return Err(Unheard::Status {
                status,
                said: said(&body),
            });
        }
        read(&body)
    }
}

impl Adviser for Http {
    fn ask(&self, request: CreateChatCompletionRequest, within: Duration) -> BoxFuture<'_, Result<Words, Unheard>> {
        Box::pin(async move {
            let answered = tokio::time::timeout(within, self.persist(&request)).await;
            answered.unwrap_or(Err(Unheard::Late(within)))
        })
    }

    fn without_secrets(&self, text: &str) -> String {
        match &self.key {
            Some(key) if !key.is_empty() => text.replace(key, "<key>"),
            Some(_) | None => text.to_owned(),
        }
    }
}

/// What a completion says; anything but one whole answer is none.
fn read(body: &[u8]) -> Result<Words, Unheard> {
    let completion: CreateChatCompletionResponse =
        serde_json::from_slice(body).map_err(|error| Unheard::Garbage(error.to_string()))?;
    let tokens = completion.usage.map_or(0, |usage| u64::from(usage.total_tokens));
    let choice = completion.choices.into_iter().next();
    let choice = choice.ok_or_else(|| Unheard::Garbage("it holds no choice".to_owned()))?;
    if let Some(refusal) = choice.message.refusal {
        return Err(Unheard::Refused(refusal.chars().take(SAID).collect()));
    }
    match choice.finish_reason {
        Some(FinishReason::Length) => return Err(Unheard::Half("it ran out of tokens")),
        Some(FinishReason::ContentFilter) => return Err(Unheard::Refused("a filter of its own".to_owned())),
        Some(FinishReason::ToolCalls | FinishReason::FunctionCall) => {
            return Err(Unheard::Garbage("it calls a tool that nobody offered".to_owned()));
        }
        Some(FinishReason::Stop) | None => {}
    }
    let text = choice.message.content.filter(|it| !it.trim().is_empty());
    let text = text.ok_or_else(|| Unheard::Garbage("it says nothing".to_owned()))?;
    // Where a server counts nothing, what went over the line is an estimate.
    let tokens = if tokens == 0 { body.len() as u64 / 4 } else { tokens };
    Ok(Words { text, tokens })
}

/// What a server said beside an error, as one line without control characters.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let plain: String = text
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .take(SAID)
        .collect();
    match plain.trim() {
        "" => String::new(),
        plain => format!(": {plain}"),
    }
}

fn root(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
