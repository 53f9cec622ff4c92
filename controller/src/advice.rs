//! A language model, where one is configured: it reads a sentence beside the rules, and is never more than advice.
//!
//! What it says is data. It passes the same checks as any intent, may name only what the speaker named, and where it is
//! alone or says something else than the rules a person is asked. Where it fails, the reading of the rules stands.

mod budget;
mod door;
mod prompt;
mod settings;
mod weigh;

use std::sync::Arc;
use std::time::Duration;

use intents::{Answer, Conversation, Library, Names, Reading};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::app::{App, AppError, Asker, stamp};
use crate::saying::{ReadingView, Understood, views};

pub use budget::Used;
pub use door::Adviser;
pub use settings::{AdviceSettings, When, settings};

/// How many questions may be with the model at once.
const AT_ONCE: usize = 4;
/// How many cases it is shown.
const CASES: usize = 3;
/// How much of a prompt or an answer the audit chain keeps, in characters.
const AUDITED: usize = 4_000;

/// The model, as the controller reaches it.
pub struct Advice {
    door: Box<dyn Adviser>,
    settings: AdviceSettings,
    places: Arc<Semaphore>,
}

/// What the language model made of a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ModelView {
    /// Whether it was heard.
    pub heard: bool,
    /// Why it was not, or why what it said does not count.
    pub why: Option<String>,
    /// Whether it reads the sentence as the rules do.
    pub agrees: Option<bool>,
    /// How far its reading is believed without the rules: never far enough to be committed without a person's yes.
    pub confidence: Option<f64>,
    /// What it read, checked like any intent.
    pub readings: Vec<ReadingView>,
}

impl ModelView {
    fn unheard(why: String) -> Self {
        Self {
            heard: false,
            why: Some(why),
            agrees: None,
            confidence: None,
            readings: Vec::new(),
        }
    }
}

/// A sentence with everything that it is read by.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The sentence.
    pub text: &'a str,
    /// What was agreed before.
    pub conversation: &'a Conversation,
    /// The classes.
    pub library: &'a Library,
    /// What may be named.
    pub names: &'a Names,
}

impl Advice {
    /// The model that the settings name; nothing where they name none.
    ///
    /// # Errors
    /// Where its key cannot be had.
    pub fn open(settings: Option<AdviceSettings>) -> anyhow::Result<Option<Self>> {
        let Some(settings) = settings else {
            return Ok(None);
        };
        tracing::info!(url = settings.url, model = settings.model, "a language model advises");
        Ok(Some(Self {
            door: Box::new(door::Http::open(&settings)?),
            settings,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }))
    }
}

impl App {
    /// Asks the model as well, where there is one, and makes of both readings one answer.
    pub(crate) async fn advised(
        &self,
        said: Said<'_>,
        rules: &Answer,
        mut understood: Understood,
        asker: &Asker,
    ) -> Result<(Understood, Vec<Reading>), AppError> {
        let Some(advice) = &self.advice else {
            return Ok((understood, Vec::new()));
        };
        let sure = matches!(rules, Answer::Intents(_));
        if sure && advice.settings.when == When::Unsure {
            return Ok((understood, Vec::new()));
        }
        let heard = match self.hear(advice, said, &understood.conversation, asker).await? {
            Ok(heard) => heard,
            Err(why) => {
                understood.model = Some(ModelView::unheard(why));
                return Ok((understood, Vec::new()));
            }
        };
        let checked = weigh::check(&heard, said, rules);
        let chinese = weigh::is_chinese(said.text);
        match checked {
            Err(why) => {
                understood.model = Some(ModelView::unheard(cut(&advice.door.without_secrets(&why))));
                Ok((understood, Vec::new()))
            }
            Ok(advised) => {
                let weighed = weigh::weigh(rules, &advised.readings, said.library);
                understood.model = Some(ModelView {
                    heard: true,
                    why: None,
                    agrees: Some(matches!(weighed, weigh::Weighed::Agrees | weigh::Weighed::Silent)),
                    confidence: Some(weigh::confidence(weighed, advised.confidence)),
                    readings: views(&advised.readings, said.library),
                });
                ask(&mut understood, weighed, (rules, &advised.readings), chinese);
                Ok((understood, advised.readings))
            }
        }
    }

    /// What the model says to a sentence, within its budget and written down; or why it was not heard.
    async fn hear(
        &self,
        advice: &Advice,
        said: Said<'_>,
        conversation: &str,
        asker: &Asker,
    ) -> Result<Result<String, String>, AppError> {
        if let Some(word) = weigh::secretive(said.text) {
            return Ok(Err(format!(
                "a sentence with {word:?} may hold a secret and is not sent"
            )));
        }
        let Ok(_place) = advice.places.clone().try_acquire_owned() else {
            return Ok(Err(format!("{AT_ONCE} sentences are with it already")));
        };
        let hour = stamp() / 3_600_000;
        if let Err(why) = advice.settings.budget.allows(&self.store.model_use(hour).await?) {
            return Ok(Err(why));
        }
        // The call counts before it is made: a crash gives nothing back.
        self.store.add_model_use(hour, 1, 0).await?;
        let cases = self.cases(Some(said.text), CASES);
        let document = prompt::document(said, &cases.iter().map(knowledge_cases::Case::text).collect::<Vec<_>>());
        let request = prompt::request(&advice.settings.model, &document, said.library);
        let begun = tokio::time::Instant::now();
        let answer = advice.door.ask(request, advice.settings.deadline).await;
        let took = begun.elapsed();
        let (tokens, words, why) = match answer {
            Ok(words) => (words.tokens, Some(words.text), None),
            Err(error) => (0, None, Some(error.to_string())),
        };
        self.store.add_model_use(hour, 0, tokens).await?;
        let shown = |text: &str| cut(&advice.door.without_secrets(text));
        let detail = json!({
            "model": advice.settings.model,
            "prompt": shown(&document.to_string()),
            "answer": words.as_deref().map(shown),
            "why": why.as_deref().map(shown),
            "tokens": tokens,
            "milliseconds": milliseconds(took),
        });
        self.note(asker, "ask model", conversation, detail).await?;
        if let Some(why) = &why {
            tracing::warn!(why = shown(why), "the language model was not heard");
        }
        Ok(words.ok_or_else(|| shown(&why.unwrap_or_default())))
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(AUDITED) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

/// Where the model says something of its own, a person is asked, with both readings shown.
fn ask(understood: &mut Understood, weighed: weigh::Weighed, (rules, model): (&Answer, &[Reading]), chinese: bool) {
    let model = match model {
        [] => "nothing".to_owned(),
        some => Answer::Intents(some.to_vec()).short(),
    };
    let (reason, text) = match (weighed, chinese) {
        (weigh::Weighed::Agrees | weigh::Weighed::Silent, _) => return,
        (weigh::Weighed::Alone, false) => (
            "model",
            "only the language model reads it, which may be wrong: is this meant?",
        ),
        (weigh::Weighed::Alone, true) => ("model", "只有语言模型这样理解，可能有误：是这个意思吗？"),
        (weigh::Weighed::Differs, false) => (
            "differs",
            "the rules and the language model read it differently: which is meant?",
        ),
        (weigh::Weighed::Differs, true) => ("differs", "规则与语言模型的理解不同：是哪一个？"),
    };
    understood.answer = "ask";
    understood.reason = Some(reason);
    understood.said = None;
    understood.slots = Vec::new();
    let earlier = understood.text.take().map(|it| format!("{it}\n")).unwrap_or_default();
    understood.text = Some(format!("{earlier}{text}"));
    understood.candidates = match reason {
        "differs" => vec![format!("rules: {}", rules.short()), format!("model: {model}")],
        _ => vec![format!("model: {model}")],
    };
}

impl std::fmt::Debug for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Advice")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A document of the prompt, before it is sent.
type Document = Value;
