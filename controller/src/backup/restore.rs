//! Brings a backup back into an empty state directory, under an epoch above everything that was spoken since.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sqlx::Row;
use transaction::{CoordinatorRecord, Ending};
use transaction_journal::{Epoch, FileJournal, Journal, Json, Options};

use super::seal::Opening;
use super::take::disk;
use super::{BackupError, FORM, Manifest, parts, raised};
use crate::commit::{Change, Decided, Restored};
use crate::store::schema;

/// Where a controller reads that it was restored.
const MARK: &str = "restored.json";

/// What a restore found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// The first epoch of the restored controller.
    pub epoch: u64,
    /// The transactions that it knows and that are in doubt.
    pub open: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    epoch: u64,
    record: CoordinatorRecord<Change>,
}

/// Restores the backup in `file` to `state`, which must not be there, or be empty. `now` is in milliseconds since 1970.
///
/// # Errors
/// Where the backup does not open or makes no sense, and where the directory cannot be written; then it is as before.
pub async fn restore(file: &Path, state: &Path, passphrase: &str, now: u64) -> Result<Report, BackupError> {
    let name = state.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let making = state.with_file_name(format!("{name}.restoring"));
    let _ = fs::remove_dir_all(&making);
    let restored = into(file, &making, passphrase, now).await;
    let renamed = restored.and_then(|report| {
        // An empty directory gives way; one with something in it does not.
        let _ = fs::remove_dir(state);
        fs::rename(&making, state).map_err(disk("make", state))?;
        Ok(report)
    });
    if renamed.is_err() {
        let _ = fs::remove_dir_all(&making);
    }
    renamed
}

async fn into(file: &Path, folder: &Path, passphrase: &str, now: u64) -> Result<Report, BackupError> {
    let manifest = unpack(file, folder, passphrase)?;
    let epoch = raised(manifest.epoch, now / 1000);
    let over = over(&folder.join("store.db"), epoch).await?;
    let lines = folder.join("journal.jsonl");
    let text = fs::read_to_string(&lines).map_err(disk("read", &lines))?;
    let mut records = Vec::new();
    for line in text.lines() {
        let line: Line = serde_json::from_str(line)
            .map_err(|error| BackupError::Nonsense(format!("a record of the journal cannot be read: {error}")))?;
        records.push(line);
    }
    // Of what the store knows to be over, the journal need say nothing; a torn one still owes its devices.
    let torn = records.iter().filter_map(|line| settled_torn(&line.record));
    let torn: HashSet<String> = torn.collect();
    records.retain(|line| {
        let id = line.record.transaction().to_string();
        !over.iter().any(|(it, state)| *it == id && state != "torn") || torn.contains(&id)
    });
    let open: HashSet<String> = records
        .iter()
        .map(|line| line.record.transaction().to_string())
        .collect();
    rewrite(&folder.join("journal"), records, epoch).await?;
    empty_table(&folder.join("store.db")).await?;
    fs::remove_file(&lines).map_err(disk("remove", &lines))?;
    let mark = Restored { epoch, at: now };
    let mark = serde_json::to_vec(&mark).map_err(|error| BackupError::Nonsense(error.to_string()))?;
    keep(&folder.join(MARK), &mut mark.as_slice()).map_err(disk("write", &folder.join(MARK)))?;
    let mut open: Vec<String> = open.difference(&torn).cloned().collect();
    open.sort();
    Ok(Report { manifest, epoch, open })
}

fn settled_torn(record: &CoordinatorRecord<Change>) -> Option<String> {
    if let CoordinatorRecord::Settled {
        transaction,
        ending: Ending::Torn { .. },
        ..
    } = record
    {
        return Some(transaction.to_string());
    }
    None
}

/// Writes every part to the folder; the manifest comes first and is not written.
fn unpack(file: &Path, folder: &Path, passphrase: &str) -> Result<Manifest, BackupError> {
    let input = File::open(file).map_err(disk("read", file))?;
    let mut from = Opening::begin(BufReader::new(input), passphrase)?;
    let first = parts::next(&mut from)?.filter(|(name, length)| name == "manifest.json" && *length < 64 * 1024);
    let (_, length) = first.ok_or_else(|| BackupError::Nonsense("it does not say what it is".to_owned()))?;
    let mut said = Vec::new();
    (&mut from)
        .take(length)
        .read_to_end(&mut said)
        .map_err(|_| BackupError::Sealed)?;
    let manifest: Manifest = serde_json::from_slice(&said).map_err(|error| BackupError::Nonsense(error.to_string()))?;
    if manifest.form > FORM {
        return Err(BackupError::Newer { found: manifest.form });
    }
    make(folder)?;
    while let Some((name, length)) = parts::next(&mut from)? {
        let path: PathBuf = folder.join(&name);
        if let Some(parent) = path.parent() {
            make(parent)?;
        }
        let written = keep(&path, &mut (&mut from).take(length)).map_err(|error| {
            if error.kind() == io::ErrorKind::InvalidData {
                BackupError::Sealed
            } else {
                disk("write", &path)(error)
            }
        })?;
        if written != length {
            return Err(BackupError::Sealed);
        }
    }
    Ok(manifest)
}

fn make(folder: &Path) -> Result<(), BackupError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(disk("make", folder))
}

fn keep(path: &Path, content: &mut impl Read) -> io::Result<u64> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = io::copy(content, &mut out)?;
    out.flush()?;
    out.sync_all()?;
    Ok(written)
}

/// The transactions that the store knows to be over, with how they ended. Where the store can hold the journal too, its
/// table is emptied and stands at the new epoch: what is open is in the files alone.
async fn over(store: &Path, epoch: u64) -> Result<Vec<(String, String)>, BackupError> {
    schema::found(store).await?;
    let pool = schema::look(store).await?;
    let read = async {
        let table = sqlx::query("SELECT name FROM sqlite_master WHERE name = 'journal_lease'");
        if table.fetch_optional(&pool).await?.is_some() {
            sqlx::query("DELETE FROM journal").execute(&pool).await?;
            let raise = sqlx::query("UPDATE journal_lease SET epoch = $1, position = 0");
            raise
                .bind(i64::try_from(epoch).unwrap_or(i64::MAX))
                .execute(&pool)
                .await?;
        }
        let rows = sqlx::query("SELECT id, state FROM transaction_record WHERE state <> 'running'");
        rows.fetch_all(&pool).await
    };
    let rows = read.await;
    pool.close().await;
    let rows = rows.map_err(|source| crate::store::StoreError::Query {
        act: "list what is over",
        source,
    })?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("state"))).collect())
}

/// The files say it all now; a journal in a table of the copied store says what it said then.
async fn empty_table(store: &Path) -> Result<(), BackupError> {
    let pool = schema::look(store).await?;
    let there = sqlx::query("SELECT name FROM sqlite_master WHERE name = 'journal'")
        .fetch_optional(&pool)
        .await;
    let emptied = match there {
        Ok(Some(_)) => sqlx::query("DELETE FROM journal").execute(&pool).await.map(drop),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    pool.close().await;
    let act = "empty the journal's table";
    Ok(emptied.map_err(|source| crate::store::StoreError::Query { act, source })?)
}

async fn rewrite(folder: &Path, records: Vec<Line>, epoch: u64) -> Result<(), BackupError> {
    let (journal, _) = FileJournal::<Decided>::open(folder, Options::default())?;
    for line in records {
        Journal::append(&journal, Epoch(line.epoch), vec![Json(line.record)]).await?;
    }
    Journal::append(&journal, Epoch(epoch), Vec::new()).await?;
    Ok(())
}

/// Whether the controller of this state directory was restored, and when.
///
/// # Errors
/// Where the mark is there and cannot be read.
pub fn restored(state: &Path) -> Result<Option<Restored>, BackupError> {
    let mark = state.join(MARK);
    let text = match fs::read_to_string(&mark) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk("read", &mark)(error)),
    };
    let said = serde_json::from_str(&text);
    said.map(Some)
        .map_err(|error| BackupError::Nonsense(format!("{}: {error}", mark.display())))
}
