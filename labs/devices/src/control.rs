//! The HTTP control port: devices, their faults, acts, logs and datastores, as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use crate::device::Device;
use crate::fault::{Act, Armed};
use crate::store::Store;

/// The devices that a control port rules, by name.
pub type Fleet = Arc<BTreeMap<String, Device>>;

type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// Where a device is and who it is, as the program prints it and the control port shows it.
#[derive(Debug, Serialize)]
pub struct Card {
    name: String,
    personality: &'static str,
    address: std::net::IpAddr,
    netconf_port: Option<u16>,
    cli_port: Option<u16>,
    host_key: String,
    sessions: usize,
    pending: bool,
}

/// The card of a device.
pub fn card(device: &Device) -> Card {
    Card {
        name: device.name().to_owned(),
        personality: device.personality().name,
        address: device.address,
        netconf_port: device.netconf,
        cli_port: device.cli,
        host_key: device.host_key(),
        sessions: device.sessions(),
        pending: device.is_pending(),
    }
}

/// The routes of the control port.
pub fn router(fleet: Fleet) -> Router {
    Router::new()
        .route("/devices", get(list))
        .route("/counts", get(all_counts))
        .route("/devices/{name}", get(show))
        .route("/devices/{name}/faults", get(faults).post(inject).delete(clear_faults))
        .route("/devices/{name}/acts", post(act))
        .route("/devices/{name}/log", get(log).delete(clear_log))
        .route("/devices/{name}/counts", get(counts))
        .route("/devices/{name}/config/{store}", get(config))
        .with_state(fleet)
}

fn find<'a>(fleet: &'a Fleet, name: &str) -> Result<&'a Device, (StatusCode, Json<Value>)> {
    let missing = || {
        (
            StatusCode::NOT_FOUND,
            Json(json!({ "error": format!("no device is named {name}") })),
        )
    };
    fleet.get(name).ok_or_else(missing)
}

async fn list(State(fleet): State<Fleet>) -> Json<Value> {
    Json(json!(fleet.values().map(card).collect::<Vec<_>>()))
}

async fn show(State(fleet): State<Fleet>, Path(name): Path<String>) -> Answer {
    Ok(Json(json!(card(find(&fleet, &name)?))))
}

async fn faults(State(fleet): State<Fleet>, Path(name): Path<String>) -> Answer {
    Ok(Json(json!(find(&fleet, &name)?.faults())))
}

async fn inject(State(fleet): State<Fleet>, Path(name): Path<String>, Json(armed): Json<Armed>) -> Answer {
    let device = find(&fleet, &name)?;
    device.inject(armed);
    Ok(Json(json!(device.faults())))
}

async fn clear_faults(State(fleet): State<Fleet>, Path(name): Path<String>) -> Answer {
    find(&fleet, &name)?.clear_faults();
    Ok(Json(json!([])))
}

async fn act(State(fleet): State<Fleet>, Path(name): Path<String>, Json(act): Json<Act>) -> Answer {
    let device = find(&fleet, &name)?;
    let refused = |tag: &str, message: &str| (StatusCode::CONFLICT, Json(json!({ "error": message, "tag": tag })));
    device.act(&act).map_err(|error| refused(&error.tag, &error.message))?;
    Ok(Json(json!(card(device))))
}

async fn log(State(fleet): State<Fleet>, Path(name): Path<String>) -> Answer {
    Ok(Json(json!(find(&fleet, &name)?.log())))
}

async fn clear_log(State(fleet): State<Fleet>, Path(name): Path<String>) -> Answer {
    find(&fleet, &name)?.clear_log();
    Ok(Json(json!([])))
}

async fn counts(State(fleet): State<Fleet>, Path(name): Path<String>) -> Answer {
    Ok(Json(json!(find(&fleet, &name)?.counts())))
}

async fn all_counts(State(fleet): State<Fleet>) -> Json<Value> {
    let mut sum: BTreeMap<String, u64> = BTreeMap::new();
    for (operation, count) in fleet.values().flat_map(Device::counts) {
        *sum.entry(operation).or_default() += count;
    }
    Json(json!(sum))
}

async fn config(State(fleet): State<Fleet>, Path((name, store)): Path<(String, Store)>) -> Answer {
    Ok(Json(json!({ "xml": find(&fleet, &name)?.content(store) })))
}
