//! `entente config`: the settings, and what differs between two configurations.

use std::path::Path;

use anyhow::{Context, Result};
use knowledge_model::{Limits, Tree, diff as between};
use knowledge_yang::{Format, Validator};
use serde_json::{Value, json};

use super::{bytes, refuse_utf16, say, show};
use crate::arguments::Output;
use crate::client::Client;
use crate::config::Config;
use crate::exit::{Ended, Exit};

/// The most faults of a configuration that are listed.
const FAULTS: usize = 10_000;

/// Every setting with its origin. No setting is a secret: those stay with the agents, or in a file or variable that is named.
pub fn show(output: Output, config: &Config) -> Result<()> {
    let row = |it: &crate::config::Shown| json!({ "name": it.name, "value": it.value, "from": it.origin.to_string(), "meaning": it.meaning });
    let rows: Value = config.shown.iter().map(row).collect();
    show::rows(output, &rows, &["name", "value", "from", "meaning"], "no settings")
}

/// Says that the settings are good; faults were told when they were read.
pub fn check(output: Output, config: &Config) -> Result<()> {
    let told = config
        .shown
        .iter()
        .filter(|it| it.origin != crate::config::Origin::Default)
        .count();
    if output == Output::Json {
        return show::json(&json!({ "settings": config.shown.len(), "told": told }));
    }
    say(format!(
        "good: {told} of {} settings are not the default",
        config.shown.len()
    ));
    Ok(())
}

/// Shows what the running controller logs, or changes it until it stops.
pub async fn log(client: &Client, output: Output, filter: Option<&str>) -> Result<()> {
    let logged: Value = match filter {
        Some(filter) => client.put("/v1/log", json!({ "filter": filter }).to_string()).await?,
        None => client.fetch("/v1/log").await?,
    };
    show::object(output, &logged)
}

/// What differs between two files. Where both are bad, both are told.
pub fn diff(output: Output, before: &Path, after: &Path) -> Result<()> {
    match (tree(before), tree(after)) {
        (Ok(before), Ok(after)) => differ(output, &before, &after),
        (Err(one), Err(other)) if before != after => Err(both(&one, &other)),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Two files of which neither can be compared: missing, where both are missing.
fn both(one: &anyhow::Error, other: &anyhow::Error) -> anyhow::Error {
    let ended = [one, other].map(|it| it.downcast_ref::<Ended>());
    let exits = ended.map(|it| it.map_or(Exit::Failure, |ended| ended.exit));
    let exit = if exits[0] == exits[1] { exits[0] } else { Exit::Invalid };
    let faults = ended.into_iter().flatten().flat_map(|it| it.faults.clone());
    exit.because_of(format!("{one:#}\n{other:#}"), faults.collect())
}

/// Prints what differs between two configurations.
pub fn differ(output: Output, before: &Tree, after: &Tree) -> Result<()> {
    let text = |value: &Option<knowledge_model::Value>| value.as_ref().map(ToString::to_string);
    let rows: Value = between(before, after)
        .iter()
        .map(|(path, edit)| json!({ "path": path.to_string(), "before": text(&edit.before), "after": text(&edit.after) }))
        .collect();
    show::differences(output, &rows, "no difference")
}

/// A whole and valid configuration of a file, in RFC 7951 JSON or in XML.
pub fn tree(file: &Path) -> Result<Tree> {
    let text = bytes(file)?;
    refuse_utf16(file, &text)?;
    let format = match text.trim_ascii_start().first() {
        Some(b'<') => Format::Xml,
        Some(b'{' | b'[' | b'"') => Format::Json,
        begins => {
            let what = if begins.is_some() {
                "begins neither as JSON nor as XML"
            } else {
                "is empty"
            };
            return Err(Exit::Invalid.because(format!(
                "{} {what}: a configuration is what `entente device get` prints, or XML of the same model",
                file.display()
            )));
        }
    };
    let limits = Limits {
        faults: FAULTS,
        ..Limits::default()
    };
    let read = Validator::within(limits).context("load the model")?.read(&text, format);
    read.map_err(|invalid| {
        let said = format!("{} is no configuration\n{invalid}", file.display());
        let faults = invalid.faults.into_iter();
        let faults = faults.map(|it| json!({ "file": file, "line": it.line, "path": it.path, "found": it.found, "expected": it.expected, "hint": it.hint }));
        Exit::Invalid.because_of(said, faults.collect())
    })
}
