//! Whatever is said, it is answered, and the same words get the same answer.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

use std::sync::OnceLock;

use intents::{Conversation, Library, Names, Reader};
use knowledge_model::{Inventory, Schema};
use libfuzzer_sys::fuzz_target;

const INVENTORY: &str = include_str!("../../../tests/corpus/intents/inventory.yaml");

fuzz_target!(|text: &str| {
    static READER: OnceLock<(Reader, Names)> = OnceLock::new();
    let (reader, names) = READER.get_or_init(|| {
        let reader = Reader::new(&Library::load(&[]).unwrap()).unwrap();
        let inventory = Inventory::read(INVENTORY, Schema::canonical()).unwrap();
        (reader, Names::new(&inventory, [("guest-limit", "qos.rate")]))
    });
    let answer = reader.read(text, names, &Conversation::default());
    assert_eq!(answer, reader.read(text, names, &Conversation::default()));
});
