//! The project speaks of itself alone, and names nothing the way the house does not.

use crate::{none, tree};

/// Absolute paths that belong to one machine. Written in halves, so that this file does not name them.
const PLACES: &[(&str, &str)] = &[("/wor", "k/"), ("/roo", "t/"), ("../sha", "red")];

/// Parts of type names that say nothing.
const EMPTY_WORDS: &[&str] = &["Manager", "Helper", "Util", "Handler", "Impl"];

#[test]
fn no_path_of_one_machine() {
    let mut breaches = Vec::new();
    for source in tree::files(&[
        ".rs", ".md", ".toml", ".sh", ".py", ".yaml", ".yml", ".json", ".yang", "/x", "/run",
    ]) {
        for (at, line) in source.text.lines().enumerate() {
            let named = PLACES.iter().any(|(a, b)| line.contains(&format!("{a}{b}")));
            if named {
                breaches.push(format!(
                    "{}:{}: a path of one machine: {}",
                    source.path,
                    at + 1,
                    line.trim()
                ));
            }
        }
    }
    none(&breaches);
}

#[test]
fn types_are_named_by_what_they_are() {
    let mut breaches = Vec::new();
    for source in tree::files(&[".rs"]) {
        for (at, line) in source.text.lines().enumerate() {
            let mut words = line.split(|letter: char| !letter.is_alphanumeric());
            let declares = words.by_ref().any(|word| matches!(word, "struct" | "enum" | "trait"));
            let name = words.next().unwrap_or_default();
            if declares && EMPTY_WORDS.iter().any(|empty| name.ends_with(empty)) && !line.trim_start().starts_with("//")
            {
                breaches.push(format!("{}:{}: {name}: say what it is", source.path, at + 1));
            }
        }
    }
    none(&breaches);
}

#[test]
fn nothing_reads_like_get_something() {
    let mut breaches = Vec::new();
    for source in tree::files(&[".rs"]) {
        for (at, line) in source.text.lines().enumerate() {
            if line.trim_start().starts_with("pub fn get_") || line.trim_start().starts_with("fn get_") {
                breaches.push(format!("{}:{}: no `get_`: name what is returned", source.path, at + 1));
            }
        }
    }
    none(&breaches);
}
