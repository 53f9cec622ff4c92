//! Foreign judges: yanglint and pyang look at the modules and at what we print.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

#[path = "real/documents.rs"]
mod documents;
#[path = "real/modules.rs"]
mod modules;
#[path = "real/trees.rs"]
mod trees;

use std::path::PathBuf;
use std::process::{Command, Output};

/// The folder of the modules.
fn folder() -> PathBuf {
    tests_real::root().join("knowledge/model/yang")
}

/// The files of the modules, by name.
fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut files: Vec<_> = entries.map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

fn yanglint() -> PathBuf {
    tests_real::program(&["yanglint"]).expect("yanglint, of the package libyang-tools")
}

/// Runs a judge and gives what it says.
fn judge(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
