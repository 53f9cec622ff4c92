//! `entente audit`: the chain, checked here and not where it is kept.

use anyhow::Result;
use serde_json::json;

use super::{say, show};
use crate::arguments::Output;
use crate::client::Client;
use crate::exit::Exit;
use crate::intake::rest::LINKS;
use crate::intake::view::{AuditLink, AuditView};
use crate::store::AuditRow;

/// Fetches the whole chain and checks every link.
pub async fn verify(client: &Client, output: Output) -> Result<()> {
    let mut view: AuditView = client.fetch("/v1/audit").await?;
    let mut more = view.links.len();
    while i64::try_from(more).is_ok_and(|more| more >= LINKS) {
        let next: AuditView = client
            .fetch(&format!("/v1/audit?from={}", view.links.len() + 1))
            .await?;
        more = next.links.len();
        view.links.extend(next.links);
    }
    let row = |link: &AuditLink| AuditRow {
        position: link.position,
        body: link.body.clone(),
        hash: link.hash.clone(),
        signature: link.signature.clone(),
    };
    let rows: Vec<AuditRow> = view.links.iter().map(row).collect();
    let entries = crate::audit::verify(&rows, &view.public_key)
        .map_err(|error| Exit::Invalid.because(format!("the audit chain does not hold: {error:#}")))?;
    if output == Output::Json {
        return show::json(&json!({ "entries": entries, "public_key": view.public_key }));
    }
    say(format!("{entries} entries hold, signed by {}", view.public_key));
    Ok(())
}
