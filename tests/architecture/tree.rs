//! The files of the checkout, as the rules see them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file with its path from the root, written with `/`.
pub struct Source {
    pub path: String,
    pub text: String,
}

/// Every file below the root with one of these endings, build products and foreign trees left out.
pub fn files(endings: &[&str]) -> Vec<Source> {
    let root = tests_real::root();
    let mut found = Vec::new();
    walk(&root, &mut |file| {
        if endings.iter().any(|ending| file.to_string_lossy().ends_with(ending)) {
            let path = file
                .strip_prefix(&root)
                .expect("below the root")
                .to_string_lossy()
                .replace('\\', "/");
            if let Ok(text) = fs::read_to_string(file) {
                found.push(Source { path, text });
            }
        }
    });
    assert!(
        !found.is_empty(),
        "no file ends in {endings:?} below {}",
        root.display()
    );
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, visit: &mut impl FnMut(&PathBuf)) {
    for entry in fs::read_dir(folder).expect("a folder of the checkout can be read") {
        let path = entry.expect("an entry of the checkout can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let foreign = name == "target"
            || name == ".git"
            || name.starts_with(".venv")
            || name == "__pycache__"
            || name == "corpus" && path.ends_with("fuzz/corpus");
        if path.is_dir() && !foreign {
            walk(&path, visit);
        } else if path.is_file() {
            visit(&path);
        }
    }
}
