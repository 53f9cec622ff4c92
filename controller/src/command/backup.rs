//! `entente backup` and `entente restore`: everything durable in one sealed file, and back.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::{read, say, show};
use crate::arguments::Output;
use crate::backup::{self, BackupError};
use crate::client::Client;
use crate::commit::now;
use crate::config::Config;
use crate::exit::Exit;

/// The passphrase, from a file that only its owner reads, or from the environment.
fn passphrase(file: Option<&Path>) -> Result<String> {
    if let Some(file) = file {
        let text = read(file)?;
        let mode = fs::metadata(file).map(|it| it.permissions().mode()).unwrap_or_default();
        if mode & 0o077 != 0 {
            return Err(Exit::Invalid.because(format!("others may read {0}: chmod 600 {0}", file.display())));
        }
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    std::env::var("ENTENTE_PASSPHRASE").map_err(|_| {
        Exit::Invalid.because("no passphrase: name a file with --passphrase-file, or set ENTENTE_PASSPHRASE")
    })
}

/// Fetches a backup of the running controller into a file of mode 0600, which must not be there yet.
pub async fn backup(client: &Client, output: Output, file: &Path, secret: Option<&Path>) -> Result<()> {
    let passphrase = passphrase(secret)?;
    if file.exists() {
        return Err(Exit::Conflict.because(format!("{} is there already: name another file", file.display())));
    }
    let partial = file.with_extension("partial");
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600);
    let out = open
        .open(&partial)
        .with_context(|| format!("make {}", partial.display()))?;
    let body = json!({ "passphrase": passphrase }).to_string();
    let fetched = client.download("/v1/backup", body, out).await;
    let renamed = fetched.and_then(|bytes| {
        fs::rename(&partial, file).with_context(|| format!("write {}", file.display()))?;
        Ok(bytes)
    });
    let bytes = renamed.inspect_err(|_| {
        let _ = fs::remove_file(&partial);
    })?;
    if output == Output::Json {
        return show::json(&json!({ "file": file, "bytes": bytes }));
    }
    say(format!(
        "{} holds the controller, {bytes} bytes; without the passphrase it is of no use",
        file.display()
    ));
    Ok(())
}

/// Restores a backup to the state directory of the settings, which must be empty.
pub async fn restore(config: &Config, output: Output, file: &Path, secret: Option<&Path>) -> Result<()> {
    let passphrase = passphrase(secret)?;
    let state = &config.state;
    let taken = fs::read_dir(state).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        return Err(Exit::Conflict.because(format!(
            "{0} is not empty: stop the controller and move the directory away, or name another with --state",
            state.display()
        )));
    }
    if !file.is_file() {
        return Err(Exit::Missing.because(format!("no file {}", file.display())));
    }
    let report = backup::restore(file, state, &passphrase, now().0).await;
    let report = report.map_err(|error| match &error {
        BackupError::Sealed | BackupError::Newer { .. } | BackupError::Nonsense(_) => {
            Exit::Invalid.because(format!("cannot restore {}: {error}", file.display()))
        }
        BackupError::Disk { .. }
        | BackupError::Store(_)
        | BackupError::Journal(_)
        | BackupError::NewJournal(_)
        | BackupError::Append(_)
        | BackupError::Key => Exit::State.because(format!("{:#}", anyhow::Error::new(error))),
    })?;
    if output == Output::Json {
        return show::json(&json!({
            "state": state, "taken": report.manifest.at, "epoch": report.epoch, "in_doubt": report.open,
        }));
    }
    say(format!(
        "{} is restored, under epoch {}. Start `entente serve`: it asks the devices before it says anything.",
        state.display(),
        report.epoch
    ));
    for id in &report.open {
        say(format!("in doubt: {id}"));
    }
    say("Agents that enrolled or renewed after the backup may have to be invited again.");
    Ok(())
}
