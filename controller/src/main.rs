//! The `entente` program: takes intents, plans them, drives transactions, watches that they hold.

mod advice;
mod agents;
mod answer;
mod app;
mod approval;
mod arguments;
mod audit;
mod backup;
mod before;
mod carry;
mod cases;
mod classes;
mod client;
mod command;
mod commit;
mod compare;
mod config;
mod decided;
mod drift;
mod events;
mod exit;
mod fitting;
mod freeze;
mod gatekeeper;
#[cfg(torture)]
#[path = "../../tests/torture/halt.rs"]
mod halt;
mod history;
mod holding;
mod intake;
mod journal;
mod known;
mod lapsing;
mod learning;
mod logging;
mod metrics;
mod moved;
mod network;
mod operation;
mod plan;
mod planning;
mod policy;
mod reach;
mod rollback;
mod saying;
mod secure;
mod serve;
mod standing;
mod start;
mod store;
mod traces;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};

use arguments::{
    Arguments, AuditCommand, ClassCommand, Command, ConfigCommand, DeviceCommand, IntentCommand, InventoryCommand,
    Output, PlanArguments, Remote, SchemaKind, TransactionCommand, Wanted,
};
use client::Client;
use command::show;
use config::{Config, Sources};

fn main() -> ExitCode {
    fabric_identity::install_cryptography();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error),
    };
    let output = arguments.output;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime");
    let done = runtime.and_then(|runtime| runtime.block_on(run(arguments)));
    match done.and_then(|()| command::settle()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, output),
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one line or two for each command: a table, not a decision"
)]
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
            serve::run(settings(given([
                ("state", state),
                ("listen", listen),
                ("inventory", inventory),
            ]))?)
            .await
        }
        Command::Plan(asked) if asked.offline => plan_offline(output, asked, &settings(BTreeMap::new())?).await,
        Command::Plan(asked) => plan(output, client, asked).await,
        Command::Say(asked) => command::say::run(&client(&asked.remote)?, output, asked.into()).await,
        Command::Ask { file, remote } => command::ask::ask(&client(&remote)?, output, &file).await,
        Command::Class(command) => class(command, output, client).await,
        Command::Commit {
            plan,
            file,
            wanted,
            detach,
            remote,
        } => commit(&client(&remote)?, output, (plan, file, wanted), detach).await,
        Command::Rollback {
            transaction,
            carry,
            wanted,
            remote,
        } => command::drift::rollback(&client(&remote)?, output, &transaction, (carry, wanted)).await,
        Command::Learn(command) => command::learn::run(command, output, client).await,
        Command::Freeze(command) => command::approval::freeze(command, output, client).await,
        Command::Case(command) => command::case::run(command, output, client).await,
        Command::Drift(command) => command::drift::run(command, output, client).await,
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
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "entente", &mut script);
            command::say(String::from_utf8(script)?.trim_end());
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

/// Speaks about a plan that was made, or plans a file.
async fn plan(output: Output, client: impl Fn(&Remote) -> Result<Client>, asked: PlanArguments) -> Result<()> {
    if let Some(command) = asked.command {
        return command::approval::plan(command, output, client).await;
    }
    let client = client(&asked.remote)?;
    let plan = command::commit::plan(&client, &asked.file.unwrap_or_default(), &asked.wanted).await?;
    command::commit::planned(output, &plan, asked.save.as_deref())?;
    command::approval::needs(&client, output, &plan.id).await
}

/// The settings that were given on the command line.
fn given<const N: usize>(named: [(&'static str, Option<String>); N]) -> BTreeMap<&'static str, String> {
    named
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// A plan that asks no controller.
async fn plan_offline(output: Output, asked: PlanArguments, config: &Config) -> Result<()> {
    let library = classes::read(config.classes.as_deref())?;
    let save = asked.save.clone();
    let plan = command::offline::plan(&asked.into(), &library, config).await?;
    command::commit::planned(output, &plan, save.as_deref())
}

/// Commits a plan that was made, or plans a file and commits that.
async fn commit(
    client: &Client,
    output: Output,
    what: (Option<String>, Option<PathBuf>, Wanted),
    detach: bool,
) -> Result<()> {
    match what {
        (None, Some(file), wanted) => command::commit::file(client, output, (&file, &wanted), detach).await,
        (_, _, wanted) if wanted != Wanted::default() => {
            let said = "a plan that was made says itself what is looked at, what is forced and who goes first: plan again with --file";
            Err(exit::Exit::Invalid.because(said))
        }
        (Some(saved), _, _) if saved.ends_with(".yaml") || saved.ends_with(".yml") => {
            let said = format!(
                "{saved} is no saved plan: `entente commit -f {saved}` plans its intents and commits them; did you mean that?"
            );
            Err(exit::Exit::Invalid.because(said))
        }
        (Some(saved), _, _) if Path::new(&saved).is_file() => {
            let plan = command::commit::carry(client, Path::new(&saved)).await?;
            command::commit::commit(client, output, &plan.id, Some(&plan.hash), detach).await
        }
        (plan, _, _) => command::commit::commit(client, output, &plan.unwrap_or_default(), None, detach).await,
    }
}

async fn class(command: ClassCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        ClassCommand::List(remote) => {
            let library: serde_json::Value = client(&remote)?.fetch("/v1/classes").await?;
            let columns = ["name", "version", "title", "risk", "file"];
            show::rows(output, &library["classes"], &columns, "no classes")
        }
        ClassCommand::Show { name, remote } => {
            show::json(&client(&remote)?.fetch(&format!("/v1/classes/{name}")).await?)
        }
        ClassCommand::Check { folder } => {
            let library = classes::read(Some(&folder))?;
            counted_classes(output, library.iter().count(), library.revision())
        }
        ClassCommand::Reload(remote) => {
            let library: serde_json::Value = client(&remote)?.post("/v1/classes/reload", String::new()).await?;
            let count = library["classes"].as_array().map_or(0, Vec::len);
            counted_classes(output, count, library["revision"].as_str().unwrap_or_default())
        }
    }
}

fn counted_classes(output: Output, count: usize, revision: &str) -> Result<()> {
    let object = serde_json::json!({ "classes": count, "revision": revision });
    command::done(output, &object, format!("{count} classes, revision {revision}"))
}

async fn device(command: DeviceCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        DeviceCommand::List(remote) => {
            let devices = client(&remote)?.list("/v1/devices").await?;
            let columns = ["name", "address", "platforms", "agent", "guarantee"];
            show::rows(output, &devices, &columns, "no devices: name some in the inventory")
        }
        DeviceCommand::History { name, remote } => command::history::list(&client(&remote)?, output, &name).await,
        DeviceCommand::Standing(remote) => command::standing::list(&client(&remote)?, output).await,
        DeviceCommand::Maintain {
            name,
            reason,
            off,
            remote,
        } => command::standing::maintain(&client(&remote)?, output, &name, (&reason, off)).await,
        DeviceCommand::Replace {
            name,
            carry,
            wanted,
            remote,
        } => {
            let path = format!("/v1/devices/{name}/replace{}", wanted.query());
            command::standing::planned(&client(&remote)?, output, &path, carry).await
        }
        DeviceCommand::Repair { name, carry, remote } => {
            let path = format!("/v1/devices/{name}/repair");
            command::standing::planned(&client(&remote)?, output, &path, carry).await
        }
        DeviceCommand::Waive { name, remote } => command::standing::waive(&client(&remote)?, output, &name).await,
        DeviceCommand::Native { name, which, remote } => {
            command::history::text(&client(&remote)?, output, &name, &which).await
        }
        DeviceCommand::Compare { name, from, to, remote } => {
            command::history::compare(&client(&remote)?, output, &name, &from, &to).await
        }
        DeviceCommand::Watch(wanted) => command::watch::run(&client(&wanted.remote)?, output, &wanted).await,
        DeviceCommand::Probe { name, remote } => command::device::probe(&client(&remote)?, output, &name).await,
        DeviceCommand::Diff { name, file, remote } => {
            command::device::diff(&client(&remote)?, output, &name, &file).await
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
        IntentCommand::Withdraw {
            key,
            carry,
            wanted,
            remote,
        } => {
            let client = client(&remote)?;
            let plan: plan::Plan = client
                .post(&format!("/v1/intents/{key}/withdraw{}", wanted.query()), String::new())
                .await?;
            command::commit::shown(&client, output, &plan, carry).await
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
            let columns = ["id", "state", "devices", "asked_by", "waits/behind", "reason"];
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
        SchemaKind::Intent => show::json(&intents::schema(&classes::read(None)?)),
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
