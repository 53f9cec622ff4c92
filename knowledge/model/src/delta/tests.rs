//! Diff, apply and inverse on small trees; the laws over generated trees stand in `tests/laws.rs`.

use super::*;

fn tree(entries: &[(&str, &str)]) -> Tree {
    entries
        .iter()
        .map(|(path, value)| (path.parse().unwrap(), value_of(value)))
        .collect()
}

fn value_of(text: &str) -> Value {
    if text == "present" {
        Value::Present
    } else {
        Value::from(text)
    }
}

fn check(before: &[(&str, &str)], after: &[(&str, &str)], edited: &[&str]) {
    let (a, b) = (tree(before), tree(after));
    let delta = diff(&a, &b);
    assert_eq!(
        delta.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(),
        edited
    );
    let mut there = a.clone();
    there.apply(&delta).unwrap();
    assert_eq!(there, b);
    there.apply(&delta.inverse()).unwrap();
    assert_eq!(there, a);
}

#[test]
fn a_delta_names_what_differs_and_nothing_else() {
    let eth1 = ("interface[eth1]", "present");
    check(&[], &[], &[]);
    check(&[eth1], &[eth1], &[]);
    check(&[], &[eth1], &["interface[eth1]"]);
    check(&[eth1], &[], &["interface[eth1]"]);
    check(
        &[eth1, ("interface[eth1]/mtu", "1500")],
        &[eth1, ("interface[eth1]/mtu", "9000")],
        &["interface[eth1]/mtu"],
    );
    check(
        &[("a", "1"), ("c", "1")],
        &[("b", "1"), ("c", "1"), ("d", "1")],
        &["a", "b", "d"],
    );
}

#[test]
fn apply_changes_nothing_where_an_entry_is_not_what_it_was() {
    let before = tree(&[("a", "1"), ("b", "2")]);
    let delta = diff(&before, &tree(&[("a", "3"), ("b", "4")]));
    let mut moved_on = tree(&[("a", "1")]);
    let error = moved_on.apply(&delta).unwrap_err();
    assert_eq!(error.to_string(), "b is absent, expected 2");
    assert_eq!(moved_on, tree(&[("a", "1")]));
}

#[test]
fn plant_brings_the_list_entries_above() {
    let mut tree = Tree::new();
    tree.plant(
        "bgp/neighbor[192.0.2.1]/family[ipv4-unicast]/import-policy"
            .parse()
            .unwrap(),
        "in".into(),
    );
    assert_eq!(
        tree.iter().map(|it| it.0.to_string()).collect::<Vec<_>>(),
        [
            "bgp/neighbor[192.0.2.1]",
            "bgp/neighbor[192.0.2.1]/family[ipv4-unicast]",
            "bgp/neighbor[192.0.2.1]/family[ipv4-unicast]/import-policy"
        ]
    );
    assert_eq!(
        tree.under(&"bgp/neighbor[192.0.2.1]/family".parse().unwrap()).count(),
        2
    );
    assert_eq!(tree.under(&Path::root()).count(), 3);
    assert_eq!(tree.under(&"bgp/neighbor[192.0.2.11]".parse().unwrap()).count(), 0);
}
