//! An authority with two agents and a controller, at a time of their own.
#![allow(dead_code, missing_docs, reason = "each test binary uses a part")]

use fabric_events::{Event, Memory, Reason, Severity, Signer, Terms, Verifier};
use fabric_identity::{Authority, Certificate, Credential, Identity, LifeTimes, Permission, Role};
use rcgen::KeyPair;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// When the stories begin, in seconds since 1970.
pub const EPOCH: u64 = 1_800_000_000;

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH + seconds)
}

pub struct Cast {
    pub authority: Authority,
    pub folder: tempfile::TempDir,
    holders: BTreeMap<&'static str, (Credential, KeyPair)>,
}

impl Cast {
    pub fn new() -> Self {
        Self::at(at(0))
    }

    pub fn at(now: SystemTime) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open(folder.path(), LifeTimes::default(), now).unwrap();
        let mut holders = BTreeMap::new();
        let (edwards, p256) = (&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P256_SHA256);
        let cast = [
            ("edge-1", Role::Agent, "pe*", edwards),
            ("edge-2", Role::Agent, "ce*", edwards),
            ("edge-3", Role::Agent, "pe*", p256),
            ("controller-1", Role::Controller, "*", p256),
        ];
        for (name, role, devices, algorithm) in cast {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let devices = [devices.parse().unwrap()].into();
            let identity = Identity {
                name: name.parse().unwrap(),
                role,
                devices,
                may: Permission::ALL.into(),
            };
            let addresses = ["127.0.0.1".to_owned()];
            holders.insert(
                name,
                (authority.issue_own(identity, &key, &addresses, now).unwrap(), key),
            );
        }
        Self {
            authority,
            folder,
            holders,
        }
    }

    pub fn holder(&self, name: &str) -> &(Credential, KeyPair) {
        &self.holders[name]
    }

    pub fn signer(&self, name: &str) -> Signer {
        let (credential, key) = self.holder(name);
        Signer::new(&credential.certificate, key.serialized_der()).unwrap()
    }

    /// Signs in a name with a certificate of its own, issued at a time and for certain acts.
    pub fn signing(&self, name: &str, may: &[Permission], issued: SystemTime) -> Signer {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let identity = Identity {
            name: name.parse().unwrap(),
            role: Role::Agent,
            devices: ["pe*".parse().unwrap()].into(),
            may: may.iter().copied().collect(),
        };
        let own = self.authority.issue_own(identity, &key, &[], issued).unwrap();
        Signer::new(&own.certificate, key.serialized_der()).unwrap()
    }

    /// Somebody whose certificate has run out before this time.
    pub fn expired(&self, name: &str, now: SystemTime) -> Signer {
        self.signing(name, &Permission::ALL, now - Duration::from_secs(10 * 86_400))
    }

    /// Somebody who may do everything but publish.
    pub fn mute(&self, name: &str, now: SystemTime) -> Signer {
        self.signing(name, &[Permission::Configure, Permission::Observe], now)
    }

    pub fn serial(&self, name: &str) -> String {
        Certificate::read(&self.holder(name).0.certificate).unwrap().serial
    }
}

pub fn event(source: &str, id: &str, subject: &str) -> Event {
    let role = if source.starts_with("controller") {
        "controller"
    } else {
        "agent"
    };
    Event {
        specversion: "1.0".into(),
        id: id.into(),
        source: format!("entente://{role}/{source}"),
        kind: "link-fault".into(),
        time: "2027-01-15T08:00:00Z".into(),
        subject: subject.into(),
        severity: Severity::Error,
        datacontenttype: "application/json".into(),
        data: serde_json::json!({"link": "down", "interface": "eth1", "rate": 1.25}),
    }
}

/// What a liar sends: its words, what is taken back by then, and why it is not believed.
pub struct Lie {
    pub bytes: Vec<u8>,
    pub revoked: BTreeSet<String>,
    /// Whether it was believed once before.
    pub said_before: bool,
    pub reason: Reason,
}

/// One lie of each kind.
pub fn lies(cast: &Cast) -> Vec<Lie> {
    let said = event("edge-1", "1", "pe1");
    let seal = |holder: &str, event: &Event, at| cast.signer(holder).seal(event, at).unwrap();
    let good = seal("edge-1", &said, at(0));
    let altered = String::from_utf8(good.clone())
        .unwrap()
        .replace("down", "gone")
        .into_bytes();
    let hour = Duration::from_secs(3_600);
    let lie = |bytes, reason| Lie {
        bytes,
        revoked: BTreeSet::new(),
        said_before: false,
        reason,
    };
    let revoked = Lie {
        revoked: [cast.serial("edge-1")].into(),
        ..lie(good.clone(), Reason::Revoked)
    };
    let replayed = Lie {
        said_before: true,
        ..lie(good, Reason::Replayed)
    };
    let reheaded = |change: fn(&mut serde_json::Value)| reheaded(&seal("edge-1", &said, at(0)), change);
    vec![
        lie(reheaded(|it| it["alg"] = "none".into()), Reason::Algorithm),
        lie(
            reheaded(|it| it["jwk"] = serde_json::json!({"kty": "OKP"})),
            Reason::EmbeddedKey,
        ),
        lie(serde_json::to_vec(&said).unwrap(), Reason::Unsigned),
        lie(altered, Reason::Altered),
        lie(seal("edge-3", &said, at(0)), Reason::OtherName),
        lie(seal("edge-1", &event("edge-1", "1", "ce1"), at(0)), Reason::OutOfScope),
        lie(
            Cast::new().signer("edge-1").seal(&said, at(0)).unwrap(),
            Reason::ForeignKey,
        ),
        lie(seal("edge-1", &said, at(0) - hour), Reason::Stale),
        lie(
            cast.expired("edge-1", at(0)).seal(&said, at(0)).unwrap(),
            Reason::Expired,
        ),
        lie(
            cast.mute("edge-1", at(0)).seal(&said, at(0)).unwrap(),
            Reason::OutOfScope,
        ),
        revoked,
        replayed,
    ]
}

/// An event whose protected header is what `change` makes of a good one; the signature stays as it was.
pub fn reheaded(sealed: &[u8], change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let mut event: serde_json::Value = serde_json::from_slice(sealed).unwrap();
    let (header, signature) = event["signature"].as_str().unwrap().split_once("..").unwrap();
    let mut header: serde_json::Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    change(&mut header);
    event["signature"] = format!("{}..{signature}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string())).into();
    event.to_string().into_bytes()
}

/// The reasons of those lies that a verifier believes, or refuses for another reason: alone, or among truths.
pub fn verdicts(cast: &Cast, lies: &[Lie], now: SystemTime) -> Vec<Reason> {
    let truth = |id| cast.signer("edge-2").seal(&event("edge-2", id, "ce1"), now).unwrap();
    let truths = [truth("1"), truth("2")];
    let caught = |lie: &Lie, company: &[Vec<u8>]| {
        let memory = Memory::new(1_000, 1_000);
        let mut verifier = Verifier::new(cast.authority.certificate().to_vec(), Terms::default(), memory);
        if lie.said_before {
            verifier.verify(&lie.bytes, &BTreeSet::new(), now).unwrap();
        }
        let mut all: Vec<&[u8]> = company.iter().map(Vec::as_slice).collect();
        let place = all.len() / 2;
        all.insert(place, &lie.bytes);
        let mut verdicts = verifier.verify_all(&all, &lie.revoked, now);
        verdicts.remove(place) == Err(lie.reason) && verdicts.iter().all(Result::is_ok)
    };
    let caught = |lie: &&Lie| caught(lie, &[]) && caught(lie, &truths);
    lies.iter().filter(|it| !caught(it)).map(|it| it.reason).collect()
}
