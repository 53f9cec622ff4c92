//! The command line as people meet it: tables that fit, colours, letting go of a commit; and traces.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod network;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use network::{Network, said};
use serde_json::Value;

/// What a line prints on a terminal of this width.
fn on_terminal(network: &Network, columns: u32, line: &str, more: &[(&str, &str)]) -> String {
    let mut command = Command::new("script");
    let program = env!("CARGO_BIN_EXE_entente");
    command.args([
        "-qec",
        &format!("stty cols {columns} rows 50; {program} {line}"),
        "/dev/null",
    ]);
    let settings = network.command("entente");
    let settings = settings.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command
        .envs(settings)
        .envs(more.iter().copied())
        .current_dir(network.path("."))
        .stdin(Stdio::null());
    let (code, text) = said(&command.output().unwrap());
    assert_eq!(code, 0, "{line}\n{text}");
    text.replace('\r', "")
}

#[test]
fn tables_fit_and_differences_have_colours_where_somebody_looks() {
    let network = Network::start(&[2]);
    network.describe("a.yaml", "r1, r2", "eth1", "uplink");
    assert_eq!(network.entente("commit -f a.yaml").0, 0);
    for columns in [60, 100] {
        let table = on_terminal(&network, columns, "transaction list", &[]);
        let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns as usize, "{widest} in {columns} columns\n{table}");
        assert!(table.contains("committed"), "{table}");
    }
    let json = |mtu: u32| format!(r#"{{"entente-interfaces:interface":[{{"name":"eth1","mtu":{mtu}}}]}}"#);
    network.write("before.json", &json(1500));
    network.write("after.json", &json(9000));
    let line = "config diff before.json after.json";
    let change = "~ interface[eth1]/mtu: 1500 → 9000";
    assert!(on_terminal(&network, 80, line, &[]).contains(&format!("\x1b[33m{change}\x1b[0m")));
    let plain = on_terminal(&network, 80, line, &[("NO_COLOR", "1")]);
    assert!(plain.contains(change) && !plain.contains('\x1b'), "{plain}");
    assert!(
        !network.entente(line).1.contains('\x1b'),
        "no colours where nobody looks"
    );
    // What was done is told to programs as well as what there is.
    std::fs::create_dir(network.path("classes")).unwrap();
    for line in [
        "config check",
        "inventory check inventory.yaml",
        "device list",
        "transaction list",
        "audit verify",
        "token list",
        "freeze on",
        "freeze off",
        "device maintain r1",
        "device maintain r1 --off",
        "drift ignore r1 interface[eth1]/mtu",
        "drift repair r1",
        "class check classes",
        "class reload",
        "agent hold agent-0",
        "agent release agent-0",
    ] {
        let (code, text) = network.entente(&format!("{line} --output json"));
        assert!(
            code == 0 && serde_json::from_str::<Value>(&text).is_ok(),
            "{line}\n{text}"
        );
    }
}

#[test]
fn who_lets_go_of_a_commit_is_told_how_to_follow_it_and_it_goes_on() {
    let network = Network::start(&[1]);
    network.delay("r1", "commit", 2000);
    network.describe("a.yaml", "r1", "eth1", "goes-on");
    let mut command = network.command("entente");
    let mut commit = command
        .args(["commit", "-f", "a.yaml"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    network.until("the transaction to run", || {
        network.entente("transaction list").1.contains("running").then_some(())
    });
    network.until("r1 to hold it", || network.holds("r1", "goes-on").then_some(()));
    assert!(
        Command::new("kill")
            .args(["-INT", &commit.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let mut text = String::new();
    commit.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(commit.wait().unwrap().code(), Some(0), "{text}");
    let follow = text
        .lines()
        .find_map(|line| line.split_once("follow it: entente "))
        .expect(&text)
        .1;
    assert!(text.contains("stop it:   entente transaction cancel"), "{text}");
    let (code, said) = network.entente(follow);
    assert!(code == 0 && said.contains("committed"), "{said}");
}

#[test]
fn a_platform_is_shown_checked_and_tried_without_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
        let command = command.args(line.split_whitespace()).current_dir(folder.path());
        said(&command.output().unwrap())
    };
    let (code, text) = run("platform list");
    assert!(
        code == 0 && text.contains("frr") && text.contains("simulated"),
        "{text}"
    );
    let file = tests_real::root().join("adapters/platform/platforms/frr.yaml");
    let (code, text) = run(&format!("platform check --pairs 2 {}", file.display()));
    assert!(code == 0 && text.contains("is good"), "{text}");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(folder.path().join("bad.yaml"), text.replacen("negation", "negatoin", 1)).unwrap();
    let (code, text) = run("platform check bad.yaml");
    assert!(code == 3 && text.contains("negatoin"), "{text}");
    let json = |text: &str| format!(r#"{{"entente-interfaces:interface":[{{"name":"eth1","description":"{text}"}}]}}"#);
    for (name, text) in [("a.json", "one"), ("b.json", "two")] {
        std::fs::write(folder.path().join(name), json(text)).unwrap();
    }
    let (code, text) = run("platform try frr a.json b.json --output json");
    let both: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{code} {text}"));
    assert!(both["forth"].as_str().unwrap().contains("description two"), "{text}");
    assert!(both["back"].as_str().unwrap().contains("description one"), "{text}");
    assert_eq!(run("platform try nowhere a.json b.json").0, 8);
}

/// Takes one request and gives its first line and its body.
fn taken(listener: &TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(network::PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        .unwrap();
    (first, String::from_utf8(body).unwrap())
}

#[test]
fn a_transaction_is_a_trace_where_a_setting_names_who_takes_them() {
    let mut network = Network::start(&[1]);
    network.kill_controller();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    network.set("ENTENTE_TRACES", &format!("http://{}", listener.local_addr().unwrap()));
    let taking = std::thread::spawn(move || {
        let mut spans = Vec::new();
        while !spans.iter().any(|span: &Value| span["name"] == "transaction") {
            let (first, body) = taken(&listener);
            assert!(first.starts_with("POST /v1/traces "), "{first}");
            let body: Value = serde_json::from_str(&body).unwrap();
            let more = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
            spans.extend(more.iter().cloned());
        }
        spans
    });
    network.start_controller();
    network.joined();
    network.describe("a.yaml", "r1", "eth1", "traced");
    let transaction = network.commit("a.yaml");
    assert_eq!(network.ended(&transaction), "committed");
    let spans = taking.join().unwrap();
    let span = spans.iter().find(|span| span["name"] == "transaction").unwrap();
    assert_eq!(span["traceId"].as_str().unwrap(), transaction.replace('-', ""));
    assert!(
        spans.iter().any(|span| span["name"] == "POST /v1/plans/{id}/commit"),
        "{spans:?}"
    );
}
