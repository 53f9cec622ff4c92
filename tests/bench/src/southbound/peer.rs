//! The peers, in `tests/peers`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::{Figures, Job};

/// A tool that people use.
#[derive(Debug, Clone, Copy)]
pub enum Peer {
    /// ncclient, with threads.
    Ncclient,
    /// scrapli-netconf, over asyncssh.
    ScrapliNetconf,
    /// scrapli, over asyncssh.
    Scrapli,
    /// netmiko, with threads.
    Netmiko,
}

impl Peer {
    pub const NETCONF: [Self; 2] = [Self::Ncclient, Self::ScrapliNetconf];
    pub const TERMINAL: [Self; 2] = [Self::Netmiko, Self::Scrapli];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ncclient => "ncclient",
            Self::ScrapliNetconf => "scrapli-netconf",
            Self::Scrapli => "scrapli",
            Self::Netmiko => "netmiko",
        }
    }

    /// How many times less CPU we mean to take.
    pub fn target(self, warm: bool) -> Option<f64> {
        match (self, warm) {
            (Self::Ncclient | Self::Netmiko | Self::Scrapli, false) => Some(12.0),
            (Self::Ncclient, true) => Some(30.0),
            (Self::ScrapliNetconf, false) => None,
            (Self::ScrapliNetconf | Self::Scrapli | Self::Netmiko, true) => Some(20.0),
        }
    }

    pub fn run(self, job: &Job) -> anyhow::Result<Figures> {
        let script = match self {
            Self::Ncclient => "ncclient_candidate.py",
            Self::ScrapliNetconf => "scrapli_candidate.py",
            Self::Scrapli => "scrapli_lines.py",
            Self::Netmiko => "netmiko_lines.py",
        };
        let script = tests_real::root().join("tests/peers").join(script);
        ask(Command::new(python()).arg(script), job).context(self.name())
    }
}

/// The Python that has the peers: newer scrapli breaks scrapli-netconf, so they live apart from the judges.
fn python() -> PathBuf {
    std::env::var_os("ENTENTE_PEERS_PYTHON")
        .map_or_else(|| tests_real::root().join(".venv-peers/bin/python"), PathBuf::from)
}

/// Gives a client its job and takes its figures.
pub fn ask(command: &mut Command, job: &Job) -> anyhow::Result<Figures> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child
        .stdin
        .take()
        .context("no standard input")?
        .write_all(&serde_json::to_vec(job)?)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the client failed with {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
