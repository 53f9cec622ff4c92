//! Which algorithms are offered to a device.

use russh::keys::{Algorithm, HashAlg};
use russh::{Preferred, cipher, kex, mac};
use std::borrow::Cow;

/// What is offered to one device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithms {
    /// What is held safe today, the cheapest first: curve25519 costs half of what a post-quantum hybrid does.
    #[default]
    Modern,
    /// Also what old devices need (SHA-1, AES in CBC, group 1 and 14), last. For devices that are named one by one.
    Legacy,
}

const KEX: &[kex::Name] = &[
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::MLKEM768X25519_SHA256,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_GEX_SHA256,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA256,
];
const KEX_LEGACY: &[kex::Name] = &[kex::DH_GEX_SHA1, kex::DH_G14_SHA1, kex::DH_G1_SHA1];
const KEX_EXTENSIONS: &[kex::Name] = &[
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];
const CIPHERS_LEGACY: &[cipher::Name] = &[cipher::AES_256_CBC, cipher::AES_128_CBC];
const MACS: &[mac::Name] = &[
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256,
    mac::HMAC_SHA512,
];
const MACS_LEGACY: &[mac::Name] = &[mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];

impl Algorithms {
    /// The lists to negotiate with; `recorded` are the kinds of host key on record, which are asked for first.
    pub(super) fn preferred(self, recorded: &[Algorithm]) -> Preferred {
        let legacy = self == Self::Legacy;
        let mut kex = KEX.to_vec();
        let mut cipher = CIPHERS.to_vec();
        let mut mac = MACS.to_vec();
        let mut key: Vec<Algorithm> = Preferred::DEFAULT
            .key
            .iter()
            .filter(|it| legacy || **it != sha1_rsa())
            .cloned()
            .collect();
        key.sort_by_key(|it| !recorded.iter().any(|known| same_kind(known, it)));
        if legacy {
            kex.extend_from_slice(KEX_LEGACY);
            cipher.extend_from_slice(CIPHERS_LEGACY);
            mac.extend_from_slice(MACS_LEGACY);
        }
        kex.extend_from_slice(KEX_EXTENSIONS);
        Preferred {
            kex: Cow::Owned(kex),
            key: Cow::Owned(key),
            cipher: Cow::Owned(cipher),
            mac: Cow::Owned(mac),
            compression: Cow::Borrowed(&[russh::compression::NONE]),
            ..Preferred::DEFAULT
        }
    }
}

fn sha1_rsa() -> Algorithm {
    Algorithm::Rsa { hash: None }
}

fn same_kind(recorded: &Algorithm, offered: &Algorithm) -> bool {
    let rsa = |it: &Algorithm| matches!(it, Algorithm::Rsa { .. });
    recorded == offered || (rsa(recorded) && rsa(offered))
}

/// The hash that an RSA login is signed with where the server does not say.
pub(super) const RSA_HASH: HashAlg = HashAlg::Sha256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_algorithms_are_offered_on_demand_only() {
        let modern = Algorithms::Modern.preferred(&[]);
        assert!(!modern.key.contains(&sha1_rsa()) && !modern.kex.contains(&kex::DH_G1_SHA1));
        assert_eq!(modern.kex[0], kex::CURVE25519);
        let legacy = Algorithms::Legacy.preferred(&[]);
        assert!(legacy.key.contains(&sha1_rsa()) && legacy.kex.contains(&kex::DH_G1_SHA1));
        assert_eq!(legacy.kex[0], kex::CURVE25519);
    }

    #[test]
    fn the_kind_of_key_on_record_is_asked_for_first() {
        let preferred = Algorithms::Modern.preferred(&[sha1_rsa()]);
        assert!(matches!(preferred.key[0], Algorithm::Rsa { .. }), "{:?}", preferred.key);
    }
}
