//! What an agent is told before it starts: read whole, every fault with its line, nothing unknown let pass.

mod read;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use adapters_port::Protocol;
use knowledge_model::document::Fault;
use thiserror::Error;
use transaction::DeviceId;

use crate::credential::Source;

pub use read::read;

/// Why a configuration is not used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that cannot be meant.
    #[error("configuration {} has {} fault(s)\n{}", path.display(), faults.len(), list(path, faults))]
    Faulty {
        /// Which file.
        path: PathBuf,
        /// All of them, in the order of the file.
        faults: Vec<Fault>,
    },
}

fn list(path: &Path, faults: &[Fault]) -> String {
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| format!("  {}:{fault}", path.display()))
        .collect();
    lines.join("\n")
}

/// Everything that an agent is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Its name, the same as in its certificate.
    pub name: String,
    /// What it is for, in a sentence for people.
    pub description: String,
    /// The organisation that it belongs to, as it applies for its certificate; empty: it names none.
    pub organisation: String,
    /// Who made or runs it, as it applies for its certificate; empty: it names nobody.
    pub developer: String,
    /// Whatever else it may be found by.
    pub attributes: BTreeMap<String, String>,
    /// Where its records, key and certificate lie; its own alone.
    pub state: PathBuf,
    /// Where it serves. None: it only finishes what its records hold.
    pub controller: Option<Controller>,
    /// How it logs in to devices, by name.
    pub credentials: BTreeMap<String, Credential>,
    /// What stands behind `secret:NAME@VERSION`, by `NAME@VERSION`.
    pub secrets: BTreeMap<String, Source>,
    /// The only programs that a credential may be asked of.
    pub commands: Vec<PathBuf>,
    /// The devices that it speaks for.
    pub devices: Vec<Device>,
    /// How long one step on a device may take.
    pub step_within: Duration,
    /// How often it is looked whether each device still answers.
    pub look_every: Duration,
    /// How long the agent waits for steps under way when it is told to stop.
    pub drain_within: Duration,
    /// How long the controller may then take to hear its last words.
    pub leave_within: Duration,
    /// How the agent writes its log.
    pub log: Log,
}

/// The controller that an agent dials.
#[derive(Debug, Clone, PartialEq)]
pub struct Controller {
    /// Host and port of its stream.
    pub address: String,
    /// Host and port where agents enrol and renew.
    pub enrolment: String,
    /// SHA-256 of the authority's certificate, in hexadecimal: who is trusted at the first meeting.
    pub fingerprint: String,
    /// The one-time word that lets this agent join; not needed once it has its certificate.
    pub token: Option<Source>,
}

/// How to log in to a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    /// The login name.
    pub user: String,
    /// Its password.
    pub password: Option<Source>,
    /// A file with its private key.
    pub key: Option<PathBuf>,
    /// What opens the key.
    pub passphrase: Option<Source>,
}

/// A device that the agent speaks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its immutable id.
    pub id: DeviceId,
    /// What operators call it.
    pub name: String,
    /// The ways to it, in the order of preference.
    pub ways: Vec<Way>,
}

/// One way to a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// What is spoken.
    pub protocol: Protocol,
    /// Where.
    pub address: SocketAddr,
    /// The platform that describes it.
    pub platform: String,
    /// The name of the credential.
    pub credential: String,
    /// Whether a host key that was never seen is put on record, or refused.
    pub trust_first_use: bool,
    /// The other command line of the same device: what this platform has no rule for is looked for there.
    pub beside: Option<Box<Way>>,
}

/// How the log is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// Levels, as in `info,device_agent=debug`.
    pub filter: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        read(&text, folder).map_err(|faults| ConfigError::Faulty {
            path: path.to_owned(),
            faults,
        })
    }
}
