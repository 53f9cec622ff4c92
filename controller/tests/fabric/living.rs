//! Real agents with simulated devices: who is shut out in the middle of a transaction leaves nothing behind, and
//! certificates are renewed before they run out, on both sides.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests_real::Child;

use super::stage::Stage;

const PASSWORD: &str = "entente-test";

/// Simulated devices.
struct Lab {
    devices: Vec<(String, String, String)>,
    control: String,
    _part: Child,
}

fn sibling(name: &str) -> std::path::PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_entente")).with_file_name(name);
    assert!(
        path.is_file(),
        "build the whole workspace first: cargo test --workspace"
    );
    path
}

impl Lab {
    fn start(count: usize) -> Self {
        let mut command = Command::new(sibling("entente-lab"));
        command.args([
            "devices",
            "--count",
            &count.to_string(),
            "--name",
            "r",
            "--user",
            "admin",
        ]);
        command.env("ENTENTE_LAB_PASSWORD", PASSWORD).stdout(Stdio::piped());
        let mut part = Child::start(&mut command).unwrap();
        let out = part.process().stdout.take().unwrap();
        let mut devices = Vec::new();
        for (number, line) in BufReader::new(out).lines().enumerate() {
            let card: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if let Some(control) = card["control"].as_str() {
                let control = control.to_owned();
                return Self {
                    devices,
                    control,
                    _part: part,
                };
            }
            let id = format!("01930000-0000-7000-8000-00000000010{number}");
            let address = format!("{}:{}", card["address"].as_str().unwrap(), card["netconf_port"]);
            devices.push((card["name"].as_str().unwrap().to_owned(), id, address));
        }
        panic!("entente-lab has ended")
    }

    fn inventory(&self) -> String {
        let device = |(name, id, address): &(String, String, String)| {
            let (address, port) = address.rsplit_once(':').unwrap();
            format!(
                "  - id: {id}\n    name: {name}\n    address: {address}\n    platforms: [ietf]\n    protocols: [{{ name: netconf, port: {port} }}]\n"
            )
        };
        format!(
            "version: 1\ndevices:\n{}",
            self.devices.iter().map(device).collect::<String>()
        )
    }

    fn curl(&self, path: &str, body: Option<&str>) -> String {
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail-with-body", &format!("{}{path}", self.control)]);
        if let Some(body) = body {
            command.args(["-H", "content-type: application/json", "-d", body]);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{path}: {said}");
        said
    }

    fn says(&self, device: usize, text: &str) -> bool {
        self.curl(&format!("/devices/{}/config/running", self.devices[device].0), None)
            .contains(text)
    }

    fn until(&self, what: &str, stage: &Stage, holds: impl Fn(&Self) -> bool) {
        let waited = tests_real::until(what, Duration::from_secs(60), || holds(self).then_some(()));
        waited.unwrap_or_else(|error| panic!("{error}\n{}", stage.log()));
    }
}

/// A real agent for one device.
fn agent(stage: &Stage, lab: &Lab, name: &str, device: usize) -> Child {
    let (device, id, address) = &lab.devices[device];
    let invitation = stage.data(&format!("agent invite {name} --device {device}"));
    let text = |field: &str| invitation[field].as_str().unwrap().to_owned();
    let home = stage.path(name);
    std::fs::create_dir(&home).unwrap();
    for (file, secret) in [("token", text("token")), ("password", PASSWORD.to_owned())] {
        std::fs::write(home.join(file), secret).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(home.join(file), mode).unwrap();
    }
    let config = format!(
        "name: {name}\nstate: state\nlook-every: 1s\ncontroller:\n  address: {}\n  enrolment: {}\n  fingerprint: {}\n  token: {{ file: token }}\n\
         credentials:\n  admin: {{ user: admin, password: {{ file: password }} }}\n\
         devices:\n  - id: {id}\n    name: {device}\n    ways: [{{ protocol: netconf, platform: ietf, address: '{address}', credential: admin, trust-first-use: true }}]\n",
        text("address"),
        text("enrolment"),
        text("fingerprint")
    );
    std::fs::write(home.join("agent.yaml"), config).unwrap();
    let log = std::fs::File::create(stage.path(&format!("{name}.log"))).unwrap();
    let mut command = Command::new(sibling("entente-agent"));
    command.args(["run", "--config"]).arg(home.join("agent.yaml"));
    Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log)).unwrap()
}

fn describe(stage: &Stage, lab: &Lab, text: &str) {
    let names: Vec<&str> = lab.devices.iter().map(|it| it.0.as_str()).collect();
    let intent = format!(
        "class: interface.set\nname: uplinks\ngate: none\nslots: {{ device: [{}], interface: eth1, description: {text} }}\n",
        names.join(", ")
    );
    std::fs::write(stage.path("intent.yaml"), intent).unwrap();
}

#[test]
fn an_agent_that_is_revoked_between_apply_and_decision_leaves_its_device_reverted() {
    let lab = Lab::start(2);
    let terms = [
        ("ENTENTE_TERMS_LEASE", "6s"),
        ("ENTENTE_TERMS_IN_DOUBT", "3s"),
        ("ENTENTE_TERMS_APPLY", "20s"),
        ("ENTENTE_TERMS_REPAIR", "12s"),
    ];
    let inventory = lab.inventory();
    let stage = Stage::prepared(&terms, |folder| {
        std::fs::write(folder.join("inventory.yaml"), &inventory).unwrap()
    });
    let _agents = [agent(&stage, &lab, "east", 0), agent(&stage, &lab, "west", 1)];
    stage.until("both to join", "agent list --presence online", |it| {
        it.contains("east") && it.contains("west")
    });

    // The second device takes its time, so that the first has applied and nothing is decided.
    let slow = r#"{"fault":"delay","millis":9000,"operation":"commit"}"#;
    lab.curl(&format!("/devices/{}/faults", lab.devices[1].0), Some(slow));
    describe(&stage, &lab, "uplink");
    let plan = stage.data("plan -f intent.yaml");
    let transaction = stage.data(&format!("commit {} --detach", plan["id"].as_str().unwrap()));
    let show = format!("transaction show {}", transaction["id"].as_str().unwrap());
    lab.until("the first device to have applied", &stage, |lab| lab.says(0, "uplink"));
    assert_eq!(stage.data(&show)["state"], "running");
    stage.ok("agent revoke east --reason key-compromise");
    let gone = tests_real::until("east to be shut out", Duration::from_secs(5), || {
        stage
            .listed("--presence offline")
            .iter()
            .any(|it| it.0 == "east")
            .then_some(())
    });
    gone.expect("within five seconds");

    lab.until("the first device to be as before", &stage, |lab| !lab.says(0, "uplink"));
    stage.until("the transaction to end", &show, |said| !said.contains("running"));
    let ended = stage.data(&show);
    let named = ended["reason"].as_str().unwrap().contains(&lab.devices[0].0);
    assert!(
        ended["state"] == "rolled-back" || (ended["state"] == "torn" && named),
        "{ended}"
    );
    assert!(
        !lab.says(0, "uplink") && !lab.says(1, "uplink"),
        "{ended}\n{}",
        stage.log()
    );
    stage.ok("audit verify");
}

#[test]
fn certificates_of_agents_and_controller_are_renewed_before_they_run_out() {
    let lab = Lab::start(1);
    let inventory = lab.inventory();
    let short = [("ENTENTE_AGENTS_CERTIFICATE", "6s"), ("ENTENTE_AGENTS_GRACE", "5s")];
    let stage = Stage::prepared(&short, |folder| {
        std::fs::write(folder.join("inventory.yaml"), &inventory).unwrap()
    });
    let _agent = agent(&stage, &lab, "east", 0);
    stage.until("east to join", "agent list --presence online", |it| it.contains("east"));
    let serials = || {
        let shown = stage.data("agent show east");
        shown["certificates"].as_array().unwrap().len()
    };
    // Several lives of a certificate later it still is here, and what it is asked is done.
    let renewed = tests_real::until("three renewals", Duration::from_secs(60), || {
        (serials() >= 4).then_some(())
    });
    renewed.unwrap_or_else(|error| panic!("{error}\n{}", std::fs::read_to_string(stage.path("east.log")).unwrap()));
    assert_eq!(stage.data("agent show east")["standing"], "valid");
    stage.until("east to be here", "agent list --presence online", |it| {
        it.contains("east")
    });
    describe(&stage, &lab, "renewed");
    let done = tests_real::until("a commit between two renewals", Duration::from_secs(30), || {
        (stage.entente("commit -f intent.yaml").0 == 0).then_some(())
    });
    done.unwrap_or_else(|error| panic!("{error}\n{}", stage.log()));
    assert!(lab.says(0, "renewed"));
    let tail = format!(
        "event tail --since 0 --count 1 --type task-completed --object {} --output json",
        lab.devices[0].0
    );
    let told = stage.ok(&tail);
    assert!(told.contains("confirmed"), "the agent tells it, signed: {told}");
}
