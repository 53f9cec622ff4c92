//! Generated scripts by ncclient: the simulated candidate device and a real netconfd answer alike.

use std::process::Command;

use serde_json::Value;

use crate::peers::{Ruled, python};

/// A netconfd in a directory of its own, stopped when dropped.
struct Netconfd {
    folder: tempfile::TempDir,
    port: u16,
    said: Value,
}

impl Netconfd {
    fn start() -> Netconfd {
        let folder = tempfile::tempdir().unwrap();
        let port = tests_real::free_port().unwrap();
        let output = Command::new(tests_real::root().join("labs/real/netconfd"))
            .arg("start")
            .arg(folder.path())
            .arg(port.to_string())
            .output()
            .expect("the script that starts netconfd runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "netconfd does not start: {said}");
        let said = serde_json::from_slice(&output.stdout).expect("the script says where netconfd is");
        Netconfd { folder, port, said }
    }
}

impl Drop for Netconfd {
    fn drop(&mut self) {
        let script = tests_real::root().join("labs/real/netconfd");
        let _ = Command::new(script).arg("stop").arg(self.folder.path()).output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_end_as_on_netconfd() {
    if !tests_real::wanted("the simulated candidate device answers like netconfd") {
        return;
    }
    let scripts = 300;
    let ruled = Ruled::start("confirmed").await;
    let real = Netconfd::start();
    let arguments = [
        "127.0.0.1".to_owned(),
        ruled.device().netconf.unwrap().to_string(),
        real.port.to_string(),
        real.said["user"].as_str().unwrap().to_owned(),
        real.said["key"].as_str().unwrap().to_owned(),
        "1".to_owned(),
        scripts.to_string(),
    ];
    let said = python("netconf_scripts.py", &arguments).await;
    let tally: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    println!("{tally:#}");
    assert_eq!(tally["scripts"], scripts);
    assert!(
        tally["whole"].as_u64().unwrap() * 5 >= scripts * 2,
        "too few scripts reach their end: {tally}"
    );
    assert!(
        tally["refusals"].as_u64().unwrap() >= scripts,
        "too few faulty operations: {tally}"
    );
    tests_real::operations(tests_real::Part::Netconfd, tally["steps"].as_u64().unwrap());
}
