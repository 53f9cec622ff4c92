//! Takes a backup of a running controller: consistent while transactions go on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Cursor, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use transaction_journal::Entry;

use super::seal::Sealing;
use super::{BackupError, FORM, Manifest, parts};
use crate::commit::{Bounded, Decided, now};
use crate::store::{Store, schema};

/// The parts that are taken in a way of their own, or that belong to the running program alone.
const OWN: [&str; 5] = ["store.db", "store.db-wal", "store.db-shm", "journal", "restored.json"];
/// Where a backup is made, inside the state directory.
const WORK: &str = "backup.making";

/// A backup that is ready; its file goes with it.
pub struct SealedFile {
    /// Where it is.
    pub path: PathBuf,
}

impl Drop for SealedFile {
    fn drop(&mut self) {
        // What stays is overwritten by the next backup.
        if let Some(work) = self.path.parent() {
            let _ = fs::remove_dir_all(work);
        }
    }
}

/// Takes a backup of what stands in `state`. One at a time: the caller sees to that.
///
/// # Errors
/// Where something cannot be read, or the disk is full.
pub async fn take(
    state: &Path,
    store: &Store,
    journal: &Bounded,
    epoch: u64,
    passphrase: String,
) -> Result<SealedFile, BackupError> {
    let work = state.join(WORK);
    let made = SealedFile {
        path: work.join("sealed"),
    };
    let _ = fs::remove_dir_all(&work);
    fs::create_dir(&work).map_err(disk("make", &work))?;
    let records = journal.standing().await?;
    let copy = work.join("store.db");
    store.copy(&copy).await?;
    let manifest = Manifest {
        form: FORM,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        at: now().0,
        epoch,
        store: schema::newest(),
    };
    let (state, path) = (state.to_owned(), made.path.clone());
    let writing = move || write(&state, &path, &manifest, &records, &passphrase);
    tokio::task::spawn_blocking(writing)
        .await
        .map_err(|error| BackupError::Nonsense(error.to_string()))??;
    Ok(made)
}

fn write(
    state: &Path,
    path: &Path,
    manifest: &Manifest,
    records: &[Entry<Decided>],
    passphrase: &str,
) -> Result<(), BackupError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(disk("make", path))?;
    let mut out = Sealing::begin(BufWriter::new(file), passphrase)?;
    let nonsense = |error: serde_json::Error| BackupError::Nonsense(error.to_string());
    let said = serde_json::to_vec(manifest).map_err(nonsense)?;
    put(&mut out, "manifest.json", &said).map_err(disk("write", path))?;
    let mut lines = Vec::new();
    for entry in records {
        let line = serde_json::json!({ "epoch": entry.epoch.0, "record": entry.record.0 });
        serde_json::to_writer(&mut lines, &line).map_err(nonsense)?;
        lines.push(b'\n');
    }
    put(&mut out, "journal.jsonl", &lines).map_err(disk("write", path))?;
    file_part(&mut out, "store.db", &path.with_file_name("store.db"))?;
    for (name, file) in others(state, "")? {
        file_part(&mut out, &name, &file)?;
    }
    let mut out = out.end().map_err(disk("write", path))?;
    out.flush()
        .and_then(|()| out.get_ref().sync_all())
        .map_err(disk("write", path))
}

fn put(out: &mut impl Write, name: &str, content: &[u8]) -> io::Result<()> {
    parts::write(out, name, content.len() as u64, &mut Cursor::new(content))
}

fn file_part(out: &mut impl Write, name: &str, path: &Path) -> Result<(), BackupError> {
    let mut file = File::open(path).map_err(disk("read", path))?;
    let length = file.metadata().map_err(disk("read", path))?.len();
    parts::write(out, name, length, &mut file).map_err(disk("copy", path))
}

/// Every other file of the state directory: keys, the roll of certificates, what else the controller keeps there.
fn others(folder: &Path, prefix: &str) -> Result<Vec<(String, PathBuf)>, BackupError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(disk("read", folder))? {
        let entry = entry.map_err(disk("read", folder))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(disk("read", folder))?);
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let passing = name == WORK || name == ".writable" || name.ends_with(".new") || name.starts_with("store.db.");
        if passing || (prefix.is_empty() && OWN.contains(&name.as_str())) {
            continue;
        }
        let named = format!("{prefix}{name}");
        if kind.is_dir() {
            found.extend(others(&path, &format!("{named}/"))?);
        } else if kind.is_file() {
            found.push((named, path));
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn disk(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.display().to_string();
    move |source| BackupError::Disk { act, path, source }
}
