//! A mosquitto of the test's own: mutual TLS with the cast's authority, on loopback.

use crate::cast::Cast;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::fs;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

pub struct Mosquitto {
    pub port: u16,
    child: Child,
    log: std::path::PathBuf,
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der).into_bytes();
    let lines: Vec<_> = text
        .chunks(64)
        .map(|it| String::from_utf8_lossy(it).into_owned())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

impl Mosquitto {
    pub async fn start(cast: &Cast, port: u16) -> Self {
        let folder = cast.folder.path();
        fs::write(folder.join("ca.pem"), pem("CERTIFICATE", cast.authority.certificate())).unwrap();
        for holder in ["controller-1", "edge-3"] {
            let (own, key) = cast.holder(holder);
            fs::write(
                folder.join(format!("{holder}.pem")),
                pem("CERTIFICATE", &own.certificate),
            )
            .unwrap();
            fs::write(folder.join(format!("{holder}.key")), key.serialize_pem()).unwrap();
        }
        let (at, log) = (folder.display(), folder.join("mosquitto.log"));
        let lines = [
            format!("listener {port} 127.0.0.1"),
            "user root".into(),
            format!("cafile {at}/ca.pem"),
            format!("certfile {at}/controller-1.pem"),
            format!("keyfile {at}/controller-1.key"),
            "require_certificate true".into(),
            "use_identity_as_username true".into(),
            "allow_anonymous false".into(),
            "persistence true".into(),
            format!("persistence_location {at}/"),
            format!("log_dest file {}", log.display()),
            "log_type all".into(),
        ];
        fs::write(folder.join("mosquitto.conf"), lines.join("\n")).unwrap();
        let mut command = Command::new(tests_real::program(&["mosquitto"]).expect("mosquitto is installed"));
        command
            .arg("-c")
            .arg(folder.join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.kill_on_drop(true).spawn().unwrap();
        let started = Self { port, child, log };
        let listens = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        started.until("it listens", listens).await;
        started
    }

    /// Waits until the broker has acknowledged the subscription of a client.
    pub async fn said(&self, client: &str) {
        let acknowledged = format!("Sending SUBACK to {client}");
        self.until(&acknowledged, async || {
            fs::read_to_string(&self.log).is_ok_and(|it| it.contains(&acknowledged))
        })
        .await;
    }

    /// Publishes bytes with a client and a valid login that are not ours: mosquitto_pub as `edge-3`.
    pub fn publish(&self, cast: &Cast, bytes: &[u8]) {
        let folder = cast.folder.path();
        fs::write(folder.join("lie"), bytes).unwrap();
        let program = tests_real::program(&["mosquitto_pub"]).expect("mosquitto_pub is installed");
        let said = std::process::Command::new(program)
            .current_dir(folder)
            .args(["-V", "5", "-q", "1", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["--cafile", "ca.pem", "--cert", "edge-3.pem", "--key", "edge-3.key"])
            .args(["-t", "entente/v1/event/link-fault/error/pe1", "-f", "lie"])
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        tests_real::operations(tests_real::Part::Mosquitto, 1);
    }

    /// Ends the broker; its port stays for the next one.
    pub async fn stop(mut self) -> u16 {
        let process = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").arg(process).status().await.unwrap().success());
        self.child.wait().await.unwrap();
        self.port
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let waiting = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let log = || fs::read_to_string(&self.log).unwrap_or_default();
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .unwrap_or_else(|_| panic!("{what}:\n{}", log()));
    }
}
