//! `entente ask`: an intent that changes nothing, and what the controller answers.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::{commit, read, say, show};
use crate::arguments::Output;
use crate::client::Client;

/// Asks what stands in a file.
pub async fn ask(client: &Client, output: Output, file: &Path) -> Result<()> {
    let answer: Value = client.post("/v1/calls", read(file)?).await?;
    print(output, &answer)
}

/// Prints an answer.
pub fn print(output: Output, answer: &Value) -> Result<()> {
    if output == Output::Json {
        return show::json(answer);
    }
    for line in answer["said"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        say(line);
    }
    let rows = answer["rows"].as_array().map_or(&[][..], Vec::as_slice);
    if let Some(first) = rows.first().and_then(Value::as_object) {
        let columns: Vec<&str> = first.keys().map(String::as_str).collect();
        show::rows(output, &answer["rows"], &columns, "")?;
    }
    if let Ok(plan) = serde_json::from_value(answer["plan"].clone()) {
        commit::print(output, &plan)?;
    }
    Ok(())
}
