//! A file of lines that is only ever added to: what is added stands there whole and synced, or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Such a file.
#[derive(Debug)]
pub struct Lines {
    file: File,
    /// How long it is as far as it is good.
    good: u64,
    /// Whether there may be something behind that.
    is_torn: bool,
}

impl Lines {
    /// Opens a file that ends with a whole line, or is empty.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        let good = file.metadata()?.len();
        let is_torn = false;
        Ok(Self { file, good, is_torn })
    }

    /// Adds lines. When the disk is full half of them may be written: that is taken back before anything else is added,
    /// so that the file can be read whatever happens.
    pub fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.mend()?;
        }
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        if written.is_err() {
            self.is_torn = true;
            let _ = self.mend(); // where that fails too, nothing is added until it is done
            return written;
        }
        self.good += lines.len() as u64;
        Ok(())
    }

    /// How long it is.
    pub fn length(&self) -> u64 {
        self.good
    }

    fn mend(&mut self) -> io::Result<()> {
        self.file.set_len(self.good)?;
        self.file.sync_data()?;
        self.is_torn = false;
        Ok(())
    }
}
