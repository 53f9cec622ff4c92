//! Every source file says first what it is for.

use crate::{none, tree};

#[test]
fn every_rust_file_opens_with_its_purpose() {
    let silent = tree::files(&[".rs"])
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "));
    none(
        &silent
            .map(|source| format!("{}: opens with no `//! ` line", source.path))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_script_opens_with_its_purpose() {
    let known = [".sh", ".py"];
    let scripts = tree::files(&[""])
        .into_iter()
        .filter(|source| source.text.starts_with("#!") || known.iter().any(|it| source.path.ends_with(it)))
        .filter(|source| !source.path.ends_with(".rs")); // these begin with `#![…]`
    let silent = scripts.filter(|source| {
        let mut lines = source.text.lines().skip_while(|line| line.starts_with("#!"));
        !lines
            .next()
            .is_some_and(|line| line.starts_with("# ") || line.starts_with("\"\"\""))
    });
    none(
        &silent
            .map(|source| format!("{}: does not say what it is for", source.path))
            .collect::<Vec<_>>(),
    );
}
