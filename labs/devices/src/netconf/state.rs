//! State data: what `get` shows beside the configuration.

use std::time::Duration;

use super::hello::{MODULE_SET, capabilities};
use crate::personality::Traits;
use crate::schema::{Node, ROOT, SCHEMA};
use crate::store::Entry;

/// What the state is computed from.
#[derive(Debug, Clone)]
pub struct Facts {
    /// How long the device runs.
    pub uptime: Duration,
    /// Octets that pass each interface in a second.
    pub octets_per_second: u64,
    /// Interfaces that are down, whatever is configured.
    pub down: Vec<String>,
}

/// The configuration with the state of the device beside it.
pub fn with_state(running: &Entry, traits: &Traits, facts: &Facts) -> Entry {
    let mut tree = running.clone();
    if let Some(interfaces) = tree
        .children
        .iter_mut()
        .find(|it| SCHEMA.node(it.node).name == "interfaces")
    {
        for (at, interface) in interfaces.children.iter_mut().enumerate() {
            add_interface(interface, at, facts);
        }
    }
    tree.children.extend([monitoring(traits), library(), modules_state()]);
    tree
}

fn add_interface(interface: &mut Entry, at: usize, facts: &Facts) {
    let enabled = interface.text("enabled") != Some("false");
    let name = interface.text("name").unwrap_or_default();
    let up = enabled && facts.down.iter().all(|it| it != name);
    let word = |is: bool| if is { "up" } else { "down" };
    let octets = if up {
        facts.uptime.as_millis() as u64 * facts.octets_per_second / 1000
    } else {
        0
    };
    put(interface, "admin-status", word(enabled));
    put(interface, "oper-status", word(up));
    put(interface, "if-index", &(at + 1).to_string());
    put(interface, "speed", "1000000000");
    let statistics = inner(interface, "statistics");
    for (name, value) in [
        ("discontinuity-time", "2026-01-01T00:00:00Z".to_owned()),
        ("in-octets", octets.to_string()),
        ("in-unicast-pkts", (octets / 512).to_string()),
        ("in-discards", "0".to_owned()),
        ("in-errors", "0".to_owned()),
        ("out-octets", octets.to_string()),
        ("out-unicast-pkts", (octets / 512).to_string()),
        ("out-discards", "0".to_owned()),
        ("out-errors", "0".to_owned()),
    ] {
        put(statistics, name, &value);
    }
}

fn monitoring(traits: &Traits) -> Entry {
    let mut state = top("netconf-state");
    let list = inner(&mut state, "capabilities");
    for capability in capabilities(traits) {
        put(list, "capability", &capability);
    }
    let schemas = inner(&mut state, "schemas");
    for module in &SCHEMA.modules {
        let schema = add(schemas, "schema");
        for (name, value) in [
            ("identifier", module.name.as_str()),
            ("version", &module.revision),
            ("format", "yang"),
            ("namespace", &module.ns),
            ("location", "NETCONF"),
        ] {
            put(schema, name, value);
        }
    }
    state
}

fn library() -> Entry {
    let mut library = top("yang-library");
    let set = add(&mut library, "module-set");
    put(set, "name", "all");
    for module in &SCHEMA.modules {
        let entry = add(
            set,
            if module.import_only {
                "import-only-module"
            } else {
                "module"
            },
        );
        put(entry, "name", &module.name);
        put(entry, "revision", &module.revision);
        put(entry, "namespace", &module.ns);
    }
    let schema = add(&mut library, "schema");
    put(schema, "name", "all");
    put(schema, "module-set", "all");
    for name in ["running", "candidate", "startup", "operational"] {
        let store = add(&mut library, "datastore");
        put(store, "name", name);
        put(store, "schema", "all");
    }
    put(&mut library, "content-id", MODULE_SET);
    library
}

fn modules_state() -> Entry {
    let mut state = top("modules-state");
    put(&mut state, "module-set-id", MODULE_SET);
    for module in &SCHEMA.modules {
        let entry = add(&mut state, "module");
        put(entry, "name", &module.name);
        put(entry, "revision", &module.revision);
        put(entry, "namespace", &module.ns);
        put(
            entry,
            "conformance-type",
            if module.import_only { "import" } else { "implement" },
        );
    }
    state
}

fn top(name: &str) -> Entry {
    Entry::new(SCHEMA.named(ROOT, name).unwrap_or(ROOT))
}

fn node(entry: &Entry, name: &str) -> Option<usize> {
    let known = SCHEMA.named(entry.node, name);
    debug_assert!(
        known.is_some(),
        "no node {name} below {}",
        name_of(SCHEMA.node(entry.node))
    );
    known
}

fn name_of(node: &Node) -> &str {
    &node.name
}

fn put(entry: &mut Entry, name: &str, value: &str) {
    if let Some(node) = node(entry, name) {
        entry.children.push(Entry::leaf(node, value.to_owned()));
    }
}

fn inner<'a>(entry: &'a mut Entry, name: &str) -> &'a mut Entry {
    match node(entry, name) {
        Some(node) => entry.ensure(node),
        None => entry,
    }
}

fn add<'a>(entry: &'a mut Entry, name: &str) -> &'a mut Entry {
    let Some(node) = node(entry, name) else { return entry };
    entry.children.push(Entry::new(node));
    let last = entry.children.len() - 1;
    &mut entry.children[last]
}
