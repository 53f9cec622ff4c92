//! `entente plan approve`, `plan refuse` and `entente freeze`: what others have to say before anything is committed.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{commit, done, say, show};
use crate::app::stamp;
use crate::arguments::{Output, Remote};
use crate::client::Client;
use crate::config::duration;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::policy::{moment, written};

/// What is done about a plan that was made.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// One plan, with what it needs before it is committed
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Where the network moved on since a plan was made, and whether it was us
    Moved {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Approve a plan, as it is shown
    Approve {
        /// Its id
        id: String,
        /// The hash that was looked at; if the plan has another nothing is approved
        #[arg(long)]
        hash: Option<String>,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Refuse a plan for good
    Refuse {
        /// Its id
        id: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
}

/// What is done about freezes.
#[derive(Debug, Subcommand)]
pub enum FreezeCommand {
    /// Commit nothing from now on but what takes back or repairs
    On {
        /// Until when: a time such as 2026-12-20T18:00:00+08:00, or a span such as 2h [default: until it is lifted]
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Lift the freeze
    Off(Remote),
    /// The freezes that hold now
    Show(Remote),
}

/// Does it.
pub async fn plan(command: PlanCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        PlanCommand::Show { id, remote } => {
            let client = client(&remote)?;
            commit::print(output, &client.fetch(&format!("/v1/plans/{id}")).await?)?;
            needs(&client, output, &id).await
        }
        PlanCommand::Moved { id, remote } => {
            let moved = client(&remote)?.fetch(&format!("/v1/plans/{id}/moved")).await?;
            show::rows(
                output,
                &moved,
                &["device", "path", "by"],
                "nothing moved: the plan is as good as new",
            )
        }
        PlanCommand::Approve {
            id,
            hash,
            reason,
            remote,
        } => {
            let client = client(&remote)?;
            let plan: Plan = client.fetch(&format!("/v1/plans/{id}")).await?;
            if output == Output::Table {
                commit::print(output, &plan)?;
            }
            let body = json!({ "hash": hash.unwrap_or(plan.hash), "reason": reason }).to_string();
            let said: Value = client.post(&format!("/v1/plans/{id}/approve"), body).await?;
            told(&client, output, &id, &said, "approved").await
        }
        PlanCommand::Refuse { id, reason, remote } => {
            let client = client(&remote)?;
            let plan: Plan = client.fetch(&format!("/v1/plans/{id}")).await?;
            let body = json!({ "hash": plan.hash, "reason": reason }).to_string();
            let said: Value = client.post(&format!("/v1/plans/{id}/refuse"), body).await?;
            told(&client, output, &id, &said, "refused").await
        }
    }
}

async fn told(client: &Client, output: Output, id: &str, said: &Value, how: &str) -> Result<()> {
    if output == Output::Json {
        return show::json(said);
    }
    say(format!("{how} plan {id}"));
    needs(client, output, id).await
}

/// Says who has to approve a plan before it is committed, if anybody has to.
pub async fn needs(client: &Client, output: Output, id: &str) -> Result<()> {
    if output == Output::Json {
        return Ok(());
    }
    let approval: Value = client.fetch(&format!("/v1/plans/{id}/approval")).await?;
    for rule in approval["rules"].as_array().into_iter().flatten() {
        let count = |value: &Value| value.as_array().map_or(0, Vec::len);
        let (wanted, given) = (rule["approvals"].as_u64().unwrap_or(0), count(&rule["given"]));
        let by = show::list(&rule["by"]);
        let by = if by.is_empty() {
            "anybody but who asked for it".to_owned()
        } else {
            by
        };
        let name = rule["name"].as_str().unwrap_or_default();
        say(format!(
            "approval {name}: {given} of {wanted}, by {by}: entente plan approve {id}"
        ));
    }
    Ok(())
}

/// Does it.
pub async fn freeze(command: FreezeCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        FreezeCommand::On { until, reason, remote } => {
            let until = until.as_deref().map(end).transpose()?;
            let body = json!({ "until": until, "reason": reason }).to_string();
            let frozen: Value = client(&remote)?.post("/v1/freeze", body).await?;
            if output == Output::Json {
                return show::json(&frozen);
            }
            let ends = until.map_or_else(|| "it is lifted".to_owned(), written);
            say(format!(
                "frozen until {ends}: only what takes back or repairs is committed"
            ));
            Ok(())
        }
        FreezeCommand::Off(remote) => {
            client(&remote)?.remove("/v1/freeze").await?;
            done(output, &json!({ "asked": "lift" }), "the freeze is lifted")
        }
        FreezeCommand::Show(remote) => {
            let freezes = client(&remote)?.fetch("/v1/freeze").await?;
            show::rows(output, &freezes, &["by", "ends", "reason"], "nothing is frozen")
        }
    }
}

/// When something ends, said as a time or as a span from now.
pub fn end(text: &str) -> Result<i64> {
    let span = || Some(stamp() + i64::try_from(duration(text)?.as_millis()).ok()?);
    moment(text).or_else(span).ok_or_else(|| {
        Exit::Invalid.because(format!(
            "{text:?} is no end: a time such as 2026-12-20T18:00:00+08:00, or a span such as 90s, 5m or 2h"
        ))
    })
}
