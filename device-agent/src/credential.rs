//! Where secrets come from, and how they are fetched at the last moment.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use adapters_port::{Answer, Deadline, Secret, SecretError, SecretRef, Secrets};
use futures::FutureExt;
use std::collections::BTreeMap;
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// The longest secret that is taken.
const LENGTH: usize = 64 * 1024;
const COMMAND_WITHIN: Duration = Duration::from_secs(10);

/// Where one secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An environment variable.
    Environment(String),
    /// A file that nobody but its owner may read.
    File(PathBuf),
    /// What a program prints: its path, then its arguments.
    Command(Vec<String>),
}

/// Why a secret could not be had. None of these carries any part of it.
#[derive(Debug, Error)]
pub enum SourceError {
    /// No such variable, or it is not text.
    #[error("environment variable {0} is not set")]
    NotSet(String),
    /// The file cannot be read.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// Others may read it too.
    #[error("{} may be read by others: its mode is {mode:o}, it must be 600", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The program does not run.
    #[error("cannot run {0}")]
    NotRun(String, #[source] io::Error),
    /// The program failed, or took too long.
    #[error("{0} gave no secret: {1}")]
    NoAnswer(String, String),
    /// There is nothing there, or far too much.
    #[error("{0} holds no usable secret")]
    Unusable(String),
}

impl Source {
    /// Fetches the secret; a line end at its end is not part of it.
    pub async fn fetch(&self) -> Result<Secret, SourceError> {
        let (text, named) = match self {
            Self::Environment(name) => (
                std::env::var(name).map_err(|_| SourceError::NotSet(name.clone()))?,
                name.clone(),
            ),
            Self::File(path) => (from_file(path)?, path.display().to_string()),
            Self::Command(words) => {
                let program = words.first().cloned().unwrap_or_default();
                (from_command(&program, &words[1.min(words.len())..]).await?, program)
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() || text.len() > LENGTH {
            Err(SourceError::Unusable(named))
        } else {
            Ok(Secret::new(text))
        }
    }
}

/// Refuses a file that others may read.
pub fn own_alone(path: &Path) -> Result<(), SourceError> {
    let metadata = std::fs::metadata(path).map_err(|error| SourceError::Unreadable(path.to_owned(), error))?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(SourceError::Open {
            path: path.to_owned(),
            mode,
        })
    }
}

fn from_file(path: &Path) -> Result<String, SourceError> {
    own_alone(path)?;
    std::fs::read_to_string(path).map_err(|error| SourceError::Unreadable(path.to_owned(), error))
}

async fn from_command(program: &str, arguments: &[String]) -> Result<String, SourceError> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| SourceError::NotRun(program.to_owned(), error))?;
    let no_answer = |why: &str| SourceError::NoAnswer(program.to_owned(), why.to_owned());
    let printed = child.stdout.take().ok_or_else(|| no_answer("it has no output"))?;
    let mut text = String::new();
    let answer = async {
        printed.take(LENGTH as u64 + 1).read_to_string(&mut text).await?;
        child.wait().await
    };
    match tokio::time::timeout(COMMAND_WITHIN, answer).await {
        Ok(Ok(status)) if status.success() => Ok(text),
        Ok(Ok(status)) => Err(no_answer(&status.to_string())),
        Ok(Err(error)) => Err(SourceError::NotRun(program.to_owned(), error)),
        Err(_) => Err(no_answer("it took too long")),
    }
}

/// The secrets that the model refers to, each fetched when it is needed.
#[derive(Debug, Default)]
pub struct Vault(pub BTreeMap<String, Source>);

impl Secrets for Vault {
    fn resolve<'a>(&'a self, reference: &'a SecretRef, by: Deadline) -> Answer<'a, Secret, SecretError> {
        let fetch = async move {
            let name = format!("{}@{}", reference.name(), reference.version());
            let source = self
                .0
                .get(&name)
                .ok_or_else(|| SecretError::Unknown(reference.clone()))?;
            let unavailable = |source: adapters_port::Cause| SecretError::Unavailable {
                reference: reference.clone(),
                source,
            };
            let fetched = tokio::time::timeout_at(by.instant().into(), source.fetch()).await;
            fetched
                .map_err(|error| unavailable(error.into()))?
                .map_err(|error| unavailable(error.into()))
        };
        fetch.boxed()
    }
}
