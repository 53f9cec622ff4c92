//! The tree in ARCHITECTURE.md and the folders that there are: read beside each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::{none, tree};

/// Folders at the top → the folders inside each that the tree of the page names.
type Map = BTreeMap<String, BTreeSet<String>>;

/// The tree of the page: the indented block below `## The tree`. A word that ends in `/` is a folder; after two spaces
/// or more stands what it is for, where further folders of the same top may be named.
fn drawn(page: &str) -> Map {
    let part = page.split("\n## The tree\n").nth(1).unwrap_or_default();
    let mut map = Map::new();
    let mut top = String::new();
    for line in part
        .lines()
        .skip_while(|it| it.is_empty())
        .take_while(|it| it.starts_with("    "))
    {
        let opens = line.starts_with("    ") && !line.starts_with("     ");
        for (at, word) in line.split_whitespace().enumerate() {
            let Some(folder) = word.trim_end_matches([':', ',', ';']).strip_suffix('/') else {
                continue;
            };
            if opens && at == 0 {
                top = folder.to_owned();
                map.entry(top.clone()).or_default();
            } else {
                map.entry(top.clone()).or_default().insert(folder.to_owned());
            }
        }
    }
    map
}

/// The folders that files of the checkout stand in. What is inside a crate is its own business, but for the crates in it.
fn standing() -> Map {
    let paths: BTreeSet<String> = tree::files(&[""]).into_iter().map(|it| it.path).collect();
    let below = |folder: &str| paths.iter().any(|it| it.starts_with(folder));
    let mut map = Map::new();
    for path in paths.iter().filter(|it| !it.starts_with('.')) {
        let Some((top, rest)) = path.split_once('/') else {
            continue;
        };
        let inside = map.entry(top.to_owned()).or_default();
        let Some((second, _)) = rest.split_once('/') else {
            continue;
        };
        let in_a_crate = below(&format!("{top}/src/"));
        let is_crate = second != "fuzz" && paths.contains(&format!("{top}/{second}/Cargo.toml"));
        if !in_a_crate || is_crate {
            inside.insert(second.to_owned());
        }
    }
    map
}

fn differences(drawn: &Map, standing: &Map) -> Vec<String> {
    let mut told = Vec::new();
    for top in drawn.keys().chain(standing.keys()).collect::<BTreeSet<_>>() {
        match (drawn.get(top), standing.get(top)) {
            (Some(drawn), Some(standing)) => {
                let missing = standing.difference(drawn);
                told.extend(missing.map(|it| format!("{top}/{it}: stands in the tree, not in ARCHITECTURE.md")));
                let root = tests_real::root();
                let gone = drawn
                    .difference(standing)
                    .filter(|it| !root.join(top).join(it).is_dir());
                told.extend(gone.map(|it| format!("{top}/{it}: stands in ARCHITECTURE.md, not in the tree")));
            }
            (None, Some(_)) => told.push(format!("{top}: stands in the tree, not in ARCHITECTURE.md")),
            (Some(_), None) => told.push(format!("{top}: stands in ARCHITECTURE.md, not in the tree")),
            (None, None) => {}
        }
    }
    told
}

fn page() -> String {
    let mut pages = tree::files(&["ARCHITECTURE.md"]).into_iter();
    pages.find(|it| it.path == "ARCHITECTURE.md").expect("the page").text
}

#[test]
fn the_page_and_the_tree_show_the_same_folders() {
    none(&differences(&drawn(&page()), &standing()));
}

#[test]
fn a_folder_that_is_left_out_or_gone_is_told() {
    let page = page();
    let standing = standing();
    for (from, to, told) in [
        ("real/", "", "labs/real: stands in the tree, not in ARCHITECTURE.md"),
        (
            "netconf/",
            "netconv/",
            "adapters/netconf: stands in the tree, not in ARCHITECTURE.md",
        ),
        (
            "    packaging/",
            "    packing/",
            "packaging: stands in the tree, not in ARCHITECTURE.md",
        ),
        (
            "    docs/",
            "    docs/ never/",
            "docs/never: stands in ARCHITECTURE.md, not in the tree",
        ),
    ] {
        let changed = page.replace(from, to);
        let all = differences(&drawn(&changed), &standing);
        assert!(all.iter().any(|it| it == told), "{from} → {to}: {all:?}");
    }
}
