//! What a controller looks at before it starts: disk, clock, port, lock. Each fault is one sentence with its remedy, and
//! an exit code of its own.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use transaction::CoordinatorRecord;
use transaction_journal::{FileJournal, Json, OnLost, OpenError, Options, Recovered, end_process};

use crate::arguments::Output;
use crate::audit::hex;
use crate::commit::{Change, Decisions, now};
use crate::exit::{self, Exit};
use crate::store::{Store, StoreError};

/// How much is written to find out whether the disk has room.
const PROBE: usize = 64 * 1024;
/// Before this the clock cannot be: 2026-01-01, in milliseconds since 1970.
const BUILT: i64 = 1_767_225_600_000;
/// How far the clock may fall behind what it said before.
const TOLERANCE: i64 = 10 * 60 * 1000;

/// The state directory, made with mode 0700 where it is missing, and writable.
pub fn prepare(folder: &Path) -> Result<()> {
    let unusable = |error: std::io::Error| {
        if error.kind() == ErrorKind::StorageFull {
            return full(folder);
        }
        Exit::State.because(format!(
            "cannot use the state directory {}: {error}; name another with --state",
            folder.display()
        ))
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(unusable)?;
    let probe = folder.join(".writable");
    let written = fs::write(&probe, [1; PROBE]);
    let _ = fs::remove_file(&probe);
    written.map_err(unusable)
}

fn full(folder: &Path) -> anyhow::Error {
    Exit::Full.because(format!(
        "the disk of {} is full: free some space and start again, nothing that was decided is lost",
        folder.display()
    ))
}

/// A write of the journal failed: what the disk holds is unknown, so the process ends and the next start reads it.
pub fn lost(folder: PathBuf) -> OnLost {
    Arc::new(move |error| {
        if error.kind() == ErrorKind::StorageFull {
            let _ = exit::report(&full(&folder), Output::Table);
            std::process::exit(Exit::Full as i32);
        }
        end_process(error);
    })
}

/// As many open files as this process may have: each agent's stream is one.
pub fn files() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "cannot have more open files: the number of agents is limited by `ulimit -n`");
    }
}

/// The admin token, drawn on the first start and kept with mode 0600.
pub fn token(file: &Path) -> Result<String> {
    match fs::read_to_string(file) {
        Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("draw a token")?;
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file);
    let out = out
        .as_mut()
        .map_err(|error| Exit::State.because(format!("cannot make {}: {error}", file.display())))?;
    out.write_all(hex(&bytes).as_bytes())
        .and_then(|()| out.sync_all())
        .context("keep the token")?;
    Ok(hex(&bytes))
}

/// Certificates, tokens and the audit chain live by the wall clock: one that is far off spoils them for long.
fn check_clock(last: Option<i64>) -> Result<()> {
    let now = i64::try_from(now().0).unwrap_or(i64::MAX);
    let said = |what: &str| {
        Err(Exit::Clock.because(format!(
            "the clock is wrong: {what}; set it (`timedatectl set-ntp true`) and start again"
        )))
    };
    if now < BUILT {
        return said("it shows a time before this program was written");
    }
    match last {
        Some(last) if last > now + TOLERANCE => {
            let minutes = (last - now) / 60_000;
            said(&format!(
                "the last entry of the audit chain is {minutes} minutes ahead of it"
            ))
        }
        Some(_) | None => Ok(()),
    }
}

/// What the journal held.
type Found = Recovered<Json<CoordinatorRecord<Change>>>;

pub fn journal(folder: &Path) -> Result<(Arc<Decisions>, Found)> {
    let options = Options {
        on_lost: lost(folder.to_owned()),
        ..Options::default()
    };
    let opened = FileJournal::open(folder, options);
    let (journal, recovered) = opened.map_err(|error| refused(&error, folder))?;
    Ok((Arc::new(journal), recovered))
}

/// Why the journal in `folder` cannot be had.
pub fn refused(error: &OpenError, folder: &Path) -> anyhow::Error {
    match error {
        OpenError::Locked { path } => Exit::Locked.because(format!(
            "another controller runs on this state directory ({path} is locked): stop it, or name another with --state"
        )),
        OpenError::Io(error) if error.kind() == ErrorKind::StorageFull => full(folder),
        OpenError::Newer { .. }
        | OpenError::Damaged { .. }
        | OpenError::Missing { .. }
        | OpenError::Unreadable { .. }
        | OpenError::Io(_) => Exit::State.because(chain(error)),
    }
}

pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(Exit::Busy.because(format!(
            "{address} is in use: stop who uses it, or name another with --listen"
        ))),
        Err(error) => Err(error).with_context(|| format!("listen on {address}")),
    }
}

pub fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |cause| cause.source());
    sources.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The store of the state directory.
pub async fn store(folder: &Path) -> Result<Store> {
    let unusable = |error: StoreError| {
        if error.is_full() {
            full(folder)
        } else {
            Exit::State.because(chain(&error))
        }
    };
    let store = Store::open(folder).await.map_err(unusable)?;
    check_clock(store.last_stamp().await.map_err(unusable)?)?;
    Ok(store)
}
