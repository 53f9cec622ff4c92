//! What decides touches no clock, no socket, no runtime, and starts no unbounded queue.

use crate::{none, tree};

/// Folders in which nothing acts.
const PURE: &[&str] = &[
    "intents/src/",
    "knowledge/model/src/",
    "transaction/src/",
    "adapters/platform/src/",
    "controller/src/plan/",
    "controller/src/assure/",
];

/// A word that must not stand in a pure file, and what to do instead.
const BANNED: &[(&str, &str)] = &[
    ("tokio", "a driver runs it; effects say what is to be done"),
    ("std::net::Tcp", "a driver opens sockets"),
    ("std::net::Udp", "a driver opens sockets"),
    ("Instant", "take the time as an argument"),
    ("SystemTime", "take the time as an argument"),
    ("std::thread", "a driver starts threads"),
    ("std::process", "a driver starts processes"),
    ("std::fs", "a driver reads and writes files"),
    ("std::env", "the edge reads the environment"),
    ("Uuid::now_v7", "ids are inputs"),
    ("rand::", "chance is an input"),
    ("println!", "the edge prints"),
];

/// Everywhere: a queue has a bound.
const UNBOUNDED: &[&str] = &["unbounded_channel(", "mpsc::channel::<", "unbounded()"];

fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let body = text
        .lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    body.filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(at, line)| (at + 1, line))
}

#[test]
fn what_decides_does_nothing_else() {
    let mut breaches = Vec::new();
    let pure = |path: &str| PURE.iter().any(|folder| path.starts_with(folder));
    for source in tree::files(&[".rs"]).iter().filter(|source| pure(&source.path)) {
        for (at, line) in code(&source.text) {
            let words = BANNED.iter().filter(|(word, _)| line.contains(word));
            breaches.extend(words.map(|(word, instead)| format!("{}:{at}: {word}: {instead}", source.path)));
        }
    }
    none(&breaches);
}

#[test]
fn every_queue_has_a_bound() {
    let mut breaches = Vec::new();
    for source in tree::files(&[".rs"])
        .iter()
        .filter(|source| source.path != "tests/architecture/purity.rs")
    {
        for (at, line) in code(&source.text) {
            let words = UNBOUNDED.iter().filter(|word| line.contains(*word));
            breaches.extend(words.map(|word| format!("{}:{at}: {word}…: give the queue a bound", source.path)));
        }
    }
    none(&breaches);
}

#[test]
fn the_rules_find_what_they_ban() {
    let lines: Vec<_> = code("//! tokio\nuse tokio::time;\n#[cfg(test)]\nuse tokio::net;\n").collect();
    assert_eq!(lines, [(2, "use tokio::time;")]);
}
