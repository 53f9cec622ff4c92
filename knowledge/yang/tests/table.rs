//! The committed schema table is the one that the YANG modules make.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use std::path::PathBuf;

#[test]
fn the_committed_table_is_fresh() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let file = root.join("../model/schema.table");
    let made = knowledge_yang::table().unwrap();
    if std::env::var_os("ENTENTE_BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap();
    let differ = made.lines().zip(committed.lines()).find(|(made, there)| made != there);
    assert!(
        made == committed,
        "knowledge/model/schema.table is stale ({differ:?}); ENTENTE_BLESS=1 cargo test -p knowledge-yang makes it anew"
    );
    let schema = knowledge_model::Schema::compile(&made).unwrap();
    assert!(schema.nodes().count() > 300);
}

#[test]
fn every_module_of_the_folder_is_built_in() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let entries = std::fs::read_dir(root.join("../model/yang")).unwrap();
    let mut files: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut built_in: Vec<_> = knowledge_yang::MODULES
        .iter()
        .map(|(name, _)| format!("{name}.yang"))
        .collect();
    built_in.sort();
    assert_eq!(files, built_in);
}
