//! Texts made of words that the parsers know, so that the fuzzer comes past the first character.

/// The bytes as they are, or each byte as one of the words.
pub fn text(data: &[u8], words: &[&str]) -> Vec<u8> {
    match data.split_first() {
        Some((first, rest)) if first % 2 == 1 => rest
            .iter()
            .flat_map(|it| words[usize::from(*it) % words.len()].bytes())
            .collect(),
        Some((_, rest)) => rest.to_vec(),
        None => Vec::new(),
    }
}
