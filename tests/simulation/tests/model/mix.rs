//! A quick hash for numbers: one multiplication for each.

use std::hash::{BuildHasherDefault, Hasher};

/// See above.
#[derive(Debug, Default, Clone)]
pub struct Mix(u64);

/// For maps whose keys are numbers.
pub type ByMix = BuildHasherDefault<Mix>;

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Mix {
    fn mix(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number ^ ODD) * u128::from(ODD ^ self.0.rotate_left(32) | 1);
        self.0 = (product as u64 ^ (product >> 64) as u64).wrapping_add(number.rotate_left(17));
    }
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.mix(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_u128(&mut self, number: u128) {
        self.mix(number as u64);
        self.mix((number >> 64) as u64);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }

    /// So that near numbers end far apart.
    fn finish(&self) -> u64 {
        let mut last = self.clone();
        last.mix(ODD);
        last.mix(self.0);
        last.0
    }
}
