//! The `entente` program: takes intents, plans them, drives transactions, watches that they hold.

mod agents;
mod app;
mod arguments;
mod audit;
mod backup;
mod client;
mod command;
mod commit;
mod config;
mod events;
mod exit;
#[cfg(torture)]
#[path = "../../tests/torture/halt.rs"]
mod halt;
mod intake;
mod journal;
mod logging;
mod metrics;
mod network;
mod operation;
mod plan;
mod secure;
mod serve;
mod start;
mod store;
mod traces;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};

use arguments::{
    Arguments, AuditCommand, Command, ConfigCommand, DeviceCommand, IntentCommand, InventoryCommand, Output, Remote,
    SchemaKind, TransactionCommand,
};
use client::Client;
use command::show;
use config::{Config, Sources};

fn main() -> ExitCode {
    fabric_identity::install_cryptography();
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime");
    match runtime.and_then(|runtime| runtime.block_on(run(arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let file = arguments.config.clone();
    let output = arguments.output;
    let settings = |given: BTreeMap<&'static str, String>| settings(file.as_deref(), given);
    let client = |remote: &Remote| Client::new(remote, &settings(BTreeMap::new())?);
    match arguments.command {
        Command::Serve {
            state,
            listen,
            inventory,
        } => {
            let given = [("state", state), ("listen", listen), ("inventory", inventory)];
            let given = given
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            serve::run(settings(given)?).await
        }
        Command::Plan { file, remote } => {
            let plan = command::commit::plan(&client(&remote)?, &file).await?;
            command::commit::print(output, &plan)
        }
        Command::Commit {
            plan,
            file,
            detach,
            remote,
        } => commit(&client(&remote)?, output, (plan, file), detach).await,
        Command::Intent(command) => intent(command, output, client).await,
        Command::Transaction(command) => transaction(command, output, client).await,
        Command::Device(command) => device(command, output, client).await,
        Command::Event(command) => command::event::run(command, output, client).await,
        Command::Agent(command) => command::agent::run(command, output, client).await,
        Command::Audit(AuditCommand::Verify(remote)) => command::audit::verify(&client(&remote)?, output).await,
        Command::Inventory(InventoryCommand::Check { file }) => command::inventory::check(output, &file),
        Command::Inventory(InventoryCommand::Import(lab)) => command::inventory::import(output, &lab),
        Command::Platform(command) => command::platform::run(&command, output),
        Command::Token(command) => command::token::run(command, output, client).await,
        Command::Config(ConfigCommand::Log { filter, remote }) => {
            command::config::log(&client(&remote)?, output, filter.as_deref()).await
        }
        Command::Config(ConfigCommand::Show) => command::config::show(output, &settings(BTreeMap::new())?),
        Command::Config(ConfigCommand::Check) => command::config::check(output, &settings(BTreeMap::new())?),
        Command::Config(ConfigCommand::Diff { before, after }) => command::config::diff(output, &before, &after),
        Command::Schema { kind } => schema(kind),
        Command::Completion { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "entente", &mut std::io::stdout());
            Ok(())
        }
        Command::Backup {
            file,
            passphrase_file,
            remote,
        } => command::backup::backup(&client(&remote)?, output, &file, passphrase_file.as_deref()).await,
        Command::Restore {
            file,
            state,
            passphrase_file,
        } => {
            let given = state.into_iter().map(|state| ("state", state)).collect();
            command::backup::restore(&settings(given)?, output, &file, passphrase_file.as_deref()).await
        }
        Command::Demo { once } => command::demo::run(once).await,
    }
}

/// Commits a plan that was made, or plans a file and commits that.
async fn commit(client: &Client, output: Output, what: (Option<String>, Option<PathBuf>), detach: bool) -> Result<()> {
    let (plan, hash) = match what {
        (None, Some(file)) => {
            let plan = command::commit::plan(client, &file).await?;
            if output == Output::Table {
                command::commit::print(output, &plan)?;
            }
            (plan.id, Some(plan.hash))
        }
        (plan, _) => (plan.unwrap_or_default(), None),
    };
    command::commit::commit(client, output, &plan, hash.as_deref(), detach).await
}

async fn device(command: DeviceCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        DeviceCommand::List(remote) => {
            let devices = client(&remote)?.list("/v1/devices").await?;
            let columns = ["name", "address", "platforms", "agent", "guarantee"];
            show::rows(output, &devices, &columns, "no devices: name some in the inventory")
        }
        DeviceCommand::Configuration { name, remote } => {
            let entries = client(&remote)?
                .fetch(&format!("/v1/devices/{name}/configuration"))
                .await?;
            show::rows(
                output,
                &entries,
                &["path", "value"],
                "the device has nothing that the model knows",
            )
        }
    }
}

async fn intent(command: IntentCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        IntentCommand::List(remote) => {
            let intents = client(&remote)?.list("/v1/intents").await?;
            let columns = ["id", "intent/name", "intent/class", "state", "intent/targets"];
            show::rows(
                output,
                &intents,
                &columns,
                "no intents yet: `entente plan -f FILE` shows what one would do",
            )
        }
        IntentCommand::Show { key, remote } => {
            show::object(output, &client(&remote)?.fetch(&format!("/v1/intents/{key}")).await?)
        }
        IntentCommand::Withdraw { key, dry_run, remote } => {
            let client = client(&remote)?;
            let plan: plan::Plan = client
                .post(&format!("/v1/intents/{key}/withdraw"), String::new())
                .await?;
            if dry_run || output == Output::Table {
                command::commit::print(output, &plan)?;
            }
            if dry_run {
                return Ok(());
            }
            command::commit::commit(&client, output, &plan.id, Some(&plan.hash), false).await
        }
    }
}

async fn transaction(
    command: TransactionCommand,
    output: Output,
    client: impl Fn(&Remote) -> Result<Client>,
) -> Result<()> {
    match command {
        TransactionCommand::List(remote) => {
            let transactions = client(&remote)?.list("/v1/transactions").await?;
            let columns = ["id", "state", "devices", "asked_by", "reason"];
            show::rows(output, &transactions, &columns, "no transactions yet")
        }
        TransactionCommand::Show { id, remote } => show::object(
            output,
            &client(&remote)?.fetch(&format!("/v1/transactions/{id}")).await?,
        ),
        TransactionCommand::Follow { id, remote } => command::commit::follow(&client(&remote)?, output, &id).await,
        TransactionCommand::Cancel { id, remote } => {
            client(&remote)?.tell(&format!("/v1/transactions/{id}/cancel")).await?;
            if output == Output::Json {
                return show::json(&serde_json::json!({ "transaction": id, "asked": "cancel" }));
            }
            command::say(format!(
                "asked to cancel {id}: `entente transaction show {id}` says how it ended"
            ));
            Ok(())
        }
    }
}

fn schema(kind: SchemaKind) -> Result<()> {
    match kind {
        SchemaKind::Intent => show::json(&intents::schema(&serve::library(None)?)),
        SchemaKind::Inventory => show::json(&knowledge_model::inventory::schema()),
    }
}

/// The settings from file, environment and command line.
fn settings(file: Option<&Path>, arguments: BTreeMap<&'static str, String>) -> Result<Config> {
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let file: Option<PathBuf> = file
        .map(Path::to_path_buf)
        .or_else(|| config::default_file(&environment));
    let text = file.as_deref().map(command::read).transpose()?;
    let sources = Sources {
        file: text,
        environment,
        arguments,
    };
    let named = file.unwrap_or_else(|| PathBuf::from("settings"));
    Config::read(&sources).map_err(|faults| command::faulty(&named, &faults))
}
