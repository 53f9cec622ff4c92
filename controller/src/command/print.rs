//! What a command prints for its user: that it could not be written is told at the end, as nothing else would say so.

use std::io::{ErrorKind, Write};
use std::sync::OnceLock;

use anyhow::Result;

use crate::exit::Exit;

/// Why nothing more can be printed.
static SILENCED: OnceLock<std::io::Error> = OnceLock::new();

/// Prints one line for people.
pub fn say(line: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        let _ = SILENCED.set(error); // the first says why
    }
}

/// Whether what is printed still goes anywhere.
pub fn heard() -> bool {
    SILENCED.get().is_none()
}

/// Whether all that was printed arrived. That a reader stopped reading, as `head` does, is nothing to complain of.
///
/// # Errors
/// Where it could not be written.
pub fn settle() -> Result<()> {
    let Some(error) = SILENCED.get().filter(|it| it.kind() != ErrorKind::BrokenPipe) else {
        return Ok(());
    };
    let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded].contains(&error.kind());
    let exit = if full { Exit::Full } else { Exit::Failure };
    Err(exit.because(format!(
        "what was asked is done, but what it says could not all be written: {error}"
    )))
}
