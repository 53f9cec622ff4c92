//! REST as its callers meet it: roles, asking again, pages, problems, numbers, TLS. Judges: curl, openssl, a Python parser.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod serving;

use serde_json::{Value, json};
use serving::{Answer, Serving};

fn token(serving: &Serving, name: &str, role: &str) -> String {
    let (code, said) = serving.entente(&format!("token create {name} --role {role} --output json"));
    assert_eq!(code, 0, "{said}");
    let made: Value = serde_json::from_str(&said).unwrap();
    made["token"].as_str().unwrap().to_owned()
}

#[test]
fn each_role_may_what_it_is_for_until_it_is_revoked() {
    let serving = Serving::start(&[]);
    let check = |token: &str, method: &str, path: &str, body: &str, status: u16| {
        let answer = serving.ask(method, path, body, &[("authorization", &format!("Bearer {token}"))]);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        if status >= 400 {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.json()["status"], status);
        }
    };
    check("wrong", "GET", "/v1/devices", "", 401);
    let (viewer, operator) = (token(&serving, "vi", "viewer"), token(&serving, "ops", "operator"));
    let approver = token(&serving, "app", "approver");
    for any in [&viewer, &operator, &approver] {
        check(any, "GET", "/v1/transactions", "", 200);
        check(any, "GET", "/v1/tokens", "", 403);
        check(any, "POST", "/v1/backup", r#"{"passphrase":"long enough"}"#, 403);
    }
    check(&viewer, "POST", "/v1/plans", "{}", 403);
    check(&approver, "POST", "/v1/plans", "{}", 403);
    check(&operator, "POST", "/v1/plans", "{}", 422);
    let said = serving.entente("token list").1;
    assert!(said.contains("ops") && !said.contains(&operator), "{said}");
    let store = std::fs::read(serving.path("state/store.db")).unwrap();
    let wal = std::fs::read(serving.path("state/store.db-wal")).unwrap_or_default();
    let secret = operator.as_bytes();
    assert!(
        ![store, wal].concat().windows(secret.len()).any(|it| it == secret),
        "only a digest is kept"
    );
    assert_eq!(serving.entente("token revoke ops").0, 0);
    check(&operator, "GET", "/v1/transactions", "", 401);
    assert_eq!(serving.entente("token revoke ops").0, 8);
    // Who an operator claims to be does not count: the audit chain has the token's name.
    let claims = [
        ("authorization", &*format!("Bearer {viewer}")),
        ("x-entente-user", "admin"),
    ];
    assert_eq!(serving.ask("POST", "/v1/plans", "{}", &claims).status, 403);
    let (code, said) = serving.entente("audit verify");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_is_asked_twice_is_done_once() {
    let serving = Serving::start(&[]);
    let intent = json!({ "class": "routing.static", "name": "a", "slots": { "device": "nowhere", "prefix": "10.0.0.0/8", "next-hop": "192.0.2.1" } });
    let ask = |key: &str, body: &str| serving.admin("POST", "/v1/plans", body, &[("idempotency-key", key)]);
    let first = ask("k1", &intent.to_string());
    assert_eq!(first.status, 422, "{}", first.body);
    let again = ask("k1", &intent.to_string());
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("content-type"), "application/problem+json");
    let other = ask("k1", "{}");
    assert_eq!((other.status, other.json()["code"].as_str()), (422, Some("reused")));
    assert_eq!(ask(&"k".repeat(200), "{}").status, 422);
    let secret = serving.admin(
        "POST",
        "/v1/tokens",
        r#"{"name":"a","role":"viewer"}"#,
        &[("idempotency-key", "k2")],
    );
    assert_eq!(secret.status, 422, "an answer with a secret is kept nowhere");
    // Only what is done again shows: with a new key the same plan is made anew.
    assert_eq!(ask("k3", &intent.to_string()).header("idempotency-replayed"), "");
}

#[test]
fn every_no_is_a_problem_and_lists_have_bounds() {
    let serving = Serving::start(&["r1", "r2", "r3", "r4", "r5"]);
    let check = |method: &str, path: &str, body: &str, status: u16, code: &str| {
        let answer = serving.admin(method, path, body, &[]);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{method} {path}"
        );
        assert_eq!(answer.json()["code"], code, "{}", answer.body);
        assert!(!answer.json()["title"].as_str().unwrap().is_empty());
    };
    check("GET", "/nowhere", "", 404, "missing");
    check("DELETE", "/v1/plans", "", 405, "method");
    check("GET", "/v1/transactions/none", "", 404, "missing");
    check("GET", "/v1/devices?limit=0", "", 422, "invalid");
    check("GET", "/v1/devices?limit=501", "", 422, "invalid");
    check("GET", "/v1/devices?limit=many", "", 400, "invalid");
    check("GET", "/v1/intents?after=x", "", 422, "invalid");
    check("POST", "/v1/plans", &"x".repeat(5 * 1024 * 1024), 413, "large");
    check("GET", "/v1/audit?limit=5000", "", 422, "invalid");
    let page = serving.admin("GET", "/v1/devices?limit=2", "", &[]);
    assert_eq!(page.json().as_array().unwrap().len(), 2);
    assert_eq!(page.header("link"), "</v1/devices?limit=2&after=r2>; rel=\"next\"");
    let rest = serving.admin("GET", "/v1/devices?limit=2&after=r4", "", &[]);
    assert_eq!((rest.json()[0]["name"].as_str(), rest.header("link")), (Some("r5"), ""));
    let said = serving.entente("device list --output json").1;
    assert_eq!(
        serde_json::from_str::<Value>(&said).unwrap().as_array().unwrap().len(),
        5,
        "{said}"
    );
}

/// Programs read what went wrong part by part: the description says where and how.
#[test]
fn faults_of_devices_are_described() {
    let serving = Serving::start(&[]);
    let api = serving.admin("GET", "/v1/openapi.json", "", &[]).json();
    let schemas = &api["components"]["schemas"];
    for of in ["TransactionView", "CaseView"] {
        let items = &schemas[of]["properties"]["faults"]["items"]["$ref"];
        assert_eq!(items, "#/components/schemas/DeviceFault", "{of}");
    }
    let described = schemas["DeviceFault"]["properties"].as_object().unwrap();
    for part in [
        "code",
        "step",
        "device",
        "protocol",
        "device_words",
        "retry",
        "detail",
        "paths",
    ] {
        assert!(described.contains_key(part), "{part}: {described:?}");
    }
    assert_eq!(serving.admin("GET", "/v1/transactions", "", &[]).json(), json!([]));
}

#[test]
fn what_is_logged_changes_while_it_runs() {
    let serving = Serving::start(&[]);
    let (code, said) = serving.entente("config log");
    assert!(code == 0 && said.contains("info"), "{said}");
    assert!(!serving.log().contains(" DEBUG "), "{}", serving.log());
    let (code, said) = serving.entente("config log info,entente=debug,sqlx=debug");
    assert_eq!(code, 0, "{said}");
    serving.entente("device list");
    serving.until("a line of debugging", || serving.log().contains("DEBUG").then_some(()));
    let (code, said) = serving.entente("config log info,=x=y");
    assert_eq!(code, 3, "{said}");
    assert!(
        serving.entente("config log").1.contains("entente=debug"),
        "a wrong filter changes nothing"
    );
}

#[test]
fn the_numbers_are_read_by_prometheus() {
    if !tests_real::wanted("rest::the_numbers_are_read_by_prometheus") {
        return;
    }
    let serving = Serving::start(&["r1", "r2"]);
    serving.entente("device list");
    let Answer { status, body, .. } = serving.admin("GET", "/metrics", "", &[]);
    assert_eq!(status, 200);
    let program = "import sys\nfrom prometheus_client.parser import text_string_to_metric_families as read\n\
        for family in read(sys.stdin.read()):\n    for it in family.samples: print(it.name, it.labels, it.value)";
    let read = serving::piped(
        std::process::Command::new(tests_real::python()).args(["-c", program]),
        &body,
    );
    tests_real::operations(tests_real::Part::PrometheusClient, 1);
    for expected in [
        "entente_devices {} 2",
        "entente_http_requests_total {'method': 'GET', 'status': '200'}",
        "entente_http_request_seconds_bucket",
    ] {
        assert!(read.contains(expected), "{expected} is missing in\n{read}");
    }
}

#[test]
fn off_loopback_it_is_tls_and_a_certificate_lets_in() {
    if !tests_real::wanted("rest::off_loopback_it_is_tls_and_a_certificate_lets_in") {
        return;
    }
    let serving = Serving::start_at("0.0.0.0", &["r1"]);
    let (code, said) = serving.entente("device list");
    assert!(
        code == 0 && said.contains("r1"),
        "the command line trusts its authority\n{said}"
    );
    let pem = serving.path("authority.pem").display().to_string();
    let der = serving.path("state/authority/authority.der").display().to_string();
    serving.run("openssl", &["x509", "-inform", "der", "-in", &der, "-out", &pem]);
    let url = format!("https://127.0.0.1:{}/v1/devices", serving.port());
    let curl = |more: &[&str]| {
        let line = [
            &["-s", "-o", "-", "-w", " %{http_code}", "--cacert", &pem],
            more,
            &[&url],
        ]
        .concat();
        tests_real::operations(tests_real::Part::Curl, 1);
        serving.run("curl", &line)
    };
    let old = ["-s", "--tls-max", "1.2", "--cacert", &pem, &url];
    let old = std::process::Command::new("curl").args(old).output().unwrap();
    assert_eq!(old.status.code(), Some(35), "TLS 1.2 is not spoken: {old:?}");
    assert!(curl(&[]).ends_with(" 401"), "nobody is let in for nothing");
    let (key, certificate) = ("amy.key", "amy.pem");
    let subject = ["-subj", "/CN=amy", "-keyout", key, "-out", certificate];
    serving.run(
        "openssl",
        &[
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "1",
            ],
            &subject[..],
        ]
        .concat(),
    );
    let shown = ["--cert", certificate, "--key", key];
    assert!(curl(&shown).ends_with(" 401"), "a certificate alone is nothing");
    let (code, said) = serving.entente("token create amy --role viewer --certificate amy.pem");
    assert_eq!(code, 0, "{said}");
    assert!(curl(&shown).ends_with(" 200"), "{}", serving.log());
    assert!(curl(&[&shown[..], &["-X", "POST", "-d", "{}"]].concat()).ends_with(" 403"));
    assert_eq!(serving.entente("token revoke amy").0, 0);
    assert!(curl(&shown).ends_with(" 401"), "it is shut out at once");
    let plain = serving.ask("GET", "/v1/health", "", &[]);
    assert_ne!(plain.status, 200, "no word without TLS");
}

#[test]
fn schemathesis_finds_no_server_error_and_no_undocumented_answer() {
    if !tests_real::wanted("rest::schemathesis_finds_no_server_error_and_no_undocumented_answer") {
        return;
    }
    let serving = Serving::start(&["r1", "r2"]);
    let token = std::fs::read_to_string(serving.path("state/token")).unwrap();
    let python = tests_real::python();
    let mut command = std::process::Command::new(python.with_file_name("schemathesis"));
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    command
        .args(["run", &format!("http://127.0.0.1:{}/v1/openapi.json", serving.port())])
        .args([
            "--header",
            &format!("Authorization: Bearer {token}"),
            "--checks",
            checks,
        ])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "8",
            "--workers",
            "2",
        ])
        .args(["--request-timeout", "20", "--seed", "7", "--no-color"])
        .args(["--exclude-path-regex", "(progress|events|watch)$"])
        .current_dir(serving.path("."));
    let output = command.output().expect("schemathesis is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", serving.log());
    let cases = said.lines().find_map(|line| {
        let (number, rest) = line.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        rest.starts_with("generated").then_some((number, line))
    });
    let (number, line) = cases.unwrap_or_else(|| panic!("it does not say how many cases it tried\n{said}"));
    assert!(said.contains("passed") || said.contains("No issues found"), "{said}");
    tests_real::operations(tests_real::Part::Schemathesis, number);
    println!("{line}");
}
