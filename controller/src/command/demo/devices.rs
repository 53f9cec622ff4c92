//! The simulated devices of the demo: some speak NETCONF, some only a command line, one both.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use uuid::Uuid;

use super::parts::{Part, sibling, start};

/// What each device is, from r1 on: what it speaks, and what it can promise.
const PERSONALITIES: [&str; 12] = [
    "confirmed",
    "confirmed-1.0",
    "candidate",
    "running-startup",
    "base-1.0",
    "running",
    "frr",
    "vrp",
    "confirmed",
    "ios",
    "dual",
    "running-bare",
];
/// The password of the simulated devices; they listen on loopback addresses alone.
pub const PASSWORD: &str = "entente-demo";
/// How many there are.
pub const DEVICES: usize = PERSONALITIES.len();

/// One way to a device.
struct Way {
    protocol: &'static str,
    platform: &'static str,
    port: u64,
}

/// A simulated device.
pub struct Simulated {
    id: Uuid,
    /// Its name.
    pub name: String,
    address: String,
    ways: Vec<Way>,
}

impl Simulated {
    /// From the line that entente-lab says of it.
    fn of(card: &Value) -> Result<Self> {
        let text = |field: &str| card[field].as_str().context("entente-lab left out a field");
        let terminal = match text("personality")? {
            "vrp" => "huawei_vrp",
            "ios" => "cisco_ios",
            _ => "frr",
        };
        let doors = [("netconf", "ietf", "netconf_port"), ("cli", terminal, "cli_port")];
        let way = |(protocol, platform, port): (&'static str, &'static str, &str)| {
            let port = card[port].as_u64()?;
            Some(Way {
                protocol,
                platform,
                port,
            })
        };
        let ways: Vec<Way> = doors.into_iter().filter_map(way).collect();
        if ways.is_empty() {
            bail!("a device that speaks nothing");
        }
        Ok(Self {
            id: Uuid::now_v7(),
            name: text("name")?.to_owned(),
            address: text("address")?.to_owned(),
            ways,
        })
    }

    /// What it is spoken to over, for people.
    pub fn spoken(&self) -> String {
        let ways = self.ways.iter().map(|way| match way.protocol {
            "netconf" => "NETCONF".to_owned(),
            _ => format!("CLI of {}", way.platform),
        });
        ways.collect::<Vec<_>>().join(", ")
    }

    /// Whether it has nothing but a command line.
    pub fn is_terminal(&self) -> bool {
        self.ways.iter().all(|way| way.protocol == "cli")
    }

    /// Its lines of the inventory.
    pub fn listed(&self) -> Result<String> {
        let Self {
            id,
            name,
            address,
            ways,
        } = self;
        let mut lines = format!(
            "  - id: {id}\n    name: {name}\n    address: {address}\n    platforms: [{}]\n    protocols:\n",
            ways[0].platform
        );
        for Way { protocol, port, .. } in ways {
            writeln!(lines, "      - {{ name: {protocol}, port: {port} }}")?;
        }
        Ok(lines)
    }

    /// Its lines of its agent's file.
    pub fn spoken_for(&self) -> Result<String> {
        let Self {
            id,
            name,
            address,
            ways,
        } = self;
        let mut lines = format!("  - id: {id}\n    name: {name}\n    ways:\n");
        for Way {
            protocol,
            platform,
            port,
        } in ways
        {
            writeln!(
                lines,
                "      - {{ protocol: {protocol}, address: '{address}:{port}', platform: {platform}, credential: admin, trust-first-use: true }}"
            )?;
        }
        Ok(lines)
    }
}

/// Starts them; where they can be made to misbehave comes along.
pub fn lab(folder: &Path) -> Result<(Part, Vec<Simulated>, String)> {
    let mut command = Command::new(sibling("entente-lab")?);
    let (count, personalities) = (DEVICES.to_string(), PERSONALITIES.join(","));
    command.args(["devices", "--count", &count, "--name", "r", "--user", "admin"]);
    command.args(["--personality", &personalities]);
    command.env("ENTENTE_LAB_PASSWORD", PASSWORD).stdout(Stdio::piped());
    let mut part = start(&mut command, &folder.join("lab.log"))?;
    let out = part.0.stdout.take().context("read what entente-lab says")?;
    let mut devices = Vec::new();
    for line in BufReader::new(out).lines() {
        let card: Value = serde_json::from_str(&line?).context("read what entente-lab says")?;
        if let Some(control) = card["control"].as_str() {
            devices.sort_by_key(|device: &Simulated| (device.name.len(), device.name.clone()));
            return Ok((part, devices, control.to_owned()));
        }
        devices.push(Simulated::of(&card)?);
    }
    bail!(
        "entente-lab ended: {}",
        fs::read_to_string(folder.join("lab.log")).unwrap_or_default()
    )
}
