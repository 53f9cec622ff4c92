//! Foreign judges: openssl reads what the authority issues, curl and openssl enrol with it, Python joins.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bench;
mod python;

use bench::{bench, grant, now};
use fabric_identity::roll::Reason;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs a shell line in a folder; gives back whether it succeeded and everything it said.
async fn shell(folder: &Path, line: String) -> (bool, String) {
    let folder = folder.to_owned();
    let calls = |program: &str| line.matches(program).count() as u64;
    tests_real::operations(tests_real::Part::Curl, calls("curl "));
    tests_real::operations(tests_real::Part::Openssl, calls("openssl "));
    let run = move || {
        Command::new("bash")
            .args(["-o", "pipefail", "-c", &line])
            .current_dir(folder)
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn openssl_and_curl_enrol_renew_and_see_the_revocation() {
    if !tests_real::wanted("openssl_and_curl_enrol_renew_and_see_the_revocation") {
        return;
    }
    let bench = bench().await;
    let folder = bench.folder.path();
    let est = format!("https://{}/.well-known/est", bench.enrolment.address);
    let token = bench
        .authority
        .grant(grant("edge-1", &["pe*"]), now() + Duration::from_secs(60))
        .unwrap();
    let ok = async |line: String| {
        let (succeeded, said) = shell(folder, line.clone()).await;
        assert!(succeeded, "{line}\n{said}");
        said
    };

    // The first contact: the authority's certificate, known by its fingerprint.
    ok(format!(
        "curl -sk {est}/cacerts | base64 -d | openssl pkcs7 -inform DER -print_certs | openssl x509 > ca.pem"
    ))
    .await;
    let said = ok("openssl x509 -in ca.pem -noout -fingerprint -sha256".into())
        .await
        .replace(':', "")
        .to_lowercase();
    assert!(said.contains(&bench.authority.fingerprint()), "{said}");
    let said = ok(format!(
        "curl -s --cacert ca.pem {est}/csrattrs | base64 -d | openssl asn1parse -inform DER"
    ))
    .await;
    assert!(said.contains("ED25519") && said.contains("prime256v1"), "{said}");

    // Enrolment with a token, by keys of either kind.
    ok("openssl genpkey -algorithm ed25519 -out key.pem".into()).await;
    ok("openssl req -new -key key.pem -subj /CN=edge-1 -outform DER | base64 > csr".into()).await;
    let enrol = format!(
        "curl -sS --fail-with-body --cacert ca.pem -u 'edge-1:{token}' -H 'Content-Type: application/pkcs10' --data-binary @csr {est}/simpleenroll"
    );
    let take = "base64 -d | openssl pkcs7 -inform DER -print_certs | openssl x509 > next.pem && mv next.pem cert.pem";
    ok(format!("{enrol} | {take}")).await;
    ok("openssl verify -x509_strict -CAfile ca.pem -purpose sslclient cert.pem".into()).await;
    let text = ok("openssl x509 -in cert.pem -noout -text".into()).await;
    for expected in [
        "URI:entente://agent/edge-1",
        "URI:entente://device/pe*",
        "DNS:edge-1",
        "TLS Web Client Authentication",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    let (succeeded, said) = shell(folder, enrol).await;
    assert!(!succeeded && said.contains("the token was used before"), "{said}");

    // Renewal with the certificate, over TLS 1.3 and nothing older.
    let renew = format!(
        "curl -sS --fail-with-body --cacert ca.pem --cert cert.pem --key key.pem -H 'Content-Type: application/pkcs10' --data-binary @csr {est}/simplereenroll"
    );
    ok(format!("{renew} | {take}")).await;
    let (succeeded, _) = shell(folder, format!("curl -sS --tls-max 1.2 --cacert ca.pem {est}/cacerts")).await;
    assert!(!succeeded, "TLS 1.2 is not spoken");

    // What became of a certificate, by its serial number.
    ok("openssl x509 -in cert.pem -noout -serial | cut -d= -f2 | tr A-F a-f > serial".into()).await;
    let status = format!(
        "curl -sS --cacert ca.pem https://{}/.well-known/entente/status/$(cat serial)",
        bench.enrolment.address
    );
    let edge = || "edge-1".parse().unwrap();
    assert_eq!(ok(status.clone()).await, "valid\n");
    bench.authority.hold(&edge(), now()).unwrap();
    assert_eq!(ok(status.clone()).await, "held\n");
    bench.authority.release(&edge(), now()).unwrap();
    assert_eq!(ok(status.clone()).await, "valid\n");
    let unknown = status.replace("$(cat serial)", "00ff");
    let (_, said) = shell(folder, format!("{unknown} -w '%{{http_code}}'")).await;
    assert!(said.ends_with("404"), "{said}");

    // The revocation list, as openssl applies it.
    let list = format!(
        "curl -sS --cacert ca.pem https://{}/.well-known/entente/crl | openssl crl -inform DER > crl.pem",
        bench.enrolment.address
    );
    ok(list.clone()).await;
    ok("openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem cert.pem".into()).await;
    bench
        .authority
        .revoke(&"edge-1".parse().unwrap(), Reason::KeyCompromise, now())
        .unwrap();
    ok(list).await;
    let (succeeded, said) = shell(
        folder,
        "openssl verify -crl_check -CAfile ca.pem -CRLfile crl.pem cert.pem".into(),
    )
    .await;
    assert!(!succeeded && said.contains("certificate revoked"), "{said}");
    assert_eq!(ok(status).await, "revoked\n");
    let (succeeded, said) = shell(folder, renew).await;
    assert!(!succeeded, "a revoked certificate does not even connect: {said}");

    // What does not meet the standard.
    ok("openssl req -new -newkey rsa:2048 -nodes -keyout rsa.pem -subj /CN=edge-9 -outform DER 2>/dev/null | base64 > weak".into()).await;
    let (succeeded, said) = shell(
        folder,
        format!("curl -sS --fail-with-body --cacert ca.pem --data-binary @weak {est}/simpleenroll"),
    )
    .await;
    assert!(
        !succeeded && said.contains("neither Ed25519 nor on the curve P-256"),
        "{said}"
    );
    let (succeeded, said) = shell(
        folder,
        format!(
            "head -c 100000 /dev/zero | curl -sS --fail-with-body --cacert ca.pem --data-binary @- {est}/simpleenroll"
        ),
    )
    .await;
    assert!(!succeeded, "too much is not even read to its end: {said}");
    ok(format!("curl -sS --cacert ca.pem {est}/cacerts")).await;
}
