//! An authority with two agents and a controller, at a time of their own.
#![allow(dead_code, reason = "each test binary uses a part")]

use fabric_events::{Event, Severity, Signer};
use fabric_identity::{Authority, Certificate, Credential, Identity, LifeTimes, Permission, Role};
use rcgen::KeyPair;
use std::collections::BTreeMap;
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
        data: serde_json::json!({"link": "down", "interface": "eth1", "rate": 1.5e3}),
    }
}
