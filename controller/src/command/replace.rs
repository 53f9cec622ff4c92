//! Files written whole or not at all, with the mode that they are to have from the first byte.

use std::fs::{self, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use uuid::Uuid;

/// Puts a file in the place of what stands there. A link that stands there is replaced, not followed; what reads the file
/// meanwhile reads the old one whole.
pub fn file(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let name = path.file_name().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
    let new = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), Uuid::now_v7()));
    let written = create(&new, bytes, mode).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // it may never have come into being
        let _ = fs::remove_file(&new);
    }
    written
}

fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    out.write_all(bytes)?;
    out.sync_all()
}
