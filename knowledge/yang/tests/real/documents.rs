//! What we print as JSON and XML is taken by yanglint, and comes back as it was in both, configuration and state.

use std::process::Command;

use knowledge_model::{Limits, Schema, Tree, Value};
use knowledge_yang::{Format, Validator};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRng, TestRunner};

use crate::trees::{self, Holds};
use crate::{files, folder, judge, said, yanglint};

/// What yanglint makes of a document; `content` is what it takes it for.
fn through(document: &str, from: Format, content: &str, to: Format) -> Result<String, String> {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("document").with_extension(word(from));
    std::fs::write(&file, document).unwrap();
    let mut command = Command::new(yanglint());
    // Moments are written as they are in UTC, whatever the zone here.
    command.env("TZ", "UTC").args(["-t", content, "-f", word(to), "-p"]);
    let output = judge(command.arg(folder()).args(files()).arg(&file));
    if output.status.success() && output.stderr.is_empty() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(said(&output))
    }
}

fn word(format: Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Xml => "xml",
    }
}

/// Prints a tree in both forms, has yanglint read each and print it in both, and reads those.
fn round(tree: &Tree, content: &str) {
    let (schema, limits) = (Schema::canonical(), Limits::default());
    let printed = [
        (tree.to_json(schema).unwrap(), Format::Json),
        (tree.to_xml(schema).unwrap(), Format::Xml),
    ];
    for (document, from) in &printed {
        for to in [Format::Json, Format::Xml] {
            let answer = through(document, *from, content, to).unwrap_or_else(|said| panic!("{said}\n{document}"));
            let back = match to {
                Format::Json => Tree::from_json(answer.as_bytes(), schema, &limits),
                Format::Xml => Tree::from_xml(answer.as_bytes(), schema, &limits),
            };
            let back = back.unwrap_or_else(|it| panic!("{it}\n{answer}"));
            assert_eq!(&back, tree, "{document}\n{answer}");
        }
    }
}

/// Sends trees at random through yanglint until every node that they may hold was met.
fn rounds(holds: Holds, content: &str, rounds: u64) {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(Default::default()));
    let strategy = trees::trees(Schema::canonical(), holds);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..rounds {
        let tree = strategy.new_tree(&mut runner).unwrap().current();
        seen.extend(
            tree.iter()
                .filter_map(|(path, _)| Some(Schema::canonical().node(path)?.path().to_owned())),
        );
        round(&tree, content);
    }
    let all = Schema::canonical()
        .nodes()
        .filter(|it| it.is_entry() && (holds == Holds::All || !it.state));
    let missed: Vec<_> = all.map(|it| it.path()).filter(|it| !seen.contains(*it)).collect();
    assert!(missed.is_empty(), "never printed: {missed:?}");
    tests_real::operations(tests_real::Part::Yanglint, rounds * 4);
}

#[test]
fn yanglint_reads_what_we_print_and_we_read_what_it_prints() {
    if tests_real::wanted("yanglint reads what we print and we read what it prints") {
        // As an edit: values at random keep no rule between entries.
        rounds(Holds::Configuration, "edit", 24);
    }
}

#[test]
fn yanglint_and_we_read_each_others_state() {
    if tests_real::wanted("yanglint and we read each other's state") {
        // As what a device answers: rules between entries are not asked of it.
        rounds(Holds::All, "get", 24);
    }
}

/// State that keeps every rule, as a whole datastore.
#[test]
fn state_is_data() {
    if !tests_real::wanted("state is data") {
        return;
    }
    let tree: Tree = include_str!("state.txt")
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some((path, text)) => (path.parse().unwrap(), text.into()),
            None => (line.parse().unwrap(), Value::Present),
        })
        .collect();
    assert!(tree.len() > 40, "{} entries", tree.len());
    round(&tree, "data");
    tests_real::operations(tests_real::Part::Yanglint, 4);
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
        let theirs = through(json, Format::Json, "config", Format::Json).is_ok();
        let ours = validator.read(json.as_bytes(), Format::Json).is_ok();
        assert_eq!((ours, theirs), (expected == "valid", expected == "valid"), "{document}");
        count += 1;
    }
    assert!(count > 12, "only {count} documents");
    tests_real::operations(tests_real::Part::Yanglint, count);
}
