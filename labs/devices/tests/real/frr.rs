//! Generated scripts by a plain terminal: the simulated FRR-like router and a real FRR say and keep the same.

use std::process::Command;

use serde_json::Value;

use crate::peers::{Ruled, python};

/// An FRR in a network namespace and a directory of its own, stopped when dropped.
struct Frr {
    folder: tempfile::TempDir,
    port: u16,
    said: Value,
}

impl Frr {
    fn start() -> Frr {
        let folder = tempfile::tempdir().unwrap();
        let port = tests_real::free_port().unwrap();
        let output = Command::new(tests_real::root().join("labs/real/frr"))
            .arg("start")
            .arg(folder.path())
            .arg(port.to_string())
            .args(["--interface", "eth1", "--interface", "eth2"])
            .output()
            .expect("the script that starts FRR runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "FRR does not start: {said}");
        let said = serde_json::from_slice(&output.stdout).expect("the script says where FRR is");
        Frr { folder, port, said }
    }
}

impl Drop for Frr {
    fn drop(&mut self) {
        let script = tests_real::root().join("labs/real/frr");
        let _ = Command::new(script).arg("stop").arg(self.folder.path()).output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_end_as_on_frr() {
    if !tests_real::wanted("the simulated FRR-like router answers like FRR") {
        return;
    }
    let scripts = 300;
    let ruled = Ruled::start("frr").await;
    let real = Frr::start();
    let arguments = [
        ruled.device().cli.unwrap().to_string(),
        real.port.to_string(),
        real.said["user"].as_str().unwrap().to_owned(),
        real.said["key"].as_str().unwrap().to_owned(),
        "1".to_owned(),
        scripts.to_string(),
    ];
    let said = python("frr_scripts.py", &arguments).await;
    let tally: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    println!("{tally:#}");
    assert_eq!(tally["scripts"], scripts);
    assert!(
        tally["refusals"].as_u64().unwrap() >= 2 * scripts,
        "too few faulty lines: {tally}"
    );
    tests_real::operations(tests_real::Part::Frr, tally["lines"].as_u64().unwrap());
}
