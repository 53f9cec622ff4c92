//! A configuration in XML, read by libyang first: refused with a reason, or sound, canonical and the same from both texts.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

mod judge;
#[path = "../../../model/fuzz/targets/words.rs"]
mod words;
#[path = "../../../model/fuzz/targets/xml_words.rs"]
mod xml_words;

use knowledge_yang::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| judge::judge(&words::text(data, xml_words::WORDS), Format::Xml));
