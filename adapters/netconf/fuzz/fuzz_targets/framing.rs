//! Bytes in any pieces and either framing: messages or an error, and the same whatever the pieces.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

use adapters_netconf::framing::{Decoder, FramingError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (chunked, piece, bytes) = input;
    let whole = decode(chunked, bytes.len().max(1), bytes);
    assert_eq!(whole, decode(chunked, usize::from(piece).max(1), bytes));
});

fn decode(chunked: bool, piece: usize, bytes: &[u8]) -> (Vec<Result<String, FramingError>>, Option<FramingError>) {
    let mut decoder = Decoder::new(1 << 12);
    if chunked {
        decoder.switch_to_chunks().expect("nothing was read before");
    }
    let fault = bytes.chunks(piece).find_map(|it| decoder.push(it).err());
    (std::iter::from_fn(|| decoder.message()).collect(), fault)
}
