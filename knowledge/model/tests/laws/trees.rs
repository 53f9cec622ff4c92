//! Diff, inverse, merge, and the texts both ways.

use crate::sample::{entry, entry_nodes, tree, trees, values};
use knowledge_model::schema::Schema;
use knowledge_model::{Delta, Limits, Path, Tree, diff, merge};
use proptest::prelude::*;

fn applied(tree: &Tree, delta: &Delta) -> Tree {
    let mut tree = tree.clone();
    tree.apply(delta).unwrap();
    tree
}

#[test]
fn the_generator_reaches_every_node_and_all_of_them_come_back_from_text() {
    let schema = Schema::canonical();
    for node in schema.nodes() {
        if let Some(of) = node.value_type() {
            assert!(!values(of).is_empty(), "no value for {}: {of}", node.path());
        }
    }
    for pick in 0..4 {
        let all = tree(entry_nodes().into_iter().map(|node| entry(node, &[pick])));
        let reached: std::collections::BTreeSet<_> = all.iter().map(|it| schema.node(it.0).unwrap().path()).collect();
        assert_eq!(reached.len(), entry_nodes().len());
        both_ways(&all);
    }
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
