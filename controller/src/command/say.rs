//! `entente say`: a sentence is read, the reading is shown, and what it comes to is planned, asked or committed.

use anyhow::Result;
use serde_json::{Value, json};

use super::question::{self, agreed, line};
use super::{ask, commit, say, show};
use crate::arguments::{Output, SayArguments};
use crate::client::Client;
use crate::exit::Exit;
use crate::plan::Plan;

/// How often is asked back before the sentence is given up.
const QUESTIONS: usize = 5;

/// What `say` was told.
#[derive(Debug, Clone)]
pub struct Saying {
    /// The sentence.
    pub sentence: String,
    /// The conversation that it belongs to.
    pub conversation: Option<String>,
    /// Commit without asking.
    pub yes: bool,
}

impl From<SayArguments> for Saying {
    fn from(asked: SayArguments) -> Self {
        Self {
            sentence: asked.sentence,
            conversation: asked.conversation,
            yes: asked.yes,
        }
    }
}

/// Reads a sentence and does what it says, as far as it is let.
pub async fn run(client: &Client, output: Output, saying: Saying) -> Result<()> {
    let interactive = question::interactive(output);
    let (understood, conversation) = understood(client, &saying, (output, interactive)).await?;
    // A reading of the language model is nobody's yes to a change, also where the person took it for what is meant.
    let model = understood["whose"] == "model";
    let yes = saying.yes && !model;
    let confirm = match model {
        true => format!("/v1/utterances/{conversation}/confirm?reading=model"),
        false => format!("/v1/utterances/{conversation}/confirm"),
    };
    let readings = understood["readings"].as_array().cloned().unwrap_or_default();
    if output == Output::Table {
        readings.iter().for_each(reading);
        advised(&understood["model"]);
        say(format!("conversation {conversation}"));
    }
    let (changes, calls): (Vec<&Value>, Vec<&Value>) = readings
        .iter()
        .partition(|reading| reading["changes"] == Value::Bool(true));
    for call in calls {
        let answer: Value = client.post("/v1/calls", call["intent"].to_string()).await?;
        ask::print(output, &answer)?;
        let plan: Option<Plan> = serde_json::from_value(answer["plan"].clone()).ok();
        if let Some(plan) = plan.filter(|plan| !plan.dry_run) {
            proposed(client, output, &plan, (yes, interactive)).await?;
        }
    }
    if changes.is_empty() {
        client.tell(&confirm).await?;
        return Ok(());
    }
    let intents: Vec<&Value> = changes.iter().map(|reading| &reading["intent"]).collect();
    let plan: Plan = client
        .post("/v1/plans", json!({ "intents": intents }).to_string())
        .await?;
    commit::print(output, &plan)?;
    if proposed(client, output, &plan, (yes, interactive)).await? {
        client.tell(&confirm).await?;
    }
    Ok(())
}

/// Commits a plan that was shown, once somebody agreed; whether it was.
async fn proposed(client: &Client, output: Output, plan: &Plan, (yes, interactive): (bool, bool)) -> Result<bool> {
    let agreed = yes || (interactive && agreed()?);
    if agreed {
        commit::commit(client, output, &plan.id, Some(&plan.hash), false).await?;
    } else if output == Output::Table {
        say(format!("nothing was done yet: `entente commit {}` does it", plan.id));
    }
    Ok(agreed)
}

/// What is understood in the end, after as many questions as it takes where somebody can answer them.
async fn understood(
    client: &Client,
    saying: &Saying,
    (output, interactive): (Output, bool),
) -> Result<(Value, String)> {
    let (mut sentence, mut conversation) = (saying.sentence.clone(), saying.conversation.clone());
    for _ in 0..QUESTIONS {
        let body = json!({ "text": sentence, "conversation": conversation });
        let understood: Value = client.post("/v1/utterances", body.to_string()).await?;
        let text = |name: &str| understood[name].as_str().unwrap_or_default().to_owned();
        match understood["answer"].as_str() {
            Some("intents") => {
                let name = text("conversation");
                return Ok((understood, name));
            }
            Some("ask") if interactive && matches!(understood["reason"].as_str(), Some("model" | "differs")) => {
                let name = text("conversation");
                return Ok((chosen(understood)?, name));
            }
            Some("ask") if interactive => {
                let answer = answered(&understood)?;
                // A doubtful word is replaced, a missing one is added.
                let said = understood["said"]
                    .as_str()
                    .filter(|said| !said.is_empty() && sentence.contains(*said));
                sentence = match said {
                    Some(said) => sentence.replacen(said, &answer, 1),
                    None => format!("{sentence} {answer}"),
                };
                conversation = Some(text("conversation"));
            }
            Some("ask") => {
                if output == Output::Json {
                    show::json(&understood)?;
                }
                let again = match understood["reason"].as_str() {
                    Some("model" | "differs") => "answer it at a terminal, or say it in other words".to_owned(),
                    _ => format!("answer it: entente say --conversation {} \"…\"", text("conversation")),
                };
                return Err(Exit::Asks.because(format!("{}\n{again}", question(&understood))));
            }
            _ => {
                let teach = format!("teach it: entente learn propose {sentence:?} --means \"…\"");
                return Err(Exit::Invalid.because(format!("{}\n{teach}", text("text"))));
            }
        }
    }
    Err(Exit::Asks.because(format!("asked back {QUESTIONS} times: say it in one sentence")))
}

/// The reading that the person takes, of two that differ, or of one that only the language model has.
fn chosen(mut understood: Value) -> Result<Value> {
    let model = understood["model"]["readings"].clone();
    let differs = understood["reason"] == "differs";
    say(understood["text"].as_str().unwrap_or_default());
    if differs {
        say("1. the rules:");
        understood["readings"]
            .as_array()
            .into_iter()
            .flatten()
            .for_each(reading);
        say("2. the language model:");
    }
    model.as_array().into_iter().flatten().for_each(reading);
    let answer = line(if differs { "1 or 2? " } else { "[y/N] " })?;
    match answer.as_str() {
        "1" if differs => {}
        "2" if differs => understood["whose"] = "model".into(),
        "y" | "yes" | "是" | "好" if !differs => understood["whose"] = "model".into(),
        _ => return Err(Exit::Asks.because("nothing was chosen, nothing was done")),
    }
    if understood["whose"] == "model" {
        if model.as_array().is_none_or(Vec::is_empty) {
            return Err(Exit::Asks.because("the language model reads nothing, nothing was done"));
        }
        understood["readings"] = model;
    }
    Ok(understood)
}

/// Whether the language model was heard, and what it made of the sentence.
fn advised(model: &Value) {
    if model.is_null() {
        return;
    }
    match (model["heard"].as_bool(), model["why"].as_str()) {
        (Some(true), _) => say(match model["agrees"].as_bool() {
            Some(true) => "the language model reads it the same",
            _ => "the language model reads it otherwise",
        }),
        (_, why) => say(format!("the language model was not heard: {}", why.unwrap_or_default())),
    }
}

fn question(understood: &Value) -> String {
    let candidates = understood["candidates"].as_array().cloned().unwrap_or_default();
    let each: String = candidates
        .iter()
        .filter_map(Value::as_str)
        .map(|it| format!("\n  {it}"))
        .collect();
    format!("{}{each}", understood["text"].as_str().unwrap_or_default())
}

/// The answer of the person at the terminal: words, or the number of a candidate.
fn answered(understood: &Value) -> Result<String> {
    let candidates: Vec<&str> = understood["candidates"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    say(understood["text"].as_str().unwrap_or_default());
    for (index, candidate) in candidates.iter().enumerate() {
        say(format!("  {}. {candidate}", index + 1));
    }
    let line = line("> ")?;
    if line.is_empty() {
        return Err(Exit::Asks.because("nothing was answered, nothing was done"));
    }
    let chosen = line
        .parse::<usize>()
        .ok()
        .and_then(|number| candidates.get(number.checked_sub(1)?));
    Ok(chosen.map_or(line, |it| (*it).to_owned()))
}

/// The reading: what is meant, and which words became what.
fn reading(reading: &Value) {
    say(reading["class"].as_str().unwrap_or_default());
    for (slot, value) in reading["intent"]["slots"].as_object().into_iter().flatten() {
        let origin = reading["origins"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|it| it["slot"] == **slot);
        let said = origin.and_then(|it| it["said"].as_str()).filter(|it| !it.is_empty());
        let said = said.map(|it| format!("  ← {it}")).unwrap_or_default();
        say(format!("  {slot} = {}{said}", show::cell(Some(value))));
    }
}
