//! A configuration in JSON, read by libyang first: refused with a reason, or sound, canonical and the same from both texts.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

mod judge;
#[path = "../../../model/fuzz/targets/words.rs"]
mod words;

use knowledge_yang::Format;
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
    "\"access-list-in\":\"edge\"",
    "\"name\":\"edge\"",
    "\"entente-routes:static-route\":[{",
    "\"prefix\":\"203.0.113.0/24\"",
    "\"blackhole\":{}",
    "\"next-hop\":[{\"address\":\"192.0.2.2\"}]",
    "\"prefix\":\"2001:DB8::1/64\"",
    "\"volume\":\"18446744073709551615\"",
    "\"ietf-netconf:data\":{",
];

fuzz_target!(|data: &[u8]| judge::judge(&words::text(data, WORDS), Format::Json));
