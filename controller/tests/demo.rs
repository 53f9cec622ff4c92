//! The programs as a user starts them: a controller, agents and simulated devices, one commit and one rollback.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn entente(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .env_remove("ENTENTE_CONFIG");
    command.output().expect("entente starts")
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Other packages' programs are built beside ours only when the whole workspace is.
fn siblings() -> bool {
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_entente"));
    ["entente-agent", "entente-lab"]
        .iter()
        .all(|name| own.with_file_name(name).is_file())
}

#[test]
fn an_intent_is_committed_everywhere_and_another_nowhere() {
    assert!(siblings(), "build the whole workspace first: cargo test --workspace");
    let output = entente(&["demo", "--once"], &[]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    for expected in [
        "on 12 devices",
        "r1   NETCONF            confirmed",
        "r7   CLI of frr         plain",
        "r8   CLI of huawei_vrp  confirmed",
        "r11  NETCONF, CLI of frr confirmed",
        "<description>uplink to the core</description>",
        "r7 will be sent:",
        "rolled back",
        "refused on command",
        "still says",
    ] {
        assert!(said.contains(expected), "{expected:?} is missing in\n{said}");
    }
}

#[test]
fn what_cannot_be_has_an_exit_code_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let broken = folder.path().join("broken.yaml");
    std::fs::write(&broken, "version: 1\ndevices:\n  - nmae: r1\n").unwrap();
    let broken = broken.display().to_string();
    let quiet = [("ENTENTE_STATE", state.as_str()), ("ENTENTE_LISTEN", "127.0.0.1:1")];
    check(&["device", "list"], &quiet, 7, "no token");
    check(
        &["device", "list"],
        &[("ENTENTE_TOKEN", "x"), quiet[0], quiet[1]],
        6,
        "does not answer",
    );
    check(
        &["inventory", "check", &broken],
        &[],
        3,
        "3:5: unknown field `nmae` (did you mean `name`?)",
    );
    check(&["inventory", "check", "/nowhere"], &[], 8, "no file /nowhere");
    check(&["serve", "--inventory", &broken], &quiet, 3, "broken.yaml");
    check(
        &["serve", "--listen", "here"],
        &quiet[..1],
        3,
        "expected an address with a port",
    );
    check(
        &["serve", "--state", "/proc/entente"],
        &[],
        11,
        "cannot use the state directory",
    );
    check(&["bogus"], &[], 2, "unrecognized subcommand");
}

#[test]
fn a_busy_port_and_a_locked_state_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = folder.path().join("inventory.yaml").display().to_string();
    std::fs::write(&inventory, "version: 1\ndevices: []\n").unwrap();
    let state = folder.path().join("state").display().to_string();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let environment = [
        ("ENTENTE_STATE", state.as_str()),
        ("ENTENTE_INVENTORY", inventory.as_str()),
        ("ENTENTE_LISTEN", address.as_str()),
    ];
    check(&["serve"], &environment, 10, "is in use");
}

#[test]
fn two_configurations_are_compared_entry_by_entry() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, mtu: u32| {
        let path = folder.path().join(name).display().to_string();
        let json = format!(r#"{{"entente-interfaces:interface":[{{"name":"eth1","mtu":{mtu}}}]}}"#);
        std::fs::write(&path, json).unwrap();
        path
    };
    let (before, after) = (file("a.json", 1500), file("b.json", 9000));
    let output = entente(&["config", "diff", &before, &after, "--output", "json"], &[]);
    let rows: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    assert_eq!(
        rows,
        serde_json::json!([{ "path": "interface[eth1]/mtu", "before": "1500", "after": "9000" }])
    );
    let same = entente(&["config", "diff", &before, &before], &[]);
    assert!(said(&same).contains("no difference"));
}

#[test]
fn a_lab_becomes_an_inventory_and_its_passwords_stay_outside() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let lab = folder.path().join("clab-small");
    std::fs::create_dir(&lab).unwrap();
    let node = |name: &str, address: &str| {
        format!(
            r#""{name}":{{"shortname":"{name}","longname":"clab-small-{name}","kind":"nokia_srlinux","mgmt-ipv4-address":"{address}","labels":{{"entente-platforms":"ietf"}}}}"#
        )
    };
    let topology = format!(
        r#"{{"name":"small","type":"clab","nodes":{{{},{}}},"links":[{{"endpoints":{{"a":{{"node":"s1","interface":"e1-1"}},"z":{{"node":"s2","interface":"e1-1"}}}}}}]}}"#,
        node("s1", "172.20.20.2"),
        node("s2", "172.20.20.3")
    );
    std::fs::write(lab.join("topology-data.json"), topology).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (lab, inventory, credentials) = (lab.display().to_string(), at("inventory.yaml"), at("credentials"));
    let line = [
        "inventory",
        "import",
        "clab",
        &lab,
        "--inventory",
        &inventory,
        "--credentials",
        &credentials,
    ];
    check(&line, &[], 0, "names 2 devices");
    check(&["inventory", "check", &inventory], &[], 0, "2 devices");
    check(&line, &[], 9, "is there already");
    let first = std::fs::read_to_string(&inventory).unwrap();
    assert!(!first.contains("NokiaSrl1!"), "{first}");
    let kept: Vec<_> = std::fs::read_dir(&credentials)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!kept.is_empty());
    for file in kept {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "NokiaSrl1!");
    }
    check(&[&line[..], &["--update"]].concat(), &[], 0, "names 2 devices");
    assert_eq!(
        std::fs::read_to_string(&inventory).unwrap(),
        first,
        "devices keep their ids"
    );
}

fn check(arguments: &[&str], environment: &[(&str, &str)], code: i32, expected: &str) {
    let output = entente(arguments, environment);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?} said\n{said}");
    assert!(
        said.contains(expected),
        "{arguments:?}: {expected:?} is missing in\n{said}"
    );
}
