//! The roll on disk: a line for each change, synced before it counts, rewritten in its shortest form at each start.

use super::AuthorityError;
use crate::lines::Lines;
use crate::roll::{Entry, Roll};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The roll in memory and on disk.
pub(crate) struct Book {
    pub(crate) roll: Roll,
    file: Lines,
    path: PathBuf,
}

impl Book {
    /// Makes entries durable, then takes them in.
    pub(crate) fn record(&mut self, entries: Vec<Entry>) -> Result<(), AuthorityError> {
        let mut lines = Vec::new();
        for entry in &entries {
            serde_json::to_writer(&mut lines, entry).map_err(|source| AuthorityError::Roll {
                path: self.path.clone(),
                line: 0,
                source,
            })?;
            lines.push(b'\n');
        }
        self.file.add(&lines).map_err(|source| AuthorityError::Disk {
            act: "append to",
            path: self.path.clone(),
            source,
        })?;
        entries.into_iter().for_each(|it| self.roll.enter(it));
        Ok(())
    }
}

/// Reads the roll and writes it anew in its shortest form. A last line that was cut off by a crash was never answered.
pub(crate) fn open(path: PathBuf, now: SystemTime) -> Result<Book, AuthorityError> {
    let disk = |act| {
        let path = path.clone();
        move |source| AuthorityError::Disk { act, path, source }
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(it) if it.kind() == io::ErrorKind::NotFound => String::new(),
        Err(it) => return Err(disk("read")(it)),
    };
    let mut roll = Roll::default();
    let whole = text.rfind('\n').map_or("", |it| &text[..it]);
    for (number, line) in whole.lines().enumerate() {
        let read = serde_json::from_str(line);
        let entry = read.map_err(|source| AuthorityError::Roll {
            path: path.clone(),
            line: number + 1,
            source,
        })?;
        roll.enter(entry);
    }
    let mut lines = Vec::new();
    for entry in roll.entries(now) {
        let line = serde_json::to_string(&entry);
        lines.extend(
            line.map_err(|source| AuthorityError::Roll {
                path: path.clone(),
                line: 0,
                source,
            })?
            .into_bytes(),
        );
        lines.push(b'\n');
    }
    write_secret(&path, &lines).map_err(disk("write"))?;
    let file = Lines::open(&path).map_err(disk("open"))?;
    Ok(Book { roll, file, path })
}

/// Replaces a file whole, readable by its owner alone.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
