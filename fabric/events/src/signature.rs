//! The signature of an event: a detached JWS (RFC 7515) over its canonical form, with the key of the sender's
//! certificate, which comes along.

use crate::event::{Event, EventError};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use fabric_identity::{Certificate, CertificateError, KeyKind};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Why an event was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The certificate is not understood.
    #[error("read the certificate to sign with")]
    Certificate(#[from] CertificateError),
    /// The key is not understood, or not the certificate's.
    #[error("read the key to sign with: it is not the certificate's")]
    Key,
    /// The signing failed.
    #[error("sign an event")]
    Sign,
    /// The event is not as it must be.
    #[error("sign an event")]
    Event(#[from] EventError),
}

/// What the protected header says. Nothing else may stand in it: no key, no address of a key, no extension.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// The algorithm: `EdDSA` or `ES256`, as the certificate's key demands.
    pub alg: String,
    /// When it was signed, in seconds since 1970. What waited in an outbox is signed when it leaves.
    pub iat: u64,
    /// The sender's certificate alone, in standard base64 of its DER.
    pub x5c: Vec<String>,
}

enum Key {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// Signs events in the name of one certificate.
pub struct Signer {
    key: Key,
    certificate: String,
    source: String,
    /// The header that was written last, and for which second.
    header: Mutex<(u64, Arc<str>)>,
}

impl Signer {
    /// Signs with a certificate and its key in PKCS #8.
    pub fn new(certificate: &[u8], key: &[u8]) -> Result<Self, SignError> {
        let read = Certificate::read(certificate)?;
        let (key, public) = match read.kind {
            KeyKind::Ed25519 => {
                let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key).map_err(|_| SignError::Key)?;
                let public = public(&key);
                (Key::Ed25519(key), public)
            }
            KeyKind::P256 => {
                let key =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key).map_err(|_| SignError::Key)?;
                let public = public(&key);
                (Key::P256(key), public)
            }
        };
        if public != read.key {
            return Err(SignError::Key);
        }
        let source = read.identity.holder();
        Ok(Self {
            key,
            certificate: BASE64_STANDARD.encode(certificate),
            source,
            header: Mutex::new((0, Arc::from(""))),
        })
    }

    /// Who signs: what `source` of its events must be.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The event with a fresh signature, as it is sent: its canonical form with the signature behind the rest.
    pub fn seal(&self, event: &Event, now: SystemTime) -> Result<Vec<u8>, SignError> {
        event.check()?;
        let iat = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = self.header(iat)?;
        let mut sealed = event.canonical()?;
        let signature = self.sign(&input(&header, &sealed))?;
        sealed.pop(); // the brace at its end
        sealed.extend_from_slice(b",\"signature\":\"");
        sealed.extend_from_slice(header.as_bytes());
        sealed.extend_from_slice(b"..");
        sealed.extend_from_slice(BASE64_URL_SAFE_NO_PAD.encode(signature).as_bytes());
        sealed.extend_from_slice(b"\"}");
        Ok(sealed)
    }

    /// The protected header in base64. It is the same for all that is signed in one second.
    fn header(&self, iat: u64) -> Result<Arc<str>, SignError> {
        let mut last = self.header.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != iat || last.1.is_empty() {
            let alg = match self.key {
                Key::Ed25519(_) => "EdDSA",
                Key::P256(_) => "ES256",
            };
            let header = Header {
                alg: alg.into(),
                iat,
                x5c: vec![self.certificate.clone()],
            };
            let json = serde_json::to_vec(&header).map_err(EventError::from)?;
            *last = (iat, BASE64_URL_SAFE_NO_PAD.encode(json).into());
        }
        Ok(last.1.clone())
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.key {
            Key::Ed25519(key) => Ok(key.sign(input).as_ref().to_vec()),
            Key::P256(key) => {
                let signature = key.sign(&SystemRandom::new(), input).map_err(|_| SignError::Sign)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// What is signed: the header and the canonical form, each in base64.
pub(crate) fn input(header: &str, canonical: &[u8]) -> Vec<u8> {
    let mut input = String::with_capacity(header.len() + canonical.len() * 4 / 3 + 8);
    input.push_str(header);
    input.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(canonical, &mut input);
    input.into_bytes()
}

fn public(key: &impl aws_lc_rs::signature::KeyPair) -> Vec<u8> {
    key.public_key().as_ref().to_vec()
}
