//! Every fault of a configuration is reported, whether it comes as a map, as JSON or as XML.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use knowledge_model::{Limits, Schema, Tree, Value};
use knowledge_yang::{Format, Validator};

/// A map of `path` or `path = value` lines, with the list entries that they stand in.
fn tree(lines: &str) -> Tree {
    let mut tree = Tree::new();
    for line in lines.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let (path, value) = line
            .split_once(" = ")
            .map_or((line, Value::Present), |(path, text)| (path, text.into()));
        tree.plant(path.parse().unwrap(), value);
    }
    tree
}

const SOUND: &str = "
    access-list[edge]/rule[10]/action = permit
    access-list[edge]/rule[10]/protocol = tcp
    access-list[edge]/rule[10]/destination-port = 1024-2048
    access-list[edge]/rule[10]/established
    access-list[edge]/rule[20]/action = deny
    bfd/peer[192.0.2.2]
    bgp/as = 65001
    bgp/neighbor[192.0.2.2]/remote-as = 65002
    bgp/neighbor[192.0.2.2]/password = secret:bgp/peer@1
    bgp/neighbor[192.0.2.2]/keepalive = 10
    bgp/neighbor[192.0.2.2]/hold-time = 30
    bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/import-policy = in
    interface[eth1]/mtu = 9000
    interface[eth1]/address[192.0.2.1/24]
    interface[eth1]/address[2001:db8::1/64]
    interface[eth1]/address[fe80::1/64]
    interface[eth2]/address[fe80::1/64]
    interface[eth1]/access-list-in = edge
    interface[eth1]/rate-limit[in]/rate = 100000000
    ospf/area[0.0.0.0]/interface[eth1]/cost = 10
    prefix-list[ipv4][edge]/rule[10]/action = permit
    prefix-list[ipv4][edge]/rule[10]/prefix = 198.51.100.0/24
    prefix-list[ipv4][edge]/rule[10]/le = 32
    route-map[in]/rule[10]/action = permit
    route-map[in]/rule[10]/match/ipv4-prefix-list = edge
    route-map[in]/rule[10]/set/community[65001:100]
    static-route[203.0.113.0/24]/next-hop[192.0.2.2]/track = 192.0.2.2
    static-route[198.51.100.0/24]/blackhole
    system/hostname = r1
    system/dns/server[192.0.2.53]
    system/banner = hello\tyou";

#[test]
fn a_sound_configuration_passes_in_every_form() {
    let validator = Validator::new().unwrap();
    let tree = tree(SOUND);
    validator.check(&tree).unwrap();
    let schema = Schema::canonical();
    let (json, xml) = (tree.to_json(schema).unwrap(), tree.to_xml(schema).unwrap());
    assert_eq!(validator.read(json.as_bytes(), Format::Json).unwrap(), tree);
    assert_eq!(validator.read(xml.as_bytes(), Format::Xml).unwrap(), tree);
    let wrapped = format!("<data xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\">{xml}</data>");
    assert_eq!(validator.read(wrapped.as_bytes(), Format::Xml).unwrap(), tree);
    validator.check(&Tree::new()).unwrap();
}

/// The faults of a map, one on a line.
fn check(lines: &str, expected: &[&str]) {
    let found = Validator::new().unwrap().check(&tree(lines));
    let found: Vec<_> = found
        .err()
        .map_or_else(Vec::new, |it| it.faults)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, expected, "{lines}");
}

#[test]
fn references_lead_somewhere() {
    check(
        "interface[eth1]/access-list-in = none
         interface[eth1]/policy-route = none
         interface[eth2]/qos-policy-out = none
         bgp/as = 65001
         bgp/neighbor[192.0.2.2]/remote-as = 65002
         bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/import-policy = none
         prefix-list[ipv6][six]/description = only six
         route-map[in]/rule[10]/action = permit
         route-map[in]/rule[10]/match/ipv4-prefix-list = six",
        &[
            "bgp/neighbor[192.0.2.2]/family[ipv4-unicast]/import-policy: found \"none\", expected the name of an existing route-map",
            "interface[eth1]/access-list-in: found \"none\", expected the name of an existing access-list",
            "interface[eth1]/policy-route: found \"none\", expected the name of an existing policy-route",
            "interface[eth2]/qos-policy-out: found \"none\", expected the name of an existing qos-policy",
            "route-map[in]/rule[10]/match/ipv4-prefix-list: found \"six\", expected the name of a prefix list of IPv4",
        ],
    );
}

#[test]
fn rules_between_entries_hold() {
    check(
        "static-route[203.0.113.0/24]/description = nowhere
         static-route[198.51.100.0/24]/blackhole
         static-route[198.51.100.0/24]/next-hop[192.0.2.2]
         static-route[192.0.2.0/24]/next-hop[2001:db8::1]
         interface[eth1]/address[192.0.2.1/24]
         interface[eth2]/address[192.0.2.1/32]
         ospf/area[0.0.0.0]/interface[eth1]
         ospf/area[0.0.0.1]/interface[eth1]
         bgp/neighbor[192.0.2.2]/keepalive = 30
         prefix-list[ipv4][edge]/rule[10]/action = permit
         prefix-list[ipv4][edge]/rule[10]/prefix = 2001:db8::/32
         access-list[a]/rule[1]/action = permit
         access-list[a]/rule[1]/destination-port = 80
         access-list[a]/rule[2]/icmp-type = 8
         quota[q]/interface = eth1
         qos-policy[p]/rule[1]/class = voice
         qos-policy[p]/rule[2]/class = voice
         traffic-class[voice]/description = voice",
        &[
            "access-list[a]/rule[1]/destination-port: found \"80\", expected protocol tcp, udp or sctp beside a port",
            "access-list[a]/rule[2]/action: found nothing, expected action, which must be there: one of permit, deny, reject",
            "access-list[a]/rule[2]/icmp-type: found \"8\", expected it only where ../protocol = \"icmp\" or ../protocol = \"icmpv6\"",
            "bgp/neighbor[192.0.2.2]: found this neighbor, expected bgp/as, the number of the autonomous system, beside it",
            "bgp/neighbor[192.0.2.2]/keepalive: found \"30\", expected keepalive and hold-time together",
            "bgp/neighbor[192.0.2.2]/remote-as: found nothing, expected remote-as, which must be there: a whole number from 1 to 4294967295",
            "interface[eth2]/address[192.0.2.1/32]: found 192.0.2.1 a second time, expected what stands on one device once (it stands at interface[eth1]/address[192.0.2.1/24] too)",
            "ospf/area[0.0.0.1]/interface[eth1]: found eth1 a second time, expected what stands on one device once (it stands at ospf/area[0.0.0.0]/interface[eth1] too)",
            "prefix-list[ipv4][edge]/rule[10]/prefix: found \"2001:db8::/32\", expected a prefix of the list's family",
            "qos-policy[p]/rule[2]: found class as in another entry, expected entries that differ there",
            "quota[q]/period: found nothing, expected period, which must be there: one of hour, day, week, month",
            "quota[q]/volume: found nothing, expected volume, which must be there: a whole number from 1 to 18446744073709551615",
            "static-route[192.0.2.0/24]/next-hop[2001:db8::1]: found this next-hop, expected a next hop of the prefix's address family",
            "static-route[198.51.100.0/24]: found both blackhole and next-hop, expected one target",
            "static-route[203.0.113.0/24]: found no target, expected one of next-hop, interface, blackhole",
        ],
    );
}

#[test]
fn what_is_no_entry_is_named() {
    check(
        "interface[eth1]/mtu = 12
         interface[eth1]/mtv = 12
         interface[eth1]/enabled = yes
         interface[eth1]/oper-status = up
         interface[eth1]/address[192.0.2.300/24]
         static-route[192.0.2.0/24]/blackhole/distance = 3",
        &[
            "interface[eth1]/address[192.0.2.300/24]: found \"192.0.2.300/24\", expected prefix: an IPv4 or IPv6 address with prefix length such as 192.0.2.1/24",
            "interface[eth1]/enabled: found \"yes\", expected true or false",
            "interface[eth1]/mtu: found \"12\", expected a whole number from 68 to 65535",
            "interface[eth1]/mtv: found unknown node \"mtv\", expected a node of the schema",
            "interface[eth1]/oper-status: found oper-status, which is state, expected configuration",
            "static-route[192.0.2.0/24]: found no target, expected one of next-hop, interface, blackhole",
            "static-route[192.0.2.0/24]/blackhole/distance: found an entry in nothing, expected the entry static-route[192.0.2.0/24]/blackhole above it",
        ],
    );
}

/// The faults of a document.
fn faults(text: &[u8], format: Format) -> Vec<String> {
    let read = Validator::new().unwrap().read(text, format);
    let invalid = read.expect_err(&String::from_utf8_lossy(&text[..text.len().min(40)]));
    invalid.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_document_with_faults_of_text_and_of_rules_lists_both() {
    let json = r#"{"entente-interfaces:interface": [
        {"name": "eth1", "mtu": 12, "access-list-in": "none", "speeed": 1},
        {"name": "eth2", "access-list-out": "nobody", "address": [{"prefix": "192.0.2.1/24"}]},
        {"name": "eth3", "address": [{"prefix": "192.0.2.1/25"}]}],
        "entente-access-lists:access-list": [{"name": "a", "rule": [{"sequence": 1, "protocol": "tcp"}]}]}"#;
    let found = faults(json.as_bytes(), Format::Json);
    let twice = "192.0.2.1 a second time";
    let places = ["mtu", "speeed", "access-list-in", "access-list-out", "action", twice];
    for place in places {
        assert!(
            found.iter().any(|it| it.contains(place)),
            "{place} is missing in {found:#?}"
        );
    }
    assert_eq!(found.len(), places.len(), "{found:#?}");
    let xml = "<interface xmlns='urn:entente:interfaces'><name>eth1</name><mtu>12</mtu><access-list-in>none</access-list-in>\
               <speeed/><address><prefix>192.0.2.1/24</prefix></address></interface><interface \
               xmlns='urn:entente:interfaces'><name>eth2</name><address><prefix>192.0.2.1/25</prefix></address></interface>";
    let found = faults(xml.as_bytes(), Format::Xml);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.iter().any(|it| it.contains(twice)), "{found:#?}");
}

/// Where the name of a secret belongs, the secret itself may stand: no fault repeats it, whatever is wrong.
#[test]
fn no_fault_shows_what_stands_where_a_secret_belongs() {
    let validator = Validator::new().unwrap();
    let lines = "bgp/as = 65001
        bgp/neighbor[192.0.2.2]/remote-as = 65002
        bgp/neighbor[192.0.2.2]/password = open sesame
        ospf/area[0.0.0.0]/interface[eth1]/authentication/key-id = 1
        ospf/area[0.0.0.0]/interface[eth1]/authentication/key = open sesame";
    let invalid = validator.check(&tree(lines)).unwrap_err();
    let told: Vec<_> = invalid.faults.iter().map(|it| (&*it.path, &*it.found)).collect();
    let hidden = "a secret that is not allowed";
    assert!(told.contains(&("bgp/neighbor[192.0.2.2]/password", hidden)), "{told:?}");
    assert!(!format!("{invalid:?}").contains("sesame"), "{invalid:?}");
    let json = r#"{"entente-bgp:bgp": {"neighbor": [{"address": "192.0.2.2", "password": "open sesame"}]}}"#;
    let invalid = validator.read(json.as_bytes(), Format::Json).unwrap_err();
    assert!(invalid.faults.iter().any(|it| it.found == hidden), "{invalid:?}");
    assert!(!format!("{invalid:?}").contains("sesame"), "{invalid:?}");
}

/// Each fault as the reader is told it: where, what was found, what is expected.
#[test]
fn bad_input_is_answered_with_one_clear_fault() {
    let deep = [b"{\"entente-system:system\":".to_vec(), b"[".repeat(10_000_000)].concat();
    let cases: [(&[u8], Format, &[&str]); 11] = [
        (
            b"{\"entente-interfaces:interface\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"a\"}]}",
            Format::Json,
            &["line 1, column 60: interface[a]: found the same entry twice, expected each entry once"],
        ),
        (
            b"<system xmlns='urn:entente:system'><hostname>a</hostname></system><system xmlns='urn:entente:system'/>",
            Format::Xml,
            &["line 1, column 67: found system twice, expected each node once"],
        ),
        (
            b"{\"entente-system:system\":{\"dns\":{\"server\":[\"192.0.2.1\",\"192.0.2.1\"]}}}",
            Format::Json,
            &["line 1, column 56: system/dns/server[192.0.2.1]: found the same entry twice, expected each entry once"],
        ),
        (
            b"",
            Format::Json,
            &["line 1, column 1: found the end, expected an object (the text is cut off, or no JSON)"],
        ),
        (
            b"{\"entente-system:system\":{\"hostname\":\"r\0\"}}",
            Format::Json,
            &["line 1, column 40: found a NUL byte, expected '\"' (take it out: the file is text)"],
        ),
        (
            b"\xff\xfe",
            Format::Json,
            &["line 1, column 1: found a byte at 0 that is not UTF-8, expected UTF-8"],
        ),
        (
            b"\xff",
            Format::Xml,
            &["line 1, column 1: found a byte at 0 that is not UTF-8, expected UTF-8"],
        ),
        (
            b"{} x",
            Format::Json,
            &["line 1, column 4: found 'x', expected the end (the text is no JSON that can be read)"],
        ),
        (
            b"<system xmlns='urn:entente:system'>",
            Format::Xml,
            &["line 1, column 36: found a text that ends inside an element, expected its end tag"],
        ),
        (
            &deep,
            Format::Json,
            &["line 1, column 59: found '[', expected at most 32 levels of nesting (a bracket too many?)"],
        ),
        (
            b"{\"entente-system:system\":{\"hostname\":\"a\",\"hostname\":\"b\"}}",
            Format::Json,
            &["line 1, column 42: system: found hostname twice, expected each name once"],
        ),
    ];
    let told: Vec<Vec<String>> = cases.iter().map(|(text, format, _)| faults(text, *format)).collect();
    let expected: Vec<_> = cases.iter().map(|it| it.2).collect();
    assert_eq!(told, expected, "{told:#?}");
}

/// libyang's own readers compare more keys than the other entry has, and end the process.
#[test]
fn a_key_that_stands_twice_is_a_fault() {
    let xml = "<access-list xmlns='urn:entente:access-lists'><name>a</name><name>b</name></access-list>\
               <access-list xmlns='urn:entente:access-lists'><name>a</name></access-list>";
    let json = r#"{"entente-access-lists:access-list":[{"name":"a","entente-access-lists:name":"b"},{"name":"a"}]}"#;
    let twice = |column| {
        format!("line 1, column {column}: access-list[a]: found the same entry twice, expected each entry once")
    };
    let found = faults(xml.as_bytes(), Format::Xml);
    let key = "line 1, column 61: access-list[a]/name: found a key again, expected each key once, before all else";
    assert_eq!(found, [key.to_owned(), twice(89)]);
    let found = faults(json.as_bytes(), Format::Json);
    let name = "line 1, column 50: access-list[a]: found entente-access-lists:name twice, expected each name once";
    assert_eq!(found, [name.to_owned(), twice(83)]);
}

/// The largest memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
}

/// So many bytes of entries, each made of a number below 10,000.
fn interfaces(length: usize, entry: impl Fn(usize) -> String) -> Vec<u8> {
    let block: String = (0..10_000).map(|it| entry(it) + ",").collect();
    let mut text = b"{\"entente-interfaces:interface\":[".to_vec();
    text.extend(block.repeat(1 + length / block.len()).as_bytes());
    text.pop();
    text.extend(b"]}");
    text
}

const NESTED: &str = "ENTENTE_NESTED";

/// A hundred megabytes of bad input, read in a process of its own so that its memory can be told: the text, the copy of it
/// that libyang reads, and little more.
#[test]
fn bad_input_without_end_takes_no_memory() {
    const LENGTH: usize = 100 << 20;
    if let Ok(kind) = std::env::var(NESTED) {
        let (text, format) = match &*kind {
            "entries" => (interfaces(LENGTH, |it| format!("{{\"name\":\"{it}\"}}")), Format::Json),
            "repeated entries" => (interfaces(LENGTH, |_| "{\"name\":\"a\"}".to_owned()), Format::Json),
            // Fewer than are read at most, and each of them wrong.
            "faulty entries" => (
                interfaces(LENGTH, |it| format!("{{\"nmae\":\"a rather long name {it}\"}}")),
                Format::Json,
            ),
            "one long string" => {
                let text = [
                    b"{\"entente-system:system\":{\"hostname\":\"".to_vec(),
                    b"a".repeat(LENGTH),
                    b"\"}}".to_vec(),
                ];
                (text.concat(), Format::Json)
            }
            "lists" => (b"[".repeat(LENGTH), Format::Json),
            "objects" => (b"{\"a\":".repeat(LENGTH / 5), Format::Json),
            "elements" => (b"<a>".repeat(LENGTH / 3), Format::Xml),
            "wide" => (
                [b"{\"entente-system:system\":[".to_vec(), b"[],".repeat(LENGTH / 3)].concat(),
                Format::Json,
            ),
            _ => (b"{}".to_vec(), Format::Json),
        };
        let faults = Validator::new()
            .unwrap()
            .read(&text, format)
            .err()
            .map_or(0, |it| it.faults.len());
        println!("length {} peak {} faults {faults}", text.len(), peak());
        return;
    }
    let run = |kind: &str| -> [usize; 3] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", "bad_input_without_end_takes_no_memory", "--nocapture"]);
        let output = child.env(NESTED, kind).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let line = said.lines().find(|it| it.contains("length ")).expect(&said);
        let words = line.split_whitespace().filter_map(|it| it.parse().ok());
        words.collect::<Vec<_>>().try_into().expect(line)
    };
    let [_, least, _] = run("nothing");
    let nested = ["lists", "objects", "elements", "wide"];
    let many = ["entries", "faulty entries", "repeated entries", "one long string"];
    for kind in nested.into_iter().chain(many) {
        let [length, peak, faults] = run(kind);
        let more = peak.saturating_sub(least + 2 * length);
        assert!(
            length > LENGTH - 10 && faults >= 1,
            "{kind}: {length} bytes, {faults} faults"
        );
        assert!(more < 16 << 20, "{kind}: {} MiB beside the text and a copy", more >> 20);
    }
}

/// Twice over: what is wrong in one way everywhere is told once, and what is wrong everywhere is not read to its end.
#[test]
fn a_text_that_is_wrong_throughout_is_not_read_to_its_end() {
    let limits = Limits {
        faults: 20,
        ..Limits::default()
    };
    let validator = Validator::within(limits).unwrap();
    let list = |items: &[String]| format!("{{\"entente-interfaces:interface\":[\n{}]}}", items.join(",\n"));
    let alike = vec!["{\"mtu\":1500}".to_owned(); 150];
    let invalid = validator.read(list(&alike).as_bytes(), Format::Json).unwrap_err();
    let told =
        "line 2, column 1: interface: found an entry without name, expected every key of the list (149 more like it)";
    assert_eq!(invalid.to_string(), told);
    let many: Vec<_> = (0..100_000)
        .map(|it| format!("{{\"name\":\"e{it}\",\"mtu\":1}}"))
        .collect();
    let invalid = validator.read(list(&many).as_bytes(), Format::Json).unwrap_err();
    assert_eq!((invalid.faults.len(), invalid.more, invalid.unread), (20, 180, true));
    let said = invalid.to_string();
    assert!(
        said.ends_with("and 180 more\nand the rest was not read: mend these first"),
        "{said}"
    );
    let xml = |it| format!("<interface xmlns='urn:entente:interfaces'><name>e{it}</name><mtu>1</mtu></interface>");
    let text: String = (0..1000).map(xml).collect();
    let invalid = validator.read(text.as_bytes(), Format::Xml).unwrap_err();
    assert_eq!((invalid.faults.len(), invalid.more, invalid.unread), (20, 180, true));
}

/// How long this thread had a processor, in nanoseconds.
fn spent() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

/// What a text is checked for grows with the text, and not with its square.
#[test]
fn four_times_as_many_entries_take_about_four_times_as_long() {
    let validator = Validator::new().unwrap();
    let read = |count: usize, format: Format| {
        let mut tree = tree("access-list[edge]/rule[10]/action = permit\nprefix-list[ipv4][edge]/description = x");
        for number in 0..count {
            let mut put = |path: String, value: Value| tree.plant(path.parse().unwrap(), value);
            let name = format!("eth{number}");
            put(format!("interface[{name}]/mtu"), "1400".into());
            put(format!("interface[{name}]/access-list-in"), "edge".into());
            let address = format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255);
            put(
                format!("static-route[{address}/32]/next-hop[192.0.2.1]"),
                Value::Present,
            );
            put(format!("route-map[m]/rule[{}]/action", number + 1), "permit".into());
            put(
                format!("route-map[m]/rule[{}]/match/ipv4-prefix-list", number + 1),
                "edge".into(),
            );
        }
        let schema = Schema::canonical();
        let text = match format {
            Format::Json => tree.to_json(schema).unwrap(),
            Format::Xml => tree.to_xml(schema).unwrap(),
        };
        let took = || {
            let begun = spent();
            assert_eq!(validator.read(text.as_bytes(), format).unwrap().len(), tree.len());
            spent() - begun
        };
        took().min(took())
    };
    for format in [Format::Json, Format::Xml] {
        let (few, many) = (read(2_500, format), read(10_000, format));
        assert!(many < few * 7, "{format:?}: 2,500 in {few} ns, 10,000 in {many} ns");
    }
}

/// Each part of a configuration is held to its rules by itself, so that no rule may look beyond one entry at the top but
/// those that are looked up in the map.
#[test]
fn no_condition_looks_beyond_one_entry_at_the_top() {
    let mut reaching = Vec::new();
    for (module, text) in knowledge_yang::MODULES {
        let words: Vec<&str> = text.split_whitespace().collect();
        for at in (0..words.len()).filter(|at| matches!(words[*at], "must" | "when")) {
            let condition: Vec<&str> = words[at + 1..]
                .iter()
                .copied()
                .take_while(|it| *it != "{" && *it != "type")
                .collect();
            let condition = condition.join(" ");
            let absolute = condition.split(['(', ' ', '\'']).filter_map(|it| it.strip_prefix('/'));
            let tops = absolute.map(|it| {
                it.split(|it: char| !it.is_alphanumeric() && it != '-')
                    .next()
                    .unwrap_or_default()
            });
            reaching.extend(tops.map(|top| (module, top.to_owned())));
        }
    }
    reaching.sort();
    reaching.dedup();
    let within = |name: &str| name.to_owned();
    // The first from within `bgp`, which is there once; the second is told by what looks up references.
    let known = [
        ("entente-bgp", within("bgp")),
        ("entente-routing-policy", within("prefix-list")),
    ];
    assert_eq!(reaching, known);
}

#[test]
fn no_more_faults_are_kept_than_asked_for() {
    let lines: String = (0..500)
        .map(|it| format!("interface[eth{it}]/mtu = 1\ninterface[eth{it}]/access-list-in = x\n"))
        .collect();
    let limits = Limits {
        faults: 20,
        ..Limits::default()
    };
    let invalid = Validator::within(limits).unwrap().check(&tree(&lines)).unwrap_err();
    assert_eq!(invalid.faults.len(), 20);
    assert!(invalid.more >= 480, "{}", invalid.more);
}

#[test]
fn one_validator_serves_many_threads() {
    let validator = Validator::new().unwrap();
    let sound = tree(SOUND);
    let bad = tree("interface[eth1]/access-list-in = none");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (validator, sound, bad) = (&validator, &sound, &bad);
            scope.spawn(move || {
                for _ in 0..50 {
                    if thread % 2 == 0 {
                        validator.check(sound).unwrap();
                    } else {
                        assert_eq!(validator.check(bad).unwrap_err().faults.len(), 1);
                    }
                }
            });
        }
    });
}
