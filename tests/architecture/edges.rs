//! Which crate may use which: the arrows of ARCHITECTURE.md as a table.

use std::collections::{BTreeMap, BTreeSet};

use crate::{none, tree};

/// Crate → crates of ours that it may depend on. A crate that is not in the table breaks the rule.
const ALLOWED: &[(&str, &[&str])] = &[
    ("intents", &["knowledge-model"]),
    ("knowledge-model", &[]),
    ("knowledge-yang", &["knowledge-model"]),
    ("knowledge-cases", &[]),
    ("transaction", &[]),
    ("transaction-journal", &["transaction"]),
    (
        "controller",
        &[
            "intents",
            "knowledge-model",
            "knowledge-yang",
            "knowledge-cases",
            "transaction",
            "transaction-journal",
            "adapters-platform",
            "fabric-wire",
            "fabric-identity",
            "fabric-events",
            "fabric-registry",
        ],
    ),
    (
        "device-agent",
        &[
            "knowledge-model",
            "knowledge-yang",
            "transaction",
            "transaction-journal",
            "adapters-platform",
            "adapters-port",
            "adapters-ssh",
            "adapters-netconf",
            "adapters-cli",
            "adapters-failover",
            "fabric-wire",
            "fabric-identity",
            "fabric-events",
        ],
    ),
    ("adapters-platform", &["knowledge-model"]),
    ("adapters-port", &["knowledge-model"]),
    ("adapters-ssh", &["adapters-port"]),
    (
        "adapters-netconf",
        &["adapters-port", "adapters-platform", "adapters-ssh", "knowledge-model"],
    ),
    (
        "adapters-cli",
        &["adapters-port", "adapters-platform", "adapters-ssh", "knowledge-model"],
    ),
    ("adapters-failover", &["adapters-port", "knowledge-model"]),
    ("fabric-wire", &[]),
    ("fabric-identity", &[]),
    ("fabric-events", &["fabric-identity"]),
    ("fabric-registry", &["fabric-identity"]),
    ("labs-devices", &[]),
    ("labs-runner", &["labs-devices"]),
    ("tests-real", &[]),
    ("tests-simulation", &["transaction", "transaction-journal"]),
];

/// Crates that exist to look at all others.
const ONLOOKERS: &[&str] = &["tests", "tests-bench", "tests-eval", "tests-end-to-end"];

/// Outside crates with one home each: the C libraries, and what must not spread.
const HOMES: &[(&str, &[&str])] = &[
    ("yang5", &["knowledge-yang", "tests-bench"]),
    ("rdkafka", &[]),
    ("ssh2", &[]),
];

struct Manifest {
    name: String,
    ours: BTreeSet<String>,
    theirs: BTreeSet<String>,
}

/// The manifests of the members of the workspace.
fn tables() -> Vec<(String, toml::Table)> {
    let sources = tree::files(&["Cargo.toml"]).into_iter();
    let members = sources.filter(|source| source.path != "Cargo.toml" && !source.path.contains("fuzz/"));
    members
        .map(|source| {
            (
                source.path.clone(),
                source.text.parse().expect("a manifest that cargo took"),
            )
        })
        .collect()
}

fn manifests() -> Vec<Manifest> {
    let all: Vec<toml::Table> = tables().into_iter().map(|(_, table)| table).collect();
    let name = |table: &toml::Table| table["package"]["name"].as_str().expect("a name").to_owned();
    let known: BTreeSet<String> = all.iter().map(name).collect();
    let depends = |table: &toml::Table| -> BTreeSet<String> {
        let section = table.get("dependencies").and_then(toml::Value::as_table);
        section
            .into_iter()
            .flat_map(|section| section.keys().cloned())
            .collect()
    };
    all.iter()
        .map(|table| {
            let (ours, theirs) = depends(table).into_iter().partition(|name| known.contains(name));
            Manifest {
                name: name(table),
                ours,
                theirs,
            }
        })
        .collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut breaches = Vec::new();
    for manifest in manifests()
        .iter()
        .filter(|manifest| !ONLOOKERS.contains(&manifest.name.as_str()))
    {
        let Some(may) = allowed.get(manifest.name.as_str()) else {
            breaches.push(format!("{}: not in the table of edges", manifest.name));
            continue;
        };
        let beyond = manifest.ours.iter().filter(|used| !may.contains(&used.as_str()));
        breaches.extend(beyond.map(|used| format!("{} → {used}: no such arrow", manifest.name)));
    }
    none(&breaches);
}

#[test]
fn c_libraries_stay_at_home() {
    let mut breaches = Vec::new();
    for manifest in manifests() {
        for (library, homes) in HOMES {
            if manifest.theirs.contains(*library) && !homes.contains(&manifest.name.as_str()) {
                breaches.push(format!("{} → {library}: its home is {homes:?}", manifest.name));
            }
        }
    }
    none(&breaches);
}

#[test]
fn versions_stand_in_the_workspace_alone() {
    let mut breaches = Vec::new();
    for (path, table) in tables() {
        let sections = ["dependencies", "dev-dependencies", "build-dependencies"].map(|name| table.get(name));
        let entries = sections
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_table)
            .flatten();
        let own = entries.filter(|(_, value)| value.get("workspace").and_then(toml::Value::as_bool) != Some(true));
        breaches.extend(own.map(|(name, _)| format!("{path}: {name}: say `{name}.workspace = true`")));
    }
    none(&breaches);
}
