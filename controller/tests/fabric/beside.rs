//! A broker beside the controller, set up as docs/events.md says: openssl, one command, mosquitto.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tests_real::Child;

use super::crafted::Crafted;
use super::stage::{DEVICES, Stage};
use super::telling::{Mouth, QUICK};
use fabric_events::Severity;

fn ran(folder: &Path, line: &str) {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{line}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// mosquitto with the files of a folder, as they are.
fn mosquitto(folder: &Path) -> Child {
    let whole = folder.join("whole.conf");
    let written = std::fs::read_to_string(folder.join("mosquitto.conf")).unwrap();
    std::fs::write(&whole, format!("user root\nlog_type all\n{written}")).unwrap();
    let log = std::fs::File::create(folder.join("mosquitto.log")).unwrap();
    let mut command = Command::new(tests_real::program(&["mosquitto"]).expect("mosquitto is installed"));
    command.arg("-c").arg(whole).stdout(Stdio::null()).stderr(log);
    Child::start(&mut command).unwrap()
}

/// A foreign client with an agent's certificate, in the stage's folder.
fn client(stage: &Stage, program: &str, agent: &str, port: u16) -> Command {
    tests_real::operations(tests_real::Part::Mosquitto, 1);
    let mut command = Command::new(tests_real::program(&[program]).unwrap_or_else(|| panic!("{program} is installed")));
    command.current_dir(stage.path("."));
    command.args([
        "-V",
        "5",
        "-q",
        "1",
        "-h",
        "127.0.0.1",
        "--cafile",
        "ca.pem",
        "-p",
        &port.to_string(),
    ]);
    command.args(["--cert", &format!("{agent}.pem"), "--key", &format!("{agent}.key")]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_broker_beside_the_controller_is_set_up_by_one_command_and_holds_to_it() {
    if !tests_real::wanted("beside::a_broker_beside_the_controller_is_set_up_by_one_command_and_holds_to_it") {
        return;
    }
    fabric_identity::install_cryptography();
    let port = tests_real::free_port().unwrap();
    let address = format!("127.0.0.1:{port}");
    let stage = Stage::start(&[QUICK, &[("ENTENTE_EVENTS_BROKER", address.as_str())]].concat());
    let edge = Crafted::enrolled(&stage, "edge", &["pe1"]).await;
    let other = Crafted::enrolled(&stage, "other", &["pe2"]).await;
    other.write(&stage.path("."));
    edge.write(&stage.path("."));

    // The key is the broker's own; the controller sees the request alone.
    let folder = stage.path("broker");
    std::fs::create_dir(&folder).unwrap();
    ran(
        &folder,
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out broker.key",
    );
    ran(
        &folder,
        "openssl req -new -key broker.key -subj /CN=mosquitto -out broker.csr",
    );
    let write = format!(
        "event broker {0} --request {0}/broker.csr --address 127.0.0.1 --days 7 --port {port}",
        folder.display()
    );
    stage.ok(&write);
    ran(
        &folder,
        "openssl verify -x509_strict -CAfile authority.pem -purpose sslserver broker.pem",
    );
    assert_eq!(
        stage.entente(&write.replace("--days 7", "--days 400")).0,
        3,
        "that is too long"
    );
    assert_eq!(
        stage.entente("event broker here --request stage.rs").0,
        8,
        "there is no such file"
    );
    std::fs::write(stage.path("none.csr"), "no request").unwrap();
    assert_eq!(stage.entente("event broker here --request none.csr").0, 3);
    let mosquitto = mosquitto(&folder);

    let joined = edge.join(edge.hello(&["pe1"])).await.unwrap();
    assert_eq!(joined.welcome().events, address, "agents are told where");
    let (mouth, strange) = (Mouth::of(&stage, &edge, port), Mouth::of(&stage, &other, port));
    let heard = tests_real::until("an event over mosquitto", Duration::from_secs(60), || {
        let id = uuid::Uuid::now_v7().to_string();
        mouth.tell(&id, "link-fault", DEVICES[0].1, Severity::Error, json!({}));
        (stage.data("event count")["believed"].as_u64() > Some(0)).then_some(())
    });
    heard.unwrap_or_else(|error| panic!("{error}\n{}", stage.log()));
    assert_eq!(stage.data("event count")["broker"], Value::Null);

    // Two agents beside each other and the controller: each event is told once, and each is believed.
    let believed = || stage.data("event count")["believed"].as_u64().unwrap();
    let before = believed();
    for (mouth, device) in [(&mouth, DEVICES[0].1), (&strange, DEVICES[1].1)] {
        for _ in 0..100 {
            let id = uuid::Uuid::now_v7().to_string();
            mouth.tell(&id, "link-mended", device, Severity::Info, json!({}));
        }
    }
    let all = tests_real::until("all to be believed", Duration::from_secs(30), || {
        (believed() >= before + 200).then_some(())
    });
    let log = || std::fs::read_to_string(folder.join("mosquitto.log")).unwrap();
    all.unwrap_or_else(|error| panic!("{error}: {} of {}\n{}", believed(), before + 200, log()));
    for client in ["controller-ear", "controller-mouth", "edge-mouth", "other-mouth"] {
        assert!(
            log().contains(&format!("as {client} (")),
            "{client} is connected\n{}",
            log()
        );
    }
    assert!(!log().contains("session taken over"), "{}", log());

    // Who asks mosquitto for everything is sent what is about his own devices.
    let mut listening = client(&stage, "mosquitto_sub", "other", port);
    listening.args(["-t", "entente/v1/event/link-fault/#", "-F", "%t", "-C", "1", "-W", "40"]);
    let mut listening = listening.spawn().unwrap();
    let told = tests_real::until("the other to be sent something", Duration::from_secs(30), || {
        let id = || uuid::Uuid::now_v7().to_string();
        mouth.tell(&id(), "link-fault", DEVICES[0].1, Severity::Error, json!({}));
        strange.tell(&id(), "link-fault", DEVICES[1].1, Severity::Error, json!({}));
        listening.try_wait().unwrap()
    });
    assert!(told.unwrap().success());
    let output = listening.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        said.trim(),
        format!("entente/v1/event/link-fault/error/{}", DEVICES[1].1)
    );

    // Who is shut out comes in no more, once the broker has read what the command wrote again.
    let publish = |agent| {
        client(&stage, "mosquitto_pub", agent, port)
            .args(["-t", "entente/v1/event/agent-joined/info/_", "-m", "x"])
            .output()
            .unwrap()
    };
    assert!(publish("edge").status.success(), "the login is good");
    stage.ok("agent revoke edge");
    stage.ok(&format!("event broker {} --port {port}", folder.display()));
    ran(&folder, &format!("kill -HUP {}", mosquitto.id()));
    let shut_out = tests_real::until("edge to be shut out", Duration::from_secs(20), || {
        (!publish("edge").status.success()).then_some(())
    });
    shut_out.unwrap_or_else(|error| {
        panic!(
            "{error}\n{}",
            std::fs::read_to_string(folder.join("mosquitto.log")).unwrap()
        )
    });
    assert!(publish("other").status.success(), "and nobody else");

    // The broker's certificate is none of a controller: an agent that dials it as one turns away.
    let trust = fabric_identity::tls::Trust::Authority(other.own.authority.clone());
    let config = fabric_identity::tls::client(Some((&other.own, other.key.serialized_der())), trust, None).unwrap();
    let dialled = fabric_identity::est::dial(&address, std::sync::Arc::new(config)).await;
    let error = dialled.expect_err("a broker is no controller").to_string();
    assert!(error.contains("OtherRole(Broker)"), "{error}");
}
