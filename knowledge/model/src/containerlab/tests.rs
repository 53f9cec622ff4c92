//! Imports in both shapes of links, with every source of logins.

use super::*;
use crate::Schema;

const NODES: &str = r#""nodes": {
  "r1": {"shortname": "r1", "longname": "clab-two-r1", "kind": "linux", "group": "routers", "mgmt-ipv4-address": "172.20.20.2", "labels": {"entente-platforms": "frr, linux=access-list+interface/rate-limit", "clab-node-name": "r1"}, "port-bindings": []},
  "s1": {"shortname": "s1", "longname": "clab-two-s1", "kind": "huawei_vrp", "group": "", "mgmt-ipv4-address": "172.20.20.3", "mgmt-ipv6-address": "2001:db8::3"},
  "s2": {"shortname": "s2", "longname": "clab-two-s2", "kind": "huawei_vrp", "mgmt-ipv6-address": "2001:db8::4"},
  "x1": {"shortname": "x1", "longname": "clab-two-x1", "kind": "cisco_iol"},
  "u1": {"shortname": "u1", "longname": "clab-two-u1", "kind": "nokia_srlinux", "mgmt-ipv4-address": "172.20.20.8"},
  "q1": {"shortname": "q1", "longname": "clab-two-q1", "kind": "linux", "labels": {"entente-platforms": "none"}},
  "h1": {"shortname": "h1", "longname": "clab-two-h1", "kind": "linux", "mgmt-ipv4-address": "172.20.20.9"}
}"#;

const OLD: &str = r#"[{"a": {"node": "r1", "interface": "eth1", "mac": "aa:c1:ab:00:00:01"}, "z": {"node": "s1", "interface": "e1-1"}},
  {"a": {"node": "h1", "interface": "eth1"}, "z": {"node": "host", "interface": "veth9"}}]"#;

const NEW: &str = r#"[{"endpoints": {"a": {"node": "r1", "interface": "eth1"}, "z": {"node": "s1", "interface": "e1-1"}}},
  {"endpoints": {"a": {"node": "h1", "interface": "eth1"}, "z": {"node": "host", "interface": "veth9"}}}]"#;

const NORNIR: &str = "---\nr1:\n  username: ops\n  password: s3cret-r1\n  platform: linux\n  hostname: 172.20.20.2\ns1:\n  username: admin\n  platform: huawei_vrp\n";

const ANSIBLE: &str = "all:\n  vars: {ansible_httpapi_use_proxy: false}\n  children:\n    huawei_vrp:\n      vars: {ansible_user: admin, ansible_password: s3cret-kind}\n      hosts:\n        clab-two-s1: {ansible_host: 172.20.20.3}\n        clab-two-s2: {ansible_host: 2001:db8::4, ansible_user: admin, ansible_password: s3cret-s2}\n";

fn imported(links: &str, nornir: Option<&str>, ansible: Option<&str>) -> Imported {
    let topology = format!(r#"{{"name": "two", "type": "clab", "clab": {{}}, {NODES}, "links": {links}}}"#);
    let mut last = 0;
    let mut new_id = || {
        last += 1;
        DeviceId(last)
    };
    import(
        &Lab {
            topology: &topology,
            nornir,
            ansible,
        },
        &Inventory::default(),
        &mut new_id,
    )
    .unwrap()
}

#[test]
fn both_shapes_of_links_give_the_same_inventory_without_passwords() {
    let imported = imported(NEW, Some(NORNIR), Some(ANSIBLE));
    assert_eq!(imported, self::imported(OLD, Some(NORNIR), Some(ANSIBLE)));
    let yaml = imported.inventory.to_yaml();
    assert!(!yaml.contains("s3cret") && !yaml.contains("admin"), "{yaml}");
    assert!(!format!("{imported:?}").contains("s3cret"));
    let names: Vec<_> = imported
        .inventory
        .devices
        .iter()
        .map(|it| (&*it.name, it.address.as_str(), it.protocols.len()))
        .collect();
    assert_eq!(
        names,
        [
            ("r1", "172.20.20.2", 1),
            ("s1", "172.20.20.3", 1),
            ("s2", "2001:db8::4", 1),
            ("x1", "clab-two-x1", 1)
        ]
    );
    assert_eq!(
        imported.inventory.devices[0]
            .platforms
            .iter()
            .map(|it| &*it.name)
            .collect::<Vec<_>>(),
        ["frr", "linux"]
    );
    assert_eq!(imported.inventory.links.len(), 1);
    assert_eq!(imported.inventory.in_group("routers").unwrap(), ["r1"].into());
    assert_eq!(
        imported.notes,
        [
            "x1 has no management address: its name stands for it",
            "u1 of kind \"nokia_srlinux\" is taken for a host: no platform is known to speak for it; if one does, label it entente-platforms with its name",
            "h1 of kind \"linux\" is taken for a host: no platform is known to speak for it; if one does, label it entente-platforms with its name",
            "a link to host:veth9 leads out of the lab",
        ]
    );
}

#[test]
fn logins_come_whole_from_the_most_specific_place() {
    let logins = |nornir, ansible| {
        let imported = imported(NEW, nornir, ansible);
        imported
            .logins
            .iter()
            .map(|it| format!("{} {} {}", it.name, it.user, it.password))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        logins(Some(NORNIR), Some(ANSIBLE)),
        [
            "two-cisco_iol admin admin",
            "two-huawei_vrp admin s3cret-kind",
            "two-linux ops s3cret-r1",
            "two-s2 admin s3cret-s2",
        ]
    );
    assert_eq!(
        logins(None, None),
        ["two-cisco_iol admin admin", "two-huawei_vrp admin admin"]
    );
    assert!(
        imported(NEW, None, None)
            .notes
            .iter()
            .any(|it| it == "no login is known for r1: give it credentials")
    );
}

/// A node that is called like a kind, and every order in which the names could meet.
#[test]
fn no_device_is_given_the_login_of_another() {
    let short = ["a", "arista_ceos", "arista_ceos-a", "arista_ceos-arista_ceos", "b"];
    for first in 0..short.len() {
        let mut order = short;
        order.rotate_left(first);
        let node = |it: &&str| {
            let about =
                r#""kind": "arista_ceos", "mgmt-ipv4-address": "192.0.2.1", "labels": {"entente-platforms": "frr"}"#;
            format!(r#""{it}": {{"shortname": "{it}", "longname": "clab-{it}", {about}}}"#)
        };
        let nodes: Vec<_> = order.iter().map(node).collect();
        let topology = format!(r#"{{"name": "lab1", "nodes": {{{}}}}}"#, nodes.join(", "));
        let nornir: String = short
            .iter()
            .map(|it| format!("{it}: {{username: user-{it}, password: secret-{it}}}\n"))
            .collect();
        let lab = Lab {
            topology: &topology,
            nornir: Some(&nornir),
            ansible: None,
        };
        let imported = import(&lab, &Inventory::default(), &mut || DeviceId(7)).unwrap();
        for device in &imported.inventory.devices {
            let name = device.credentials.as_deref().unwrap();
            let login = imported.logins.iter().find(|it| it.name == name).unwrap();
            assert_eq!(login.user, format!("user-{}", device.name), "{order:?}");
            assert_eq!(login.password, format!("secret-{}", device.name), "{order:?}");
        }
        assert_eq!((imported.inventory.devices.len(), imported.logins.len()), (5, 5));
    }
}

#[test]
fn a_second_import_keeps_ids_and_the_result_is_an_inventory() {
    let first = imported(NEW, None, None).inventory;
    let topology = format!(r#"{{"name": "two", {NODES}, "links": []}}"#);
    let again = import(
        &Lab {
            topology: &topology,
            ..Lab::default()
        },
        &first,
        &mut || DeviceId(99),
    )
    .unwrap()
    .inventory;
    assert_eq!(
        again.devices.iter().map(|it| it.id).collect::<Vec<_>>(),
        first.devices.iter().map(|it| it.id).collect::<Vec<_>>()
    );
    assert_eq!(Inventory::read(&first.to_yaml(), Schema::canonical()).unwrap(), first);
}

#[test]
fn what_cannot_be_read_names_its_file_and_place() {
    let error = |topology: &str, nornir: Option<&str>| {
        let lab = Lab {
            topology,
            nornir,
            ansible: None,
        };
        import(&lab, &Inventory::default(), &mut || DeviceId(1))
            .unwrap_err()
            .to_string()
    };
    assert!(error("{", None).starts_with("topology-data.json cannot be read: "));
    assert_eq!(
        error("{}", None),
        "topology-data.json cannot be read: 1:1: `name` is missing (add `name: …`)"
    );
    assert!(
        error(r#"{"name": "a", "nodes": {}}"#, Some("a: ["))
            .starts_with("nornir-simple-inventory.yml cannot be read: ")
    );
    let link = r#"{"name": "a", "nodes": {}, "links": [{"a": {"node": "r1"}}]}"#;
    assert_eq!(
        error(link, None),
        "topology-data.json cannot be read: 1:38: `z` is missing (add `z: …`); 1:44: `interface` is missing (add `interface: …`)"
    );
}
