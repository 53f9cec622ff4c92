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
pub mod drift;
pub mod event;
pub mod history;
pub mod inventory;
pub mod offline;
pub mod platform;
pub mod say;
pub mod show;
pub mod standing;
pub mod token;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::exit::Exit;

/// Reads a file that a person named.
pub fn read(file: &Path) -> Result<String> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Exit::Missing.because(format!("no file {}", file.display())))
        }
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

/// An error that lists every fault of a file.
pub fn faulty(file: &Path, faults: &[impl std::fmt::Display]) -> anyhow::Error {
    let lines: String = faults
        .iter()
        .map(|fault| format!("\n  {}:{fault}", file.display()))
        .collect();
    Exit::Invalid.because(format!(
        "{} has {} {}{lines}",
        file.display(),
        faults.len(),
        if faults.len() == 1 { "fault" } else { "faults" }
    ))
}

/// Prints one line for people. Where nobody reads any more it says nothing.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
