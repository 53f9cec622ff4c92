//! Whatever is presented as a certificate, an application, an envelope or a revocation list.
#![no_main]

use fabric_identity::application::Application;
use fabric_identity::{Certificate, Claims, est, list};
use libfuzzer_sys::fuzz_target;
use std::time::SystemTime;

fuzz_target!(|data: &[u8]| {
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
    let _ = list::revoked(data, data, SystemTime::UNIX_EPOCH);
    if let Ok(certificate) = Certificate::read(data) {
        // What was read can be written, and reads the same again.
        let uris = certificate.identity.uris();
        let again = fabric_identity::Identity::from_uris(uris.iter().map(String::as_str));
        assert_eq!(again, Ok(certificate.identity));
    }
});
