//! `entente device standing`, `maintain`, `replace`, `repair` and `waive`: devices that are not as others.

use anyhow::Result;
use serde_json::{Value, json};

use super::{commit, done, say, show};
use crate::arguments::{Carry, Output};
use crate::client::Client;
use crate::plan::Plan;

/// The devices that are not as others.
pub async fn list(client: &Client, output: Output) -> Result<()> {
    let standings = client.fetch("/v1/standings").await?;
    let none = "no device is in maintenance or owed anything";
    show::rows(output, &standings, &["device", "maintenance", "owed"], none)
}

/// Begins or ends maintenance.
pub async fn maintain(client: &Client, output: Output, device: &str, (reason, off): (&str, bool)) -> Result<()> {
    let body = json!({ "reason": reason, "off": off }).to_string();
    client
        .send_only(&format!("/v1/devices/{device}/maintenance"), body)
        .await?;
    let sentence = match off {
        true => format!("{device} is back: see `entente drift show {device}`"),
        false => {
            format!("{device} is yours: nothing is committed to it until `entente device maintain {device} --off`")
        }
    };
    done(output, &json!({ "device": device, "maintenance": !off }), sentence)
}

/// Plans what becomes of a device and commits it.
pub async fn planned(client: &Client, output: Output, path: &str, carry: Carry) -> Result<()> {
    let plan: Plan = client.post(path, String::new()).await?;
    commit::shown(client, output, &plan, carry).await
}

/// Waives what a device is owed.
pub async fn waive(client: &Client, output: Output, device: &str) -> Result<()> {
    let waived: Value = client
        .post(&format!("/v1/devices/{device}/waive"), String::new())
        .await?;
    if output == Output::Json {
        return show::json(&waived);
    }
    say(match waived["debts"].as_u64() {
        Some(0) | None => format!("{device} is owed nothing"),
        Some(debts) => format!("{debts} waived: look at {device} with `entente drift show {device}`"),
    });
    Ok(())
}
