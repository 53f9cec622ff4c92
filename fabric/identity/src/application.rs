//! An application for a certificate: a PKCS #10 request, read with limits, and what must be true of it.

use crate::certificate::{KeyKind, key};
use crate::claims::Claims;
use crate::identity::{IdentityError, Name};
use x509_parser::prelude::*;

/// The largest application that is read, in bytes.
pub const LARGEST: usize = 16 << 10;

/// Why an application is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// Larger than what is read.
    #[error("read an application of {length} bytes: at most 16384 are read")]
    TooLarge {
        /// How large.
        length: usize,
    },
    /// Not a request.
    #[error("read an application: {what}")]
    Malformed {
        /// What is wrong.
        what: String,
    },
    /// Whoever applies does not hold the key.
    #[error("check an application: it is not signed with the key that it names")]
    Signature,
    /// The key does not meet the standard.
    #[error("check an application: the key is neither Ed25519 nor on the curve P-256")]
    WeakKey,
    /// The name is none.
    #[error("check the common name of an application")]
    Name(#[source] IdentityError),
    /// What it says about itself is not understood.
    #[error("check what an application says of itself")]
    Claims(#[source] IdentityError),
}

/// A request that somebody who holds the key has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The name that is applied for.
    pub name: Name,
    /// The organisation that it names, if it does.
    pub organisation: Option<String>,
    /// What else it says of itself, and asks for.
    pub claims: Claims,
    /// The kind of the key.
    pub kind: KeyKind,
    /// The key, as a SubjectPublicKeyInfo in DER.
    pub key: Vec<u8>,
}

impl Application {
    /// Reads a request and checks that it is signed with its own key. Of the extensions that it asks for, our own
    /// alternative names are its claims; what a certificate says is the authority's word, not the applicant's.
    pub fn read(der: &[u8]) -> Result<Self, ApplicationError> {
        let malformed = |what: &str| ApplicationError::Malformed { what: what.into() };
        if der.len() > LARGEST {
            return Err(ApplicationError::TooLarge { length: der.len() });
        }
        let (rest, request) = X509CertificationRequest::from_der(der).map_err(|it| malformed(&it.to_string()))?;
        if !rest.is_empty() {
            return Err(malformed("bytes follow its end"));
        }
        let info = &request.certification_request_info;
        let (kind, _) = key(&info.subject_pki).ok_or(ApplicationError::WeakKey)?;
        request.verify_signature().map_err(|_| ApplicationError::Signature)?;
        let mut names = info.subject.iter_common_name();
        let name = names
            .next()
            .and_then(|it| it.as_str().ok())
            .ok_or_else(|| malformed("it has no common name"))?;
        if names.next().is_some() {
            return Err(malformed("it has two common names"));
        }
        let organisation = info.subject.iter_organization().next().and_then(|it| it.as_str().ok());
        let organisation = organisation.map(|it| it.chars().filter(|it| !it.is_control()).take(128).collect());
        Ok(Self {
            name: name.parse().map_err(ApplicationError::Name)?,
            organisation,
            claims: Claims::from_uris(uris(&request)).map_err(ApplicationError::Claims)?,
            kind,
            key: info.subject_pki.raw.to_vec(),
        })
    }
}

/// The alternative names that are uniform resource identifiers.
fn uris<'a>(request: &'a X509CertificationRequest<'_>) -> impl Iterator<Item = &'a str> {
    let names = request.requested_extensions().into_iter().flatten();
    let names = names.filter_map(|it| {
        if let ParsedExtension::SubjectAlternativeName(names) = it {
            Some(&names.general_names)
        } else {
            None
        }
    });
    names.flatten().filter_map(|it| {
        if let GeneralName::URI(uri) = it {
            Some(*uri)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    fn request(name: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate_for(algorithm).expect("a key");
        params.serialize_request(&key).expect("a request").der().to_vec()
    }

    #[test]
    fn a_good_application_is_read() {
        for (algorithm, kind) in [
            (&PKCS_ED25519, KeyKind::Ed25519),
            (&PKCS_ECDSA_P256_SHA256, KeyKind::P256),
        ] {
            let application = Application::read(&request("edge-1", algorithm)).expect("it is good");
            assert_eq!((application.name.as_str(), application.kind), ("edge-1", kind));
        }
    }

    #[test]
    fn what_is_not_good_is_refused_with_the_reason() {
        let good = request("edge-1", &PKCS_ED25519);
        let mut altered = good.clone();
        let at = good
            .windows(6)
            .position(|it| it == b"edge-1")
            .expect("the name is in it");
        altered[at] = b'f';
        assert!(matches!(Application::read(&altered), Err(ApplicationError::Signature)));
        let read = |name, algorithm| Application::read(&request(name, algorithm));
        assert!(matches!(
            read("edge-1", &PKCS_ECDSA_P384_SHA384),
            Err(ApplicationError::WeakKey)
        ));
        assert!(matches!(read("../edge", &PKCS_ED25519), Err(ApplicationError::Name(_))));
        assert!(matches!(
            Application::read(&[0x30; LARGEST + 1]),
            Err(ApplicationError::TooLarge { .. })
        ));
        assert!(matches!(
            Application::read(&[&good[..], b"more"].concat()),
            Err(ApplicationError::Malformed { .. })
        ));
    }

    proptest! {
        #[test]
        fn a_spoilt_application_is_refused_or_says_the_same(at in 0usize..200, to in any::<u8>()) {
            let good = request("edge-1", &PKCS_ED25519);
            let mut bytes = good.clone();
            let at = at % bytes.len();
            bytes[at] = to;
            if let Ok(read) = Application::read(&bytes) {
                prop_assert_eq!(Some(read), Application::read(&good).ok());
            }
        }
    }
}
