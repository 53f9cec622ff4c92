//! Inventories: read, refused with all faults, written, published.

use super::*;
use crate::Schema;

const SAMPLE: &str = "\
version: 1
devices:
  - id: 0193a5b0-0000-7000-8000-000000000001
    name: pe1
    address: 192.0.2.1
    platforms: [frr, {name: linux, owns: [access-list, interface/rate-limit]}]
    protocols: [netconf, {name: cli, port: 2222}]
    credentials: lab
    guarantee: whole
    site: 北京
    tags: [edge]
  - {id: 0193a5b0-0000-7000-8000-000000000002, name: pe2, address: \"2001:db8::2\", port: 1022, platforms: [frr], protocols: [cli]}
hosts:
  - {name: h1, address: 198.51.100.10, site: 北京, tags: [edge, camera]}
sites:
  北京: {about: The first site.}
groups:
  core: [pe1, pe2]
  all: {about: Everything., members: [core, h1]}
  empty:
prefixes:
  labs: [198.51.100.77/24, \"2001:DB8::/32\"]
  office: {prefixes: [203.0.113.0/24], at: [pe2]}
links:
  - {ends: [\"pe1:eth1\", \"pe2:eth1\"], cost: 10, capacity: 10000000000, tags: [backbone]}
  - ends: [h1:eth0, pe1:eth2]
";

fn schema_() -> &'static Schema {
    Schema::canonical()
}

#[test]
fn a_file_reads_and_what_is_written_reads_back() {
    let inventory = Inventory::read(SAMPLE, schema_()).unwrap();
    assert_eq!(Inventory::read(&inventory.to_yaml(), schema_()).unwrap(), inventory);
    let pe1 = inventory.device("pe1").unwrap();
    assert_eq!(inventory.with_id(pe1.id), Some(pe1));
    assert_eq!(pe1.id.to_string(), "0193a5b0-0000-7000-8000-000000000001");
    assert_eq!(
        pe1.protocols
            .iter()
            .map(|it| (it.protocol.word(), it.port))
            .collect::<Vec<_>>(),
        [("netconf", 830), ("cli", 2222)]
    );
    assert_eq!(
        inventory.device("pe2").unwrap().channel(Protocol::Cli).unwrap().port,
        1022
    );
    assert_eq!(
        inventory.prefixes["labs"].prefixes,
        ["198.51.100.0/24", "2001:db8::/32"].map(str::to_owned).into()
    );
    assert_eq!(inventory.in_group("all").unwrap(), ["h1", "pe1", "pe2"].into());
    assert_eq!(inventory.at_site("北京").unwrap(), ["h1", "pe1"].into());
    assert_eq!(inventory.with_tag("camera"), ["h1"].into());
    assert_eq!(
        (inventory.in_group("nothing"), inventory.at_site("nothing")),
        (None, None)
    );
}

#[test]
fn the_longest_subtree_owns_a_path() {
    let inventory = Inventory::read(SAMPLE, schema_()).unwrap();
    let owner = |path: &str| &*inventory.devices[0].platform(&path.parse().unwrap()).unwrap().name;
    assert_eq!(owner("interface[eth1]/mtu"), "frr");
    assert_eq!(owner("interface[eth1]/rate-limit[in]/rate"), "linux");
    assert_eq!(owner("access-list[a]/rule[10]"), "linux");
    assert_eq!(owner("access-list-else"), "frr");
}

fn check(text: &str, expected: &[&str]) {
    let faults = Inventory::read(text, schema_()).unwrap_err();
    assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    check(
        "\
version: 2
devices:
  - {id: 7, name: a b, address: 192.0.2.1, platforms: [], protocols: [telnet], sitee: x}
  - {id: 0193a5b0-0000-7000-8000-000000000001, name: r1, address: a, platforms: [frr, linux], protocols: [cli, cli], port: 0}
  - {id: 0193a5b0-0000-7000-8000-000000000001, name: r1, address: a, platforms: [{name: x, owns: [interfaces]}], protocols: [cli], site: s}
groups: {g: [r1], g: [r2]}
prefixes: {p: [192.0.2.0]}
links:
  - ends: [r1:e1, r1:e1]
  - ends: [r1, r3:e1, r4:e1]
  - {ends: [r1:e2, r3:e1], cost: 0}
",
        &[
            "1:10: this program reads version 1 (use a program that is as new as the file)",
            "3:10: \"7\" is no UUID (a new one comes from `uuidgen`; it never changes afterwards)",
            "3:19: \"a b\" is no name (a name begins with a letter or digit and has letters, digits, '-', '_', '.' and '/', up to 63)",
            "3:55: `platforms` is empty (a device has one at least)",
            "3:71: \"telnet\" is not known here (one of netconf, cli)",
            "3:80: unknown field `sitee` (did you mean `site`?)",
            "4:5: \"r1\" has cli twice (keep one)",
            "4:5: frr and linux of \"r1\" would own the same (say under `owns` what each is for; one may own the rest)",
            "4:124: 0 is out of range (from 1 to 65535)",
            "5:5: the name \"r1\" stands in line 4 too (rename one)",
            "5:5: the id of \"r1\" stands in line 4 too (give the newer device an id of its own)",
            "5:99: \"interfaces\" is no node of the model (did you mean interface?)",
            "5:138: no site is called \"s\" (add it, or take the site out)",
            "6:19: the key \"g\" stands twice in one mapping (keep one)",
            "7:16: \"192.0.2.0\" is no prefix (write it as 192.0.2.0/24 or 2001:db8::/32)",
            "9:19: r1:e1 ends the link in line 9 too (an interface ends one link)",
            "10:11: a link with 3 ends (a link has two: [r1:eth1, r2:eth1])",
            "10:12: \"r1\" is no end of a link (write it as device:interface)",
            "10:16: no device or host is called \"r3\" (did you mean r1?)",
            "10:23: no device or host is called \"r4\" (did you mean r1?)",
            "11:20: no device or host is called \"r3\" (did you mean r1?)",
            "11:20: r3:e1 ends the link in line 10 too (an interface ends one link)",
            "11:34: 0 is out of range (from 1 to 4294967295)",
        ],
    );
    check(
        "devices: 1",
        &[
            "1:1: `version` is missing (add `version: 1`)",
            "1:10: expected a list, found a whole number (write [a, b], or each item on a line of its own behind '- ')",
        ],
    );
    check(
        "- 1",
        &["1:1: expected a mapping, found a list (write {key: value}, or each key on a line of its own: `key: value`)"],
    );
}

/// A device that is not whole is known all the same: nothing about it waits for the next run, and nothing false is said.
#[test]
fn a_device_with_a_fault_hides_no_other_fault() {
    let rest = "platforms: [frr], protocols: [cli]";
    let id = "0193a5b0-0000-7000-8000-000000000001";
    let sound = format!("  - {{id: {id}, name: r2, address: 192.0.2.2, {rest}}}");
    let file = |broken: &str| {
        format!(
            "version: 1\ndevices:\n{sound}\n{broken}\ngroups: {{g: [r1, r2]}}\nprefixes: {{p: {{prefixes: [192.0.2.0/24], at: [r1]}}}}\nlinks: [{{ends: [r1:a, r2:a]}}]\n"
        )
    };
    let no_uuid = "is no UUID (a new one comes from `uuidgen`; it never changes afterwards)";
    check(
        &file(&format!("  - {{id: 7, name: r1, address: a, {rest}}}")),
        &[&format!("4:10: \"7\" {no_uuid}")],
    );
    check(
        &file(&format!(
            "  - {{id: 7, name: r2, address: 192.0.2.300, site: s, {rest}}}"
        ))
        .replace("r1", "r2")
        .replace("r2:a, r2:a", "r2:a, r2:b"),
        &[
            "4:5: the name \"r2\" stands in line 3 too (rename one)",
            &format!("4:10: \"7\" {no_uuid}"),
            "4:32: \"192.0.2.300\" is no name or address (an IPv4 address has four numbers from 0 to 255: 192.0.2.1)",
            "4:51: no site is called \"s\" (add it, or take the site out)",
        ],
    );
    let no_name = "\"r 1\" is no name (a name begins with a letter or digit and has letters, digits, '-', '_', '.' and '/', up to 63)";
    check(
        &file(&format!("  - {{id: {id}, name: \"r 1\", address: a b, {rest}}}")).replace("r1", "r 1"),
        &[
            "4:5: the id of \"r 1\" stands in line 3 too (give the newer device an id of its own)",
            &format!("4:54: {no_name}"),
            "4:70: \"a b\" is no name or address (up to 255 characters without white space)",
            &format!("5:14: {no_name}"),
            &format!("6:47: {no_name}"),
        ],
    );
    check(
        &file(&format!(
            "  - {{nmae: r1, id: 0193a5b0-0000-7000-8000-000000000009, address: a, {rest}}}"
        )),
        &[
            "4:5: `name` is missing (add `name: r1`)",
            "4:6: unknown field `nmae` (did you mean `name`?)",
        ],
    );
    check(
        "version: 1\ndevcies: []\nlinks: [{ends: [r1:a, r2]}]\n",
        &[
            "2:1: unknown field `devcies` (did you mean `devices`?)",
            "3:23: \"r2\" is no end of a link (write it as device:interface)",
        ],
    );
    check(
        "version: 1\nhosts: [{name: h1}]\nlinks: [{ends: [h1, r2:a]}, {ends: [h1:a, h1:b, h3:c]}]\n",
        &[
            "3:17: \"h1\" is no end of a link (write it as device:interface)",
            "3:21: no device or host is called \"r2\" (add it, or take the device or host out)",
            "3:36: a link with 3 ends (a link has two: [r1:eth1, r2:eth1])",
            "3:49: no device or host is called \"h3\" (did you mean h1?)",
        ],
    );
}

/// What cannot be told is what a fault hides, and no more: a stray word at the top, or a device without a name, makes no
/// wrong name right.
#[test]
fn a_fault_hides_the_names_that_it_holds_alone() {
    let rest = "hosts: [{name: h1, site: s}]\nlinks: [{ends: [h1:a, x1:a]}]\ngroups: {g: [x2]}\n";
    let told = |top: &str| {
        let faults = Inventory::read(&format!("version: 1\n{top}\n{rest}"), schema_()).unwrap_err();
        let all: Vec<_> = faults.iter().map(ToString::to_string).collect();
        ["\"s\"", "\"x1\"", "\"x2\""].map(|name| all.iter().any(|it| it.contains("is called") && it.contains(name)))
    };
    assert_eq!(told("routers: []"), [true, true, true]);
    assert_eq!(told("devices: [{address: a}]"), [true, true, true]);
    assert_eq!(told("devices: [{nmae: x1}, x2]"), [true, false, false]);
    assert_eq!(told("devcies: []"), [true, false, false]);
    assert_eq!(told("devices: {x1: {}}"), [true, false, false]);
    assert_eq!(told("hots: []"), [true, false, false]);
    assert_eq!(told("site: {}"), [false, true, true]);
    assert_eq!(told("sites: [s]"), [false, true, true]);
    assert_eq!(told("group: {}"), [true, true, false]);
}

/// A field that is missing is answered with one that could stand there.
#[test]
fn what_is_missing_is_told_with_its_form() {
    check(
        "version: 1\ndevices: [{}]\nhosts: [{}]\nprefixes: {p: {}}\nlinks: [{}]\n",
        &[
            "2:11: `id` is missing (add `id: UUID`, a new one from `uuidgen`)",
            "2:11: `name` is missing (add `name: r1`)",
            "2:11: `address` is missing (add `address: 192.0.2.1`)",
            "2:11: `platforms` is missing (add `platforms: [frr]`)",
            "2:11: `protocols` is missing (add `protocols: [netconf, cli]`)",
            "3:9: `name` is missing (add `name: h1`)",
            "4:15: `prefixes` is missing (add `prefixes: [192.0.2.0/24]`)",
            "5:9: `ends` is missing (add `ends: [r1:eth1, r2:eth1]`)",
        ],
    );
}

#[test]
fn an_address_is_one_or_a_name() {
    let read = |address: &str| {
        let text = format!("version: 1\nhosts: [{{name: h, address: {address:?}}}]\n");
        Inventory::read(&text, schema_()).map_err(|it| it[0].hint.clone())
    };
    for sound in [
        "192.0.2.1",
        "2001:db8::1",
        "fe80::1%eth0",
        "r1",
        "r1.example.net",
        "10.r1",
        "_x",
        "路由器",
    ] {
        assert!(read(sound).is_ok(), "{sound}");
    }
    let ipv4 = "an IPv4 address has four numbers from 0 to 255: 192.0.2.1";
    let ipv6 = "an IPv6 address stands without brackets, and a port under `port` or `protocols`: 2001:db8::1";
    for (wrong, hint) in [
        ("192.0.2.300", ipv4),
        ("192.0.2", ipv4),
        ("192.0.2.1.5", ipv4),
        ("192.0.02.1", ipv4),
        ("7", ipv4),
        ("-oProxyCommand=x", "an address begins with a letter or digit"),
        ("2001:db8:::1", ipv6),
        ("[2001:db8::1]", ipv6),
        ("r1:830", ipv6),
        ("", "up to 255 characters without white space"),
    ] {
        assert_eq!(read(wrong), Err(hint.to_owned()), "{wrong}");
    }
}

#[test]
fn platforms_are_among_those_that_there_are() {
    let known = ["cisco_ios", "frr"];
    let of = |platforms: &str| {
        let id = "0193a5b0-0000-7000-8000-000000000001";
        let text = format!(
            "version: 1\ndevices:\n  - {{id: {id}, name: r1, address: a, protocols: [cli], platforms: {platforms}}}\n"
        );
        let read = Inventory::read_for(&text, schema_(), &known);
        read.map(|_| ())
            .map_err(|it| it.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(of("[frr]"), Ok(()));
    assert_eq!(
        of("[fr, {name: srlinux, owns: [system]}]"),
        Err(vec![
            "3:100: no platform is called \"fr\" (did you mean frr? there are cisco_ios, frr)".to_owned(),
            "3:111: no platform is called \"srlinux\" (there are cisco_ios, frr)".to_owned(),
        ])
    );
}

#[test]
fn the_published_schema_takes_what_is_read_and_refuses_what_is_not() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let json = |text: &str| crate::document::read(text).unwrap().json();
    assert!(
        validator.is_valid(&json(SAMPLE)),
        "{:?}",
        validator.iter_errors(&json(SAMPLE)).next()
    );
    for sound in [
        "{version: 1, devices: , hosts: ~, sites: {a: {about: 3}}, groups: {g: {members: }}}",
        "{version: 1, hosts: [{name: 7, site: , tags: [2026, true]}]}",
        "{version: 1, prefixes: {p: [192.0.2.7/24, '::/0', '1:2:3:4:5:6:7::/128', '1::192.0.2.1/64']}}",
    ] {
        assert!(validator.is_valid(&json(sound)), "{sound}");
        let all = Inventory::read(sound, schema_()).err().unwrap_or_default();
        assert!(all.iter().all(|it| it.what.starts_with("no site")), "{sound}: {all:?}");
    }
    for wrong in [
        "{version: 1, prefixes: {p: [192.0.2.0/33]}}",
        "{version: 1, prefixes: {p: ['2001:db8::/129']}}",
        "{version: 1, prefixes: {p: ['1:2:3:4:5:6:7:8:9/64']}}",
        "{version: 1, prefixes: {p: ['1::2::3/64']}}",
        "{version: 1, hosts: [{name: h, address: -x}]}",
        "{version: 1, hosts: [{name: h, address: 7}]}",
        "{version: 1, hosts: [{name: -7}]}",
        "version: 2",
        "devices: []",
        "{version: 1, what: 1}",
        "{version: 1, devices: [{name: a}]}",
        "{version: 1, links: [{ends: [a]}]}",
        "{version: 1, sites: {\"a b\": }}",
    ] {
        assert!(!validator.is_valid(&json(wrong)), "{wrong}");
        assert!(
            Inventory::read(wrong, schema_()).is_err() || wrong == "devices: []",
            "{wrong}"
        );
    }
}
