//! `entente case`: what went wrong before, and what the cure was.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{say, show};
use crate::arguments::{Output, Remote};
use crate::client::Client;

const COLUMNS: [&str; 6] = ["id", "kind", "devices", "times", "words", "cure"];

/// What is done with cases.
#[derive(Debug, Subcommand)]
pub enum CaseCommand {
    /// What went wrong, the latest first
    List(Remote),
    /// One case
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// The cases that speak of something, in English or Chinese, the likest first
    Search {
        /// The words
        #[arg(required = true)]
        words: Vec<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Say what the cure was: plans like it are told
    Cure {
        /// The case's id
        id: String,
        /// What helped
        #[arg(required = true)]
        text: Vec<String>,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Does it.
pub async fn run(command: CaseCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        CaseCommand::List(remote) => {
            let cases = client(&remote)?.fetch("/v1/cases").await?;
            show::rows(output, &cases, &COLUMNS, "nothing went wrong yet")
        }
        CaseCommand::Show { id, remote } => {
            show::object(output, &client(&remote)?.fetch(&format!("/v1/cases/{id}")).await?)
        }
        CaseCommand::Search { words, remote } => {
            let about: String = words.join(" ").bytes().map(|byte| format!("%{byte:02X}")).collect();
            let cases = client(&remote)?.fetch(&format!("/v1/cases?about={about}")).await?;
            show::rows(output, &cases, &COLUMNS, "no case speaks of that")
        }
        CaseCommand::Cure { id, text, remote } => {
            let body = json!({ "text": text.join(" ") }).to_string();
            let case: Value = client(&remote)?.post(&format!("/v1/cases/{id}/cure"), body).await?;
            if output == Output::Json {
                return show::json(&case);
            }
            say("noted: plans like it are told");
            Ok(())
        }
    }
}
