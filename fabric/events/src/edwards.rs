//! Ed25519 signatures, many at once: one equation, whether it is asked of one signature or of all together.
//!
//! A single signature is held to the equation of RFC 8032 with its cofactor, `[8][s]B = [8]R + [8][k]A`. A batch is held
//! to the sum of those equations, each times a number that nobody could foresee: it holds if every one of them does,
//! and if one does not, but for a chance of 1 in 2¹²⁸. So whoever is believed in company is believed alone.

use crate::mutant::planted;
use aws_lc_rs::rand;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::batch::{Item, Verifier};
use ed25519_zebra::{Signature, VerificationKeyBytes};
use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;

/// How many bytes of chance one signature of a batch takes.
const CHANCE: usize = 16;

/// The key of a certificate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(VerificationKeyBytes);

/// A signature with what it must fit.
pub(crate) type Claim = Item;

impl Key {
    /// A key, unless it is one that fits what its holder has not signed: a point of the large group, written as it must be.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let written = CompressedEdwardsY::from_slice(bytes).ok()?;
        let point = written.decompress()?;
        let sound = point.compress() == written && point.is_torsion_free() && !point.is_small_order();
        sound.then(|| Self(VerificationKeyBytes::from(written.to_bytes())))
    }

    /// What a signature claims: that the holder of this key has signed `input`. None: it is no signature.
    pub(crate) fn claim(self, signature: &[u8], input: &[u8]) -> Option<Claim> {
        let signature = Signature::from_slice(signature).ok()?;
        Some(Item::from((self.0, signature, input)))
    }
}

/// Which of these claims are true. All are asked together; only where that fails, one by one.
pub(crate) fn hold(claims: Vec<Claim>) -> Vec<bool> {
    if claims.len() > 1 && (planted!(Company) || all_hold(&claims)) {
        return vec![true; claims.len()];
    }
    claims.into_iter().map(|it| it.verify_single().is_ok()).collect()
}

fn all_hold(claims: &[Claim]) -> bool {
    let mut chance = Chance::drawn(claims.len());
    let mut batch = Verifier::new();
    claims.iter().for_each(|it| batch.queue(it.clone()));
    batch.verify(&mut chance).is_ok() && chance.sufficed
}

/// Randomness of the system, drawn at once for a whole batch. What was asked of it when there was none left or none to
/// be had is worth nothing.
struct Chance {
    bytes: Vec<u8>,
    taken: usize,
    sufficed: bool,
}

impl Chance {
    fn drawn(signatures: usize) -> Self {
        let mut bytes = vec![0; signatures * CHANCE];
        let sufficed = rand::fill(&mut bytes).is_ok();
        Self {
            bytes,
            taken: 0,
            sufficed,
        }
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut word = [0; 4];
        self.try_fill_bytes(&mut word).map(|()| u32::from_le_bytes(word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut word = [0; 8];
        self.try_fill_bytes(&mut word).map(|()| u64::from_le_bytes(word))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        let end = self.taken + into.len();
        match self.bytes.get(self.taken..end) {
            Some(bytes) => into.copy_from_slice(bytes),
            None => self.sufficed = false,
        }
        self.taken = end;
        Ok(())
    }
}

impl TryCryptoRng for Chance {}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::scalar::Scalar;
    use ed25519_zebra::SigningKey;
    use std::iter;

    const INPUT: &[u8] = b"the link is down";

    fn signed(seed: u8, input: &[u8]) -> (Key, [u8; 64]) {
        let key = SigningKey::from([seed; 32]);
        let public: [u8; 32] = VerificationKeyBytes::from(&key).into();
        (Key::new(&public).unwrap(), key.sign(input).to_bytes())
    }

    fn good(seed: u8) -> Claim {
        let (key, signature) = signed(seed, INPUT);
        key.claim(&signature, INPUT).unwrap()
    }

    /// What is said of a claim alone, and among good ones at each place.
    fn verdicts(claim: &Claim) -> Vec<bool> {
        let alone = hold(vec![claim.clone()]);
        let among = (0..3).map(|place| {
            let mut claims = vec![good(7), good(7)];
            claims.insert(place, claim.clone());
            let verdicts = hold(claims);
            assert!(
                verdicts.iter().enumerate().all(|(at, it)| at == place || *it),
                "{verdicts:?}"
            );
            verdicts[place]
        });
        alone.into_iter().chain(among).collect()
    }

    #[test]
    fn every_bit_counts_alone_and_in_company() {
        let (key, signature) = signed(1, INPUT);
        assert_eq!(verdicts(&key.claim(&signature, INPUT).unwrap()), [true; 4]);
        for bit in (0..512).step_by(101) {
            let mut spoilt = signature;
            spoilt[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verdicts(&key.claim(&spoilt, INPUT).unwrap()), [false; 4], "bit {bit}");
        }
        assert_eq!(verdicts(&key.claim(&signature, b"the link is up").unwrap()), [false; 4]);
        assert_eq!(
            verdicts(&signed(2, INPUT).0.claim(&signature, INPUT).unwrap()),
            [false; 4]
        );
    }

    /// What the holder of a key can make beyond what its signer makes: a signature with something of the small group in
    /// it. Alone and in company it is the same, however often it is asked.
    #[test]
    fn what_is_of_the_small_group_is_judged_alike() {
        let secret = Scalar::from(77u8);
        let key = Key::new(&(ED25519_BASEPOINT_POINT * secret).compress().to_bytes()).unwrap();
        for torsion in EIGHT_TORSION {
            let nonce = Scalar::from(1_234u16);
            let point = (ED25519_BASEPOINT_POINT * nonce + torsion).compress();
            let signature: Vec<u8> = point.to_bytes().into_iter().chain([0; 32]).collect();
            let challenge = challenge(&signature, key, INPUT);
            let response = nonce + challenge * secret;
            let whole: Vec<u8> = point.to_bytes().into_iter().chain(response.to_bytes()).collect();
            let claim = key.claim(&whole, INPUT).unwrap();
            for _ in 0..2 {
                assert_eq!(verdicts(&claim), [true; 4]);
            }
        }
    }

    fn challenge(signature: &[u8], key: Key, input: &[u8]) -> Scalar {
        let key: [u8; 32] = key.0.into();
        let all: Vec<u8> = signature[..32].iter().chain(&key).chain(input).copied().collect();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &all);
        Scalar::from_bytes_mod_order_wide(digest.as_ref().try_into().unwrap())
    }

    #[test]
    fn a_key_that_fits_what_nobody_signed_is_none() {
        for point in EIGHT_TORSION {
            assert!(Key::new(&point.compress().to_bytes()).is_none());
            let mixed = ED25519_BASEPOINT_POINT * Scalar::from(5u8) + point;
            let pure = point == EIGHT_TORSION[0];
            assert_eq!(Key::new(&mixed.compress().to_bytes()).is_some(), pure);
        }
        let beyond_the_field: Vec<u8> = iter::once(0xee).chain([0xff; 30]).chain([0x7f]).collect();
        assert!(Key::new(&beyond_the_field).is_none() && Key::new(&[1; 31]).is_none());
    }

    #[test]
    fn randomness_that_does_not_suffice_is_noticed() {
        let mut chance = Chance::drawn(1);
        let mut bytes = [0; 16];
        let _ = chance.try_fill_bytes(&mut bytes);
        assert!(chance.sufficed && bytes != [0; 16]);
        let _ = chance.try_next_u32();
        assert!(!chance.sufficed);
    }
}
