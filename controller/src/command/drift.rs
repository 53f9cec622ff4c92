//! `entente drift`: where devices are not what their intents want, and what becomes of it.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{commit, done, show};
use crate::arguments::{Carry, Output, Remote, Wanted};
use crate::client::Client;
use crate::plan::Plan;

const COLUMNS: [&str; 7] = ["device", "path", "wanted", "found", "intents", "ignored", "unread"];

/// What is done about drift.
#[derive(Debug, Subcommand)]
pub enum DriftCommand {
    /// Where the network is not what its intents want
    List(Remote),
    /// The drift of one device, with what is ignored
    Show {
        /// The device's name
        device: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a device what its intents want
    Repair {
        /// The device's name
        device: String,
        /// Only these paths and what is below them [default: all that is not ignored]
        paths: Vec<String>,
        #[command(flatten)]
        carry: Carry,
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        remote: Remote,
    },
    /// Want what is there: nothing changes on the device
    Accept {
        /// The device's name
        device: String,
        /// The paths
        #[arg(required = true)]
        paths: Vec<String>,
        /// Want nothing there any more, instead of what is there
        #[arg(long)]
        release: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Leave drift alone from now on
    Ignore {
        /// The device's name
        device: String,
        /// The paths, with what is below them
        #[arg(required = true)]
        paths: Vec<String>,
        /// Look at it again
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Does it.
pub async fn run(command: DriftCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        DriftCommand::List(remote) => {
            let drift: Value = client(&remote)?.fetch("/v1/drift").await?;
            show::rows(
                output,
                &drift,
                &COLUMNS,
                "no drift that is not ignored, on any device that can be read",
            )
        }
        DriftCommand::Show { device, remote } => {
            let drift = client(&remote)?.fetch(&format!("/v1/devices/{device}/drift")).await?;
            show::rows(output, &drift, &COLUMNS, &format!("no drift on {device}"))
        }
        DriftCommand::Repair {
            device,
            paths,
            carry,
            wanted,
            remote,
        } => {
            let (client, body) = (client(&remote)?, json!({ "paths": paths }).to_string());
            let path = format!("/v1/devices/{device}/drift/repair{}", wanted.query());
            let plan: Plan = client.post(&path, body).await?;
            commit::shown(&client, output, &plan, carry).await
        }
        DriftCommand::Accept {
            device,
            paths,
            release,
            remote,
        } => {
            let body = json!({ "paths": paths, "release": release }).to_string();
            let path = format!("/v1/devices/{device}/drift/accept");
            let left = client(&remote)?.post(&path, body).await?;
            show::rows(
                output,
                &left,
                &COLUMNS,
                &format!("accepted: no drift is left on {device}"),
            )
        }
        DriftCommand::Ignore {
            device,
            paths,
            off,
            remote,
        } => {
            let body = json!({ "paths": paths, "off": off }).to_string();
            client(&remote)?
                .send_only(&format!("/v1/devices/{device}/drift/ignore"), body)
                .await?;
            let sentence = if off {
                "looked at again"
            } else {
                "left alone from now on"
            };
            done(
                output,
                &json!({ "device": device, "paths": paths, "ignored": !off }),
                sentence,
            )
        }
    }
}

/// Plans the way back from a transaction and commits it.
pub async fn rollback(
    client: &Client,
    output: Output,
    transaction: &str,
    (carry, wanted): (Carry, Wanted),
) -> Result<()> {
    let path = format!("/v1/transactions/{transaction}/rollback{}", wanted.query());
    let plan: Plan = client.post(&path, String::new()).await?;
    commit::shown(client, output, &plan, carry).await
}
