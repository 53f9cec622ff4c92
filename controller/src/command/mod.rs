//! What each command does.

pub mod agent;
pub mod approval;
pub mod ask;
pub mod audit;
pub mod backup;
pub mod case;
pub mod commit;
pub mod config;
pub mod demo;
pub mod device;
pub mod drift;
pub mod event;
pub mod history;
pub mod inventory;
pub mod learn;
pub mod offline;
pub mod platform;
mod print;
pub mod question;
pub mod replace;
pub mod say;
pub mod show;
pub mod standing;
pub mod token;
pub mod watch;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::arguments::Output;
use crate::exit::Exit;
use crate::plan::counted;
use knowledge_model::document::{Fault, LISTED};

pub use print::{heard, say, settle};

/// The largest file that is read.
const LENGTH: u64 = 128 << 20;

/// Reads a file of text that a person named.
pub fn read(file: &Path) -> Result<String> {
    let bytes = bytes(file)?;
    refuse_utf16(file, &bytes)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count();
        Exit::Invalid.because(format!(
            "{}:{line}: not UTF-8 at byte {}: save it as UTF-8",
            file.display(),
            good + 1
        ))
    })
}

/// Some editors save text so that every letter is two bytes.
fn refuse_utf16(file: &Path, bytes: &[u8]) -> Result<()> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Exit::Invalid.because(format!("{} is UTF-16: save it as UTF-8", file.display())));
    }
    Ok(())
}

/// Reads a file that a person named, whatever is in it.
pub fn bytes(file: &Path) -> Result<Vec<u8>> {
    let opened = match std::fs::File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Exit::Missing.because(format!("no file {}", file.display())));
        }
        opened => opened.with_context(|| format!("read {}", file.display()))?,
    };
    if opened.metadata().is_ok_and(|it| it.is_dir()) {
        return Err(Exit::Invalid.because(format!("{} is a folder: name a file", file.display())));
    }
    let mut bytes = Vec::new();
    opened
        .take(LENGTH + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("read {}", file.display()))?;
    if bytes.len() as u64 > LENGTH {
        return Err(Exit::Invalid.because(format!("{} is longer than {} MiB", file.display(), LENGTH >> 20)));
    }
    // What some editors put before a text in UTF-8.
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

/// An error that lists every fault of a file.
pub fn faulty(file: &Path, faults: &[Fault]) -> anyhow::Error {
    let lines: String = faults
        .iter()
        .map(|fault| format!("\n  {}:{fault}", file.display()))
        .collect();
    let said = format!(
        "{} has {}{lines}",
        file.display(),
        match faults.len() {
            many if many > LISTED => format!("more than {LISTED} faults"),
            few => counted(few, "fault"),
        }
    );
    let told = |it: &Fault| json!({ "file": file, "line": it.at.line, "column": it.at.column, "what": it.what, "hint": it.hint });
    Exit::Invalid.because_of(said, faults.iter().map(told).collect())
}

/// Says what was done: in a sentence for people, as an object for programs.
pub fn done(output: Output, object: &Value, sentence: impl std::fmt::Display) -> Result<()> {
    match output {
        Output::Json => show::json(object),
        Output::Table => {
            say(sentence);
            Ok(())
        }
    }
}
