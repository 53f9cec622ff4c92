//! The configuration file and what it names.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use adapters_port::Secret;
use device_agent::config;
use device_agent::credential::{Source, SourceError};

const GOOD: &str = r#"
name: agent-1
state: state
controller:
  address: controller.example:7443
  enrolment: controller.example:7444
  fingerprint: "sha256:AB:AB:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab"
  token: { file: token }
commands: [/usr/bin/pass]
credentials:
  lab: { user: admin, password: { command: [/usr/bin/pass, show, lab] } }
secrets:
  bgp@1: { environment: BGP }
step-within: 30s
devices:
  - id: 01920000-0000-7000-8000-000000000001
    name: r1
    ways:
      - { protocol: netconf, address: "192.0.2.1:830", platform: yuma, credential: lab, trust-first-use: true }
      - { protocol: cli, address: "[2001:db8::1]:22", platform: frr, credential: lab }
"#;

fn faults(text: &str) -> Vec<String> {
    config::read(text, Path::new("/etc/entente"))
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_whole_file_is_read() {
    let config = config::read(GOOD, Path::new("/etc/entente")).unwrap();
    assert_eq!(config.state, Path::new("/etc/entente/state"));
    assert_eq!(config.controller.unwrap().fingerprint, "ab".repeat(32));
    assert_eq!(config.devices[0].ways.len(), 2);
    assert_eq!(config.step_within.as_secs(), 30);
}

#[test]
fn every_fault_is_named_with_its_line() {
    let bad = GOOD
        .replace("step-within: 30s", "step-wihtin: 30s")
        .replace("\"192.0.2.1:830\"", "r1.example")
        .replace("platform: frr, credential: lab", "platform: frr, credential: lba")
        .replace("commands: [/usr/bin/pass]", "commands: []");
    let found = faults(&bad).join("\n");
    for expected in [
        "unknown field `step-wihtin` (did you mean `step-within`?)",
        "not an address with a port",
        "`/usr/bin/pass` may not be asked",
    ] {
        assert!(found.contains(expected), "{expected} is not in\n{found}");
    }
    assert!(
        found
            .lines()
            .all(|line| line.split(':').take(2).all(|it| it.parse::<u32>().is_ok())),
        "{found}"
    );
    let bad = GOOD.replace("platform: frr, credential: lab", "platform: frr, credential: lba");
    assert_eq!(faults(&bad).len(), 1);
    assert!(faults(&bad)[0].contains("unknown credential `lba` (did you mean `lab`?)"));
}

#[test]
fn nothing_at_all_is_no_panic() {
    for text in [
        "",
        "[]",
        "name: 1",
        "devices: {}",
        "devices: [3]",
        "\u{0}",
        "a: &a [*a]",
    ] {
        assert!(!faults(text).is_empty(), "{text:?}");
    }
}

#[tokio::test]
async fn a_secret_in_a_file_that_others_may_read_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "hunter2\n").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    let error = Source::File(path.clone()).fetch().await.unwrap_err();
    assert!(matches!(error, SourceError::Open { mode: 0o640, .. }), "{error}");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(Source::File(path).fetch().await.unwrap(), Secret::new("hunter2"));
}

#[tokio::test]
async fn a_secret_comes_from_a_command_or_the_reason_why_not() {
    let command = |script: &str| Source::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec());
    assert_eq!(command("echo hunter2").fetch().await.unwrap(), Secret::new("hunter2"));
    assert!(matches!(
        command("echo hunter2; exit 3").fetch().await,
        Err(SourceError::NoAnswer(..))
    ));
    assert!(matches!(command("true").fetch().await, Err(SourceError::Unusable(_))));
    assert!(matches!(
        command("head -c 100000 /dev/zero").fetch().await,
        Err(SourceError::Unusable(_)) | Err(SourceError::NoAnswer(..))
    ));
    let absent = Source::Command(vec!["/nowhere/at/all".to_owned()]);
    assert!(matches!(absent.fetch().await, Err(SourceError::NotRun(..))));
}
