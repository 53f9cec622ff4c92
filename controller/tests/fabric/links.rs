//! Links: each fault is told by the agent beside the device, heard by those whose device it is, and looked into.

use std::process::{Child, Command, Stdio};

use fabric_events::Severity;
use serde_json::{Value, json};

use super::crafted::Crafted;
use super::lab::{Lab, agent};
use super::stage::Stage;
use super::telling::Mouth;

const TERMS: &[(&str, &str)] = &[("ENTENTE_TERMS_LEASE", "20s")];

/// mosquitto's own client with the certificate of `ear`, at the port of the streams.
fn listen(stage: &Stage, filter: &str) -> Child {
    tests_real::operations(tests_real::Part::Mosquitto, 1);
    let mut command = Command::new(tests_real::program(&["mosquitto_sub"]).expect("mosquitto_sub is installed"));
    command.current_dir(stage.path("."));
    command.args([
        "-V",
        "5",
        "-q",
        "1",
        "-h",
        "127.0.0.1",
        "-p",
        &stage.ports[1].to_string(),
        "--tls-alpn",
        "mqtt",
    ]);
    command.args([
        "--cafile",
        "ca.pem",
        "--cert",
        "ear.pem",
        "--key",
        "ear.key",
        "--insecure",
    ]);
    command.args(["-t", filter, "-F", "%t %p", "-C", "1", "-W", "60"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn said(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::too_many_lines, reason = "the life of two links, told in order")]
async fn a_fault_of_a_link_is_told_to_whom_it_concerns_and_its_device_is_checked_for_drift() {
    if !tests_real::wanted("links::a_fault_of_a_link_is_told_to_whom_it_concerns_and_its_device_is_checked_for_drift") {
        return;
    }
    fabric_identity::install_cryptography();
    let lab = Lab::start(2);
    let inventory = lab.inventory();
    let stage = Stage::prepared(TERMS, |folder| {
        std::fs::write(folder.join("inventory.yaml"), &inventory).unwrap();
    });
    let _agents = [agent(&stage, &lab, "east", 0), agent(&stage, &lab, "west", 1)];
    let names = [lab.devices[0].0.as_str(), lab.devices[1].0.as_str()];
    stage.until("both to join", "agent list --presence online", |it| {
        it.contains("east") && it.contains("west")
    });
    let intent = format!(
        "class: interface.set\nname: uplinks\ngate: none\nslots: {{ device: [{}, {}], interface: eth1, description: uplink }}\n",
        names[0], names[1]
    );
    std::fs::write(stage.path("intent.yaml"), intent).unwrap();
    stage.ok("commit -f intent.yaml");
    let ear = Crafted::enrolled(&stage, "ear", &[names[0]]).await;
    ear.write(&stage.path("."));

    // Each agent has looked at its links, so that a change is one. Meanwhile an operator watches the second device.
    let looks = |device| lab.count(device, "get");
    let (first, second) = (looks(0), looks(1));
    lab.until("both to be looked at", &stage, |_| {
        looks(0) > first + 2 && looks(1) > second + 2
    });
    let mut watching = stage.command();
    watching.args([
        "device",
        "watch",
        names[1],
        "--every",
        "300",
        "--changes",
        "--count",
        "2",
        "--output",
        "json",
    ]);
    let watching = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let fault = listen(&stage, "entente/v1/event/link-fault/#");
    let nosy = listen(&stage, &format!("entente/v1/event/link-fault/+/{}", lab.devices[1].1));
    assert!(
        said(nosy).contains("denied"),
        "others' devices are not asked for by name"
    );
    stage.until("the ear to listen", "event count --output json", |it| {
        let count: Value = serde_json::from_str(it).unwrap();
        count["broker"]["connected"].as_u64() >= Some(6) // two mouths, two ears, the controller, the one that listens
    });
    let before = looks(1);
    lab.until("the watch to have begun", &stage, |_| looks(1) > before + 5);

    // A link of the second device goes down: the operator sees it, the ear of the first device does not.
    lab.edit(1, "<enabled>false</enabled>");
    let tail = |kind: &str, device: &str| {
        let line = format!("event tail --since 0 --count 1 --type {kind} --object {device} --output json");
        serde_json::from_str::<Value>(&stage.ok(&line)).unwrap()["event"].clone()
    };
    let told = tail("link-fault", names[1]);
    assert_eq!(
        (&told["data"]["link"], &told["data"]["state"]),
        (&"eth1".into(), &"down".into())
    );
    assert_eq!(
        (&told["severity"], &told["source"]),
        (&"error".into(), &"entente://agent/west".into())
    );
    let checked = tail("drift-checked", names[1]);
    assert_eq!(
        (&checked["data"]["drift"], &checked["severity"]),
        (&0.into(), &"info".into()),
        "{checked}"
    );
    let watched = said(watching);
    let samples: Vec<Value> = watched
        .lines()
        .map(|it| serde_json::from_str(it).expect(&watched))
        .collect();
    let status = |sample: &Value| {
        let entries = sample["entries"].as_array().unwrap().clone();
        let eth1 = entries
            .into_iter()
            .find(|it| it[0] == "interface[eth1]/oper-status")
            .unwrap();
        eth1[1].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (status(&samples[0]), status(&samples[1])),
        ("up".to_owned(), "down".to_owned()),
        "{watched}"
    );

    // The first device: somebody took the link down and changed what an intent wants. The ear hears of it, and of it
    // first; the controller finds the drift where an operator looks for it.
    lab.edit(0, "<enabled>false</enabled><description>somebody else</description>");
    let heard = said(fault);
    let (topic, payload) = heard.split_once(' ').expect(&heard);
    assert_eq!(topic, format!("entente/v1/event/link-fault/error/{}", lab.devices[0].1));
    let payload: Value = serde_json::from_str(payload).expect(payload);
    assert_eq!(payload["data"]["link"], "eth1");
    let checked = tail("drift-checked", names[0]);
    assert_eq!(
        (&checked["data"]["drift"], &checked["severity"]),
        (&1.into(), &"warning".into()),
        "{checked}"
    );
    assert_eq!(checked["data"]["entries"][0]["path"], "interface[eth1]/description");
    assert_eq!(checked["data"]["because"]["link"], "eth1");
    assert!(stage.ok("drift list").contains("somebody else"));
    stage.ok("audit verify");

    // Who else speaks for a device may tell of it too: its agent hears, believes, and looks at once.
    let mouth = Mouth::of(&stage, &ear, stage.ports[1]);
    mouth.tell(
        "seen",
        "link-fault",
        &lab.devices[0].1,
        Severity::Warning,
        json!({ "link": "eth1", "state": "down" }),
    );
    let log = || std::fs::read_to_string(stage.path("east.log")).unwrap();
    lab.until("east to hear of it", &stage, |_| {
        log().contains("heard of a link fault: looking")
    });
    assert!(
        !std::fs::read_to_string(stage.path("west.log"))
            .unwrap()
            .contains("heard of a link fault")
    );
}
