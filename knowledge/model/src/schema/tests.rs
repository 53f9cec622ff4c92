//! The committed table and faults in tables.

use super::*;

#[test]
fn the_committed_table_compiles_and_has_the_names_others_rely_on() {
    let schema = Schema::canonical();
    for path in [
        "system/hostname",
        "system/dns/server[192.0.2.1]",
        "interface[eth1]/mtu",
        "interface[eth1]/address[192.0.2.1/24]",
        "interface[eth1]/rate-limit[in]/rate",
        "static-route[198.51.100.0/24]/next-hop[192.0.2.2]/distance",
        "static-route[198.51.100.0/24]/blackhole",
        "bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/import-policy",
        "ospf/area[0.0.0.0]/interface[eth1]/cost",
        "prefix-list[ipv4][edge]/rule[10]/action",
        "route-map[in]/rule[10]/action",
        "access-list[edge]/rule[10]/source",
    ] {
        assert!(
            schema.node(&path.parse().unwrap()).is_some_and(Node::is_entry),
            "{path}"
        );
    }
    for path in [
        "interface",
        "interface[a][b]",
        "prefix-list[ipv4]",
        "system/dns/server",
        "interface[a]/nothing",
    ] {
        assert!(schema.node(&path.parse().unwrap()).is_none(), "{path}");
    }
    assert!(schema.at("interface/name").unwrap().key);
    assert!(!schema.at("system").unwrap().is_entry());
}

fn check(lines: &str, expected: &str) {
    let table = format!("revision 1\nmodule m urn:m\n{lines}");
    assert_eq!(Schema::compile(&table).unwrap_err().to_string(), expected);
}

#[test]
fn faults_name_their_line() {
    check("a leaf in=m", "schema table, line 3: a leaf has a type");
    check("a leaf type=number in=m", "schema table, line 3: number is no type");
    check("a leaf type=empty", "schema table, line 3: a top-level node needs in=");
    check("a leaf type=empty in=n", "schema table, line 3: no module n");
    check("a/b leaf type=empty", "schema table, line 3: a comes after a/b");
    check("a list keys=k in=m", "schema table, line 3: the key a/k is missing");
    check(
        "a leaf type=empty in=m\na container in=m",
        "schema table, line 4: a stands here twice",
    );
    check(
        "a leaf type=empty in=m what=ever",
        "schema table, line 3: what is no attribute of a",
    );
    check(
        "a leaf type=uint8 default=256 in=m",
        "schema table, line 3: default 256: expected a whole number from 0 to 255",
    );
    check(
        "a leaf type=string distinct=half in=m",
        "schema table, line 3: half is no part that is distinct",
    );
    check(
        "a leaf type=string about=\"x in=m",
        "schema table, line 3: a quote is not closed",
    );
}

#[test]
fn entries_are_checked_and_made_canonical() {
    let schema = Schema::compile(include_str!("../../tests/small.table")).unwrap();
    let check = |path: &str, value: Option<&str>| {
        let value = value.map_or(crate::Value::Present, crate::Value::from);
        match schema.check(&path.parse().unwrap(), &value) {
            Ok((path, value)) => format!("{path} = {value}"),
            Err(fault) => fault.to_string(),
        }
    };
    for (path, value, expected) in [
        ("interface[e]/mtu", Some("+1500"), "interface[e]/mtu = 1500"),
        (
            "interface[e]/address[2001:DB8::1/64]",
            None,
            "interface[e]/address[2001:db8::1/64] = present",
        ),
        ("system/quiet", None, "system/quiet = present"),
        (
            "interface[e]/mtu",
            None,
            "interface[e]/mtu: found no value, expected a whole number from 68 to 65535",
        ),
        (
            "interface[e]",
            Some("1"),
            "interface[e]: found \"1\", expected an entry without a value",
        ),
        (
            "interface[e]/mut",
            Some("1"),
            "interface[e]/mut: found unknown node mut, expected a node of the schema (did you mean mtu?)",
        ),
        ("interface", None, "interface: found 0 keys of interface, expected 1"),
        ("system", None, "system: found no entry, expected the path of an entry"),
        (
            "interface[e]/name",
            Some("e"),
            "interface[e]/name: found no entry, expected the path of an entry",
        ),
        (
            "system/secret",
            Some("short"),
            "system/secret: found a secret that is not allowed, expected text of 8 to 64 characters",
        ),
    ] {
        assert_eq!(check(path, value), expected);
    }
}
