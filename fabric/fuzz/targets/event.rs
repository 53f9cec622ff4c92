//! Whatever comes from a broker: only what was signed is believed.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

use fabric_events::{Event, Memory, Reason, Severity, Signer, Terms, Verifier};
use fabric_identity::{Authority, Identity, LifeTimes, Permission, Role};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

struct Stage {
    authority: Vec<u8>,
    said: Event,
    sealed: Vec<u8>,
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::open(folder.path(), LifeTimes::default(), now()).expect("an authority");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    let identity = Identity {
        name: "edge-1".parse().expect("a name"),
        role: Role::Agent,
        devices: ["*".parse().expect("a pattern")].into(),
        may: Permission::ALL.into(),
    };
    let own = authority.issue_own(identity, &key, &[], now()).expect("a certificate");
    let said = Event {
        specversion: "1.0".into(),
        id: "1".into(),
        source: "entente://agent/edge-1".into(),
        kind: "link-fault".into(),
        time: "2027-01-15T08:00:00Z".into(),
        subject: "pe1".into(),
        severity: Severity::Error,
        datacontenttype: "application/json".into(),
        data: true.into(),
    };
    let signer = Signer::new(&own.certificate, key.serialized_der()).expect("a signer");
    let sealed = signer.seal(&said, now()).expect("an event");
    Stage {
        authority: authority.certificate().to_vec(),
        said,
        sealed,
    }
});

fn verify(bytes: &[u8]) -> Result<Event, Reason> {
    let mut verifier = Verifier::new(STAGE.authority.clone(), Terms::default(), Memory::new(8, 8));
    verifier.verify(bytes, &BTreeSet::new(), now())
}

fuzz_target!(|data: &[u8]| {
    assert!(verify(data).is_err(), "nobody has signed this");
    // A good event, spoilt at a place: it says the same, or is not believed.
    if let [high, low, patch @ ..] = data {
        let mut spoilt = STAGE.sealed.clone();
        let at = usize::from(u16::from_be_bytes([*high, *low])) % spoilt.len();
        let end = spoilt.len().min(at + patch.len());
        spoilt[at..end].copy_from_slice(&patch[..end - at]);
        if let Ok(believed) = verify(&spoilt) {
            assert_eq!(believed, STAGE.said);
        }
    }
});
