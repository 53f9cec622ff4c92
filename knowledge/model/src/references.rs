//! Names that lead nowhere: leaves that refer to an entry of a list, where that entry is not there.
//!
//! libyang goes through all entries at the top for each reference, which takes time in the square of their number; here
//! each is looked up.

use std::collections::BTreeSet;

use crate::path::Path;
use crate::schema::{Node, Schema};
use crate::tree::Tree;

/// References to a list of one address family alone: the leaf, the family, and how operators write it.
const FAMILIES: [(&str, &str, &str); 2] = [
    ("route-map/rule/match/ipv4-prefix-list", "ipv4", "IPv4"),
    ("route-map/rule/match/ipv6-prefix-list", "ipv6", "IPv6"),
];

/// A reference that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dangling<'t> {
    /// The leaf.
    pub path: &'t Path,
    /// The name that it holds.
    pub name: &'t str,
    /// What should bear that name, in words.
    pub wanted: String,
}

/// Every reference that leads nowhere, in the order of the paths.
pub fn dangling<'t>(tree: &'t Tree, schema: &'t Schema) -> impl Iterator<Item = Dangling<'t>> {
    let leaves: BTreeSet<&str> = schema
        .nodes()
        .filter(|it| it.refers.is_some())
        .map(Node::name)
        .collect();
    let named = tree.iter().filter(move |it| leaves.contains(it.0.name()));
    named.filter_map(|(path, value)| {
        let (leaf, name) = (schema.node(path)?, value.text()?);
        let wanted = wanted(leaf, name, tree, schema)?;
        Some(Dangling { path, name, wanted })
    })
}

/// What is missing that a leaf refers to; nothing where it is there.
fn wanted(leaf: &Node, name: &str, tree: &Tree, schema: &Schema) -> Option<String> {
    let (list, key) = leaf.refers.as_deref()?.rsplit_once('/')?;
    let canonical = leaf.value_type().and_then(|it| it.canonical(name).ok());
    let name = canonical.as_deref().unwrap_or(name);
    let families = FAMILIES.iter().find(|it| it.0 == leaf.path());
    let there = |family: Option<&str>| is_there(tree, schema.at(list)?, key, name, family).then_some(());
    if there(None).is_none() {
        return Some(format!("the name of an existing {}", list.replace('/', " ")));
    }
    let (_, family, written) = families?;
    let missing = there(Some(family)).is_none();
    missing.then(|| format!("the name of a prefix list of {written}"))
}

/// True if a list has an entry whose key is this; with a family, one whose first key is that.
fn is_there(tree: &Tree, list: &Node, key: &str, name: &str, family: Option<&str>) -> bool {
    let (above, last) = list.path().rsplit_once('/').unwrap_or(("", list.path()));
    let above = above.split('/').filter(|it| !it.is_empty());
    let above = above.fold(Path::root(), |path, name| path.joined(name));
    let with = |keys: &[&str]| above.try_keyed(last, keys).is_ok_and(|it| tree.contains(&it));
    match list.keys() {
        [_] => with(&[name]),
        [first, second] if **second == *key && **first == *"family" => {
            let all = ["ipv4", "ipv6"]
                .into_iter()
                .filter(|it| family.is_none_or(|only| only == *it));
            all.into_iter().any(|it| with(&[it, name]))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    /// A list that another one refers to has one key, or a family before it: others are not looked up.
    #[test]
    fn every_list_that_is_referred_to_is_looked_up() {
        let schema = Schema::canonical();
        let mut count = 0;
        for leaf in schema.nodes().filter(|it| it.refers.is_some()) {
            let told = wanted(leaf, "65000:1", &Tree::new(), schema);
            assert!(told.is_some(), "{} is not looked up", leaf.path());
            count += 1;
        }
        assert!(count >= 18, "{count} references");
        for (leaf, _, _) in FAMILIES {
            assert_eq!(schema.at(leaf).unwrap().refers.as_deref(), Some("prefix-list/name"));
        }
    }

    #[test]
    fn what_is_there_is_found_in_its_family() {
        let mut tree = Tree::new();
        for (path, value) in [
            ("bfd/peer[2001:db8::1]", Value::Present),
            (
                "static-route[192.0.2.0/24]/next-hop[192.0.2.1]/track",
                "2001:DB8::1".into(),
            ),
            (
                "static-route[192.0.2.0/24]/next-hop[192.0.2.2]/track",
                "2001:db8::2".into(),
            ),
            ("prefix-list[ipv6][six]", Value::Present),
            ("route-map[m]/rule[1]/match/ipv4-prefix-list", "six".into()),
            ("route-map[m]/rule[1]/match/ipv6-prefix-list", "six".into()),
        ] {
            tree.plant(path.parse().unwrap(), value);
        }
        let found: Vec<_> = dangling(&tree, Schema::canonical()).collect();
        let told: Vec<_> = found.iter().map(|it| (it.name, &*it.wanted)).collect();
        let expected = [
            ("six", "the name of a prefix list of IPv4"),
            ("2001:db8::2", "the name of an existing bfd peer"),
        ];
        assert_eq!(told, expected);
    }
}
