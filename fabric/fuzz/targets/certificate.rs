//! Whatever is presented as a certificate, an application, an envelope or a revocation list.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fuzzer fails by panicking")]

use fabric_identity::application::Application;
use fabric_identity::{Authority, Certificate, Claims, Identity, LifeTimes, Permission, Reason, Role, est, list};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

/// Good ones of each, to be spoilt.
struct Stage {
    authority: Vec<u8>,
    certificate: Vec<u8>,
    application: Vec<u8>,
    list: Vec<u8>,
    revoked: BTreeSet<String>,
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
        devices: ["pe*".parse().expect("a pattern")].into(),
        may: Permission::ALL.into(),
    };
    let own = authority.issue_own(identity, &key, &[], now()).expect("a certificate");
    let name = "edge-1".parse().expect("a name");
    authority
        .revoke(&name, Reason::KeyCompromise, now())
        .expect("a revocation");
    let list = authority.list(now()).expect("a list");
    let revoked = list::revoked(&list, authority.certificate(), now()).expect("its own list");
    assert_eq!(revoked.len(), 1);
    let mut request = rcgen::CertificateParams::new(["edge-1".to_owned()]).expect("names");
    request.distinguished_name.push(rcgen::DnType::CommonName, "edge-1");
    Stage {
        authority: authority.certificate().to_vec(),
        certificate: own.certificate.to_vec(),
        application: request.serialize_request(&key).expect("a request").der().to_vec(),
        list,
        revoked,
    }
});

/// A good one with some bytes put in place of its own.
fn spoilt(good: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let [high, low, patch @ ..] = data else { return None };
    let mut spoilt = good.to_vec();
    let at = usize::from(u16::from_be_bytes([*high, *low])) % spoilt.len();
    let end = spoilt.len().min(at + patch.len());
    spoilt[at..end].copy_from_slice(&patch[..end - at]);
    Some(spoilt)
}

fuzz_target!(|data: &[u8]| {
    read(data);
    for good in [&STAGE.certificate, &STAGE.application] {
        if let Some(bytes) = spoilt(good, data) {
            read(&bytes);
        }
    }
    // A list that was spoilt says the same, or nothing.
    if let Some(bytes) = spoilt(&STAGE.list, data)
        && let Ok(revoked) = list::revoked(&bytes, &STAGE.authority, now())
    {
        assert_eq!(revoked, STAGE.revoked);
    }
});

fn read(data: &[u8]) {
    if let Ok(application) = Application::read(data) {
        let uris = application.claims.uris();
        assert_eq!(
            Claims::from_uris(uris.iter().map(String::as_str)),
            Ok(application.claims)
        );
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Claims::from_uris(text.lines());
    }
    let _ = est::certificates(data);
    let _ = list::revoked(data, &STAGE.authority, now());
    if let Ok(certificate) = Certificate::read(data) {
        // What was read can be written, and reads the same again.
        let uris = certificate.identity.uris();
        let again = fabric_identity::Identity::from_uris(uris.iter().map(String::as_str));
        assert_eq!(again, Ok(certificate.identity));
    }
}
