//! JSON and XML both ways, and what is refused.

use super::*;

const JSON: &str = r#"{"entente-interfaces:interface":[{"name":"eth1","address":[{"prefix":"192.0.2.1/24"}],"description":"a \"b\" <&>","enabled":false,"mtu":9000,"rate-limit":[{"direction":"in","rate":"100000000"}]}],"entente-policy:prefix-list":[{"family":"ipv4","name":"edge","rule":[{"sequence":9,"action":"permit","prefix":"198.51.100.0/24"},{"sequence":10,"action":"deny","prefix":"0.0.0.0/0"}]}],"entente-routing:static-route":[{"prefix":"203.0.113.0/24","blackhole":{}}],"entente-system:system":{"dns":{"server":["192.0.2.1","2001:db8::1"]},"hostname":"r1"}}"#;

const XML: &str = "<interface xmlns=\"urn:entente:interfaces\"><name>eth1</name><address><prefix>192.0.2.1/24</prefix></address><description>a &quot;b&quot; &lt;&amp;&gt;</description><enabled>false</enabled><mtu>9000</mtu><rate-limit><direction>in</direction><rate>100000000</rate></rate-limit></interface><prefix-list xmlns=\"urn:entente:policy\"><family>ipv4</family><name>edge</name><rule><sequence>9</sequence><action>permit</action><prefix>198.51.100.0/24</prefix></rule><rule><sequence>10</sequence><action>deny</action><prefix>0.0.0.0/0</prefix></rule></prefix-list><static-route xmlns=\"urn:entente:routing\"><prefix>203.0.113.0/24</prefix><blackhole></blackhole></static-route><system xmlns=\"urn:entente:system\"><dns><server>192.0.2.1</server><server>2001:db8::1</server></dns><hostname>r1</hostname></system>";

/// The model of these tests, so that they stand still when the canonical one grows.
fn schema() -> Schema {
    Schema::compile(include_str!("../../tests/small.table")).unwrap()
}

fn json(text: &str) -> Result<Tree, Invalid> {
    Tree::from_json(text.as_bytes(), &schema(), &Limits::default())
}

fn xml(text: &str) -> Result<Tree, Invalid> {
    Tree::from_xml(text.as_bytes(), &schema(), &Limits::default())
}

#[test]
fn both_forms_say_the_same_and_come_back() {
    let tree = json(JSON).unwrap();
    assert_eq!(tree.to_json(&schema()).unwrap(), JSON);
    assert_eq!(tree.to_xml(&schema()).unwrap(), XML);
    assert_eq!(xml(XML).unwrap(), tree);
    assert_eq!(tree.text(&"interface[eth1]/mtu".parse().unwrap()), Some("9000"));
    assert_eq!(tree.len(), 19);
    assert_eq!(json("{}").unwrap(), Tree::new());
    assert_eq!(Tree::new().to_json(&schema()).unwrap(), "{}");
    assert_eq!(xml("").unwrap(), Tree::new());
}

#[test]
fn keys_may_come_late_in_json_and_values_become_canonical() {
    let tree = json(
        "{\"entente-interfaces:interface\": [\n {\"mtu\": 1500, \"address\": [{\"prefix\": \"2001:DB8::1/64\"}], \"name\": \"e\\u0074h1\"}]}",
    );
    let paths: Vec<_> = tree.unwrap().iter().map(|it| it.0.to_string()).collect();
    assert_eq!(
        paths,
        [
            "interface[eth1]",
            "interface[eth1]/address[2001:db8::1/64]",
            "interface[eth1]/mtu"
        ]
    );
}

#[test]
fn a_wrapper_of_netconf_prefixes_and_comments_are_taken() {
    let text = "<?xml version=\"1.0\"?>\n<nc:data xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\" xmlns:s=\"urn:entente:system\"><!-- here -->\n <s:system><s:hostname><![CDATA[r]]>&#49;</s:hostname><s:dns/></s:system></nc:data>";
    assert_eq!(xml(text).unwrap().text(&"system/hostname".parse().unwrap()), Some("r1"));
    let reply = |inner: &str| {
        xml(&format!(
            "<rpc-reply xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\" message-id=\"1\">{inner}</rpc-reply>"
        ))
    };
    assert_eq!(reply(&format!("\n <data>{XML}</data>\n")).unwrap(), json(JSON).unwrap());
    for refused in ["<ok/>", "<data><data/></data>", "<rpc-reply/>", "<rpc-error/>"] {
        assert!(reply(refused).is_err(), "{refused}");
    }
}

fn check(read: Result<Tree, Invalid>, expected: &[&str]) {
    let faults: Vec<_> = read.unwrap_err().faults.iter().map(Fault::to_string).collect();
    assert_eq!(faults, expected);
}

#[test]
fn json_lists_every_fault_at_once() {
    let text = r#"{
      "entente-interfaces:interface": [
        {"name": "eth1", "mtu": 90000, "enabled": "true", "mtuu": 1},
        {"mtu": 1500},
        {"name": "eth1"},
        {"name": "e\u0000", "mtu": "1500"},
        7
      ],
      "system": {},
      "entente-system:system": {"hostname": "r1", "hostname": "r2", "dns": {"server": "192.0.2.1"}},
      "entente-interfaces:interfaces": {"deep": [{"er": [[]]}]}
    }"#;
    check(
        json(text),
        &[
            "line 3, column 33: interface[eth1]/mtu: found \"90000\", expected a whole number from 68 to 65535",
            "line 3, column 51: interface[eth1]/enabled: found \"true\", expected true or false (without quotes)",
            "line 3, column 59: interface[eth1]: found unknown node \"mtuu\", expected a node of the schema (did you mean mtu?)",
            "line 4, column 9: interface: found an entry without name, expected every key of the list",
            "line 5, column 9: interface[eth1]: found the same entry twice, expected each entry once",
            "line 6, column 18: interface/name: found \"e\\0\", expected text of 1 to 64 characters",
            "line 7, column 9: interface: found a scalar, expected an object",
            "line 9, column 7: found unknown node \"system\", expected a node of the schema (it is in module entente-system, namespace urn:entente:system)",
            "line 10, column 51: system: found hostname twice, expected each name once",
            "line 10, column 87: system/dns/server: found a string, expected an array",
            "line 11, column 7: found unknown node \"entente-interfaces:interfaces\", expected a node of the schema (did you mean interface?)",
        ],
    );
}

#[test]
fn json_forms_are_strict() {
    let rate = |it: &str| {
        json(&format!(
            r#"{{"entente-interfaces:interface": [{{"name": "e", "rate-limit": [{{"direction": "in", "rate": {it}}}]}}]}}"#
        ))
    };
    assert!(rate("\"8000\"").is_ok());
    check(
        rate("8000"),
        &[
            "line 1, column 92: interface[e]/rate-limit[in]/rate: found \"8000\", expected a string (64-bit and decimal numbers stand in quotes)",
        ],
    );
    for wrong in ["null", "[8000]", "{}", "true", "8e3", "[null]"] {
        assert!(rate(wrong).is_err(), "{wrong}");
    }
    let banner = |it: &str| json(&format!(r#"{{"entente-system:system": {{"quiet": {it}}}}}"#));
    assert_eq!(
        banner("[null]").unwrap().value(&"system/quiet".parse().unwrap()),
        Some(&crate::Value::Present)
    );
    for wrong in ["null", "[]", "[null, null]", "true", "\"\""] {
        assert!(banner(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "[]",
        "{",
        "{}}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":-}",
        "{\"a\":tru}",
        "{'a':1}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":[1 2]}",
        "nul",
        "{\"a\":\"",
        "{\"a\":\"\\u12",
    ] {
        assert!(json(text).is_err(), "{text}");
    }
    check(
        json("{\n\"a\": ]"),
        &[
            "line 2, column 1: found unknown node \"a\", expected a node of the schema (known here: system, interface, static-route, prefix-list, access-list)",
            "line 2, column 6: found ']', expected a value (the text is no JSON that can be read)",
        ],
    );
}

#[test]
fn xml_lists_every_fault_at_once() {
    let text = "<interface xmlns=\"urn:entente:interfaces\">\n<mtu>1</mtu><name>eth1</name></interface>\n<interface xmlns=\"urn:entente:interfaces\"><name>eth2</name>\n<mtu> 1 </mtu>x<enabled><a/></enabled><mtu>2</mtu><name>eth3</name><mut/></interface><interface/><system xmlns=\"urn:entente:system\" operation=\"delete\"/>";
    check(
        xml(text),
        &[
            "line 1, column 1: interface: found an entry that does not begin with name, expected the keys name first, in this order",
            "line 4, column 1: interface[eth2]/mtu: found \"1\", expected a whole number from 68 to 65535",
            "line 4, column 15: interface[eth2]: found the text \"x\", expected elements",
            "line 4, column 16: interface[eth2]/enabled: found an element, expected true or false",
            "line 4, column 39: interface[eth2]: found mtu twice, expected each node once",
            "line 4, column 51: interface[eth2]/name: found a key again, expected each key once, before all else",
            "line 4, column 68: interface[eth2]: found unknown node \"mut\", expected a node of the schema (did you mean mtu?)",
            "line 4, column 86: found unknown node \"interface\", expected a node of the schema (it is in module entente-interfaces, namespace urn:entente:interfaces)",
            "line 4, column 98: found the attribute \"operation\", expected no attributes",
        ],
    );
}

#[test]
fn entities_document_types_and_broken_xml_end_the_reading() {
    for text in [
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>",
        "<system xmlns=\"urn:entente:system\"><hostname>&b;</hostname></system>",
        "<system xmlns=\"urn:entente:system\"><hostname>",
        "<system xmlns=\"urn:entente:system\"></hostname>",
        "<data xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\">",
        "<a",
        "text",
        "<system xmlns=\"urn:entente:system\"><hostname>&#0;</hostname></system>",
    ] {
        assert!(xml(text).is_err(), "{text}");
    }
}

#[test]
fn limits_hold() {
    let deep = "[".repeat(100_000_000);
    let start = format!("{{\"a\":{deep}");
    check(
        json(&start).map_err(|mut it| {
            it.faults.remove(0);
            it
        }),
        &["line 1, column 39: found '[', expected at most 32 levels of nesting (a bracket too many?)"],
    );
    assert!(
        xml(&"<a>".repeat(1_000_000))
            .unwrap_err()
            .to_string()
            .contains("expected at most 32 levels of nesting")
    );
    let tight = Limits {
        bytes: 100,
        depth: 4,
        entries: 1,
        faults: 1,
    };
    let read = |text: &str| Tree::from_json(text.as_bytes(), &schema(), &tight).unwrap_err();
    assert_eq!(
        read(&" ".repeat(101)).to_string(),
        "line 1, column 1: found 101 bytes, expected at most 100 bytes"
    );
    let two = r#"{"entente-system:system": {"hostname": "a", "banner": "b"}}"#;
    assert_eq!(
        read(two).to_string(),
        "line 1, column 55: system/banner: found one entry more, expected at most 1 entries"
    );
    assert_eq!(
        (read("{\"a\":1,\"b\":2}").faults.len(), read("{\"a\":1,\"b\":2}").more),
        (1, 1)
    );
    let invalid = Tree::from_json(b"{\n\xff}", &schema(), &tight).unwrap_err();
    assert_eq!(
        invalid.to_string(),
        "line 2, column 1: found a byte at 2 that is not UTF-8, expected UTF-8"
    );
}

#[test]
fn what_the_schema_does_not_know_is_not_printed() {
    for path in ["nothing", "interface[a][b]", "interface[a]/name", "interface[a]/mtu/x"] {
        let mut tree = Tree::new();
        tree.insert(path.parse().unwrap(), "1".into());
        assert_eq!(tree.to_json(&schema()).unwrap_err().path, path);
    }
}
