//! A configuration in JSON, read by libyang first: refused with a reason, or sound, canonical and the same from both texts.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

#[path = "../../../model/fuzz/targets/json_words.rs"]
mod json_words;
mod judge;
#[path = "../../../model/fuzz/targets/words.rs"]
mod words;

use knowledge_yang::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| judge::judge(&words::text(data, json_words::WORDS), Format::Json));
