//! A configuration in JSON is refused or comes back from both texts, canonical in every entry.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

mod json_words;
mod words;

use knowledge_model::{Limits, Schema, Tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (schema, text) = (Schema::canonical(), words::text(data, json_words::WORDS));
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
