//! The revocation list as others read it: signed by the authority, current, bounded.

use crate::certificate::hexadecimal;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};
use x509_parser::prelude::*;

/// The largest list that is read, in bytes.
pub const LARGEST: usize = 16 << 20;

/// Why a revocation list is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Larger than what is read.
    #[error("read a revocation list of {length} bytes: at most 16777216 are read")]
    TooLarge {
        /// How large.
        length: usize,
    },
    /// Not a list.
    #[error("read a revocation list: {what}")]
    Malformed {
        /// What is wrong with it.
        what: String,
    },
    /// The authority has not signed it.
    #[error("check a revocation list: the authority has not signed it")]
    Foreign,
    /// It is too old to be relied on, or from the future.
    #[error("check a revocation list: it is not good for this time")]
    Stale,
}

/// The serial numbers on a list that an authority, given by its certificate, has signed and that is good now.
pub fn revoked(list: &[u8], authority: &[u8], now: SystemTime) -> Result<BTreeSet<String>, ListError> {
    let malformed = |it: &dyn std::fmt::Display| ListError::Malformed { what: it.to_string() };
    if list.len() > LARGEST {
        return Err(ListError::TooLarge { length: list.len() });
    }
    let (_, authority) = X509Certificate::from_der(authority).map_err(|it| malformed(&it))?;
    let (rest, list) = CertificateRevocationList::from_der(list).map_err(|it| malformed(&it))?;
    let ours = list.issuer().as_raw() == authority.subject().as_raw();
    if !rest.is_empty() || !ours || list.verify_signature(authority.public_key()).is_err() {
        return Err(ListError::Foreign);
    }
    let moment = |it: ASN1Time| {
        let seconds = u64::try_from(it.timestamp()).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(u64::from(u32::MAX) * 8))
    };
    let until = list.next_update().map(moment).ok_or(ListError::Stale)?;
    let tolerated = Duration::from_secs(300); // clocks differ
    if now > until + tolerated || moment(list.last_update()) > now + tolerated {
        return Err(ListError::Stale);
    }
    Ok(list
        .iter_revoked_certificates()
        .map(|it| hexadecimal(it.raw_serial()))
        .collect())
}
