//! What the authority signs: its own certificate, a holder's, the revocation list.

use super::{AuthorityError, LifeTimes, random};
use crate::Role;
use crate::certificate::hexadecimal;
use crate::roll::{Grant, Reason, Record, Status};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType, SerialNumber,
};
use std::time::SystemTime;

/// The authority's key, and its certificate signed by itself.
pub(crate) fn authority(times: &LifeTimes, now: SystemTime) -> Result<(KeyPair, Vec<u8>), AuthorityError> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(
        DnType::CommonName,
        format!("entente authority {}", hexadecimal(&random::<4>()?)),
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(SerialNumber::from_slice(&random::<16>()?));
    params.not_before = (now - times.backdated).into();
    params.not_after = (now + times.authority).into();
    let certificate = params.self_signed(&key)?.der().to_vec();
    Ok((key, certificate))
}

/// What the certificate of a holder says; it is good until `until`.
pub(crate) fn holder(
    times: &LifeTimes,
    grant: &Grant,
    serial: &[u8; 16],
    (now, until): (SystemTime, SystemTime),
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params
        .distinguished_name
        .push(DnType::CommonName, grant.identity.name.as_str());
    if !grant.evidence.organisation.is_empty() {
        params
            .distinguished_name
            .push(DnType::OrganizationName, grant.evidence.organisation.as_str());
    }
    for uri in grant.identity.uris() {
        params.subject_alt_names.push(SanType::URI(uri.as_str().try_into()?));
    }
    params
        .subject_alt_names
        .push(SanType::DnsName(grant.identity.name.as_str().try_into()?));
    // A positive number of full length, so that its digits are the same wherever they are printed.
    let mut serial = *serial;
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = (now - times.backdated).into();
    params.not_after = until.into();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = match grant.identity.role {
        Role::Agent => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Role::Controller => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        Role::Broker => vec![ExtendedKeyUsagePurpose::ServerAuth],
    };
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// What the revocation list says.
pub(crate) fn list<'a>(
    times: &LifeTimes,
    records: impl Iterator<Item = (&'a str, &'a Record)>,
    now: SystemTime,
) -> CertificateRevocationListParams {
    let number = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    CertificateRevocationListParams {
        this_update: now.into(),
        next_update: (now + times.list).into(),
        crl_number: SerialNumber::from(u64::try_from(number).unwrap_or(u64::MAX)),
        issuing_distribution_point: None,
        revoked_certs: records
            .filter_map(|(serial, record)| revoked_entry(serial, record))
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

fn revoked_entry(serial: &str, record: &Record) -> Option<RevokedCertParams> {
    let (since, reason) = match record.status {
        Status::Valid => return None,
        Status::Held { since } => (since, RevocationReason::CertificateHold),
        Status::Revoked { since, reason } => (
            since,
            match reason {
                Reason::KeyCompromise => RevocationReason::KeyCompromise,
                Reason::Cessation => RevocationReason::CessationOfOperation,
                Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
                Reason::Unspecified => RevocationReason::Unspecified,
            },
        ),
    };
    let digits = (0..serial.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(serial.get(at..at + 2)?, 16).ok());
    let serial_number = SerialNumber::from(digits.collect::<Vec<u8>>());
    Some(RevokedCertParams {
        serial_number,
        revocation_time: since.into(),
        reason_code: Some(reason),
        invalidity_date: None,
    })
}
