//! The IETF modules: an edit, read back as a device would hold it, is the configuration that it was made of.
#![allow(clippy::unwrap_used, reason = "a test")]

use adapters_platform::{Native, builtin};
use knowledge_model::{Path, Tree, Value, diff};

fn native() -> &'static Native {
    builtin::named("ietf").unwrap().native().unwrap()
}

fn tree(entries: &[(&str, Option<&str>)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in entries {
        tree.plant(path.parse().unwrap(), text.map_or(Value::Present, Value::scalar));
    }
    tree
}

fn some() -> Tree {
    tree(&[
        ("interface[eth1]/description", Some("to <pe2> & on")),
        ("interface[eth1]/enabled", Some("false")),
        ("interface[eth1]/mtu", Some("1400")),
        ("interface[eth1]/address[192.0.2.1/24]", None),
        ("interface[eth1]/address[2001:db8::1/64]", None),
        ("interface[ge-0/0/1]", None),
        ("static-route[198.51.100.0/24]/next-hop[192.0.2.254]", None),
        ("static-route[203.0.113.0/24]/blackhole", None),
        ("static-route[2001:db8:9::/48]/next-hop[2001:db8::2]", None),
    ])
}

#[test]
fn what_an_edit_makes_is_read_back() {
    let edit = native().edit(&diff(&Tree::new(), &some())).unwrap();
    assert_eq!(native().read(&edit).unwrap(), native().normal(&some()));
    let wrapped =
        format!("<rpc-reply xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><data>{edit}</data></rpc-reply>");
    assert_eq!(native().read(&wrapped).unwrap(), native().normal(&some()));
}

#[test]
fn what_goes_is_removed_once() {
    let edit = native().edit(&diff(&some(), &Tree::new())).unwrap();
    assert_eq!(edit.matches("nc:operation=\"remove\"").count(), 5, "{edit}");
    assert!(!edit.contains("mtu"), "a leaf goes with its entry: {edit}");
}

#[test]
fn a_filter_names_the_entry() {
    let path: Path = "interface[eth1]/mtu".parse().unwrap();
    assert_eq!(
        native().filter(&[path]).unwrap(),
        "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name>eth1</name></interface></interfaces>"
    );
}

#[test]
fn what_has_no_node_is_refused_by_name() {
    let delta = diff(
        &Tree::new(),
        &tree(&[(
            "static-route[198.51.100.0/24]/next-hop[192.0.2.254]/distance",
            Some("5"),
        )]),
    );
    let error = native().edit(&delta).unwrap_err();
    assert!(error.to_string().contains("distance"), "{error}");
}

#[test]
fn prefixes_of_the_device_do_not_matter() {
    let reply = "<x:interfaces xmlns:x=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><x:interface><x:name>eth1</x:name>\
        <x:enabled>true</x:enabled><x:description>a</x:description></x:interface></x:interfaces>";
    let read = native().read(reply).unwrap();
    assert_eq!(read, tree(&[("interface[eth1]/description", Some("a"))]));
}

#[test]
fn garbage_is_an_error_and_no_panic() {
    for reply in [
        "<a><b></a>",
        "<",
        "<a xmlns:x='y' x:z=>",
        "\u{0}",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
    ] {
        let _ = native().read(reply);
    }
    assert!(native().read(&"<a>".repeat(1000)).is_err());
}
