//! The peer: a script with Nornir and ncclient, in `tests/peers`.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use knowledge_model::{Path, diff};
use serde::Deserialize;
use serde_json::json;

use super::fast::{native, tree};
use super::fleet::Address;

const WORKERS: [usize; 4] = [2, 8, 32, 100];

#[derive(Deserialize)]
struct Figures {
    wall: f64,
}

/// One change on these devices by so many workers; how long it took.
pub fn run(devices: &[Address], text: &str, workers: usize) -> anyhow::Result<Duration> {
    let native = native()?;
    let delta = diff(&tree(None), &tree(Some(text)));
    let paths: Vec<Path> = delta.iter().map(|(path, _)| path.clone()).collect();
    let job = json!({
        "devices": devices, "user": "admin", "password": "admin", "workers": workers, "marker": text,
        "edit": native.edit(&delta)?, "filter": native.filter(&paths)?,
    });
    let script = tests_real::root().join("tests/peers/nornir_network.py");
    let mut command = Command::new(tests_real::python());
    let mut child = command
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    input.write_all(&serde_json::to_vec(&job)?)?;
    drop(input);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the script failed with {}", output.status);
    let figures: Figures = serde_json::from_slice(&output.stdout)?;
    Ok(Duration::from_secs_f64(figures.wall))
}

/// The number of workers with which the script is done first, tried on at most a hundred devices.
pub fn best(devices: &[Address]) -> anyhow::Result<usize> {
    let tried = &devices[..devices.len().min(100)];
    let mut found: Option<(Duration, usize)> = None;
    for workers in WORKERS.into_iter().filter(|it| *it <= tried.len()) {
        let wall = run(tried, &format!("tried by {workers}"), workers)?;
        if found.is_none_or(|(least, _)| wall < least) {
            found = Some((wall, workers));
        }
    }
    Ok(found.map_or(1, |(_, workers)| workers))
}
