//! `entente learn`: what a sentence means that was read wrong, tried, activated and taken back.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{say, show};
use crate::arguments::{Output, Remote};
use crate::client::Client;
use crate::exit::Exit;

const RULES: [&str; 5] = ["number", "state", "class", "phrase", "say"];
const SETS: [&str; 4] = ["version", "rules", "what", "who"];

/// What is done with what is learned.
#[derive(Debug, Subcommand)]
pub enum LearnCommand {
    /// Say what a sentence means: a candidate, which changes no reading until it is activated
    #[command(visible_alias = "correct")]
    Propose(ProposeArguments),
    /// The rules that were learned
    List(Remote),
    /// One rule
    Show(Numbered),
    /// Read every sentence that must stay as it is, with a rule and without it
    Try(Numbered),
    /// Let a candidate hold, unless a sentence that is read right would be read otherwise
    Activate(Numbered),
    /// Take a rule back, or a candidate out of the way
    Withdraw(Numbered),
    /// Bring the rules of an earlier version back, exactly; 0 is that nothing was learned
    Revert {
        /// The version, as `learn history` has it
        #[arg(value_name = "VERSION")]
        to: i64,
        #[command(flatten)]
        remote: Remote,
    },
    /// The sets of rules that held one after the other
    History(Remote),
}

/// A rule by its number.
#[derive(Debug, Args)]
pub struct Numbered {
    /// Its number
    number: i64,
    #[command(flatten)]
    remote: Remote,
}

/// A correction.
#[derive(Debug, Args)]
pub struct ProposeArguments {
    /// The sentence that was read wrong, or not at all
    sentence: String,
    /// The same in words that are understood
    #[arg(long, value_name = "SENTENCE", conflicts_with_all = ["class", "slots"], required_unless_present = "class")]
    means: Option<String>,
    /// The class that is meant
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// A slot that is meant, a dot leads into an object: `match.src=guests`
    #[arg(long = "slot", value_name = "NAME=VALUE", requires = "class")]
    slots: Vec<String>,
    /// The phrase in the notation of classes, instead of one made of the sentence
    #[arg(long, value_name = "PHRASE")]
    phrase: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Does it.
pub async fn run(command: LearnCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        LearnCommand::Propose(asked) => propose(&client(&asked.remote)?, output, asked).await,
        LearnCommand::List(remote) => {
            let rules = client(&remote)?.list("/v1/rules").await?;
            show::rows(output, &rules, &RULES, "nothing was learned yet")
        }
        LearnCommand::Show(Numbered { number, remote }) => {
            show::object(output, &client(&remote)?.fetch(&format!("/v1/rules/{number}")).await?)
        }
        LearnCommand::Try(Numbered { number, remote }) => attempt(&client(&remote)?, output, number).await,
        LearnCommand::Activate(Numbered { number, remote }) => {
            let path = format!("/v1/rules/{number}/activate");
            held(output, &client(&remote)?.post(&path, String::new()).await?)
        }
        LearnCommand::Withdraw(Numbered { number, remote }) => {
            let path = format!("/v1/rules/{number}/withdraw");
            let rule: Value = client(&remote)?.post(&path, String::new()).await?;
            if output == Output::Json {
                return show::json(&rule);
            }
            say(format!("rule {number} is withdrawn"));
            Ok(())
        }
        LearnCommand::Revert { to, remote } => {
            let path = format!("/v1/rule-versions/{to}/revert");
            held(output, &client(&remote)?.post(&path, String::new()).await?)
        }
        LearnCommand::History(remote) => {
            let sets = client(&remote)?.fetch("/v1/rule-versions").await?;
            show::rows(output, &sets, &SETS, "nothing was learned yet")
        }
    }
}

async fn propose(client: &Client, output: Output, asked: ProposeArguments) -> Result<()> {
    let intent = match &asked.class {
        Some(class) => Some(json!({ "class": class, "slots": slots(&asked.slots)? })),
        None => None,
    };
    let body = json!({ "say": asked.sentence, "means": asked.means, "intent": intent, "phrase": asked.phrase });
    let rule: Value = client.post("/v1/rules", body.to_string()).await?;
    if output == Output::Json {
        return show::json(&rule);
    }
    let text = |name: &str| show::cell(rule.get(name));
    say(format!("rule {}, a candidate: {}", text("number"), text("class")));
    say(format!("  phrase  {}", text("phrase")));
    if rule["sets"].as_object().is_some_and(|it| !it.is_empty()) {
        say(format!("  sets    {}", text("sets")));
    }
    say(format!(
        "nothing is read otherwise yet: `entente learn activate {}` does it",
        text("number")
    ));
    Ok(())
}

/// `match.src=guests` as `{"match": {"src": "guests"}}`; what begins with a bracket is JSON.
fn slots(given: &[String]) -> Result<Map<String, Value>> {
    let mut slots = Map::new();
    for slot in given {
        let Some((name, value)) = slot.split_once('=') else {
            return Err(Exit::Invalid.because(format!("{slot:?} is no slot: write NAME=VALUE")));
        };
        let value = match value.chars().next() {
            Some('[' | '{') => serde_json::from_str(value)
                .map_err(|error| Exit::Invalid.because(format!("{name} is no JSON: {error}")))?,
            _ => Value::from(value),
        };
        match name.split_once('.') {
            None => {
                slots.insert(name.to_owned(), value);
            }
            Some((object, field)) => {
                let object = slots.entry(object.to_owned()).or_insert_with(|| json!({}));
                let Some(object) = object.as_object_mut() else {
                    return Err(
                        Exit::Invalid.because(format!("{name} and its object are both given: write one of them"))
                    );
                };
                object.insert(field.to_owned(), value);
            }
        }
    }
    Ok(slots)
}

async fn attempt(client: &Client, output: Output, number: i64) -> Result<()> {
    let trial: Value = client.post(&format!("/v1/rules/{number}/try"), String::new()).await?;
    if output == Output::Json {
        return show::json(&trial);
    }
    say(format!("its sentence is read as  {}", show::cell(trial.get("was"))));
    say(format!("and would be read as     {}", show::cell(trial.get("now"))));
    for change in trial["changes"].as_array().into_iter().flatten() {
        say(format!("  {}", show::cell(Some(change))));
    }
    let read = show::cell(trial.get("read"));
    if trial["passes"] == Value::Bool(true) {
        say(format!(
            "{read} sentences were looked at: none that is read right would be read otherwise"
        ));
        return Ok(());
    }
    Err(Exit::Conflict.because(format!(
        "{read} sentences were looked at: rule {number} would not be activated"
    )))
}

fn held(output: Output, set: &Value) -> Result<()> {
    if output == Output::Json {
        return show::json(set);
    }
    let rules = match show::cell(set.get("rules")) {
        none if none.is_empty() => "no rule holds".to_owned(),
        rules => format!("these rules hold: {rules}"),
    };
    say(format!("version {}: {rules}", show::cell(set.get("version"))));
    Ok(())
}
