//! The program starts many devices, says where they are, and ends when told.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what it expects")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

struct Lab(Child);

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> (Lab, Vec<Value>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entente-lab"));
    let mut lab = Lab(command
        .arg("devices")
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap());
    let mut devices = Vec::new();
    for line in BufReader::new(lab.0.stdout.take().unwrap()).lines() {
        let value: Value = serde_json::from_str(&line.unwrap()).unwrap();
        match value["control"].as_str() {
            Some(control) => return (lab, devices, control.to_owned()),
            None => devices.push(value),
        }
    }
    panic!("the program ended without a control port");
}

fn http(control: &str, request: &str) -> String {
    let address = control.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_thousand_devices_listen_on_addresses_of_their_own() {
    let (_lab, devices, control) = start(&[
        "--count",
        "1000",
        "--personality",
        "confirmed,frr",
        "--address",
        "127.9.0.1",
    ]);
    assert_eq!(devices.len(), 1000);
    let addresses: BTreeSet<&str> = devices.iter().map(|it| it["address"].as_str().unwrap()).collect();
    let keys: BTreeSet<&str> = devices.iter().map(|it| it["host_key"].as_str().unwrap()).collect();
    assert_eq!((addresses.len(), keys.len()), (1000, 1000));
    for device in &devices {
        let port = device["netconf_port"].as_u64().or(device["cli_port"].as_u64()).unwrap();
        let address = format!("{}:{port}", device["address"].as_str().unwrap());
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut banner = [0; 8];
        stream.read_exact(&mut banner).unwrap();
        assert_eq!(&banner, b"SSH-2.0-", "{address}");
    }
    assert!(http(&control, "GET /devices/device7").contains("\"name\":\"device7\""));
    assert!(http(&control, "GET /devices/nobody").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_signal_ends_it_in_good_order() {
    let (mut lab, devices, _) = start(&["--personality", "dual"]);
    assert!(devices[0]["netconf_port"].is_u64() && devices[0]["cli_port"].is_u64());
    let killed = Command::new("kill").arg(lab.0.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert!(lab.0.wait().unwrap().success());
}
