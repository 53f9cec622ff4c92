//! Diff, inverse, merge, and the texts both ways.

use crate::sample::{entry, entry_nodes, is_closed, tree, trees, values};
use knowledge_model::schema::Schema;
use knowledge_model::{Delta, Limits, Path, Tree, diff, merge};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;

fn applied(tree: &Tree, delta: &Delta) -> Tree {
    let mut tree = tree.clone();
    tree.apply(delta).unwrap();
    tree
}

#[test]
fn every_node_and_all_of_them_at_once_come_back_from_text() {
    let schema = Schema::canonical();
    for node in schema.nodes() {
        if let Some(of) = node.value_type() {
            assert!(!values(of).is_empty(), "no value for {}: {of}", node.path());
        }
    }
    for pick in 0..32 {
        both_ways(&tree(entry_nodes().into_iter().map(|node| entry(node, &[pick]))));
    }
}

/// What the laws are tried with is all of the schema: counted from what the strategy yields, not from how it is made.
#[test]
fn the_strategy_reaches_every_node_and_every_value_of_a_choice_of_words() {
    let schema = Schema::canonical();
    let mut missing: BTreeSet<(String, Option<String>)> = BTreeSet::new();
    for node in entry_nodes() {
        missing.insert((node.path().to_owned(), None));
        let of = node.value_type().filter(|it| is_closed(it));
        let all = of.map(values).unwrap_or_default().into_iter();
        missing.extend(all.map(|it| (node.path().to_owned(), Some(it))));
    }
    let all = missing.len();
    assert!(all > 700, "{all} nodes and values are to be met");
    let (mut runner, strategy) = (TestRunner::deterministic(), trees(100));
    let mut yielded = 0;
    while !missing.is_empty() && yielded < 20_000 {
        let tree = strategy.new_tree(&mut runner).unwrap().current();
        yielded += 1;
        for (path, value) in tree.iter() {
            let node = schema.node(path).unwrap().path().to_owned();
            let key = || {
                path.steps()
                    .last()
                    .and_then(|it| it.keys.first().map(|it| (*it).to_owned()))
            };
            let text = value.text().map(str::to_owned).or_else(key);
            missing.remove(&(node.clone(), None));
            missing.remove(&(node, text));
        }
    }
    assert!(
        missing.is_empty(),
        "{} of {all} never came in {yielded} trees: {missing:?}",
        missing.len()
    );
}

fn both_ways(tree: &Tree) {
    let (schema, limits) = (Schema::canonical(), Limits::default());
    let json = tree.to_json(schema).unwrap();
    assert_eq!(
        &Tree::from_json(json.as_bytes(), schema, &limits).unwrap(),
        tree,
        "{json}"
    );
    let xml = tree.to_xml(schema).unwrap();
    assert_eq!(&Tree::from_xml(xml.as_bytes(), schema, &limits).unwrap(), tree, "{xml}");
    for (path, value) in tree.iter() {
        assert_eq!(&path.to_string().parse::<Path>().unwrap(), path);
        assert_eq!(schema.check(path, value).unwrap(), (path.clone(), value.clone()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_delta_leads_there_and_back_and_is_minimal(a in trees(12), b in trees(12)) {
        let delta = diff(&a, &b);
        prop_assert_eq!(&applied(&a, &delta), &b);
        prop_assert_eq!(&applied(&b, &delta.inverse()), &a);
        prop_assert_eq!(&delta.inverse(), &diff(&b, &a));
        prop_assert_eq!(&delta.inverse().inverse(), &delta);
        for (path, edit) in delta.iter() {
            prop_assert_ne!(&edit.before, &edit.after);
            prop_assert_eq!(a.value(path), edit.before.as_ref());
        }
        let differing = a.iter().filter(|it| b.value(it.0) != Some(it.1)).count() + b.iter().filter(|it| !a.contains(it.0)).count();
        prop_assert_eq!(delta.len(), differing);
        prop_assert!(diff(&a, &a).is_empty());
    }

    #[test]
    fn texts_come_back(tree in trees(20)) {
        both_ways(&tree);
    }

    #[test]
    fn a_subtree_is_one_range(tree in trees(20), names in 0..400_usize) {
        let nodes = entry_nodes();
        let (path, _) = entry(nodes[names % nodes.len()], &[0]);
        for place in path.ancestors().chain([path.clone(), Path::root()]) {
            let under: Vec<_> = tree.under(&place).map(|it| it.0).collect();
            let inside: Vec<_> = tree.iter().map(|it| it.0).filter(|it| it.starts_with(&place)).collect();
            prop_assert_eq!(under, inside);
        }
    }

    #[test]
    fn merge_takes_both_sides_in_any_order(base in trees(6), ours in trees(6), theirs in trees(6)) {
        prop_assert_eq!(merge(&base, &ours, &base), Ok(ours.clone()));
        prop_assert_eq!(merge(&base, &base, &theirs), Ok(theirs.clone()));
        prop_assert_eq!(merge(&base, &ours, &ours), Ok(ours.clone()));
        let (one, other) = (merge(&base, &ours, &theirs), merge(&base, &theirs, &ours));
        prop_assert_eq!(one.is_ok(), other.is_ok());
        if let Ok(merged) = one {
            prop_assert_eq!(&merged, &other.unwrap());
            for (path, edit) in diff(&base, &ours).iter() {
                prop_assert_eq!(merged.value(path), edit.after.as_ref());
            }
        }
    }
}
