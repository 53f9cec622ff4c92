//! Believes an event, or counts why not.

use crate::edwards;
use crate::event::{Event, EventError};
use crate::memory::Memory;
use crate::mutant::planted;
use crate::signature::{Header, input};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
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
    checked: HashMap<String, Arc<Checked>>,
    /// The protected header that came last, and what it says: it is the same for all events of one second.
    said: Option<Said>,
    counts: Counts,
}

/// A certificate that the authority has issued, with its key ready for use.
struct Checked {
    certificate: Certificate,
    source: String,
    key: Key,
}

enum Key {
    Ed25519(edwards::Key),
    P256(ParsedPublicKey),
}

/// What a protected header says.
#[derive(Clone)]
struct Said {
    protected: Arc<str>,
    header: Arc<Header>,
    sender: Arc<Checked>,
}

/// What stands in the way of belief yet.
enum Proof {
    /// A signature that is asked about together with others.
    Open(edwards::Claim),
    /// Nothing.
    Good,
}

/// An event that can be read, and whose sender is known.
struct Reading {
    event: Event,
    header: Arc<Header>,
    sender: Arc<Checked>,
}

impl Verifier {
    /// Believes what `authority` (its certificate in DER) vouches for; `memory` holds what was believed before.
    pub fn new(authority: Vec<u8>, terms: Terms, memory: Memory) -> Self {
        Self {
            authority,
            terms,
            memory,
            checked: HashMap::new(),
            said: None,
            counts: Counts::default(),
        }
    }

    /// Believes an event once, or says why not. `revoked` are the serial numbers of certificates that are taken back.
    pub fn verify(&mut self, bytes: &[u8], revoked: &BTreeSet<String>, now: SystemTime) -> Result<Event, Reason> {
        let one = self.verify_all(&[bytes], revoked, now).pop();
        one.unwrap_or(Err(Reason::Malformed)) // for each there is a verdict
    }

    /// The same for many, in their order: what each alone would be told, for less.
    pub fn verify_all(
        &mut self,
        all: &[&[u8]],
        revoked: &BTreeSet<String>,
        now: SystemTime,
    ) -> Vec<Result<Event, Reason>> {
        let (mut read, mut claims) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        if planted!(All) {
            return all
                .iter()
                .map(|it| Event::read(it).map(|it| it.0).map_err(|_| Reason::Malformed))
                .collect();
        }
        for bytes in all {
            read.push(self.read(bytes, now).map(|(reading, proof)| match proof {
                Proof::Open(claim) => {
                    claims.push(claim);
                    (reading, true)
                }
                Proof::Good => (reading, false),
            }));
        }
        let mut held = edwards::hold(claims).into_iter();
        let verdicts = read.into_iter().map(|it| {
            let verdict = it.and_then(|(reading, open)| {
                if open && held.next() != Some(true) && !planted!(Signature) {
                    return Err(Reason::Altered);
                }
                self.settle(reading, revoked, now)
            });
            match &verdict {
                Ok(_) => self.counts.believed += 1,
                Err(reason) => *self.counts.refused.entry(*reason).or_default() += 1,
            }
            verdict
        });
        verdicts.collect()
    }

    /// How many were believed and how many not.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What it remembers: for the file that survives a restart.
    pub(crate) fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// Reads an event up to its signature, which is looked at here only where it cannot be asked about with others.
    fn read(&mut self, bytes: &[u8], now: SystemTime) -> Result<(Reading, Proof), Reason> {
        let (event, signature) = Event::read(bytes).map_err(|_: EventError| Reason::Malformed)?;
        let signature = signature.filter(|it| !it.is_empty()).ok_or(Reason::Unsigned)?;
        let (protected, signature) = signature.split_once("..").ok_or(Reason::Malformed)?;
        let Said { header, sender, .. } = self.said(protected)?;
        if !sender.certificate.is_current(now) && !planted!(Validity) {
            return Err(Reason::Expired);
        }
        let input = input(protected, &event.canonical().map_err(|_| Reason::Malformed)?);
        let proof = proof(&sender.key, &header.alg, signature, &input)?;
        let reading = Reading { event, header, sender };
        Ok((reading, proof))
    }

    /// Everything that is asked about an event whose signature is good.
    fn settle(&mut self, reading: Reading, revoked: &BTreeSet<String>, now: SystemTime) -> Result<Event, Reason> {
        let Reading { event, header, sender } = reading;
        check_sender(&sender, &event, revoked)?;
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

    fn said(&mut self, protected: &str) -> Result<Said, Reason> {
        if let Some(said) = self.said.as_ref().filter(|it| &*it.protected == protected) {
            return Ok(said.clone());
        }
        let header = header(protected)?;
        let said = Said {
            protected: protected.into(),
            sender: self.sender(&header)?,
            header: Arc::new(header),
        };
        Ok(self.said.insert(said).clone())
    }

    /// The sender's certificate; that the authority issued it is checked once.
    fn sender(&mut self, header: &Header) -> Result<Arc<Checked>, Reason> {
        let [encoded] = header.x5c.as_slice() else {
            return Err(Reason::Malformed);
        };
        if let Some(known) = self.checked.get(encoded) {
            return Ok(known.clone());
        }
        let der = BASE64_STANDARD.decode(encoded).map_err(|_| Reason::Malformed)?;
        let certificate = if planted!(Issuer) {
            Certificate::read(&der).map_err(|_| Reason::ForeignKey)?
        } else {
            Certificate::issued_by(&der, &self.authority).map_err(|_| Reason::ForeignKey)?
        };
        let checked = Arc::new(Checked {
            key: key(&certificate).ok_or(Reason::ForeignKey)?,
            source: certificate.identity.holder(),
            certificate,
        });
        if self.checked.len() >= self.terms.certificates {
            self.checked.clear(); // bounded; what is needed is checked again
        }
        self.checked.insert(encoded.clone(), checked.clone());
        Ok(checked)
    }
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

fn key(certificate: &Certificate) -> Option<Key> {
    match certificate.kind {
        KeyKind::Ed25519 => edwards::Key::new(&certificate.key).map(Key::Ed25519),
        KeyKind::P256 => {
            let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &certificate.key);
            key.ok().map(Key::P256)
        }
    }
}

fn proof(key: &Key, alg: &str, signature: &str, input: &[u8]) -> Result<Proof, Reason> {
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| Reason::Altered)?;
    match (key, alg) {
        (Key::Ed25519(key), "EdDSA") => key.claim(&signature, input).map(Proof::Open).ok_or(Reason::Altered),
        (Key::P256(_), "ES256") if planted!(Signature) => Ok(Proof::Good),
        (Key::P256(key), "ES256") => {
            let good = key.verify_sig(input, &signature);
            good.map(|()| Proof::Good).map_err(|_| Reason::Altered)
        }
        (Key::Ed25519(_) | Key::P256(_), _) => Err(Reason::Algorithm),
    }
}

fn check_sender(sender: &Checked, event: &Event, revoked: &BTreeSet<String>) -> Result<(), Reason> {
    let identity = &sender.certificate.identity;
    if revoked.contains(&sender.certificate.serial) && !planted!(Revocation) {
        return Err(Reason::Revoked);
    }
    if event.source != sender.source && !planted!(Name) {
        return Err(Reason::OtherName);
    }
    let of_its_own = event.subject.is_empty() || identity.role == Role::Controller || identity.covers(&event.subject);
    let may = identity.may.contains(&Permission::Publish) || planted!(Permission);
    if may && (of_its_own || planted!(Scope)) {
        Ok(())
    } else {
        Err(Reason::OutOfScope)
    }
}
