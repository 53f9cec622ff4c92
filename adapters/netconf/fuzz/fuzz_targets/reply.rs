//! Any text as a reply: read or refused, and what is read is written so that it reads the same.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

use adapters_netconf::rpc::Reply;
use adapters_netconf::xml::{Element, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(element) = Element::parse(text) else { return };
    let again = Element::parse(&write(&element)).expect("what was read can be written");
    assert!(adapters_netconf::xml::differences(&element, &again).is_empty());
    if let Ok(reply) = Reply::read(element) {
        let _ = reply.words().to_string();
    }
});
