//! Believes an event, or counts why not.

use crate::event::{Event, EventError};
use crate::memory::{Memory, Recollection};
use crate::mutant::planted;
use crate::signature::{Header, input};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use fabric_identity::{Certificate, KeyKind, Permission, Role};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Why an event is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Reason {
    /// Not an event, or larger than what is taken.
    #[error("malformed")]
    Malformed,
    /// It has no signature.
    #[error("unsigned")]
    Unsigned,
    /// The header names no algorithm, or another than the certificate's key demands.
    #[error("alg-none")]
    Algorithm,
    /// The header brings a key or the address of one.
    #[error("embedded-key")]
    EmbeddedKey,
    /// The certificate is not of our authority.
    #[error("foreign-key")]
    ForeignKey,
    /// The signature does not fit the content.
    #[error("altered")]
    Altered,
    /// The certificate is taken back.
    #[error("revoked")]
    Revoked,
    /// The certificate is not valid at this time.
    #[error("expired")]
    Expired,
    /// The certificate is somebody else's than the source says.
    #[error("other-name")]
    OtherName,
    /// The sender may not publish, or not about this device.
    #[error("out-of-scope")]
    OutOfScope,
    /// It was signed too long ago, or in the future.
    #[error("stale")]
    Stale,
    /// It was believed before.
    #[error("replayed")]
    Replayed,
    /// Too many events of the sender are remembered already.
    #[error("flooded")]
    Flooded,
}

/// What is believed.
#[derive(Debug, Clone)]
pub struct Terms {
    /// How far the sender's clock may be from ours.
    pub tolerance: Duration,
    /// How many certificates are remembered as checked.
    pub certificates: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            tolerance: Duration::from_secs(120),
            certificates: 1_024,
        }
    }
}

/// How many events were believed, and how many were not, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Believed.
    pub believed: u64,
    /// Not believed.
    pub refused: BTreeMap<Reason, u64>,
}

/// Believes events of one authority's agents and controllers.
pub struct Verifier {
    authority: Vec<u8>,
    terms: Terms,
    memory: Memory,
    /// By the certificate as it comes, in base64.
    checked: HashMap<String, Checked>,
    /// The protected header that came last, and what it says: it is the same for all events of one second.
    header: (String, Arc<Header>),
    counts: Counts,
}

/// A certificate that the authority has issued, with its key ready for use.
struct Checked {
    certificate: Certificate,
    key: ParsedPublicKey,
}

impl Verifier {
    /// Believes what `authority` (its certificate in DER) vouches for; `memory` holds what was believed before.
    pub fn new(authority: Vec<u8>, terms: Terms, memory: Memory) -> Self {
        Self {
            authority,
            terms,
            memory,
            checked: HashMap::new(),
            header: <(String, Arc<Header>)>::default(),
            counts: Counts::default(),
        }
    }

    /// Believes an event once, or says why not. `revoked` are the serial numbers of certificates that are taken back.
    pub fn verify(&mut self, bytes: &[u8], revoked: &BTreeSet<String>, now: SystemTime) -> Result<Event, Reason> {
        let verified = self.decide(bytes, revoked, now);
        match &verified {
            Ok(_) => self.counts.believed += 1,
            Err(reason) => *self.counts.refused.entry(*reason).or_default() += 1,
        }
        verified
    }

    /// How many were believed and how many not.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What was believed and not yet written down: for the file that survives a restart.
    pub fn unwritten(&mut self) -> Vec<Recollection> {
        self.memory.unwritten()
    }

    fn decide(&mut self, bytes: &[u8], revoked: &BTreeSet<String>, now: SystemTime) -> Result<Event, Reason> {
        let (event, signature) = Event::read(bytes).map_err(|_: EventError| Reason::Malformed)?;
        if planted!(All) {
            return Ok(event);
        }
        let signature = signature.filter(|it| !it.is_empty()).ok_or(Reason::Unsigned)?;
        let (protected, signature) = signature.split_once("..").ok_or(Reason::Malformed)?;
        let header = self.header(protected)?;
        let sender = self.sender(&header, now)?;
        check_signature(sender, &header, &input(protected, &canonical(&event)?), signature)?;
        check_sender(&sender.certificate, &event, revoked)?;
        let signed = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(header.iat))
            .ok_or(Reason::Stale)?;
        let apart = now.duration_since(signed).unwrap_or_else(|it| it.duration());
        if apart > self.terms.tolerance && !planted!(Freshness) {
            return Err(Reason::Stale);
        }
        // As long as its signature is fresh it must be remembered; twice that, for clocks that are set back.
        self.memory
            .remember(&event.source, &event.id, signed + self.terms.tolerance * 2, now)
            .or_else(|reason| if planted!(Memory) { Ok(()) } else { Err(reason) })?;
        Ok(event)
    }

    fn header(&mut self, protected: &str) -> Result<Arc<Header>, Reason> {
        if self.header.0 != protected {
            self.header = (protected.to_owned(), Arc::new(header(protected)?));
        }
        Ok(self.header.1.clone())
    }

    /// The sender's certificate; that the authority issued it is checked once.
    fn sender(&mut self, header: &Header, now: SystemTime) -> Result<&Checked, Reason> {
        let [encoded] = header.x5c.as_slice() else {
            return Err(Reason::Malformed);
        };
        if !self.checked.contains_key(encoded) {
            let der = BASE64_STANDARD.decode(encoded).map_err(|_| Reason::Malformed)?;
            let certificate = if planted!(Issuer) {
                Certificate::read(&der).map_err(|_| Reason::ForeignKey)?
            } else {
                Certificate::issued_by(&der, &self.authority).map_err(|_| Reason::ForeignKey)?
            };
            let key = key(&certificate).ok_or(Reason::ForeignKey)?;
            if self.checked.len() >= self.terms.certificates {
                self.checked.clear(); // bounded; what is needed is checked again
            }
            self.checked.insert(encoded.clone(), Checked { certificate, key });
        }
        let sender = self.checked.get(encoded).ok_or(Reason::ForeignKey)?;
        if sender.certificate.is_current(now) {
            Ok(sender)
        } else {
            Err(Reason::Expired)
        }
    }
}

fn canonical(event: &Event) -> Result<Vec<u8>, Reason> {
    event.canonical().map_err(|_| Reason::Malformed)
}

fn header(protected: &str) -> Result<Header, Reason> {
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(protected)
        .map_err(|_| Reason::Malformed)?;
    if planted!(Header) {
        let members: serde_json::Value = serde_json::from_slice(&json).map_err(|_| Reason::Malformed)?;
        return Ok(Header {
            alg: "EdDSA".to_owned(),
            iat: members["iat"].as_u64().unwrap_or_default(),
            x5c: vec![members["x5c"][0].as_str().unwrap_or_default().to_owned()],
        });
    }
    match serde_json::from_slice::<Header>(&json) {
        Ok(header) if matches!(header.alg.as_str(), "EdDSA" | "ES256") => Ok(header),
        Ok(_) => Err(Reason::Algorithm),
        Err(_) => Err(fault(&json)),
    }
}

/// What is wrong with a header that is none.
fn fault(json: &[u8]) -> Reason {
    let Ok(members) = serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(json) else {
        return Reason::Malformed;
    };
    let brings_key = ["jwk", "jku", "x5u", "kid"]
        .into_iter()
        .any(|it| members.contains_key(it));
    let known = members.get("alg").is_some_and(|it| it == "EdDSA" || it == "ES256");
    match (brings_key, known) {
        (true, _) => Reason::EmbeddedKey,
        (false, false) => Reason::Algorithm,
        (false, true) => Reason::Malformed,
    }
}

fn key(certificate: &Certificate) -> Option<ParsedPublicKey> {
    let key = match certificate.kind {
        KeyKind::Ed25519 => ParsedPublicKey::new(&ED25519, &certificate.key),
        KeyKind::P256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &certificate.key),
    };
    key.ok()
}

fn check_signature(sender: &Checked, header: &Header, input: &[u8], signature: &str) -> Result<(), Reason> {
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| Reason::Altered)?;
    match (sender.certificate.kind, header.alg.as_str()) {
        (KeyKind::Ed25519, "EdDSA") | (KeyKind::P256, "ES256") => {}
        (KeyKind::Ed25519 | KeyKind::P256, _) => return Err(Reason::Algorithm),
    }
    if planted!(Signature) {
        return Ok(());
    }
    sender.key.verify_sig(input, &signature).map_err(|_| Reason::Altered)
}

fn check_sender(certificate: &Certificate, event: &Event, revoked: &BTreeSet<String>) -> Result<(), Reason> {
    let identity = &certificate.identity;
    if revoked.contains(&certificate.serial) && !planted!(Revocation) {
        return Err(Reason::Revoked);
    }
    let named = event.source == format!("entente://{}/{}", identity.role.word(), identity.name);
    if !named && !planted!(Name) {
        return Err(Reason::OtherName);
    }
    let of_its_own = event.subject.is_empty() || identity.role == Role::Controller || identity.covers(&event.subject);
    if (identity.may.contains(&Permission::Publish) && of_its_own) || planted!(Scope) {
        Ok(())
    } else {
        Err(Reason::OutOfScope)
    }
}
