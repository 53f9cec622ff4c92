//! `entente event`: what was believed, as it comes, how much was not, and what a broker beside the controller needs.

use std::path::{Path, PathBuf};

use std::io::Write;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use fabric_events::KINDS;
use futures::StreamExt;
use serde_json::{Value, json};

use super::{agent, heard, say, show};
use crate::arguments::{Output, Remote};
use crate::client::Client;

/// What is asked about events.
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    /// Events that were verified, as they come
    Tail(Wanted),
    /// How many events were believed, and how many were not and why
    Count(Remote),
    /// Write what a broker beside the controller needs into a folder: again whenever agents come or go, within the hour
    Broker(Beside),
}

/// A broker beside the controller.
#[derive(Debug, Args)]
pub struct Beside {
    /// The folder: authority.pem, revoked.pem, access and mosquitto.conf are written, and broker.pem with --request
    folder: PathBuf,
    /// The broker's request for a certificate, PKCS #10 in PEM, made with its own key
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// A name or address at which the broker is reached; several times for several
    #[arg(long = "address", value_name = "HOST", requires = "request")]
    addresses: Vec<String>,
    /// For how many days the certificate is good, at most 90
    #[arg(long, value_name = "DAYS", default_value_t = 30, requires = "request")]
    days: u32,
    /// The port in mosquitto.conf
    #[arg(long, value_name = "PORT", default_value_t = 8883)]
    port: u16,
    #[command(flatten)]
    remote: Remote,
}

/// Which events are wanted.
#[derive(Debug, Args)]
pub struct Wanted {
    /// Only events of this type; several times for several
    #[arg(long = "type", value_name = "TYPE")]
    kinds: Vec<String>,
    /// Only events about this device; several times for several
    #[arg(long = "object", value_name = "NAME")]
    objects: Vec<String>,
    /// Only events at least so grave: info, warning, error, critical
    #[arg(long, value_name = "WORD", default_value = "")]
    severity: String,
    /// Also events after this number since the controller started; 0: all that are still known
    #[arg(long, value_name = "NUMBER")]
    since: Option<u64>,
    /// End after so many
    #[arg(long, value_name = "NUMBER")]
    count: Option<usize>,
    #[command(flatten)]
    remote: Remote,
}

/// Does what the command says.
pub async fn run(command: EventCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        EventCommand::Tail(wanted) => tail(&client(&wanted.remote)?, output, &wanted).await,
        EventCommand::Broker(beside) => broker(&client(&beside.remote)?, output, &beside).await,
        EventCommand::Count(remote) => show::object(output, &client(&remote)?.fetch("/v1/events/count").await?),
    }
}

/// What the broker reads is written whole or not at all: it may read it at any time.
async fn broker(client: &Client, output: Output, beside: &Beside) -> Result<()> {
    std::fs::create_dir_all(&beside.folder).with_context(|| format!("make {}", beside.folder.display()))?;
    let folder = beside.folder.canonicalize().context("find the folder")?;
    if let Some(file) = &beside.request {
        let body = json!({ "request": super::read(file)?, "addresses": beside.addresses, "days": beside.days });
        let issued: Value = client.post("/v1/broker/certificate", body.to_string()).await?;
        write(
            &folder,
            "broker.pem",
            issued["certificate"].as_str().unwrap_or_default(),
        )?;
    }
    let known: Value = client.fetch("/v1/broker").await?;
    for (name, field) in [
        ("authority.pem", "authority"),
        ("revoked.pem", "revoked"),
        ("access", "access"),
    ] {
        write(&folder, name, known[field].as_str().unwrap_or_default())?;
    }
    write(&folder, "mosquitto.conf", &mosquitto(&folder, beside.port))?;
    let said = json!({ "folder": folder.display().to_string(), "certificate": beside.request.is_some() });
    match output {
        Output::Json => show::json(&said),
        Output::Table => {
            say(format!("wrote what the broker needs into {}", folder.display()));
            say("mosquitto reads it at its start, and again on SIGHUP");
            Ok(())
        }
    }
}

/// A listener for events as mosquitto reads it: the certificate is the login, nobody is anonymous.
fn mosquitto(folder: &Path, port: u16) -> String {
    let at = folder.display();
    format!(
        "listener {port}\ncafile {at}/authority.pem\ncertfile {at}/broker.pem\nkeyfile {at}/broker.key\ncrlfile {at}/revoked.pem\n\
         require_certificate true\nuse_identity_as_username true\nallow_anonymous false\nacl_file {at}/access\n\
         tls_version tlsv1.3\n"
    )
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let (file, draft) = (folder.join(name), folder.join(format!("{name}.new")));
    let written = std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, &file));
    written.with_context(|| format!("write {}", file.display()))
}

async fn tail(client: &Client, output: Output, wanted: &Wanted) -> Result<()> {
    for kind in wanted.kinds.iter().filter(|it| !KINDS.contains(&it.as_str())) {
        // Somebody else may tell of it, so it is waited for; a slip of the pen is waited for in vain.
        let known = KINDS.join(", ");
        writeln!(
            std::io::stderr(),
            "note: no controller or agent tells of {kind:?} by itself, only of {known}"
        )?;
    }
    let mut path = format!(
        "/v1/events?type={}&object={}&severity={}",
        agent::escaped(&wanted.kinds.join(",")),
        agent::escaped(&wanted.objects.join(",")),
        agent::escaped(&wanted.severity)
    );
    if let Some(since) = wanted.since {
        path = format!("{path}&since={since}");
    }
    let told = client.lines(&path).await?;
    let mut told = std::pin::pin!(told.take(wanted.count.unwrap_or(usize::MAX)));
    while let Some(line) = told.next().await {
        let told: Value = line.context("follow the events")?;
        match output {
            Output::Json => say(&told),
            Output::Table => say(line_of(&told)),
        }
        if !heard() {
            break;
        }
    }
    Ok(())
}

fn line_of(told: &Value) -> String {
    let text = |field: &str| told["event"][field].as_str().unwrap_or_default();
    let (time, severity, kind) = (text("time"), text("severity"), text("type"));
    let source = text("source").rsplit('/').next().unwrap_or_default();
    let (subject, data) = (text("subject"), &told["event"]["data"]);
    format!("{time} {severity:<8} {kind} {source} {subject} {data}")
}
