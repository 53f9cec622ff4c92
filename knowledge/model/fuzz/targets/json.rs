//! A configuration in JSON is refused or comes back from both texts, canonical in every entry.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

mod words;

use knowledge_model::{Limits, Schema, Tree};
use libfuzzer_sys::fuzz_target;

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u0041",
    "null",
    "true",
    "1500",
    "\"1500\"",
    "\"entente-interfaces:interface\":[{",
    "\"name\":\"eth1\"",
    "\"mtu\":1500",
    "\"enabled\":false",
    "\"address\":[{\"prefix\":\"192.0.2.1/24\"}]",
    "}]",
    " ",
    "\n",
    "\"entente-system:system\":{",
    "\"hostname\":\"r1\"",
    "\"banner\":\"\\n<&>\"",
    "\"dns\":{\"server\":[\"192.0.2.1\"]}",
    "\"entente-access-lists:access-list\":[{",
    "\"rule\":[{",
    "\"sequence\":10",
    "\"action\":\"permit\"",
    "\"log\":[null]",
];

fuzz_target!(|data: &[u8]| {
    let (schema, text) = (Schema::canonical(), words::text(data, WORDS));
    let limits = Limits {
        bytes: 1 << 20,
        ..Limits::default()
    };
    let Ok(tree) = Tree::from_json(&text, schema, &limits) else {
        return;
    };
    for (path, value) in tree.iter() {
        assert_eq!(schema.check(path, value).as_ref(), Ok(&(path.clone(), value.clone())));
    }
    let json = tree.to_json(schema).expect("what was read is in the schema");
    assert_eq!(
        Tree::from_json(json.as_bytes(), schema, &Limits::default()).as_ref(),
        Ok(&tree)
    );
    let xml = tree.to_xml(schema).expect("what was read is in the schema");
    assert_eq!(
        Tree::from_xml(xml.as_bytes(), schema, &Limits::default()).as_ref(),
        Ok(&tree)
    );
});
