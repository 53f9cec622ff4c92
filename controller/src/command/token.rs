//! `entente token`: who is let in, and as what.

use anyhow::Result;
use serde_json::{Value, json};

use super::{read, show};
use crate::arguments::{Output, Remote, TokenCommand};
use crate::client::Client;

/// Does what was asked.
pub async fn run(command: TokenCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    match command {
        TokenCommand::Create {
            name,
            role,
            certificate,
            remote,
        } => {
            let certificate = certificate.as_deref().map(read).transpose()?;
            let body = json!({ "name": name, "role": role.word(), "certificate": certificate }).to_string();
            let made: Value = client(&remote)?.post("/v1/tokens", body).await?;
            show::object(output, &made)
        }
        TokenCommand::List(remote) => {
            let tokens = client(&remote)?.list("/v1/tokens").await?;
            let columns = ["id", "name", "role", "kind", "made_by", "revoked"];
            show::rows(
                output,
                &tokens,
                &columns,
                "nobody beside the admin: `entente token create NAME --role ROLE`",
            )
        }
        TokenCommand::Revoke { key, remote } => {
            let path = format!("/v1/tokens/{key}/revoke");
            let gone: Value = client(&remote)?.post(&path, String::new()).await?;
            show::rows(output, &gone, &["id", "name", "role", "revoked"], "nobody")
        }
    }
}
