//! `entente-lab devices`: many simulated devices in one process.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use labs_devices::control::{card, router};
use labs_devices::{Device, Options, PERSONALITIES, Personality};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Which devices to start.
#[derive(Debug, Args)]
pub struct Wanted {
    /// How many.
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// What they are; several are dealt out in turn.
    #[arg(long, default_value = "confirmed", value_delimiter = ',')]
    personality: Vec<Personality>,
    /// Ports: NETCONF's and the terminal's. 0 takes a free one; with other ports each device has an address of its own.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 0], num_args = 1..=2)]
    ports: Vec<u16>,
    /// The first address; with fixed ports each device takes the next.
    #[arg(long, default_value = "127.1.0.1")]
    address: Ipv4Addr,
    /// The start of every name.
    #[arg(long, default_value = "device")]
    name: String,
    /// Who may log in.
    #[arg(long, default_value = "admin")]
    user: String,
    /// With which password.
    #[arg(long, default_value = "admin", env = "ENTENTE_LAB_PASSWORD", hide_env_values = true)]
    password: String,
    /// Public keys that may log in, a file in OpenSSH's form.
    #[arg(long)]
    authorized_keys: Option<PathBuf>,
    /// The configuration that every device starts with: a file with the elements below `<config>`.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where the control port listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
}

/// Starts the devices and serves until a signal comes.
///
/// # Errors
/// When a device or the control port cannot start.
pub async fn serve(wanted: &Wanted) -> anyhow::Result<()> {
    // Who reads the cards may end us at once, and then too we end in good order.
    let terminated = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let mut fleet = BTreeMap::new();
    for at in 0..wanted.count {
        let device = start(wanted, at)
            .await
            .with_context(|| format!("cannot start device {at}"))?;
        fleet.insert(device.name().to_owned(), device);
    }
    let fleet = Arc::new(fleet);
    let listener = tokio::net::TcpListener::bind(wanted.control)
        .await
        .context("cannot open the control port")?;
    let mut out = std::io::stdout().lock();
    for device in fleet.values() {
        writeln!(out, "{}", json!(card(device)))?;
    }
    writeln!(
        out,
        "{}",
        json!({ "control": format!("http://{}", listener.local_addr()?) })
    )?;
    out.flush()?;
    drop(out);
    axum::serve(listener, router(fleet))
        .with_graceful_shutdown(stopped(terminated))
        .await?;
    Ok(())
}

/// Prints the names of all personalities.
///
/// # Errors
/// When standard output is gone.
pub fn list() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for personality in PERSONALITIES {
        writeln!(out, "{}", personality.name)?;
    }
    Ok(())
}

async fn start(wanted: &Wanted, at: u32) -> anyhow::Result<Device> {
    let personality = wanted.personality[at as usize % wanted.personality.len()];
    let port = |which: usize| wanted.ports.get(which).copied().unwrap_or(0);
    let address = Ipv4Addr::from(u32::from(wanted.address) + at);
    if !address.is_loopback() {
        bail!("{address} is no loopback address");
    }
    let keys = match &wanted.authorized_keys {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => String::new(),
    };
    let config = wanted
        .config
        .as_ref()
        .map(std::fs::read_to_string)
        .transpose()
        .context("cannot read the configuration")?;
    let options = Options {
        name: format!("{}{}", wanted.name, at + 1),
        address: IpAddr::V4(address),
        netconf_port: port(0),
        cli_port: port(1),
        user: wanted.user.clone(),
        password: wanted.password.clone(),
        keys: keys
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(str::to_owned)
            .collect(),
        config,
        ..Options::default()
    };
    Ok(Device::start(personality, options).await?)
}

async fn stopped(mut terminated: Signal) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
