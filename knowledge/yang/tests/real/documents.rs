//! What we print as JSON and XML is taken by yanglint, and comes back as it was.

use std::process::Command;

use knowledge_model::{Limits, Schema, Tree};
use knowledge_yang::{Format, Validator};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRng, TestRunner};

use crate::{files, folder, judge, said, trees, yanglint};

/// What yanglint makes of a document, as JSON; `content` is what it takes it for.
fn through(document: &str, extension: &str, content: &str) -> Result<String, String> {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("document").with_extension(extension);
    std::fs::write(&file, document).unwrap();
    let mut command = Command::new(yanglint());
    command.args(["-t", content, "-f", "json", "-p"]).arg(folder());
    let output = judge(command.args(files()).arg(&file));
    if output.status.success() && output.stderr.is_empty() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(said(&output))
    }
}

/// Prints a tree in both forms, has yanglint read and print it, and reads that.
fn round(tree: &Tree, content: &str) {
    let (schema, limits) = (Schema::canonical(), Limits::default());
    let printed = [
        (tree.to_json(schema).unwrap(), "json"),
        (tree.to_xml(schema).unwrap(), "xml"),
    ];
    for (document, extension) in printed {
        let answer = through(&document, extension, content).unwrap_or_else(|said| panic!("{said}\n{document}"));
        let back = Tree::from_json(answer.as_bytes(), schema, &limits).unwrap_or_else(|it| panic!("{it}\n{answer}"));
        assert_eq!(&back, tree, "{document}\n{answer}");
    }
}

#[test]
fn yanglint_reads_what_we_print() {
    if !tests_real::wanted("yanglint reads what we print") {
        return;
    }
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(Default::default()));
    let strategy = trees::trees(Schema::canonical());
    let mut seen = std::collections::BTreeSet::new();
    let rounds = 24;
    for _ in 0..rounds {
        let tree = strategy.new_tree(&mut runner).unwrap().current();
        seen.extend(
            tree.iter()
                .filter_map(|(path, _)| Some(Schema::canonical().node(path)?.path().to_owned())),
        );
        // As an edit: values at random keep no rule between entries.
        round(&tree, "edit");
    }
    let all = Schema::canonical().nodes().filter(|it| it.is_entry() && !it.state);
    let missed: Vec<_> = all.map(|it| it.path()).filter(|it| !seen.contains(*it)).collect();
    assert!(missed.is_empty(), "never printed: {missed:?}");
    tests_real::operations(tests_real::Part::Yanglint, rounds * 2);
}

#[test]
fn yanglint_and_we_agree_on_what_is_valid() {
    if !tests_real::wanted("yanglint and we agree on what is valid") {
        return;
    }
    let validator = Validator::new().unwrap();
    let documents = include_str!("documents.txt").split("\n\n").map(str::trim);
    let mut count = 0;
    for document in documents {
        let (expected, json) = document.split_once('\n').unwrap();
        let theirs = through(json, "json", "config").is_ok();
        let ours = validator.read(json.as_bytes(), Format::Json).is_ok();
        assert_eq!((ours, theirs), (expected == "valid", expected == "valid"), "{document}");
        count += 1;
    }
    assert!(count > 12, "only {count} documents");
    tests_real::operations(tests_real::Part::Yanglint, count);
}
