//! Classes of the user's own, read anew while the controller runs; plans without a controller, and what becomes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod stage;

use std::path::Path;
use std::process::{Child, Command, Output};
use std::time::Duration;

use stage::Stage;

const ID: &str = "0193a5b0-0000-7000-8000-000000000001";

fn own_class(version: u32) -> String {
    format!(
        "class: house.banner\nversion: {version}\ntitle: {{ en: Banner, zh: 提示 }}\ndescription: {{ en: A banner., zh: 提示。 }}\n\
         scenario: {{ en: Everywhere., zh: 各处。 }}\nrisk: low\nslots:\n  text: {{ type: text, required: true, description: What it says. }}\n\
         configures:\n  - {{ at: system/banner, value: '{{text}}' }}\n"
    )
}

/// A controller without agents.
struct Served {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("classes")).unwrap();
        let inventory = format!(
            "version: 1\ndevices:\n  - {{id: {ID}, name: r1, address: 192.0.2.1, platforms: [cisco_ios], protocols: [cli]}}\n"
        );
        std::fs::write(at("inventory.yaml"), inventory).unwrap();
        let port = tests_real::free_port().unwrap();
        let child = command(folder.path(), port)
            .arg("serve")
            .stderr(std::fs::File::create(at("log")).unwrap())
            .spawn()
            .unwrap();
        let served = Self { child, folder, port };
        served.until("it serves", || served.run("class list").0 == 0);
        served
    }

    fn run(&self, line: &str) -> (i32, String) {
        let mut command = command(self.folder.path(), self.port);
        said(command.args(line.split_whitespace()).output().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn until(&self, what: &str, is: impl Fn() -> bool) {
        tests_real::until(what, Duration::from_secs(20), || is().then_some(())).unwrap_or_else(|error| {
            panic!(
                "{error}\n{}",
                std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
            )
        });
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
    command
        .current_dir(folder)
        .env_remove("ENTENTE_CONFIG")
        .env("ENTENTE_STATE", folder.join("state"))
        .env("ENTENTE_INVENTORY", folder.join("inventory.yaml"))
        .env("ENTENTE_CLASSES", folder.join("classes"))
        .env("ENTENTE_LISTEN", format!("127.0.0.1:{port}"))
        .env("ENTENTE_AGENTS_LISTEN", "127.0.0.1:0")
        .env("ENTENTE_AGENTS_ENROLMENT", "127.0.0.1:0");
    command
}

fn said(output: Output) -> (i32, String) {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn classes_are_read_anew_and_old_ones_stay_where_new_ones_are_wrong() {
    let served = Served::start();
    assert!(!served.run("class list").1.contains("house.banner"));
    served.write("classes/banner.yaml", &own_class(3));
    let hangup = Command::new("kill")
        .args(["-HUP", &served.child.id().to_string()])
        .status();
    assert!(hangup.unwrap().success());
    served.until("the class to be known", || {
        served.run("class list").1.contains("house.banner")
    });

    served.write("classes/banner.yaml", &own_class(4).replace("{text}", "{txt}"));
    let (code, said) = served.run("class reload");
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("classes/banner.yaml:10:5: no slot is named \"txt\""),
        "file, line and column\n{said}"
    );
    let (code, said) = served.run("class check classes");
    assert_eq!(code, 3, "{said}");
    let (_, said) = served.run("class list --output json");
    let library: serde_json::Value = serde_json::from_str(&said).unwrap();
    let banner = library
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "house.banner")
        .unwrap();
    assert_eq!(banner["version"], 3, "the old one stays");

    served.write("classes/banner.yaml", &own_class(4));
    let (code, said) = served.run("class reload");
    assert_eq!(code, 0, "{said}");
    let (_, said) = served.run("class show house.banner");
    assert!(said.contains("What it says."), "{said}");
    let (code, said) = served.run("audit verify");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_plan_needs_no_controller_but_what_it_once_read() {
    let served = Served::start();
    served.write(
        "intent.yaml",
        "class: interface.set\nname: up\nslots: { interface: 'r1:eth1', mtu: 9000 }\n",
    );
    let offline = "plan -f intent.yaml --offline";
    let (code, said) = served.run(offline);
    assert_eq!(code, 8, "{said}");
    assert!(said.contains("does not say what r1 holds"), "{said}");

    std::fs::create_dir(served.folder.path().join("state/configurations")).unwrap();
    let held = r#"[{"path": "interface[eth1]"}, {"path": "interface[eth1]/description", "value": "uplink"}]"#;
    served.write(&format!("state/configurations/{ID}.json"), held);
    let (code, said) = served.run(offline);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("+ interface[eth1]/mtu: absent → 9000") && said.contains("ip mtu 9000"),
        "{said}"
    );

    served.write("known.json", &format!("{{\"r1\": {held}}}"));
    let (code, said) = served.run(&format!("{offline} --state known.json --inventory inventory.yaml"));
    assert_eq!(code, 0, "{said}");
    let (code, said) = served.run(&format!("{offline} --state nowhere"));
    assert_eq!(code, 8, "{said}");
    served.write("access.yaml", "intents:\n  - {class: access.control, name: open, slots: {action: allow, protocol: tcp, where: ['r1:eth1']}}\n  - {class: access.control, name: shut, slots: {action: deny, protocol: tcp, ports: [22], where: ['r1:eth1']}}\n");
    let (code, said) = served.run("plan -f access.yaml --offline --state known.json");
    assert_eq!(code, 9, "{said}");
    assert!(
        said.contains("shut (access.control") && said.contains("open (access.control") && said.contains("(shadowing)"),
        "{said}"
    );
    served.write(
        "one.yaml",
        "{class: access.control, name: shut, slots: {action: deny, protocol: tcp, ports: [22], where: ['r1:eth1']}}\n",
    );
    let (code, said) = served.run("plan -f one.yaml --offline --state known.json");
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("deny tcp any any eq 22"),
        "the list in the device's own words\n{said}"
    );
    served.write(
        "rate.yaml",
        "{class: qos.rate, slots: {max: 10M, interface: 'r1:eth1'}}\n",
    );
    let (code, said) = served.run("plan -f rate.yaml --offline --state known.json");
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("cisco_ios cannot say interface[eth1]/rate-limit"),
        "{said}"
    );
    served.write(
        "later.yaml",
        "{class: interface.set, slots: {interface: 'r1:eth1', mtu: 9000}, schedule: {from: '22:00', to: '06:00'}}\n",
    );
    let (code, said) = served.run("plan -f later.yaml --offline --state known.json");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("does not carry out `schedule` yet"), "{said}");
}

#[test]
fn a_change_that_the_model_forbids_is_refused_and_what_was_wrong_before_is_not_held_against_it() {
    let served = Served::start();
    served.write(
        "known.json",
        r#"{"r1": [{"path": "interface[eth1]"}, {"path": "interface[eth1]/address[2001:db8::2/64]"}]}"#,
    );
    let small = "class: interface.set\nname: small\nslots: { interface: 'r1:eth1', mtu: 600 }\n";
    served.write("small.yaml", small);
    let (code, said) = served.run("plan -f small.yaml --offline --state known.json");
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("r1: interface[eth1]/mtu: found \"600\", expected at least 1280 beside an IPv6 address"),
        "{said}"
    );
    // The device has it so already: another change is none of its faults.
    served.write("known.json", r#"{"r1": [{"path": "interface[eth1]"}, {"path": "interface[eth1]/address[2001:db8::2/64]"}, {"path": "interface[eth1]/mtu", "value": "600"}]}"#);
    served.write(
        "named.yaml",
        "class: interface.set\nname: named\nslots: { interface: 'r1:eth1', description: uplink }\n",
    );
    let (code, said) = served.run("plan -f named.yaml --offline --state known.json");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn files_that_are_no_configuration_are_refused_with_every_reason() {
    let served = Served::start();
    served.write("good.json", r#"{"entente-interfaces:interface":[{"name":"eth1"}]}"#);
    for (bad, expected) in [
        (
            r#"{"entente-interfaces:interface":[{"name":"eth1","access-list-in":"nope"}]}"#,
            "\"nope\"",
        ),
        (
            r#"{"entente-interfaces:interface":[{"name":"eth1","oper-status":"up"}]}"#,
            "oper-status",
        ),
    ] {
        served.write("bad.json", bad);
        let (code, said) = served.run("config diff good.json bad.json");
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(expected), "{said}");
    }
    std::fs::write(served.folder.path().join("bad.json"), b"{\n \"a\": \"\xff\"}").unwrap();
    let (code, said) = served.run("plan -f bad.json --offline");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("bad.json:2: not UTF-8 at byte 10"), "{said}");
    let (code, said) = served.run("config diff good.json /dev/zero");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("longer than 128 MiB"), "{said}");
    let (code, said) = served.run("inventory check .");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("is a folder"), "{said}");
}

#[test]
fn a_carried_plan_is_committed_unless_the_network_moved_on() {
    let stage = Stage::start();
    let (code, known) = stage.run("device get r1 --output json");
    assert_eq!(code, 0, "{known}");
    stage.write("known.json", &format!("{{\"r1\": {known}}}"));
    let inventory = format!(
        "version: 1\ndevices:\n  - {{id: {ID}, name: r1, address: 192.0.2.1, platforms: [ietf], protocols: [netconf]}}\n"
    );
    stage.write("inventory.yaml", &inventory);
    let intent = |name: &str, text: &str| {
        format!(
            "class: interface.set\nname: {name}\npriority: 300\nslots: {{ interface: 'r1:eth1', description: {text} }}\n"
        )
    };
    stage.write("first.yaml", &intent("first", "one"));
    let offline = "--offline --inventory inventory.yaml --state known.json";
    let (code, said) = stage.run(&format!("plan -f first.yaml {offline} --save first.json"));
    assert_eq!(code, 0, "{said}");
    stage.write("second.yaml", &intent("first", "two"));
    let (code, said) = stage.run(&format!("plan -f second.yaml {offline} --save second.json"));
    assert_eq!(code, 0, "{said}");

    let (code, said) = stage.run("commit first.json");
    assert_eq!(code, 0, "{said}");
    let (code, said) = stage.run("commit second.json");
    assert_eq!(code, 9, "the network moved on\n{said}");
    assert!(
        said.contains("plan again") && said.contains("r1: interface[eth1]/description was"),
        "{said}"
    );
    let saved = std::fs::read_to_string(stage.path().join("second.json")).unwrap();
    stage.write("forged.json", &saved.replace("two", "three"));
    let (code, said) = stage.run("commit forged.json");
    assert_eq!(code, 9, "{said}");
    assert!(said.contains("another hash"), "{said}");

    questions(&stage);
}

/// What the controller answers, and what it says that it does not do yet.
fn questions(stage: &Stage) {
    let ask = |text: &str, code: i32, expected: &str| {
        stage.write("question.yaml", text);
        let (found, said) = stage.run("ask -f question.yaml");
        assert_eq!(found, code, "{text}\n{said}");
        assert!(said.contains(expected), "{expected:?} is missing for\n{text}\n{said}");
    };
    let about =
        |operation: &str, more: &str| format!("class: intent.lifecycle\nslots: {{ operation: {operation}{more} }}\n");
    ask(&about("list", ", filter: interface.set"), 0, "first");
    ask(&about("status", ", intent: first"), 0, "active");
    ask(&about("explain", ", intent: first"), 0, "interface[eth1]/description");
    ask(
        &about(
            "probe",
            ", proposal: {class: interface.set, slots: {interface: 'r1:eth1', mtu: 1400}}",
        ),
        0,
        "→ 1400",
    );
    ask(
        &about("modify", ", intent: first, changes: {description: changed}"),
        0,
        "one → changed",
    );
    ask(&about("withdraw", ", intent: first"), 0, "one → ");
    ask(
        &about("suspend", ", intent: first"),
        1,
        "does not do that yet: suspend of an intent",
    );
    ask(
        "class: config.lifecycle\nslots: { operation: compare, target: r1 }\n",
        0,
        "everything is as intents want it",
    );
    ask(
        "class: config.lifecycle\nslots: { operation: backup, target: r1 }\n",
        1,
        "does not do that yet: backup",
    );
    ask("class: monitor.query\nslots: { metric: routes, scope: r1 }\n", 0, "r1");
    ask(
        "class: monitor.query\nslots: { metric: top-talkers }\n",
        1,
        "nobody measures top-talkers",
    );
    ask(
        "class: monitor.watch\nslots: { metric: loss }\n",
        1,
        "nobody watches loss",
    );
    ask(
        "class: diagnose\nslots: { symptom: slow, src: r1, dst: r2 }\n",
        1,
        "nobody finds the cause of slow",
    );
    ask(
        "class: interface.set\nslots: { interface: 'r1:eth1', mtu: 1400 }\n",
        1,
        "plan it with `entente plan`",
    );
}
