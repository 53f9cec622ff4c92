//! What a person at a terminal is asked.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result};

use crate::arguments::Output;

/// Whether somebody is there to be asked, and sees the question.
pub fn interactive(output: Output) -> bool {
    std::io::stdin().is_terminal() && output == Output::Table
}

/// Whether he wants it.
pub fn agreed() -> Result<bool> {
    Ok(matches!(line("commit it? [y/N] ")?.as_str(), "y" | "yes" | "是" | "好"))
}

/// What he types.
pub fn line(prompt: &str) -> Result<String> {
    let mut out = std::io::stdout().lock();
    write!(out, "{prompt}").and_then(|()| out.flush()).context("ask")?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("read the answer")?;
    Ok(line.trim().to_owned())
}
