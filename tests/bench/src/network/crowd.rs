//! A thousand agents at one controller: what each costs it in memory, idle.

use std::sync::Arc;

use anyhow::Context;
use fabric_identity::est::{Enrolment, dial};
use fabric_identity::tls::{self, Trust};
use fabric_wire::v1::{Device, Hello};
use fabric_wire::{AgentLink, Limits, Membership};
use rcgen::KeyPair;
use serde_json::Value;

use super::fleet::Address;
use super::product::{Product, id, until};
use crate::report::Row;

const AGENTS: usize = 1_000;
/// A device and its agent's state may take so much, in KiB.
const LIMIT: f64 = 90.0;

pub fn run() -> anyhow::Result<Row> {
    let nowhere = Address {
        host: "127.0.0.1".to_owned(),
        port: 9,
    };
    let product = Product::start(&vec![nowhere; AGENTS], false)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let before = product.memory()?;
    let mut links = Vec::with_capacity(AGENTS);
    for at in 0..AGENTS {
        let name = format!("agent-{at}");
        let invitation = product.invite(&name, &[at])?;
        links.push(runtime.block_on(joined(&name, at, &invitation))?);
    }
    until("a thousand agents to stand on the list", || {
        (product.joined().ok()? == AGENTS as u64).then_some(())
    })?;
    let each = (product.memory()? - before) / AGENTS as f64 / 1024.0;
    drop(links);
    Ok(Row {
        bench: "memory of a controller, each of 1000 agents".to_owned(),
        peer: "the limit for device and state".to_owned(),
        devices: Some(u32::try_from(AGENTS)?),
        warm: None,
        ours: each,
        theirs: LIMIT,
        unit: "KiB",
        ratio: LIMIT / each,
        target: Some(1.0),
    })
}

/// Enrols and joins as an agent does.
async fn joined(name: &str, at: usize, invitation: &Value) -> anyhow::Result<AgentLink> {
    let text = |field: &str| invitation[field].as_str().context("the invitation is not whole");
    let enrolment = Enrolment {
        address: text("enrolment")?.to_owned(),
        fingerprint: text("fingerprint")?.to_owned(),
    };
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let own = enrolment.enrol(&name.parse()?, &key, Some(text("token")?)).await?;
    let trust = Trust::Authority(own.authority.clone());
    let config = tls::client(Some((&own, key.serialized_der())), trust, None)?;
    let hello = Hello {
        lowest_version: 1,
        highest_version: 1,
        agent: name.to_owned(),
        session: uuid_like(at),
        devices: vec![Device {
            id: id(at),
            platforms: vec!["ietf".to_owned()],
            ..Device::default()
        }],
        program: "bench 1".to_owned(),
        capabilities: vec!["netconf".to_owned(), fabric_wire::hello::STANDS.to_owned()],
        ..Hello::default()
    };
    let io = dial(text("address")?, Arc::new(config)).await?;
    Membership::new(hello, Limits::default())
        .join(io)
        .await
        .with_context(|| format!("{name} does not join"))
}

fn uuid_like(at: usize) -> Vec<u8> {
    (at as u128 + 1).to_be_bytes().to_vec()
}
