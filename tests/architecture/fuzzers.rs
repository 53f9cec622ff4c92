//! The fuzzers stand outside of the workspace, and obey it all the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::{none, tree};

/// The manifests of the fuzzers, with their folders.
fn fuzzers() -> Vec<(String, toml::Table)> {
    let all = tree::files(&["fuzz/Cargo.toml"]).into_iter();
    let read = all.map(|it| {
        let folder = it.path.trim_end_matches("/Cargo.toml").to_owned();
        (folder, it.text.parse().expect("a manifest that cargo took"))
    });
    read.collect()
}

fn targets(table: &toml::Table) -> BTreeSet<String> {
    let bins = table.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    bins.filter_map(|it| Some(it.get("path")?.as_str()?.to_owned()))
        .collect()
}

/// The modules that a target takes from a file beside it.
fn modules(source: &tree::Source) -> Vec<String> {
    let lines = source.text.lines();
    let named = lines.filter_map(|it| it.strip_prefix("mod ")?.strip_suffix(';'));
    named.map(str::to_owned).collect()
}

#[test]
fn every_target_that_is_named_has_its_file_and_every_file_is_named() {
    let sources = tree::files(&[".rs"]);
    let mut breaches = Vec::new();
    for (folder, table) in fuzzers() {
        let inside = |it: &&tree::Source| it.path.starts_with(&format!("{folder}/"));
        let files: BTreeSet<String> = sources
            .iter()
            .filter(inside)
            .map(|it| it.path[folder.len() + 1..].to_owned())
            .collect();
        let shared: BTreeSet<String> = sources.iter().filter(inside).flat_map(modules).collect();
        let named = targets(&table);
        let lost = named.difference(&files);
        breaches.extend(lost.map(|it| format!("{folder}/Cargo.toml: {it}: there is no such file")));
        let idle = files.difference(&named).filter(|it| {
            let stem = it.rsplit('/').next().and_then(|it| it.strip_suffix(".rs"));
            !stem.is_some_and(|it| shared.contains(it))
        });
        breaches.extend(idle.map(|it| format!("{folder}/{it}: no target of {folder}/Cargo.toml")));
    }
    none(&breaches);
}

#[test]
fn they_have_the_lints_of_the_workspace_and_a_lock_file() {
    let all: BTreeMap<String, String> = tree::files(&["Cargo.toml", "Cargo.lock"])
        .into_iter()
        .map(|it| (it.path, it.text))
        .collect();
    let root: toml::Table = all["Cargo.toml"].parse().expect("a manifest that cargo took");
    let mut breaches = Vec::new();
    for (folder, table) in fuzzers() {
        if table.get("lints") != root["workspace"].get("lints") {
            breaches.push(format!("{folder}/Cargo.toml: [lints] is not that of the workspace"));
        }
        if !all.contains_key(&format!("{folder}/Cargo.lock")) {
            breaches.push(format!(
                "{folder}/Cargo.lock: is missing: a run must find what was tried"
            ));
        }
    }
    none(&breaches);
}

#[test]
fn they_have_the_versions_of_the_workspace() {
    let root: toml::Table = tree::files(&["Cargo.toml"])
        .into_iter()
        .find(|it| it.path == "Cargo.toml")
        .expect("a root")
        .text
        .parse()
        .expect("a manifest that cargo took");
    let version = |value: &toml::Value| {
        value
            .as_str()
            .or_else(|| value.get("version")?.as_str())
            .map(str::to_owned)
    };
    let mut breaches = Vec::new();
    for (folder, table) in fuzzers() {
        for (name, value) in table["dependencies"].as_table().into_iter().flatten() {
            let ours = root["workspace"]["dependencies"].get(name).and_then(version);
            if ours.is_some() && ours != version(value) {
                breaches.push(format!(
                    "{folder}/Cargo.toml: {name}: the workspace has {}",
                    ours.unwrap_or_default()
                ));
            }
        }
    }
    none(&breaches);
}

#[test]
fn they_are_formatted_like_the_workspace() {
    let root = tests_real::root();
    let sources = tree::files(&[".rs"]).into_iter().map(|it| it.path);
    let files: Vec<String> = sources.filter(|it| it.contains("/fuzz/")).collect();
    let mut rustfmt = std::process::Command::new("rustfmt");
    rustfmt
        .args(["--check", "--edition", "2024", "--config-path"])
        .arg(&root);
    let run = rustfmt.args(&files).current_dir(&root).output();
    let run = run.expect("rustfmt is there: `rustup component add rustfmt`");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
}
