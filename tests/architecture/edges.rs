//! Which crate may use which: the arrows of ARCHITECTURE.md as a table, for the product and for its tests apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::{none, tree};

/// Crate → crates of ours that it may depend on. A crate that is not in the table breaks the rule, and so does an arrow
/// that nobody uses.
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
    ("tests-simulation", &["transaction"]),
    ("adapters-netconf-fuzz", &["adapters-netconf"]),
    ("fabric-fuzz", &["fabric-events", "fabric-identity", "fabric-wire"]),
    ("intents-fuzz", &["intents", "knowledge-model"]),
    ("knowledge-model-fuzz", &["knowledge-model"]),
    ("knowledge-yang-fuzz", &["knowledge-model", "knowledge-yang"]),
];

/// Crate → crates of ours that its tests may use besides, and why.
const IN_TESTS: &[(&str, &[&str], &str)] = &[
    (
        "knowledge-yang",
        &["tests-real"],
        "yanglint and pyang judge the modules",
    ),
    (
        "transaction-journal",
        &["tests-real"],
        "strace judges the order of writes",
    ),
    (
        "controller",
        &["tests-real"],
        "whole networks of real parts judge the programs",
    ),
    (
        "device-agent",
        &["labs-devices", "tests-real"],
        "an agent is tried beside devices",
    ),
    (
        "adapters-netconf",
        &["knowledge-yang", "labs-devices", "tests-real"],
        "its lens is held to the modules, its steps to devices",
    ),
    (
        "adapters-cli",
        &["labs-devices", "tests-real"],
        "a terminal is tried on devices",
    ),
    (
        "adapters-failover",
        &[
            "adapters-platform",
            "adapters-ssh",
            "adapters-netconf",
            "adapters-cli",
            "labs-devices",
            "tests-real",
        ],
        "it knows the port alone, and switches between real protocols of real devices",
    ),
    (
        "fabric-identity",
        &["fabric-wire", "tests-real"],
        "an acceptor is tried under a real stream, openssl and curl judge it",
    ),
    ("fabric-events", &["tests-real"], "mosquitto, paho and joserfc judge it"),
    (
        "labs-devices",
        &["tests-real"],
        "ncclient, netmiko and real servers judge the simulated ones",
    ),
];

/// Crates that look at all others, and why.
const ONLOOKERS: &[(&str, &str)] = &[
    ("tests", "these rules"),
    ("tests-bench", "measures any of them beside its peer"),
    ("tests-eval", "reads sentences as the product does"),
];

/// Outside crates that must not spread, with their homes, and why.
const HOMES: &[(&str, &[&str], &str)] = &[(
    "yang5",
    &["knowledge-yang", "tests-bench"],
    "a C library behind one door; the benchmark calls it as the peer",
)];

/// Crates that decide, and the outside crates that they may use: none has a clock, a socket, a runtime or chance.
const PURE: &[(&str, &[&str])] = &[
    ("intents", &["serde_json", "thiserror", "unicode-normalization"]),
    (
        "knowledge-model",
        &[
            "quick-xml",
            "regex",
            "saphyr",
            "saphyr-parser",
            "serde",
            "serde_json",
            "thiserror",
        ],
    ),
    ("knowledge-cases", &["serde"]),
    ("transaction", &["serde", "thiserror"]),
    ("adapters-platform", &["quick-xml", "regex", "serde_json", "thiserror"]),
];

/// What a crate depends on: to be built and run, and to be tested.
#[derive(Default)]
struct Manifest {
    path: String,
    name: String,
    needs: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// The manifests of the tree, those of the fuzzers included.
fn tables() -> Vec<(String, toml::Table)> {
    let sources = tree::files(&["Cargo.toml"]).into_iter();
    let members = sources.filter(|source| source.path != "Cargo.toml");
    members
        .map(|source| {
            (
                source.path.clone(),
                source.text.parse().expect("a manifest that cargo took"),
            )
        })
        .collect()
}

/// Every section of dependencies with its kind, those for some targets alone included.
fn sections(table: &toml::Table) -> Vec<(&'static str, &toml::Table)> {
    let targets = table.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(toml::Table::values);
    let places = targets.filter_map(toml::Value::as_table).chain([table]);
    let mut found = Vec::new();
    for place in places {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let old = kind.replace("-dependencies", "_dependencies");
            let section = place.get(kind).or_else(|| place.get(&old));
            found.extend(section.and_then(toml::Value::as_table).map(|it| (kind, it)));
        }
    }
    found
}

/// The crate that an entry stands for: it may go by another name.
fn crate_of(key: &str, value: &toml::Value, workspace: &toml::Table) -> String {
    let renamed = |value: &toml::Value| Some(value.get("package")?.as_str()?.to_owned());
    let above = || renamed(workspace.get(key)?);
    renamed(value).or_else(above).unwrap_or_else(|| key.to_owned())
}

fn manifest(path: &str, table: &toml::Table, workspace: &toml::Table) -> Manifest {
    let mut manifest = Manifest {
        path: path.to_owned(),
        name: table["package"]["name"].as_str().expect("a name").to_owned(),
        ..Manifest::default()
    };
    for (kind, section) in sections(table) {
        let into = if kind == "dev-dependencies" {
            &mut manifest.tests
        } else {
            &mut manifest.needs
        };
        into.extend(section.iter().map(|(key, value)| crate_of(key, value, workspace)));
    }
    manifest
}

fn manifests() -> Vec<Manifest> {
    let root = tree::files(&["Cargo.toml"])
        .into_iter()
        .find(|it| it.path == "Cargo.toml");
    let root: toml::Table = root.expect("a root").text.parse().expect("a manifest that cargo took");
    let workspace = root["workspace"]["dependencies"].as_table().expect("versions");
    let tables = tables();
    tables
        .iter()
        .map(|(path, table)| manifest(path, table, workspace))
        .collect()
}

/// What breaks the tables, and what in the tables nobody needs.
fn breaches(manifests: &[Manifest], allowed: &[(&str, &[&str])], in_tests: &[(&str, &[&str], &str)]) -> Vec<String> {
    let ours: BTreeSet<&str> = manifests.iter().map(|it| &*it.name).collect();
    let may: BTreeMap<&str, &[&str]> = allowed.iter().copied().collect();
    let tests_may: BTreeMap<&str, &[&str]> = in_tests.iter().map(|(name, may, _)| (*name, *may)).collect();
    let mut breaches = Vec::new();
    let onlooker = |it: &&Manifest| ONLOOKERS.iter().any(|(name, _)| *name == it.name);
    for Manifest {
        path,
        name,
        needs,
        tests,
    } in manifests.iter().filter(|it| !onlooker(it))
    {
        let Some(may) = may.get(&**name) else {
            breaches.push(format!("{path}: {name}: not in the table of edges"));
            continue;
        };
        let tests_may = tests_may.get(&**name).copied().unwrap_or_default();
        let beyond = needs
            .iter()
            .filter(|it| ours.contains(&***it) && !may.contains(&&***it));
        breaches.extend(beyond.map(|used| format!("{path}: {name} → {used}: no such arrow")));
        let known = |it: &str| may.contains(&it) || tests_may.contains(&it);
        let beyond = tests.iter().filter(|it| ours.contains(&***it) && !known(it));
        breaches.extend(beyond.map(|used| format!("{path}: {name} → {used}: no such arrow, in tests neither")));
    }
    breaches
}

/// Rows and arrows that stand in the tables and that nothing uses.
fn idle(manifests: &[Manifest], allowed: &[(&str, &[&str])], in_tests: &[(&str, &[&str], &str)]) -> Vec<String> {
    let named = |name: &str| manifests.iter().find(|it| it.name == name);
    let mut idle = Vec::new();
    let allowed = allowed.iter().map(|(name, uses)| (*name, *uses, false));
    let in_tests = in_tests.iter().map(|(name, uses, _)| (*name, *uses, true));
    for (name, uses, is_tests) in allowed.chain(in_tests) {
        let Some(manifest) = named(name) else {
            idle.push(format!("{name}: there is no such crate: take its row out"));
            continue;
        };
        let used = if is_tests { &manifest.tests } else { &manifest.needs };
        let unused = uses.iter().filter(|it| !used.contains(**it));
        idle.extend(unused.map(|it| format!("{name} → {it}: nothing uses it: take it out of the table")));
    }
    idle
}

#[test]
fn crates_depend_only_along_the_arrows() {
    none(&breaches(&manifests(), ALLOWED, IN_TESTS));
}

#[test]
fn no_arrow_and_no_exception_is_idle() {
    let manifests = manifests();
    let uses = |name: &str, used: &str| manifests.iter().any(|it| it.name == name && it.needs.contains(used));
    let mut all = idle(&manifests, ALLOWED, IN_TESTS);
    let known = |name: &str| manifests.iter().any(|it| it.name == name);
    let gone = ONLOOKERS.iter().filter(|(name, _)| !known(name));
    all.extend(gone.map(|(name, _)| format!("{name}: there is no such crate: take it out of ONLOOKERS")));
    let homes = HOMES
        .iter()
        .flat_map(|(used, homes, _)| homes.iter().map(|name| (*name, *used, "HOMES")));
    let pure = PURE
        .iter()
        .flat_map(|(name, may)| may.iter().map(|used| (*name, *used, "PURE")));
    for (name, used, title) in homes.chain(pure).filter(|(name, used, _)| !uses(name, used)) {
        all.push(format!("{name} → {used}: nothing uses it: take it out of {title}"));
    }
    let empty = PURE.iter().filter(|it| it.1.is_empty());
    all.extend(empty.map(|it| format!("{}: takes nothing: take it out of PURE", it.0)));
    none(&all);
}

#[test]
fn c_libraries_stay_at_home() {
    let mut breaches = Vec::new();
    for Manifest {
        path,
        name,
        needs,
        tests,
    } in manifests()
    {
        for (library, homes, why) in HOMES {
            if (needs.contains(*library) || tests.contains(*library)) && !homes.contains(&&*name) {
                breaches.push(format!("{path}: {name} → {library}: its home is {homes:?} ({why})"));
            }
        }
    }
    none(&breaches);
}

/// Crates of ours that a pure crate uses are pure themselves; of the others it uses those of its row.
fn impure(manifests: &[Manifest]) -> Vec<String> {
    let ours: BTreeSet<&str> = manifests.iter().map(|it| &*it.name).collect();
    let pure: BTreeMap<&str, &[&str]> = PURE.iter().copied().collect();
    let mut breaches = Vec::new();
    for Manifest { path, name, needs, .. } in manifests {
        let Some(may) = pure.get(&**name) else { continue };
        let sound = |it: &str| {
            if ours.contains(it) {
                pure.contains_key(it)
            } else {
                may.contains(&it)
            }
        };
        let beyond = needs.iter().filter(|it| !sound(it));
        breaches.extend(beyond.map(|used| format!("{path}: {name} → {used}: what decides does not need it")));
    }
    breaches
}

#[test]
fn what_decides_needs_nothing_that_acts() {
    none(&impure(&manifests()));
}

#[test]
fn versions_stand_in_the_workspace_alone() {
    let mut breaches = Vec::new();
    for (path, table) in tables().iter().filter(|it| !it.0.contains("fuzz/")) {
        let entries = sections(table).into_iter().flat_map(|it| it.1);
        let own = entries.filter(|(_, value)| value.get("workspace").and_then(toml::Value::as_bool) != Some(true));
        breaches.extend(own.map(|(name, _)| format!("{path}: {name}: say `{name}.workspace = true`")));
    }
    none(&breaches);
}

#[test]
fn every_crate_has_the_lints_of_the_workspace() {
    let tables = tables();
    let members = tables.iter().filter(|it| !it.0.contains("fuzz/"));
    let lax = members.filter(|(_, table)| {
        let lints = table.get("lints").and_then(|it| it.get("workspace"));
        lints.and_then(toml::Value::as_bool) != Some(true)
    });
    none(
        &lax.map(|(path, _)| format!("{path}: say `[lints] workspace = true`"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_kind_of_dependency_is_seen() {
    let read = |name: &str, rest: &str| {
        let table = format!("package.name = \"{name}\"\n{rest}")
            .parse()
            .expect("a manifest");
        let workspace = "other = { package = \"tokio\" }".parse().expect("a table");
        manifest(&format!("{name}/Cargo.toml"), &table, &workspace)
    };
    let told = |rest: &str| {
        let all = [
            read("transaction", rest),
            read("controller", ""),
            read("tests-real", ""),
        ];
        let mut told = breaches(
            &all,
            &[("transaction", &[]), ("controller", &[]), ("tests-real", &[])],
            &[("transaction", &["tests-real"], "a sample")],
        );
        told.extend(impure(&all));
        told
    };
    for sample in [
        "[dependencies]\ncontroller = \"1\"",
        "[dependencies]\ninner = { package = \"controller\" }",
        "[build-dependencies]\ncontroller.workspace = true",
        "[dev-dependencies]\ncontroller.workspace = true",
        "[dev_dependencies]\ncontroller.workspace = true",
        "[target.'cfg(unix)'.dependencies]\ncontroller.workspace = true",
        "[target.'cfg(unix)'.dev-dependencies]\ncontroller.workspace = true",
        "[dependencies]\ntests-real.workspace = true",
        "[dependencies]\ntokio.workspace = true",
        "[dependencies]\nother.workspace = true",
        "[target.'cfg(unix)'.dependencies]\ngetrandom = \"0.4\"",
    ] {
        assert!(!told(sample).is_empty(), "{sample}");
    }
    assert_eq!(
        told("[dev-dependencies]\ntests-real.workspace = true\ntokio = \"1\""),
        [""; 0]
    );
    let all = [read("transaction", "")];
    assert_eq!(
        idle(
            &all,
            &[("transaction", &["intents"]), ("gone", &[])],
            &[("transaction", &["tests-real"], "a sample")]
        ),
        [
            "transaction → intents: nothing uses it: take it out of the table",
            "gone: there is no such crate: take its row out",
            "transaction → tests-real: nothing uses it: take it out of the table",
        ]
    );
}
