//! `entente agent`: who is there, what each can do, and what an operator does about it.

use anyhow::Result;
use clap::Args;
use fabric_identity::Name;
use serde_json::{Value, json};

use super::show;
use crate::arguments::{AgentCommand, Output, Remote};
use crate::client::Client;

/// Which agents are listed.
#[derive(Debug, Args)]
pub struct Wanted {
    /// Only agents that can do this; several times: all of it
    #[arg(long = "capability", value_name = "WORD")]
    capabilities: Vec<String>,
    /// Only agents that speak this; several times: one of it
    #[arg(long = "protocol", value_name = "WORD")]
    protocols: Vec<String>,
    /// Only agents with texts in this language; several times: one of it
    #[arg(long = "language", value_name = "WORD")]
    languages: Vec<String>,
    /// Only agents with this attribute; several times: all of it
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// Only agents that are online, temporarily-offline or offline
    #[arg(long = "presence", value_name = "WORD")]
    presence: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

/// One agent.
#[derive(Debug, Args)]
pub struct Named {
    /// The agent's name
    name: Name,
    #[command(flatten)]
    remote: Remote,
}

/// What an agent is allowed.
#[derive(Debug, Args)]
pub struct Allowed {
    /// The agent's name: small letters, digits and dashes
    name: Name,
    /// A device that it may speak for; several times for several
    #[arg(long = "device", value_name = "NAME", required = true)]
    devices: Vec<String>,
    /// What it may do: configure, observe, publish; several times for several [default: all of it]
    #[arg(long, value_name = "WORD")]
    may: Vec<String>,
    /// The organisation that it belongs to, as verified
    #[arg(long, default_value = "")]
    organisation: String,
    /// Who made it
    #[arg(long, default_value = "")]
    developer: String,
    /// What it is for
    #[arg(long, default_value = "")]
    function: String,
    /// What it can do; several times for several
    #[arg(long = "skill", value_name = "WORD")]
    skills: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Allowed {
    fn body(&self, key: &str) -> String {
        let body = json!({
            "key": key,
            "devices": self.devices, "may": self.may, "organisation": self.organisation,
            "developer": self.developer, "function": self.function, "skills": self.skills,
        });
        body.to_string()
    }
}

/// Does what the command says.
pub async fn run(command: AgentCommand, output: Output, client: impl Fn(&Remote) -> Result<Client>) -> Result<()> {
    let act = async |named: &Named, verb: &str, body: String, done: &str| -> Result<()> {
        let path = format!("/v1/agents/{}/{verb}", named.name);
        client(&named.remote)?.order(&path, body).await?;
        let (name, sentence) = (&named.name, format!("{} {done}", named.name));
        super::done(output, &json!({ "agent": name, "asked": verb }), sentence)
    };
    match command {
        AgentCommand::List(wanted) => list(&wanted, output, &client(&wanted.remote)?).await,
        AgentCommand::Show(Named { name, remote }) => {
            show::object(output, &client(&remote)?.fetch(&format!("/v1/agents/{name}")).await?)
        }
        AgentCommand::Invite(allowed) => {
            let path = format!("/v1/agents/{}/invitation", allowed.name);
            let invitation: Value = client(&allowed.remote)?.post(&path, allowed.body("")).await?;
            show::object(output, &invitation)
        }
        AgentCommand::Approve { key, allowed } => {
            let body = allowed.body(&key);
            let named = Named {
                name: allowed.name,
                remote: allowed.remote,
            };
            act(
                &named,
                "approve",
                body,
                "is approved: its next call gets its certificate",
            )
            .await
        }
        AgentCommand::Reject(named) => act(&named, "reject", String::new(), "is turned away").await,
        AgentCommand::Revoke { reason, named } => {
            let body = json!({ "reason": reason }).to_string();
            act(&named, "revoke", body, "is shut out for good").await
        }
        AgentCommand::Hold(named) => act(&named, "hold", String::new(), "is shut out until it is released").await,
        AgentCommand::Release(named) => act(&named, "release", String::new(), "may come back").await,
        AgentCommand::Deregister(named) => act(&named, "deregister", String::new(), "is not found any more").await,
    }
}

async fn list(wanted: &Wanted, output: Output, client: &Client) -> Result<()> {
    let words = [
        ("capability", &wanted.capabilities),
        ("protocol", &wanted.protocols),
        ("language", &wanted.languages),
        ("attribute", &wanted.attributes),
        ("presence", &wanted.presence),
    ];
    let asked = words.iter().filter(|(_, words)| !words.is_empty());
    let query: Vec<String> = asked
        .map(|(name, words)| format!("{name}={}", escaped(&words.join(","))))
        .collect();
    let agents = client.list(&format!("/v1/agents?{}", query.join("&"))).await?;
    let mut columns = vec!["name", "presence", "standing", "devices", "capabilities", "program"];
    let disputed = |agent: &Value| agent["withheld"].as_array().is_some_and(|it| !it.is_empty());
    if agents.as_array().is_some_and(|all| all.iter().any(disputed)) {
        columns.insert(4, "withheld");
    }
    let empty = if query.is_empty() {
        "no agent has joined"
    } else {
        "no agent has what is asked for"
    };
    show::rows(output, &agents, &columns, empty)
}

/// A text as part of a query.
pub fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |text, it| match it {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' => {
            text + char::from(it).encode_utf8(&mut [0; 4])
        }
        it => format!("{text}%{it:02X}"),
    })
}
