//! What the program says when it does not start, and how it ends then.

use std::process::{Command, Output};

use crate::program::{Program, R1};

fn config(state: &str, more: &str, device: &str) -> String {
    format!(
        "name: agent-1\nstate: {state}\ncredentials:\n  lab: {{ user: admin, password: {{ environment: NO_SUCH }} }}\n{more}\
         devices:\n  - id: {R1}\n    name: r1\n    ways:\n      - {device}\n"
    )
}

const DEVICE: &str = "{ protocol: netconf, address: \"127.0.0.1:1\", platform: ietf, credential: lab }";

fn ended(program: &Program, verb: &str, text: &str) -> (Option<i32>, String) {
    program.write_config(text);
    let Output { status, stderr, .. } = program.command(verb).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn help_names_every_exit_status() {
    let output = Command::new(env!("CARGO_BIN_EXE_entente-agent"))
        .arg("--help")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for status in ["  0 ", "  2 ", "  3 ", "  4 ", "  5 ", "  6 ", "  74 "] {
        assert!(said.contains(status), "{said}");
    }
    let wrong = Command::new(env!("CARGO_BIN_EXE_entente-agent"))
        .arg("serve")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_wrong_configuration_is_named_with_file_and_line() {
    let program = Program::new();
    let (code, said) = ended(&program, "run", &config("state", "drian-within: 3s\n", DEVICE));
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("agent.yaml:5:") && said.contains("did you mean `drain-within`?"),
        "{said}"
    );
    let other = DEVICE.replace("ietf", "vrp");
    let (code, said) = ended(&program, "run", &config("state", "", &other));
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("no platform vrp over NETCONF; this build has ietf"),
        "{said}"
    );
    let gone = Command::new(env!("CARGO_BIN_EXE_entente-agent"))
        .args(["run", "--config", "/nowhere/agent.yaml"])
        .output()
        .unwrap();
    assert_eq!(gone.status.code(), Some(3));
}

#[test]
fn a_command_line_is_served_where_a_platform_drives_it() {
    let program = Program::new();
    let over = |platform: &str| {
        let device = DEVICE.replace("netconf", "cli").replace("ietf", platform);
        ended(&program, "check", &config("state", "", &device))
    };
    let (code, said) = over("ietf");
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("no platform ietf over CLI; this build has cisco_ios, frr, huawei_vrp, linux, yangcli"),
        "{said}"
    );
    for platform in ["frr", "huawei_vrp", "linux", "yangcli"] {
        let (code, said) = over(platform);
        assert_eq!(code, Some(5), "only its secret is missing: {said}");
    }
}

#[test]
fn a_state_directory_in_use_or_out_of_reach_is_named() {
    let program = Program::new();
    let records = program.path("state/records");
    let held = device_agent::ledger::Ledger::open(&records, Default::default()).unwrap();
    let (code, said) = ended(&program, "run", &config("state", "", DEVICE));
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("held by another process"), "{said}");
    drop(held);
    std::fs::write(program.path("file"), "").unwrap();
    let (code, said) = ended(&program, "run", &config("file/state", "", DEVICE));
    assert_eq!(code, Some(4), "{said}");
}

#[test]
fn a_secret_that_cannot_be_had_is_named() {
    let program = Program::new();
    let (code, said) = ended(&program, "check", &config("state", "", DEVICE));
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("environment variable NO_SUCH is not set"), "{said}");
}

#[test]
fn an_authority_that_is_not_there_is_named() {
    let program = Program::new();
    program.secret("token", "word");
    let controller = format!(
        "controller: {{ address: \"127.0.0.1:1\", enrolment: \"127.0.0.1:1\", fingerprint: {}, token: {{ file: token }} }}\n",
        "ab".repeat(32)
    );
    let (code, said) = ended(&program, "run", &config("state", &controller, DEVICE));
    assert_eq!(code, Some(6), "{said}");
    assert!(
        said.contains("no certificate from the authority at 127.0.0.1:1"),
        "{said}"
    );
}
