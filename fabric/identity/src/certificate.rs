//! A certificate as it was presented: read with limits, before anything is believed.

use crate::identity::{Identity, IdentityError};
use aws_lc_rs::digest;
use std::fmt::Write;
use std::time::{Duration, SystemTime};
use x509_parser::prelude::*;

/// The largest certificate that is read, in bytes.
pub const LARGEST: usize = 64 << 10;

/// A certificate that is none of ours.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Larger than what is read.
    #[error("read a certificate of {length} bytes: at most 65536 are read")]
    TooLarge {
        /// How large.
        length: usize,
    },
    /// Not a certificate.
    #[error("read a certificate: {what}")]
    Malformed {
        /// What is wrong with it.
        what: String,
    },
    /// Its key is of a kind that is not taken.
    #[error("read a certificate: its key is neither Ed25519 nor on the curve P-256")]
    Key,
    /// Another authority has issued it, or none.
    #[error("check a certificate: the authority has not issued it")]
    Foreign,
    /// What it says about its holder is not understood.
    #[error("read whom a certificate names")]
    Identity(#[from] IdentityError),
}

/// The kinds of keys that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Edwards curve 25519.
    Ed25519,
    /// The curve P-256.
    P256,
}

/// What a certificate says.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// About whom.
    pub identity: Identity,
    /// Its serial number in small hexadecimal digits.
    pub serial: String,
    /// From when it is valid.
    pub not_before: SystemTime,
    /// Until when.
    pub not_after: SystemTime,
    /// The kind of the holder's key.
    pub kind: KeyKind,
    /// The holder's key: 32 bytes of Ed25519, or an uncompressed point.
    pub key: Vec<u8>,
}

impl Certificate {
    /// Reads what stands in a certificate. That it was signed by anybody is not checked here.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let malformed = |what: &str| CertificateError::Malformed { what: what.into() };
        if der.len() > LARGEST {
            return Err(CertificateError::TooLarge { length: der.len() });
        }
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|it| malformed(&it.to_string()))?;
        if !rest.is_empty() {
            return Err(malformed("bytes follow its end"));
        }
        let alternatives = parsed
            .subject_alternative_name()
            .map_err(|it| malformed(&it.to_string()))?;
        let alternatives = alternatives
            .map(|it| it.value.general_names.as_slice())
            .unwrap_or_default();
        let uris = alternatives.iter().filter_map(|it| {
            if let GeneralName::URI(uri) = it {
                Some(*uri)
            } else {
                None
            }
        });
        let (kind, key) = key(parsed.public_key()).ok_or(CertificateError::Key)?;
        Ok(Self {
            identity: Identity::from_uris(uris)?,
            serial: hexadecimal(parsed.raw_serial()),
            not_before: moment(parsed.validity().not_before).ok_or_else(|| malformed("it begins before 1970"))?,
            not_after: moment(parsed.validity().not_after).ok_or_else(|| malformed("it ends before 1970"))?,
            kind,
            key,
        })
    }

    /// Reads a certificate that an authority, given by its own certificate, has issued itself.
    pub fn issued_by(der: &[u8], authority: &[u8]) -> Result<Self, CertificateError> {
        let malformed = |it: &dyn std::fmt::Display| CertificateError::Malformed { what: it.to_string() };
        let certificate = Self::read(der)?;
        let (_, parsed) = X509Certificate::from_der(der).map_err(|it| malformed(&it))?;
        let (_, authority) = X509Certificate::from_der(authority).map_err(|it| malformed(&it))?;
        let named = parsed.issuer().as_raw() == authority.subject().as_raw() && authority.is_ca();
        if !named || parsed.is_ca() || parsed.verify_signature(Some(authority.public_key())).is_err() {
            return Err(CertificateError::Foreign);
        }
        Ok(certificate)
    }

    /// Whether it is valid at a time, if it is valid at all.
    pub fn is_current(&self, now: SystemTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

pub(crate) fn key(info: &SubjectPublicKeyInfo<'_>) -> Option<(KeyKind, Vec<u8>)> {
    let bytes = info.subject_public_key.data.to_vec();
    let curve = info.algorithm.parameters.as_ref().and_then(|it| it.as_oid().ok());
    match info.algorithm.algorithm.to_id_string().as_str() {
        "1.3.101.112" if bytes.len() == 32 => Some((KeyKind::Ed25519, bytes)),
        "1.2.840.10045.2.1" if bytes.len() == 65 && bytes[0] == 4 => {
            (curve?.to_id_string() == "1.2.840.10045.3.1.7").then_some((KeyKind::P256, bytes))
        }
        _ => None,
    }
}

fn moment(time: ASN1Time) -> Option<SystemTime> {
    let seconds = u64::try_from(time.timestamp()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Bytes as small hexadecimal digits, without the zero that keeps a number positive.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let bytes = if bytes.len() > 1 && bytes[0] == 0 {
        &bytes[1..]
    } else {
        bytes
    };
    bytes.iter().fold(String::new(), |mut text, it| {
        let _ = write!(text, "{it:02x}"); // a string takes whatever is written
        text
    })
}

/// The fingerprint of a certificate: SHA-256 of its bytes, in small hexadecimal digits.
pub fn fingerprint(der: &[u8]) -> String {
    digest::digest(&digest::SHA256, der)
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, it| {
            let _ = write!(text, "{it:02x}"); // a string takes whatever is written
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = Certificate::read(&bytes);
        }
    }

    #[test]
    fn what_is_too_large_is_not_even_read() {
        let refused = Certificate::read(&vec![0x30; LARGEST + 1]);
        assert!(matches!(refused, Err(CertificateError::TooLarge { .. })), "{refused:?}");
    }
}
