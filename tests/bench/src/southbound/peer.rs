//! The peer: ncclient, in `tests/peers`.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::{Figures, Job};

pub fn run(job: &Job) -> anyhow::Result<Figures> {
    let script = tests_real::root().join("tests/peers/ncclient_candidate.py");
    ask(Command::new(tests_real::python()).arg(script), job).context("ncclient")
}

/// Gives a client its job and takes its figures.
pub fn ask(command: &mut Command, job: &Job) -> anyhow::Result<Figures> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child
        .stdin
        .take()
        .context("no standard input")?
        .write_all(&serde_json::to_vec(job)?)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the client failed with {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
