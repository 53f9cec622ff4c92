//! How the model is reached, as the settings say.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use knowledge_model::document::{Faults, Mark};

use super::budget::Budget;
use crate::config::{Shown, duration};

/// When the model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Of every sentence.
    Always,
    /// Where the rules ask back or refuse.
    Unsure,
}

/// The settings under `model`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdviceSettings {
    /// The base address, to which `/chat/completions` is added.
    pub url: String,
    /// Which model is asked for.
    pub model: String,
    /// When.
    pub when: When,
    /// How long an answer may take, all attempts together.
    pub deadline: Duration,
    /// How many attempts follow a failed one.
    pub retries: u32,
    /// What it may cost.
    pub budget: Budget,
    key_file: Option<PathBuf>,
    key_variable: Option<String>,
}

/// The most attempts that may follow.
const RETRIES: u32 = 5;
/// The longest deadline: who waits for REST waits no longer than two minutes.
const LONGEST: Duration = Duration::from_secs(90);

/// Reads them; nothing where no address is set.
pub fn settings(shown: &[Shown], faults: &Faults) -> Option<AdviceSettings> {
    let text = |name: &str| {
        let found = shown.iter().find(|it| it.name == name);
        found.map(|it| it.value.clone()).unwrap_or_default()
    };
    let given = |name: &str| Some(text(name)).filter(|it| !it.is_empty());
    let wrong = |name: &str, expected: &str| {
        faults.add(
            Mark::default(),
            format!("`{name}` is {:?}, expected {expected}", text(name)),
            "",
        );
    };
    let url = given("model.url")?;
    let plain = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if plain.is_none_or(|rest| rest.is_empty() || rest.contains(['@', '?', '#', ' '])) {
        wrong(
            "model.url",
            "an address such as https://models.example.net/v1, without a key in it",
        );
        return None;
    }
    let number = |name: &str| {
        let number = text(name).parse::<u64>().ok();
        if number.is_none() {
            wrong(name, "a number");
        }
        number
    };
    let deadline = duration(&text("model.deadline")).filter(|it| !it.is_zero() && *it <= LONGEST);
    if deadline.is_none() {
        wrong("model.deadline", "a time such as 10s, at most 90s");
    }
    let retries = number("model.retries").and_then(|it| u32::try_from(it).ok());
    let retries = retries.filter(|it| *it <= RETRIES);
    if retries.is_none() {
        wrong("model.retries", "a number up to 5");
    }
    let when = match text("model.when").as_str() {
        "always" => Some(When::Always),
        "unsure" => Some(When::Unsure),
        _ => None,
    };
    if when.is_none() {
        wrong("model.when", "`always` or `unsure`");
    }
    let model = given("model.name");
    if model.is_none() {
        wrong("model.name", "the name of a model");
    }
    if given("model.key-file").is_some() && given("model.key-variable").is_some() {
        wrong("model.key-file", "nothing where `model.key-variable` is set");
    }
    Some(AdviceSettings {
        url,
        model: model?,
        when: when?,
        deadline: deadline?,
        retries: retries?,
        budget: Budget {
            calls_an_hour: number("model.calls-an-hour")?,
            tokens_a_day: number("model.tokens-a-day")?,
        },
        key_file: given("model.key-file").map(PathBuf::from),
        key_variable: given("model.key-variable"),
    })
}

impl AdviceSettings {
    /// The key, from the file or the variable that is named.
    ///
    /// # Errors
    /// Where it is named and cannot be had.
    pub fn key(&self) -> anyhow::Result<Option<String>> {
        let key = match (&self.key_file, &self.key_variable) {
            (Some(file), _) => crate::command::read(file).context("read the key of the language model")?,
            (None, Some(name)) => std::env::var(name)
                .with_context(|| format!("the variable {name} holds no key of the language model"))?,
            (None, None) => return Ok(None),
        };
        let key = key.trim().to_owned();
        let fits = !key.is_empty() && key.chars().all(|it| it.is_ascii_graphic());
        anyhow::ensure!(fits, "the key of the language model is no line of visible characters");
        Ok(Some(key))
    }
}
